//! Predictions and annotations, matched by id.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::error::{Result, TaskError};

/// An item's id: some benchmarks count, others name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum Id {
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
}

impl Id {
    /// The id in a JSON value, if it is a whole number or a text.
    #[must_use]
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => number.as_i64().map(Self::Number),
            Value::String(text) => Some(Self::Text(text.clone())),
            _ => None,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// How many there are of a kind, and the first of them by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Names {
    /// How many.
    pub count: usize,
    /// The first few.
    pub first: Vec<String>,
}

impl Names {
    /// How many are named.
    const NAMED: usize = 3;

    pub(crate) fn add(&mut self, name: impl fmt::Display) {
        self.count += 1;
        if self.first.len() < Self::NAMED {
            self.first.push(name.to_string());
        }
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let more = if self.count > self.first.len() {
            ", .."
        } else {
            ""
        };
        write!(f, "{} ({}{more})", self.count, self.first.join(", "))
    }
}

/// How predictions and annotations match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Matching {
    /// Items in the annotations.
    pub annotated: usize,
    /// Predictions.
    pub predicted: usize,
    /// Items that were scored.
    pub scored: usize,
    /// Items without a prediction.
    pub missing: Names,
    /// Predictions of items that are not in the annotations.
    pub unknown: Names,
    /// Items that were predicted more than once: the last counts.
    pub duplicated: Names,
    /// Predictions whose id is of another type than the item's: a number for a text or the reverse.
    pub other_type: Names,
}

impl Matching {
    /// Whether each item has one prediction, and there is no other.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        [
            &self.missing,
            &self.unknown,
            &self.duplicated,
            &self.other_type,
        ]
        .iter()
        .all(|names| names.count == 0)
    }
}

impl fmt::Display for Matching {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "{} items, {} predictions",
            self.annotated, self.predicted
        )?;
        for (what, names) in [
            ("without a prediction", &self.missing),
            ("predicted but unknown", &self.unknown),
            ("predicted more than once", &self.duplicated),
            ("with an id of another type", &self.other_type),
        ] {
            if names.count > 0 {
                write!(f, ", {what}: {names}")?;
            }
        }
        Ok(())
    }
}

/// An item with its prediction.
pub(crate) struct Pair<A, P> {
    pub(crate) item: A,
    pub(crate) prediction: P,
}

/// Matches predictions to items, in the order of the items. What does not match is an error unless `partial`.
pub(crate) fn pair<A, P>(
    items: Vec<(Id, A)>,
    predictions: Vec<(Id, P)>,
    partial: bool,
) -> Result<(Vec<Pair<A, P>>, Matching)> {
    let mut matching = Matching {
        annotated: items.len(),
        predicted: predictions.len(),
        ..Matching::default()
    };
    let kinds: HashMap<String, &'static str> = items
        .iter()
        .map(|(id, _)| (id.to_string(), id.kind()))
        .collect();
    let mut by_id: HashMap<String, P> = HashMap::new();
    let mut seen = HashSet::new();
    for (id, prediction) in predictions {
        let name = id.to_string();
        match kinds.get(&name) {
            None => {
                matching.unknown.add(&name);
                continue;
            }
            Some(kind) if *kind != id.kind() => {
                matching
                    .other_type
                    .add(format!("{name}: {kind}, predicted as {}", id.kind()));
            }
            Some(_) => {}
        }
        if !seen.insert(name.clone()) {
            matching.duplicated.add(&name);
        }
        by_id.insert(name, prediction);
    }
    let mut pairs = Vec::new();
    for (id, item) in items {
        match by_id.remove(&id.to_string()) {
            None => matching.missing.add(&id),
            Some(prediction) => pairs.push(Pair { item, prediction }),
        }
    }
    matching.scored = pairs.len();
    match matching.is_whole() || partial {
        true => Ok((pairs, matching)),
        false => Err(TaskError::Mismatch(Box::new(matching))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(ids: &[i64]) -> Vec<(Id, i64)> {
        ids.iter().map(|&id| (Id::Number(id), id)).collect()
    }

    #[test]
    fn what_does_not_match_is_counted_and_named_by_its_kind() {
        let predictions = vec![
            (Id::Number(5), "a"),
            (Id::Number(5), "b"),
            (Id::Text("7".to_owned()), "c"),
            (Id::Number(99), "d"),
        ];
        let (pairs, matching) =
            pair(numbered(&[5, 7, 11, 13]), predictions.clone(), true).expect("a part");
        let scored: Vec<_> = pairs
            .iter()
            .map(|pair| (pair.item, pair.prediction))
            .collect();
        assert_eq!(scored, [(5, "b"), (7, "c")]);
        assert_eq!(matching.missing.first, ["11", "13"]);
        assert_eq!(matching.unknown.first, ["99"]);
        assert_eq!(matching.duplicated.first, ["5"]);
        assert_eq!(
            matching.other_type.first,
            ["7: a number, predicted as a text"]
        );
        let refused = pair(numbered(&[5, 7, 11, 13]), predictions, false);
        let told = refused.err().expect("they do not match").to_string();
        assert!(told.contains("without a prediction: 2 (11, 13)"), "{told}");
    }
}
