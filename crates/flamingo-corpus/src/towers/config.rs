//! The section `[towers]`.

use serde::{Deserialize, Serialize};

use crate::filters::threshold;

/// Which filters by embeddings are asked; none unless a tower and their thresholds are named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TowerConfig {
    /// The tower, as the program finds one: a folder or a hub id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tower: Option<String>,
    /// Images and texts that are embedded at a time.
    pub batch: usize,
    /// Explicit content.
    pub explicit: ExplicitConfig,
    /// Likeness of images and texts.
    pub similarity: SimilarityConfig,
    /// Images of evaluation sets.
    pub evaluation: EvaluationConfig,
}

impl Default for TowerConfig {
    fn default() -> Self {
        Self {
            tower: None,
            batch: 32,
            explicit: ExplicitConfig::default(),
            similarity: SimilarityConfig::default(),
            evaluation: EvaluationConfig::default(),
        }
    }
}

/// `[towers.explicit]`: by two sets of prompts where the tower takes texts, by two folders of
/// examples with any tower.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExplicitConfig {
    /// The score from 0 to 1 above which an image is explicit.
    #[serde(with = "threshold")]
    pub max_score: Option<f64>,
    /// What likenesses are multiplied with before their softmax: CLIP's logit scale, 100.
    pub scale: f64,
    /// Texts that an explicit image is like.
    pub explicit_prompts: Vec<String>,
    /// Texts that any other image is like.
    pub safe_prompts: Vec<String>,
    /// A folder of explicit images; with it prompts are not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explicit_examples: Option<String>,
    /// A folder of other images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safe_examples: Option<String>,
}

impl Default for ExplicitConfig {
    fn default() -> Self {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            max_score: None,
            scale: 100.0,
            explicit_prompts: own(&[
                "a pornographic photo",
                "a photo of naked people having sex",
                "an explicit nude photo",
                "a hentai drawing",
            ]),
            safe_prompts: own(&[
                "a photo of people in clothes",
                "a photo of an animal",
                "a photo of a landscape",
                "a photo of an object",
                "a painting in a museum",
                "a diagram with text",
                "a drawing for children",
            ]),
            explicit_examples: None,
            safe_examples: None,
        }
    }
}

/// `[towers.similarity]`: an image stays if some text is like it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimilarityConfig {
    /// The least cosine. With CLIP, OpenFlamingo (arXiv 2308.01390) took 0.24 for Multimodal C4
    /// by ViT-L/14; LAION-5B (arXiv 2210.08402) 0.28 for pairs by ViT-B/32, LAION-400M 0.3.
    #[serde(with = "threshold")]
    pub min: Option<f64>,
}

/// `[towers.evaluation]`: folders of pictures that must not be trained on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationConfig {
    /// The folders, searched through their subfolders.
    pub sets: Vec<String>,
    /// The cosine above which an image is one of theirs; 0.95 where the file does not say.
    #[serde(with = "threshold")]
    pub max_similarity: Option<f64>,
}
