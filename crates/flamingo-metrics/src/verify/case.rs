//! Which metric a case is of.

use serde_json::Value;

use super::computed::{Outcome, VerifyResources};
use super::{answers, captions, rankings, words};

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
