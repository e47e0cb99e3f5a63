//! Contrastive training of the vision encoder: an image tower against a text tower (paper, B.1.3).
//!
//! Each picture is to be nearest to its own text among all texts of a batch, and each text to its
//! own picture. Where we differ: there may be more texts than pictures, the further ones being
//! wrong for every picture; and pairs that are about the same thing are not told apart.

use flamingo_kernels::burn::tensor::activation::log_softmax;
use flamingo_kernels::{Init, Linear, Loss, MASKED, Module, Param, Tensor, floats};
use serde::{Deserialize, Serialize};

use crate::ConfigError;
use crate::text_tower::{TextTower, TextTowerConfig};
use crate::vision::{VisionConfig, VisionEncoder};

/// Two towers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContrastiveConfig {
    /// The image tower.
    pub vision: VisionConfig,
    /// The text tower.
    pub text: TextTowerConfig,
    /// Width that both are projected to; 1376 in the paper.
    pub joint_width: usize,
    /// Share of the targets' mass that is spread evenly; 0.1 in the paper.
    pub label_smoothing: f64,
}

impl ContrastiveConfig {
    /// Parameters.
    pub fn parameters(&self) -> u64 {
        let widths = self.vision.pooled_width() + self.text.width + 2;
        self.vision.parameters() + self.text.parameters() + (widths * self.joint_width + 1) as u64
    }

    /// # Errors
    /// If the configuration describes no model: the message names the keys and both values.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.vision.check().map_err(ConfigError::Contradiction)?;
        self.text.check().map_err(ConfigError::Contradiction)?;
        if self.vision.has_tiles() {
            return Err(ConfigError::Contradiction(
                "vision.vit.tiles: an encoder that is trained with texts sees one square, leave it out"
                    .into(),
            ));
        }
        if self.joint_width == 0 || !(0.0..1.0).contains(&self.label_smoothing) {
            return Err(ConfigError::Contradiction(format!(
                "joint_width {} must be at least 1, label_smoothing {} at least 0 and below 1",
                self.joint_width, self.label_smoothing
            )));
        }
        Ok(())
    }
}

/// The towers.
#[derive(Module, Debug)]
pub struct Contrastive {
    /// The encoder that is wanted.
    pub vision: VisionEncoder,
    /// Pooled features to the joint width.
    pub vision_projection: Linear,
    /// The text tower.
    pub text: TextTower,
    /// Texts to the joint width.
    pub text_projection: Linear,
    /// `[1]`, the logarithm of what cosines are multiplied by.
    pub logit_scale: Param<Tensor<1>>,
    #[module(skip)]
    config: ContrastiveConfig,
}

/// Cosines are multiplied by this at first, and never by more than the other.
const SCALE: (f32, f32) = (1.0 / 0.07, 100.0);

impl Contrastive {
    /// Untrained towers.
    ///
    /// # Errors
    /// If the configuration contradicts itself.
    pub fn new(config: &ContrastiveConfig, init: &mut Init) -> Result<Self, ConfigError> {
        config.check()?;
        let joint = config.joint_width;
        Ok(Self {
            vision: VisionEncoder::new(&config.vision, init),
            vision_projection: Linear::new(config.vision.pooled_width(), joint, true, init),
            text: TextTower::new(&config.text, init),
            text_projection: Linear::new(config.text.width, joint, true, init),
            logit_scale: init.full([1], SCALE.0.ln()),
            config: config.clone(),
        })
    }

    /// The configuration that the model was built from.
    pub fn config(&self) -> &ContrastiveConfig {
        &self.config
    }

    /// Pictures as unit vectors.
    ///
    /// # Shapes
    /// - `pixels`: `[F, 3, h, w]`
    /// - output: `[F, joint_width]`
    pub fn images(&self, pixels: Tensor<4>) -> Tensor<2> {
        unit(self.vision_projection.forward(self.vision.pooled(pixels)))
    }

    /// Texts as unit vectors; arguments as for [`TextTower::forward`].
    ///
    /// # Shapes
    /// - output: `[lengths.len(), joint_width]`
    pub fn texts(&self, ids: &[u32], lengths: &[usize]) -> Tensor<2> {
        unit(
            self.text_projection
                .forward(self.text.forward(ids, lengths)),
        )
    }

    /// Scaled cosines of every picture with every text.
    ///
    /// # Shapes
    /// - `images`: `[B, joint_width]`
    /// - `texts`: `[n, joint_width]`
    /// - output: `[B, n]`
    pub fn scores(&self, images: Tensor<2>, texts: Tensor<2>) -> Tensor<2> {
        let scale = self.logit_scale.val().exp().clamp_max(SCALE.1);
        (images * scale.unsqueeze()).matmul(texts.transpose())
    }

