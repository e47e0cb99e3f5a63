//! What the protocol asks of a task: examples, how prompts are made of them, and how answers are judged.

use std::sync::Arc;

use flamingo_engine::{Decoding, RankBy};
use flamingo_sequence::Part;
use serde::{Deserialize, Serialize};

/// One example of a task: a shot, or a query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Example {
    /// Its name in the task's files.
    pub id: String,
    /// What is shown and asked, up to where the answer begins.
    pub question: Vec<Part>,
    /// The answer that a shot gives, as it follows the question, with its leading space.
    pub answer: String,
    /// The answers to choose from, as they follow the question; none if the answer is open-ended.
    pub candidates: Arc<[String]>,
    /// What a report shows as right.
    pub references: Vec<String>,
    /// Supports of this query alone, in place of the task's.
    pub supports: Option<Vec<Example>>,
}

/// How prompts are made and answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Form {
    /// Text between shots.
    pub between: String,
    /// Shots without pictures that a prompt of no shots has where the answer is open-ended.
    pub text_only_shots: usize,
    /// The same where candidates are scored.
    pub text_only_shots_of_candidates: usize,
    /// How open-ended answers are searched for.
    pub decoding: Decoding,
    /// What candidates are ranked by.
    #[serde(with = "rank_by")]
    pub rank_by: RankBy,
}

impl Form {
    /// Shots without pictures that stand for no shots before this query.
    pub fn text_only(&self, query: &Example) -> usize {
        match query.candidates.is_empty() {
            true => self.text_only_shots,
            false => self.text_only_shots_of_candidates,
        }
    }
}

impl Default for Form {
    /// The paper's: nothing between shots, beams of 3, candidates by their summed log-probability.
    fn default() -> Self {
        Self {
            between: String::new(),
            text_only_shots: 0,
            text_only_shots_of_candidates: 0,
            decoding: Decoding {
                num_beams: 3,
                ..Decoding::default()
            },
            rank_by: RankBy::Sum,
        }
    }
}

/// A model's answer to a query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// What was written, or the likeliest candidate.
    pub raw: String,
    /// What the candidates are ranked by, in their order: the mean over the orders of the shots.
    pub scores: Vec<f32>,
}

/// A metric's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// Its name.
    pub name: String,
    /// Its value; none where it has none.
    pub value: Option<f64>,
}

/// What replies are worth.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judgement {
    /// The metrics, the headline first.
    pub metrics: Vec<Value>,
    /// For each reply what was compared, and its own score; no score where the metric is one of all replies together.
    pub samples: Vec<(String, Option<f64>)>,
    /// What to know of the figures.
    pub notes: Vec<String>,
}

/// Judges replies to the queries of a task.
pub trait Judge: Sync {
    /// What is compared of a reply, where there is nothing to compare it with.
    fn answer(&self, reply: &Reply) -> String;

    /// What replies are worth, each given with its query's number.
    ///
    /// # Errors
    /// A message, where they are worth nothing.
    fn judge(&self, replies: &[(usize, &Reply)]) -> Result<Judgement, String>;

    /// The replies in the benchmark's form of submission: how the file's name ends, and its content.
    ///
    /// # Errors
    /// A message, where they have none.
    fn submission(&self, replies: &[(usize, &Reply)]) -> Result<Option<(String, Vec<u8>)>, String>;
}

/// A task as it is run.
pub struct Suite<'a> {
    /// The task's name.
    pub task: String,
    /// The examples that shots are taken from.
    pub supports: Vec<Example>,
    /// The examples that are asked.
    pub queries: Vec<Example>,
    /// How prompts are made and answered.
    pub form: Form,
    /// Who judges.
    pub judge: &'a dyn Judge,
}

impl Suite<'_> {
    /// What the shots of a query are taken from.
    pub fn supports(&self, query: usize) -> &[Example] {
        self.queries[query]
            .supports
            .as_deref()
            .unwrap_or(&self.supports)
    }

    /// The most shots without pictures that stand for no shots.
    pub fn text_only_shots(&self) -> usize {
        let of = |query| self.form.text_only(query);
        self.queries.iter().map(of).max().unwrap_or(0)
    }

    /// How many shots every query can have.
    pub fn most_shots(&self) -> usize {
        let of = |query| self.supports(query).len();
        (0..self.queries.len()).map(of).min().unwrap_or(0)
    }

    /// Whether answers are chosen from candidates.
    pub fn is_closed(&self) -> bool {
        self.queries
            .iter()
            .any(|query| !query.candidates.is_empty())
    }
}

mod rank_by {
    use flamingo_engine::RankBy;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(by: &RankBy, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match by {
            RankBy::Sum => "sum",
            RankBy::Mean => "mean",
        })
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<RankBy, D::Error> {
        match String::deserialize(from)?.as_str() {
            "sum" => Ok(RankBy::Sum),
            "mean" => Ok(RankBy::Mean),
            other => Err(serde::de::Error::custom(format!(
                "{other:?} is neither \"sum\" nor \"mean\""
            ))),
        }
    }
}
