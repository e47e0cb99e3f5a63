//! Attention on latents carried back to the picture.

use flamingo_kernels::Tensor;

use crate::Engine;
use crate::rows::rows;

/// A map over the last picture that a prompt's last token sees.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// The reference of the picture or film in the document.
    pub reference: String,
    /// Side of the grid of positions.
    pub side: usize,
    /// Frames.
    pub frames: usize,
    /// Attention on each position, frame by frame, row by row; sums to at most 1 (the rest is on
    /// the latents themselves).
    pub weights: Vec<f32>,
}

/// How attention on latents is carried back to the picture.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Map {
    /// Where each latent looks, `[R, T * S + R]` row by row; none where the latents are the positions
    /// themselves.
    reads: Option<Vec<f32>>,
    latents: usize,
    /// Rows of features a frame, of which the last `side * side` are places.
    positions: usize,
    side: usize,
    frames: usize,
}

impl Map {
    pub(crate) fn look(&self, reference: String, on_latents: &[f32]) -> Look {
        Look {
            reference,
            side: self.side,
            frames: self.frames,
            weights: self.carry(on_latents),
        }
    }

    fn carry(&self, on_latents: &[f32]) -> Vec<f32> {
        let seen = match &self.reads {
            None => on_latents.to_vec(),
            Some(reads) => {
                let columns = reads.len() / self.latents;
                let mut sum = vec![0.0; columns];
                for (weight, row) in on_latents.iter().zip(reads.chunks_exact(columns)) {
                    sum.iter_mut().zip(row).for_each(|(s, r)| *s += weight * r);
                }
                sum
            }
        };
        // A class token among the features stands before the positions and has no place to show.
        let places = self.side * self.side;
        seen.chunks(self.positions)
            .take(self.frames)
            .flat_map(|frame| &frame[self.positions - places..])
            .copied()
            .collect()
    }
}

impl Engine {
    /// `features`: `[1, T, S, Dv]` of medium `place` of its document, which has `latents` latents.
    pub(crate) fn map(&self, features: Tensor<4>, place: usize, latents: usize) -> Map {
        let [_, frames, positions, _] = features.dims();
        let resampler = self.model.resampler.as_ref();
        let reads = resampler.map(|resampler| resampler.weights(features, place));
        Map {
            reads: reads.map(|reads| rows(reads).concat()),
            latents,
            positions,
            side: self.model.config().vision.grid(),
            frames,
        }
    }
}
