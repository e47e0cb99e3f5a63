//! Where the token that begins an answer looks: cross-attention carried back to the picture.

use flamingo_kernels::Tensor;
use flamingo_model::{Looking, Media, Passing, TextInput};
use flamingo_sequence::{Batch, Document};

use crate::{Engine, MediaSource, Result};

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

impl Engine {
    /// The attention of the prompt's last token, mean over gated blocks and heads, times that of
    /// the resampler's last layer; none if the token sees no picture, or where pictures have tiles,
    /// whose positions are no square.
    ///
    /// # Errors
    /// If a picture cannot be had or the prompt is empty or too long.
    pub fn look(&mut self, prompt: &Document, source: &dyn MediaSource) -> Result<Option<Look>> {
        if self.preprocess.is_tiled() {
            return Ok(None);
        }
        let sequence = self.sequence(prompt, 0)?;
        let batch = Batch::of_prompts(&[sequence], self.sees, self.tokenizer.specials());
        let Some(seen) = batch.sees.last().filter(|range| !range.is_empty()).cloned() else {
            return Ok(None);
        };
        let references: Vec<&str> = prompt.media().map(|(_, _, reference)| reference).collect();
        let (_, place) = batch.media[seen.start];
        let reference = references[place].to_owned();
        let frames = self.frames(&reference, source)?;
        let features = self.features(frames.iter(), frames.len());
        let on_latents = self.on_latents(&batch, &references, seen.start, source)?; // [1, R]
        let weights = match &self.model.resampler {
            Some(resampler) => {
                on_latents.matmul(resampler.weights(features, place)) // [1, T * S + R]
            }
            None => on_latents, // the positions themselves
        };
        let weights = weights
            .into_data()
            .convert::<f32>()
            .try_to_vec::<f32>()
            .expect("f32");
        let (positions, side) = (
            self.model.config().vision.positions(),
            self.model.config().vision.grid(),
        );
        // A class token among the features stands before the positions and has no place to show.
        let weights: Vec<f32> = weights
            .chunks(positions)
            .take(frames.len())
            .flat_map(|frame| &frame[positions - side * side..])
            .copied()
            .collect();
        Ok(Some(Look {
            reference,
            side,
            frames: frames.len(),
            weights,
        }))
    }

    fn on_latents(
        &mut self,
        batch: &Batch,
        references: &[&str],
        seen: usize,
        source: &dyn MediaSource,
    ) -> Result<Tensor<2>> {
        let look = |&(_, place): &(usize, usize)| self.looked(references[place], place, source);
        let looked = batch.media.iter().map(look).collect::<Result<Vec<_>>>()?;
        let media = Media::Each(self.media(&looked.iter().collect::<Vec<_>>(), source)?);
        let looking = Looking::new(&batch.sees, media.len(), &self.device);
        let input = TextInput::ragged(&batch.ids, batch.width, &batch.lengths);
        let mut weights = Vec::new();
        let last = batch.width - 1;
        let own = media.each()[seen].clone();
        let watch = &mut |passing: Passing, y: &Tensor<3>| {
            let Passing::BeforeBlock(block) = passing else {
                return;
            };
            let y = y.clone().narrow(1, last, 1).squeeze_dim::<2>(0);
            let keys = own.block(block).keys.clone();
            weights.push(self.model.gated[block].weights(y, keys));
        };
        self.model.hidden_with(&input, &media, &looking, watch);
        Ok(Tensor::cat(weights, 0).mean_dim(0).squeeze_dim::<2>(0)) // [1, R]
    }
}
