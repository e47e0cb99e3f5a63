//! Answers written as a benchmark's form of submission, whole.

use std::collections::HashMap;

use serde::Serialize;

use crate::answer::{Answered, Submission};
use crate::error::{Result, TaskError};
use crate::example::Examples;
use crate::ids::Id;
use crate::judge::text;

/// Every item that a submission must hold with its answer, if it has one; then answers of other items.
pub(crate) fn whole<'a>(
    examples: &'a Examples,
    answered: &'a [Answered<'a>],
) -> Vec<(&'a Id, Option<&'a Answered<'a>>)> {
    let mut by_id: HashMap<String, &Answered> = answered
        .iter()
        .map(|answered| (answered.example.id.to_string(), answered))
        .collect();
    let required = examples.required.iter();
    let mut whole: Vec<_> = required
        .map(|id| (id, by_id.remove(&id.to_string())))
        .collect();
    let others = answered.iter();
    let others = others.filter(|answered| by_id.contains_key(&answered.example.id.to_string()));
    whole.extend(others.map(|answered| (&answered.example.id, Some(answered))));
    whole
}

/// A submission of these items as JSON.
pub(crate) fn json<T: Serialize>(
    items: &T,
    counts: (usize, usize),
    filler: &'static str,
) -> Result<Submission> {
    let bytes = serde_json::to_vec(items).map_err(|error| TaskError::Task {
        task: "submission".to_owned(),
        reason: error.to_string(),
    })?;
    let (items, filled) = counts;
    Ok(Submission {
        ending: "json",
        bytes,
        items,
        filled,
        filler,
    })
}

/// Texts by id, empty where there is none: a list with the names of both fields.
pub(crate) fn texts(
    task: &str,
    [id_name, text_name]: [&str; 2],
    examples: &Examples,
    answered: &[Answered],
) -> Result<Submission> {
    let mut filled = 0;
    let mut items = Vec::new();
    for (id, answered) in whole(examples, answered) {
        let text = match answered {
            Some(answered) => text(task, answered)?,
            None => {
                filled += 1;
                ""
            }
        };
        let fields = [
            (id_name, serde_json::to_value(id)),
            (text_name, Ok(text.into())),
        ];
        let fields = fields.into_iter();
        let fields: serde_json::Map<String, serde_json::Value> = fields
            .map(|(name, value)| (name.to_owned(), value.unwrap_or_default()))
            .collect();
        items.push(fields);
    }
    json(&items, (items.len(), filled), "an empty text")
}
