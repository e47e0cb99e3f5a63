//! Which metric a case is of, and what is computed of it.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{TOLERANCE, VerifyResources, answers, captions, rankings, words};
use crate::error::MetricError;

/// What comes of a case.
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

/// Computes a case.
pub(super) fn compute(case: &Value, resources: &VerifyResources) -> Outcome {
    let kind = case.get("kind").and_then(Value::as_str);
    let has = |fields: &[&str]| fields.iter().all(|field| case.get(field).is_some());
    let computed = match kind {
        Some("normalise") => answers::normalise(case),
        Some("vqa") => answers::vqa(case),
        Some("vqa_count") => answers::vqa_count(case),
        Some("videoqa_top1") => answers::exact(case),
        Some("caption") => captions::caption(case),
        Some("captions") => captions::captions(case),
        Some("tokens" | "raw") => captions::scores(case),
        Some("word") => words::word(case, resources),
        Some("lemmas") => words::lemmas(case, resources),
        Some("answer") => words::answer(case, resources),
        Some("file") => words::file(case, resources),
        Some("one") => rankings::round(case),
        Some("set") => rankings::rounds(case),
        Some("retrieval") => rankings::retrieval(case),
        Some("classification") => rankings::classification(case),
        None if has(&["labels", "scores"]) => rankings::auc(case),
        None if has(&["rows", "scores"]) => rankings::mwap(case),
        None if has(&["answers", "predictions"]) => answers::ivqa(case),
        kind => Err(Outcome::NotComputed(format!(
            "no metric has cases of kind {kind:?}"
        ))),
    };
    match computed {
        Ok(computed) => Outcome::Computed(computed),
        Err(outcome) => outcome,
    }
}
