//! Predictions and annotations, matched by id.

use std::collections::{HashMap, HashSet};

use crate::error::{Result, TaskError};
use crate::ids::{Id, Matching};

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
