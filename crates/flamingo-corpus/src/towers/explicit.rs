//! Explicit content: is an image more like explicit texts or examples than like others?

use std::path::Path;

use super::{ExplicitConfig, Tower, TowerError, examples, vectors};

const SECTION: &str = "towers.explicit";

/// What explicit and other images are like, as unit vectors.
pub struct Explicit {
    explicit: Vec<Vec<f32>>,
    safe: Vec<Vec<f32>>,
    scale: f32,
    max_score: f32,
}

impl Explicit {
    /// Embeds the prompts, or the centres of the folders of examples; none if there is no threshold.
    ///
    /// # Errors
    ///
    /// [`TowerError`].
    pub fn new(
        tower: &mut impl Tower,
        config: &ExplicitConfig,
        folder: &Path,
    ) -> Result<Option<Self>, TowerError> {
        let Some(max_score) = config.max_score else {
            return Ok(None);
        };
        let (explicit, safe) = match (&config.explicit_examples, &config.safe_examples) {
            (Some(explicit), Some(safe)) => (
                vec![centre(tower, &folder.join(explicit))?],
                vec![centre(tower, &folder.join(safe))?],
            ),
            _ => (
                prompts(tower, &config.explicit_prompts)?,
                prompts(tower, &config.safe_prompts)?,
            ),
        };
        Ok(Some(Self {
            explicit,
            safe,
            scale: config.scale as f32,
            max_score: max_score as f32,
        }))
    }

    /// The part of the softmax over all likenesses that falls on the explicit side, from 0 to 1.
    pub(super) fn score(&self, image: &[f32]) -> f32 {
        let scaled = |side: &[Vec<f32>]| -> Vec<f32> {
            side.iter()
                .map(|one| self.scale * vectors::cosine(image, one))
                .collect()
        };
        let (explicit, safe) = (scaled(&self.explicit), scaled(&self.safe));
        let most = explicit
            .iter()
            .chain(&safe)
            .copied()
            .fold(f32::MIN, f32::max);
        let sum = |side: &[f32]| -> f32 { side.iter().map(|value| (value - most).exp()).sum() };
        let (explicit, safe) = (sum(&explicit), sum(&safe));
        explicit / (explicit + safe).max(f32::MIN_POSITIVE)
    }

    pub(super) fn is_explicit(&self, score: f32) -> bool {
        score > self.max_score
    }
}

fn prompts(tower: &mut impl Tower, prompts: &[String]) -> Result<Vec<Vec<f32>>, TowerError> {
    vectors::texts(tower, prompts)?.ok_or(TowerError::NoTexts {
        section: SECTION,
        hint: "set `explicit_examples` and `safe_examples` to two folders of pictures",
    })
}

/// The direction in the middle of a folder's pictures.
fn centre(tower: &mut impl Tower, folder: &Path) -> Result<Vec<f32>, TowerError> {
    let all = examples::embed(tower, folder, SECTION)?;
    let mut sum = vec![0.0; all.first().map_or(0, Vec::len)];
    for vector in &all {
        sum.iter_mut()
            .zip(vector)
            .for_each(|(sum, value)| *sum += value);
    }
    vectors::normalise(&mut sum);
    Ok(sum)
}
