//! What a metric cannot be computed of.

use std::path::PathBuf;

/// Why there is no score.
#[derive(Debug, thiserror::Error)]
pub enum MetricError {
    /// Nothing was given.
    #[error("{metric} has no mean: no {item} was given; give one or more")]
    Nothing {
        /// The metric.
        metric: &'static str,
        /// What it counts.
        item: &'static str,
    },
    /// Two lists that belong together differ in length.
    #[error(
        "{left_count} {left} but {right_count} {right}: give as many of both, in the same order"
    )]
    Lengths {
        /// What the first list holds.
        left: &'static str,
        /// Its length.
        left_count: usize,
        /// What the second list holds.
        right: &'static str,
        /// Its length.
        right_count: usize,
    },
    /// A score that no order can be made of.
    #[error("score {index} is {value}: scores are finite numbers")]
    NotFinite {
        /// Which one, from 0.
        index: usize,
        /// What it is.
        value: f64,
    },
    /// An index beyond what it counts.
    #[error("{what} {value} of item {index} is not under {bound}")]
    Bound {
        /// What the index is.
        what: &'static str,
        /// Which item has it, from 0.
        index: usize,
        /// The index.
        value: usize,
        /// How many there are.
        bound: usize,
    },
    /// Labels that are not of two classes.
    #[error("labels are of {classes} classes: give two, the larger is the positive one")]
    Classes {
        /// How many there are.
        classes: usize,
    },
    /// An image without a reference.
    #[error("item {index} has no reference: give one or more for each")]
    NoReference {
        /// Which one, from 0.
        index: usize,
    },
    /// No reference has a word, so no word has a weight.
    #[error("all references are empty: CIDEr has no weights of words; give references with words")]
    EmptyReferences,
    /// An answer that the annotations need is not there.
    #[error("question {question} of video {video} has no {what}: give one for each question")]
    Unanswered {
        /// The video's id.
        video: String,
        /// The question's id within the video.
        question: String,
        /// What is missing.
        what: &'static str,
    },
    /// A kind of question that the official table divides by has none.
    #[error(
        "no question is of type {kind}, so its mean does not exist; score the whole file, or let missing types be left out"
    )]
    NoQuestionOfType {
        /// The type.
        kind: &'static str,
    },
    /// A type of question that is not known.
    #[error("question {question} of video {video} has type {found:?}: known are {known}")]
    UnknownType {
        /// The video's id.
        video: String,
        /// The question's id within the video.
        question: String,
        /// The type found.
        found: String,
        /// The types that are known.
        known: &'static str,
    },
    /// A file of WordNet or of a tagger that cannot be used.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
}

/// A score, or why there is none.
pub type Result<T, E = MetricError> = std::result::Result<T, E>;

/// Checks that two lists are of one length.
pub(crate) fn same_length(
    (left, left_count): (&'static str, usize),
    (right, right_count): (&'static str, usize),
) -> Result<()> {
    match left_count == right_count {
        true => Ok(()),
        false => Err(MetricError::Lengths {
            left,
            left_count,
            right,
            right_count,
        }),
    }
}

/// Checks that scores can be ordered.
pub(crate) fn finite(scores: &[f64]) -> Result<()> {
    match scores.iter().position(|score| !score.is_finite()) {
        None => Ok(()),
        Some(index) => Err(MetricError::NotFinite {
            index,
            value: scores[index],
        }),
    }
}
