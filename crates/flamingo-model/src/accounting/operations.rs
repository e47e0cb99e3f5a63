//! Operations of a step of a training.

use std::iter::Sum;
use std::ops::{Add, Mul};

use serde::Serialize;

use super::training::{Learning, MicroBatch};
use crate::FlamingoConfig;

/// Operations (2 a multiply-add) of a step, by part. A product whose weight learns is made three times, one that hands
/// gradients on twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct StepOperations {
    /// The encoder, which nothing is trained of.
    pub encoder: f64,
    /// The resampler.
    pub resampler: f64,
    /// The layers of the language model.
    pub layers: f64,
    /// The gated blocks, with the keys and values of media.
    pub gated_blocks: f64,
    /// The scores of the vocabulary.
    pub head: f64,
}

impl StepOperations {
    /// Of one micro-batch.
    pub fn of(config: &FlamingoConfig, learning: &Learning, batch: &MicroBatch) -> Self {
        let language = &config.language;
        let (dv, positions) = (config.vision.width(), config.vision.positions());
        let (media, frames) = (batch.media as f64, batch.frames as f64);
        let tokens = batch.tokens() as f64;
        let blocks = config.gated_blocks() as f64;
        let head = 2.0 * (language.logits() * language.width) as f64;
        let of_layers = language.flops_per_token(batch.length.div_ceil(2)) as f64 - head;
        let of_block = config.block_flops_per_token(batch.length.div_ceil(2));
        let inner = config.gated.of_keys() * config.gated.head_dim;
        let keys_values = 4.0 * (config.latents() * config.media_width() * inner) as f64;
        let resampler = config.resampler.as_ref();
        let resampler = resampler.map_or(0, |r| r.flops(dv, batch.frames, positions)) as f64;
        let behind_first = learning.layers_with_gradients(config) as f64 / language.layers as f64;
        let [of_layers, of_head] = match learning.language {
            true => [3.0 * of_layers, 3.0 * head],
            false => [(1.0 + behind_first) * of_layers, 2.0 * head],
        };
        let seen = if learning.encodes {
            media * frames
        } else {
            0.0
        };
        Self {
            encoder: seen * config.vision.flops_per_image() as f64,
            resampler: 3.0 * media * resampler,
            layers: tokens * of_layers,
            gated_blocks: 3.0 * blocks * (tokens * of_block as f64 + media * keys_values),
            head: batch.targets as f64 * of_head,
        }
    }

    /// Of all parts.
    pub fn total(&self) -> f64 {
        self.encoder + self.resampler + self.layers + self.gated_blocks + self.head
    }
}

impl Add for StepOperations {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            encoder: self.encoder + other.encoder,
            resampler: self.resampler + other.resampler,
            layers: self.layers + other.layers,
            gated_blocks: self.gated_blocks + other.gated_blocks,
            head: self.head + other.head,
        }
    }
}

impl Mul<f64> for StepOperations {
    type Output = Self;

    fn mul(self, times: f64) -> Self {
        Self {
            encoder: self.encoder * times,
            resampler: self.resampler * times,
            layers: self.layers * times,
            gated_blocks: self.gated_blocks * times,
            head: self.head * times,
        }
    }
}

impl Sum for StepOperations {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}
