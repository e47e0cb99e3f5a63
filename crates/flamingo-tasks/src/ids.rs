//! Ids, and how those of predictions and annotations match.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::counted::counted;

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

    pub(crate) fn kind(&self) -> &'static str {
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
            "{}, {}",
            counted(self.annotated, "item"),
            counted(self.predicted, "prediction")
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
