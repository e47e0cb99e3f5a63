//! Decontamination: images that are those of an evaluation set, or nearly, by the nearest
//! embedding, as the paper does (appendix A.3.1 and section on deduplication).

use std::path::Path;

use super::{EvaluationConfig, Tower, TowerError, examples, vectors};

const SECTION: &str = "towers.evaluation";

/// The cosine from which two pictures are one where the file does not say.
const SAME: f64 = 0.95;

/// The images of evaluation sets, as unit vectors.
pub struct Evaluation {
    images: Vec<Vec<f32>>,
    max_similarity: f32,
}

impl Evaluation {
    /// Embeds the folders; none if there are none.
    ///
    /// # Errors
    ///
    /// [`TowerError`].
    pub fn new(
        tower: &mut impl Tower,
        config: &EvaluationConfig,
        folder: &Path,
    ) -> Result<Option<Self>, TowerError> {
        let mut images = Vec::new();
        for set in &config.sets {
            images.extend(examples::embed(tower, &folder.join(set), SECTION)?);
        }
        let max_similarity = config.max_similarity.unwrap_or(SAME) as f32;
        Ok((!images.is_empty()).then_some(Self {
            images,
            max_similarity,
        }))
    }

    /// The likeness of the nearest of its images.
    pub(super) fn similarity(&self, image: &[f32]) -> f32 {
        vectors::nearest(image, &self.images).map_or(0.0, |(_, similarity)| similarity)
    }

    pub(super) fn holds(&self, similarity: f32) -> bool {
        similarity > self.max_similarity
    }
}