    /// Mean of both directions' cross-entropy: pictures among all texts, and the pictures' texts
    /// among the pictures. Text `i` belongs to picture `i`; `groups` says of each text what it is
    /// about, and a picture is not told apart from other texts of its own text's group.
    ///
    /// # Shapes
    /// - `scores`: `[B, n]`, `0 < B <= n`
    /// - `groups`: `n`
    pub fn loss(&self, scores: Tensor<2>, groups: &[usize]) -> Loss {
        let [b, n] = scores.dims();
        let smoothing = self.config.label_smoothing;
        let forth = direction(scores.clone(), &Compared::new(b, n, groups), smoothing);
        let own = scores.narrow(1, 0, b).transpose(); // [B texts, B pictures]
        let back = direction(own, &Compared::new(b, b, groups), smoothing);
        Loss {
            mean: (forth + back) / 2.0,
            targets: b,
        }
    }
}

/// How often a picture's own text is its nearest, and a text's own picture; arguments as for
/// [`Contrastive::loss`].
pub fn accuracy(scores: Tensor<2>, groups: &[usize]) -> [f64; 2] {
    let [b, n] = scores.dims();
    let forth = hits(scores.clone(), &Compared::new(b, n, groups));
    let back = hits(
        scores.narrow(1, 0, b).transpose(),
        &Compared::new(b, b, groups),
    );
    [forth, back].map(|hits| hits as f64 / b as f64)
}

/// Which columns each row is told apart from; its own is the one of its index.
struct Compared {
    rows: usize,
    columns: usize,
    /// Row-major.
    with: Vec<bool>,
}

impl Compared {
    fn new(rows: usize, columns: usize, groups: &[usize]) -> Self {
        assert!(
            0 < rows && rows <= columns,
            "{rows} rows, {columns} columns to tell apart"
        );
        assert!(
            columns <= groups.len(),
            "{columns} texts, {} groups",
            groups.len()
        );
        let row = |i| (0..columns).map(move |j| i == j || groups[i] != groups[j]);
        Self {
            rows,
            columns,
            with: (0..rows).flat_map(row).collect(),
        }
    }

    /// [`MASKED`] where a row is not told apart from a column.
    fn bias(&self) -> Vec<f32> {
        self.with
            .iter()
            .map(|&with| if with { 0.0 } else { MASKED })
            .collect()
    }

    /// What each row's probabilities should be.
    fn targets(&self, smoothing: f64) -> Vec<f32> {
        let row = |(i, with): (usize, &[bool])| {
            let share = smoothing / with.iter().filter(|&&with| with).count() as f64;
            let target = |(j, &with): (usize, &bool)| {
                let own = if i == j { 1.0 - smoothing } else { 0.0 };
                if with { (own + share) as f32 } else { 0.0 }
            };
            with.iter().enumerate().map(target).collect::<Vec<f32>>()
        };
        self.with
            .chunks(self.columns)
            .enumerate()
            .flat_map(row)
            .collect()
    }
}

/// Mean cross-entropy of rows of `scores`.
fn direction(scores: Tensor<2>, compared: &Compared, smoothing: f64) -> Tensor<1> {
    let (shape, device) = ([compared.rows, compared.columns], scores.device());
    let bias = floats(compared.bias(), shape, &device).cast(scores.dtype());
    let targets = floats(compared.targets(smoothing), shape, &device).cast(scores.dtype());
    let logarithms = log_softmax(scores + bias, 1);
    -(logarithms * targets).sum() / compared.rows as f64
}

/// How many rows of `scores` are highest in their own column.
fn hits(scores: Tensor<2>, compared: &Compared) -> usize {
    let shape = [compared.rows, compared.columns];
    let bias: Tensor<2> = floats(compared.bias(), shape, &scores.device());
    let best = (scores.cast(bias.dtype()) + bias)
        .argmax(1)
        .into_data()
        .convert::<i64>();
    let best: Vec<i64> = best.try_to_vec().expect("converted to i64");
    best.iter()
        .enumerate()
        .filter(|&(i, &best)| best == i as i64)
        .count()
}

/// Rows of length 1.
fn unit(x: Tensor<2>) -> Tensor<2> {
    let squares = (x.clone() * x.clone()).sum_dim(1); // [n, 1]
    x / (squares + 1e-12).sqrt()
}

#[cfg(test)]
mod tests;
