//! The figures of a set of answers, and those of each of them.

use serde::Serialize;

/// A metric's value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// Its value; none where it has none.
    pub value: Option<f64>,
}

/// What one answer is worth.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SampleScore {
    /// The answer as it was compared, or the candidate that was chosen.
    pub answer: String,
    /// Its own part of the first metric, from 0 (CIDEr: to 10; others: to 1); none where the metric is of all
    /// answers together only.
    pub score: Option<f64>,
}

/// The figures of a set of answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Judged {
    /// Metrics by name, the headline first. Per cent where the benchmark publishes per cent.
    pub metrics: Vec<Metric>,
    /// What each answer is worth, in their order.
    pub samples: Vec<SampleScore>,
    /// What to know of the figures.
    pub notes: Vec<String>,
}

impl Judged {
    pub(crate) fn of(samples: Vec<SampleScore>) -> Self {
        Self {
            samples,
            ..Self::default()
        }
    }

    pub(crate) fn add(&mut self, name: impl Into<String>, value: impl Into<Option<f64>>) {
        self.metrics.push(Metric {
            name: name.into(),
            value: value.into(),
        });
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

/// Samples of answers and their scores.
pub(crate) fn samples<A: Into<String>>(
    answers: impl IntoIterator<Item = A>,
    scores: impl IntoIterator<Item = f64>,
) -> Vec<SampleScore> {
    let both = answers.into_iter().zip(scores);
    both.map(|(answer, score)| SampleScore {
        answer: answer.into(),
        score: Some(score),
    })
    .collect()
}
