//! Filters by embeddings of any image tower: explicit content, likeness of an image and its text,
//! and images of evaluation sets. No tensor is seen here: a program brings the tower.

mod config;
mod error;
mod evaluation;
mod examples;
mod explicit;
mod tower;
mod vectors;

use std::path::Path;

use flamingo_image::Image;
use serde::{Deserialize, Serialize};

use crate::reason::named_reasons;

pub use config::{EvaluationConfig, ExplicitConfig, SimilarityConfig, TowerConfig};
pub use error::TowerError;
pub use evaluation::Evaluation;
pub use explicit::Explicit;
pub use tower::{BoxedTower, Tower, TowerFailure};

named_reasons! {
    /// Why an image is dropped.
    TowerReason {
        /// It shows explicit content.
        Explicit = "explicit_image",
        /// It is an image of an evaluation set, or nearly.
        Evaluation = "evaluation_image",
        /// No text is like it.
        UnlikeText = "unlike_text",
    }
}

/// What a tower says of an image; stored beside it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TowerDecision {
    /// All reasons to drop it, in the order of the funnel.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<TowerReason>,
    /// How sure it is explicit, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explicit: Option<f32>,
    /// Its likeness to the nearest image of an evaluation set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<f32>,
    /// Its likeness to the text that is most like it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub similarity: Option<f32>,
    /// Which of the texts that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<usize>,
}

/// The filters of a configuration, made ready for a tower.
pub struct TowerFilters<T> {
    tower: T,
    explicit: Option<Explicit>,
    evaluation: Option<Evaluation>,
    similarity: SimilarityConfig,
    batch: usize,
}

impl<T: Tower> TowerFilters<T> {
    /// Embeds the prompts, examples and evaluation sets of a configuration once; relative folders
    /// are from `folder`.
    ///
    /// # Errors
    ///
    /// [`TowerError`].
    pub fn new(mut tower: T, config: &TowerConfig, folder: &Path) -> Result<Self, TowerError> {
        let explicit = Explicit::new(&mut tower, &config.explicit, folder)?;
        let evaluation = Evaluation::new(&mut tower, &config.evaluation, folder)?;
        if config.similarity.min.is_some() {
            vectors::texts(&mut tower, &["a photo".to_owned()])?.ok_or(TowerError::NoTexts {
                section: "towers.similarity",
                hint: "set `min = \"off\"` or take a tower with a text side",
            })?;
        }
        Ok(Self {
            tower,
            explicit,
            evaluation,
            similarity: config.similarity.clone(),
            batch: config.batch.max(1),
        })
    }

    /// Decides about images, each with the texts that it may belong to: the paragraphs of its
    /// document, or the text of its pair. Without texts its likeness is not asked.
    ///
    /// # Errors
    ///
    /// [`TowerError::Failed`] and [`TowerError::Shape`].
    pub fn decide(
        &mut self,
        images: &[Image],
        texts: &[String],
    ) -> Result<Vec<TowerDecision>, TowerError> {
        let texts = self.embed_texts(texts)?;
        let mut decisions = Vec::with_capacity(images.len());
        for batch in images.chunks(self.batch) {
            let vectors = vectors::images(&mut self.tower, batch)?;
            decisions.extend(vectors.iter().map(|vector| self.judge(vector, &texts)));
        }
        Ok(decisions)
    }

    fn embed_texts(&mut self, texts: &[String]) -> Result<Vec<Vec<f32>>, TowerError> {
        let mut all = Vec::new();
        if self.similarity.min.is_none() {
            return Ok(all);
        }
        for batch in texts.chunks(self.batch) {
            all.extend(vectors::texts(&mut self.tower, batch)?.unwrap_or_default());
        }
        Ok(all)
    }

    fn judge(&self, image: &[f32], texts: &[Vec<f32>]) -> TowerDecision {
        let explicit = self.explicit.as_ref().map(|filter| filter.score(image));
        let evaluation = self.evaluation.as_ref().map(|sets| sets.similarity(image));
        let best = vectors::nearest(image, texts);
        let mut decision = TowerDecision {
            reasons: Vec::new(),
            explicit,
            evaluation,
            similarity: best.map(|(_, similarity)| similarity),
            text: best.map(|(text, _)| text),
        };
        let shown = |filter: &Explicit| filter.is_explicit(decision.explicit.unwrap_or(0.0));
        let near = |sets: &Evaluation| sets.holds(decision.evaluation.unwrap_or(0.0));
        let unlike = |least: f64| {
            decision
                .similarity
                .is_some_and(|value| value < least as f32)
        };
        let given = [
            (
                TowerReason::Explicit,
                self.explicit.as_ref().is_some_and(shown),
            ),
            (
                TowerReason::Evaluation,
                self.evaluation.as_ref().is_some_and(near),
            ),
            (
                TowerReason::UnlikeText,
                self.similarity.min.is_some_and(unlike),
            ),
        ];
        let given = given.into_iter().filter(|(_, is)| *is);
        decision.reasons = given.map(|(reason, _)| reason).collect();
        decision
    }
}

#[cfg(test)]
mod tests;
