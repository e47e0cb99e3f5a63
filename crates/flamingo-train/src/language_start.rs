//! What becomes of the language model in a Flamingo's training.

use serde::{Deserialize, Serialize};

/// What becomes of the language model in a Flamingo's training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LanguageStart {
    /// It stays as it is (the paper).
    #[default]
    Frozen,
    /// It learns along (the paper's ablation "pretrained").
    Trained,
    /// It learns along, from random numbers; of the finished one it has the sizes and the words (the paper's ablation
    /// "random init").
    Random,
}
