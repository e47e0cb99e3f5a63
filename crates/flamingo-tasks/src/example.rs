//! What a task's files hold, in one form: what is shown and asked, what the right answer is, and what it is judged by.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use flamingo_metrics::{Clip, VqaAnswer};
use flamingo_sequence::Part;
use serde::Serialize;

use crate::ids::{Id, Names};

/// A support or a query.
///
/// A [`Prompt`](crate::Prompt) makes parts of a document from it. Films are [`Part::Video`], a part of a film with its
/// seconds behind its path ([`Span`]).
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// Its id in the benchmark's files; the same whatever else is read.
    pub id: Id,
    /// What is shown, before the prompt's text. Of a user's own tasks all of it.
    pub parts: Vec<Part>,
    /// What the prompt's text is made of, by name: `question`, `text`, ...
    pub fields: Vec<(&'static str, String)>,
    /// Earlier questions and answers about the same picture, in order.
    pub turns: Vec<(String, String)>,
    /// The answer that it has as a shot. Nothing where none is published.
    pub answer: Option<String>,
    /// The answers to choose from; none where the answer is free.
    pub candidates: Option<Arc<[String]>>,
    /// What answers are judged by.
    pub references: References,
    /// Supports of this query alone, in place of the task's.
    pub supports: Option<Vec<Example>>,
}

impl Example {
    /// An example that shows these parts.
    #[must_use]
    pub fn new(id: Id, parts: Vec<Part>) -> Self {
        Self {
            id,
            parts,
            fields: Vec::new(),
            turns: Vec::new(),
            answer: None,
            candidates: None,
            references: References::None,
            supports: None,
        }
    }

    /// The text of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        fields
            .find(|(field, _)| *field == name)
            .map(|(_, text)| text.as_str())
    }

    pub(crate) fn with(mut self, field: &'static str, text: impl Into<String>) -> Self {
        self.fields.push((field, text.into()));
        self
    }
}

/// What answers are judged by.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum References {
    /// The benchmark does not publish it.
    #[default]
    None,
    /// Ten annotators, and the kinds of question and answer.
    Vqa(VqaReferences),
    /// Captions.
    Captions(Vec<String>),
    /// Answers that are right if they are the same string.
    Exact(Vec<String>),
    /// Answers of which one is the same after VQA's normalisation.
    Normalised(Vec<String>),
    /// iVQA's five annotators.
    Five([String; 5]),
    /// The right one of the candidates, and the kind of question.
    Choice {
        /// Its place.
        right: usize,
        /// The kind.
        kind: Option<String>,
    },
    /// Whether a meme is hateful.
    Hateful(bool),
    /// A round of a dialogue.
    Round {
        /// The place of the answer that was given.
        right: Option<usize>,
        /// How relevant each option is, where it was annotated.
        relevance: Option<Vec<f64>>,
    },
    /// NextQA's answers and the type of its question.
    Words {
        /// The answer.
        answer: String,
        /// A second annotator's.
        second: Option<String>,
        /// The type.
        kind: String,
    },
    /// RareAct's annotation of a clip.
    Clip(Clip),
}

/// What VQA accuracy is computed by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VqaReferences {
    /// The annotators' answers, as the file has them.
    pub answers: Vec<VqaAnswer>,
    /// The kind of question, if the file knows one.
    pub question_type: Option<String>,
    /// The kind of answer, if the file knows one.
    pub answer_type: Option<String>,
}

/// Seconds of a film, written behind its path as `film.mp4#t=3.5,7` (W3C Media Fragments).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Span {
    /// Where it begins.
    pub start: f64,
    /// Where it ends.
    pub end: f64,
}

impl Span {
    /// The path of a part of a film.
    #[must_use]
    pub fn of(self, path: &str) -> String {
        format!("{path}#t={},{}", self.start, self.end)
    }

    /// A film's path, and the seconds behind it if there are any.
    #[must_use]
    pub fn split(place: &str) -> (&str, Option<Self>) {
        let parsed = place.rsplit_once("#t=").and_then(|(path, span)| {
            let (start, end) = span.split_once(',')?;
            let (start, end) = (start.parse().ok()?, end.parse().ok()?);
            let whole = f64::is_finite(start) && f64::is_finite(end) && 0.0 <= start && start < end;
            whole.then_some((path, Some(Self { start, end })))
        });
        parsed.unwrap_or((place, None))
    }
}

/// What was left out, by reason, with the first of each by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Dropped(pub BTreeMap<String, Names>);

impl Dropped {
    /// How many in all.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.values().map(|names| names.count).sum()
    }

    pub(crate) fn add(&mut self, reason: &str, name: impl fmt::Display) {
        self.0.entry(reason.to_owned()).or_default().add(name);
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (index, (reason, names)) in self.0.iter().enumerate() {
            let comma = if index > 0 { "; " } else { "" };
            write!(f, "{comma}{reason}: {names}")?;
        }
        Ok(())
    }
}

/// Supports or queries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Set {
    /// What it is made of: of these files or this split.
    pub name: String,
    /// Those that were taken. Supports in the order in which they were drawn, queries in the files' order.
    pub examples: Vec<Example>,
    /// How many entries the files have.
    pub entries: usize,
    /// How many of these can be used; more than were taken if not all were asked for.
    pub usable: usize,
    /// What was left out.
    pub dropped: Dropped,
    /// What is odd but was used: ids of another type, names spelt in another way.
    pub noticed: Dropped,
}

/// What a task's files hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Examples {
    /// The split of the queries.
    pub split: String,
    /// What shots are drawn from.
    pub supports: Set,
    /// What is asked.
    pub queries: Set,
    /// Every item that a submission of this split has to hold, in order.
    pub required: Vec<Id>,
    /// What candidates are called in a submission, in their order, where they have other names there.
    pub labels: Vec<String>,
    /// What to know of this data.
    pub notes: Vec<String>,
}
