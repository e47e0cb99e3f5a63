//! Answers to questions about videos: MSVDQA and MSRVTTQA (one answer), iVQA (five annotators).
//!
//! Agrees with antoyang/just-ask (b58f08e7795c): the string must be exactly the same, capitals, articles and
//! spaces included. Its CSV files pass through pandas, which takes `None`, `nan`, `NA` and the like for
//! missing and a column of numbers for numbers; such answers are never right there. [`AnswerReading`] says
//! whether that is repeated.

use std::collections::HashSet;

use crate::error::{MetricError, Result, same_length};
use crate::python::{Cell, column};

/// How annotated answers are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnswerReading {
    /// As they stand. The default.
    #[default]
    Exact,
    /// As the official CSV loader does.
    Pandas,
}

impl AnswerReading {
    fn read<'a>(self, answers: impl Iterator<Item = &'a str> + Clone) -> Vec<Cell> {
        match self {
            Self::Exact => answers
                .map(|answer| Cell::Text(answer.to_owned()))
                .collect(),
            Self::Pandas => column(answers),
        }
    }
}

/// The accuracy of a set and of each answer, 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerScore {
    /// The mean.
    pub mean: f64,
    /// Of each question.
    pub accuracies: Vec<f64>,
}

fn score(accuracies: Vec<f64>) -> Result<AnswerScore> {
    if accuracies.is_empty() {
        return Err(MetricError::Nothing {
            metric: "accuracy",
            item: "question",
        });
    }
    Ok(AnswerScore {
        mean: accuracies.iter().sum::<f64>() / accuracies.len() as f64,
        accuracies,
    })
}

/// Top-1 of answers that are one string each. With a `vocabulary`, what is not in it is never right.
///
/// # Errors
///
/// No question, or not as many predictions.
pub fn exact_answers(
    answers: &[&str],
    predictions: &[&str],
    vocabulary: Option<&HashSet<String>>,
    reading: AnswerReading,
) -> Result<AnswerScore> {
    same_length(
        ("answers", answers.len()),
        ("predictions", predictions.len()),
    )?;
    let known = |text: &str| vocabulary.is_none_or(|known| known.contains(text));
    let cells = reading.read(answers.iter().copied());
    let right = cells
        .iter()
        .zip(predictions)
        .map(|(answer, &prediction)| answer.text() == Some(prediction) && known(prediction));
    score(right.map(|right| f64::from(u8::from(right))).collect())
}

/// iVQA: min(n / 2, 1) of the n annotators who said the same.
///
/// # Errors
///
/// No question, or not as many predictions.
pub fn ivqa(
    answers: &[[String; 5]],
    predictions: &[&str],
    vocabulary: Option<&HashSet<String>>,
    reading: AnswerReading,
) -> Result<AnswerScore> {
    same_length(
        ("answers", answers.len()),
        ("predictions", predictions.len()),
    )?;
    let columns: Vec<Vec<Cell>> = (0..5)
        .map(|annotator| reading.read(answers.iter().map(move |five| five[annotator].as_str())))
        .collect();
    let known = |text: &str| vocabulary.is_none_or(|known| known.contains(text));
    let accuracies = predictions
        .iter()
        .enumerate()
        .map(|(question, &prediction)| {
            let said = columns
                .iter()
                .filter(|column| column[question].text() == Some(prediction))
                .count();
            match known(prediction) {
                true => (said as f64 / 2.0).min(1.0),
                false => 0.0,
            }
        });
    score(accuracies.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_five_annotators_is_half_and_two_are_enough() {
        let five = ["jam", "jam", "tea", "pot", "cup"].map(str::to_owned);
        let answers = [five.clone(), five.clone(), five];
        let score = ivqa(&answers, &["jam", "cup", "Jam"], None, AnswerReading::Exact);
        assert_eq!(score.expect("three questions").accuracies, [1.0, 0.5, 0.0]);
    }

    #[test]
    fn the_official_loader_never_finds_an_answer_none_right() {
        let right = |reading| {
            let score = exact_answers(&["None", "goat"], &["None", "goat"], None, reading);
            score.expect("two questions").accuracies
        };
        assert_eq!(right(AnswerReading::Exact), [1.0, 1.0]);
        assert_eq!(right(AnswerReading::Pandas), [0.0, 1.0]);
    }
}
