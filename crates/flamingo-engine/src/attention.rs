//! Where the token that begins an answer looks.

use flamingo_kernels::{Tensor, indices};
use flamingo_model::{Branches, Passing};
use flamingo_sequence::Document;

use crate::prompt::Prepared;
use crate::reading::Places;
use crate::rows::rows;
use crate::{Engine, Look, MediaSource, Result};

impl Engine {
    /// The attention of the prompt's last token, mean over gated blocks and heads, times that of
    /// the resampler's last layer; none if the token sees no picture, or where pictures have tiles, whose
    /// positions are no square.
    ///
    /// # Errors
    /// If a picture cannot be had or the prompt is empty or too long.
    pub fn look(&mut self, prompt: &Document, source: &dyn MediaSource) -> Result<Option<Look>> {
        if self.preprocess.is_tiled() {
            return Ok(None);
        }
        let sequence = self.sequence(prompt, 0)?;
        let prepared = self.prepare(prompt, sequence, source)?;
        let Some(seen) = prepared.last_seen() else {
            return Ok(None);
        };
        let (place, reference) = (
            prepared.media[seen].place,
            prepared.media[seen].reference.clone(),
        );
        let attention = self.attention_of(&[prepared], source)?.remove(0);
        let frames = self.frames(&reference, source)?;
        let features = self.features(frames.iter(), frames.len());
        let on_latents = attention.expect("the last token sees a picture");
        let map = self.map(features, place, on_latents.len());
        Ok(Some(map.look(reference, &on_latents)))
    }

    /// The attention of each prompt's last token on the latents of the last picture that it sees, mean over
    /// gated blocks and heads, `[R]`; none where it sees no picture. What is known of the prompts is not read
    /// again: of a prompt that was scored, its last token alone.
    ///
    /// # Errors
    /// If a picture cannot be had or a prompt is empty or too long.
    pub fn attention(
        &mut self,
        prompts: &[Document],
        source: &dyn MediaSource,
    ) -> Result<Vec<Option<Vec<f32>>>> {
        let mut all = Vec::with_capacity(prompts.len());
        for some in prompts.chunks(self.options.batch.max(1)) {
            let mut prepared = Vec::with_capacity(some.len());
            for prompt in some {
                let sequence = self.sequence(prompt, 0)?;
                prepared.push(self.prepare(prompt, sequence, source)?);
            }
            all.extend(self.attention_of(&prepared, source)?);
        }
        Ok(all)
    }

    fn attention_of(
        &mut self,
        prompts: &[Prepared],
        source: &dyn MediaSource,
    ) -> Result<Vec<Option<Vec<f32>>>> {
        let (mut texts, rest) = self.beginnings(prompts);
        let ends = rest.iter().scan(0, |end, rest| {
            *end += rest.len();
            Some(*end - 1)
        });
        let ends = indices(ends, &self.device);
        let mut streams: Vec<Tensor<2>> = Vec::new();
        let watch = &mut |passing: Passing, y: &Tensor<3>| {
            let Passing::BeforeBlock(_) = passing else {
                return;
            };
            let y = y.clone().squeeze_dim::<2>(0);
            streams.push(y.select(0, ends.clone())); // [B, D]
        };
        let branches = vec![Branches::default(); prompts.len()];
        let (_, media, places) =
            self.read_rest(prompts, &mut texts, &rest, &branches, source, Some(watch))?;
        let of = |(row, (prompt, places)): (usize, (&Prepared, &Places))| {
            let own = &media[places[&prompt.last_seen()?]];
            let block = |(number, y): (usize, &Tensor<2>)| {
                let y = y.clone().narrow(0, row, 1);
                self.model.gated[number].weights(y, own.block(number).keys().clone()) // [H, 1, R]
            };
            let weights = streams.iter().enumerate().map(block).collect();
            let mean = Tensor::cat(weights, 0).mean_dim(0).squeeze_dim::<2>(0); // [1, R]
            Some(rows(mean).remove(0))
        };
        Ok(prompts.iter().zip(&places).enumerate().map(of).collect())
    }
}
