//! Where each token of an answer looked.

use flamingo_kernels::Tensor;
use flamingo_model::{Looking, Media, Passing, TextInput};
use flamingo_sequence::{Batch, Document};

use crate::rows::rows;
use crate::{Engine, Look, MediaSource, Result};

impl Engine {
    /// As [`Engine::look`] for each token of an answer: what was looked at when it was drawn. For an
    /// answer without tokens, what is looked at when its first is drawn. Nothing if the prompt's last
    /// token sees no picture, or where pictures have tiles.
    ///
    /// # Errors
    /// As [`Engine::look`].
    pub fn look_along(
        &mut self,
        prompt: &Document,
        answer: &[u32],
        source: &dyn MediaSource,
    ) -> Result<Vec<Look>> {
        if self.preprocess.is_tiled() {
            return Ok(Vec::new());
        }
        let mut sequence = self.sequence(prompt, answer.len())?;
        let first = sequence.ids.len() - 1;
        // The last token of the answer is drawn by what stands before it.
        let before = &answer[..answer.len().saturating_sub(1)];
        sequence.ids.extend_from_slice(before);
        let batch = Batch::of_prompts(&[sequence], self.sees, self.tokenizer.specials());
        let Some(seen) = batch.sees.last().filter(|range| !range.is_empty()).cloned() else {
            return Ok(Vec::new());
        };
        let references: Vec<&str> = prompt.media().map(|(_, _, reference)| reference).collect();
        let reference = references[batch.media[seen.start].1];
        let on_latents = self.answer_on_latents(&batch, first, seen.start, &references, source)?;
        let [_, latents] = on_latents.dims();
        let frames = self.frames(reference, source)?;
        let features = self.features(frames.iter(), frames.len());
        let map = self.map(features, batch.media[seen.start].1, latents);
        let look = |on_latents: Vec<f32>| map.look(reference.to_owned(), &on_latents);
        Ok(rows(on_latents).into_iter().map(look).collect())
    }

    /// The attention of the tokens from `first` on, on the latents of medium `seen`: `[n, R]`.
    fn answer_on_latents(
        &mut self,
        batch: &Batch,
        first: usize,
        seen: usize,
        references: &[&str],
        source: &dyn MediaSource,
    ) -> Result<Tensor<2>> {
        let look = |&(_, place): &(usize, usize)| self.looked(references[place], place, source);
        let looked = batch.media.iter().map(look).collect::<Result<Vec<_>>>()?;
        let media = Media::Each(self.media(&looked.iter().collect::<Vec<_>>(), source)?);
        let looking = Looking::new(&batch.sees, media.len(), &self.device);
        let input = TextInput::ragged(&batch.ids, batch.width, &batch.lengths);
        let mut weights = Vec::new();
        let count = batch.width - first;
        let own = media.each()[seen].clone();
        let watch = &mut |passing: Passing, y: &Tensor<3>| {
            let Passing::BeforeBlock(block) = passing else {
                return;
            };
            let y = y.clone().narrow(1, first, count).squeeze_dim::<2>(0);
            let keys = own.block(block).keys().clone();
            weights.push(self.model.gated[block].weights(y, keys)); // [H, n, R]
        };
        self.model.hidden_with(&input, &media, &looking, watch);
        Ok(Tensor::cat(weights, 0).mean_dim(0).squeeze_dim::<2>(0))
    }
}
