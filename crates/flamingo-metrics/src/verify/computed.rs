//! What comes of a case.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::MetricError;
use crate::wups::{PerceptronTagger, WordNet};

/// How far a number may be from the official one.
pub const TOLERANCE: f64 = 1e-6;

/// The same where the official code computes in f32.
pub const TOLERANCE_F32: f64 = 2e-6;

/// What some cases need beside themselves.
#[derive(Clone, Copy, Debug, Default)]
pub struct VerifyResources<'a> {
    /// WordNet 3.0, for WUPS.
    pub wordnet: Option<&'a WordNet>,
    /// NLTK's tagger, for the lemmas of whole answers.
    pub tagger: Option<&'a PerceptronTagger>,
}

/// How it came out.
pub(super) enum Outcome {
    Computed(Computed),
    /// There is no score, and why.
    Refused(String),
    /// It could not be tried, and why.
    NotComputed(String),
}

/// Our values under the names of the case's fields.
pub(super) struct Computed {
    pub(super) fields: Vec<(String, Value)>,
    pub(super) tolerance: f64,
    pub(super) taken_as_given: bool,
}

impl Computed {
    pub(super) fn new() -> Self {
        Self {
            fields: Vec::new(),
            tolerance: TOLERANCE,
            taken_as_given: false,
        }
    }

    pub(super) fn add(&mut self, field: &str, value: impl Serialize) {
        // Only what is no JSON at all, such as a map with other keys than strings, cannot be a value.
        let value = serde_json::to_value(value).unwrap_or_default();
        self.fields.push((field.to_owned(), value));
    }

    /// What the official code computed. A field of another version is only there where that differs.
    pub(super) fn expected<'a>(case: &'a Value, field: &str) -> Option<&'a Value> {
        let shared = field
            .strip_suffix("_python3")
            .and_then(|field| case.get(field));
        case.get(field).or(shared)
    }
}

/// A case as its kind has it, or that it is not in that form.
pub(super) fn read<T: DeserializeOwned>(case: &Value) -> Result<T, Outcome> {
    T::deserialize(case).map_err(|error| {
        Outcome::NotComputed(format!("the case is in no form that is known: {error}"))
    })
}

impl From<MetricError> for Outcome {
    fn from(error: MetricError) -> Self {
        Self::Refused(error.to_string())
    }
}
