//! A batch of prompts, read: their keys and values, and the stream at their last tokens.

use std::ops::Range;

use flamingo_kernels::{Tensor, indices};
use flamingo_model::{Looking, Media, TextCache, TextInput};
use flamingo_sequence::{Batch, Document, Sequence};

use crate::{Engine, Error, MediaSource, Result};

/// Prompts after their prefill; every later token of row `i` looks at `sees[i]` of `media`.
pub(crate) struct Prompts {
    pub(crate) media: Media,
    pub(crate) sees: Vec<Range<usize>>,
    pub(crate) cache: TextCache,
    pub(crate) lengths: Vec<usize>,
    /// The stream at each row's last token, `[B, D]`.
    pub(crate) last: Tensor<2>,
}

impl Engine {
    /// The integers of prompts.
    pub(crate) fn sequences<'a>(
        &self,
        prompts: impl Iterator<Item = &'a Document>,
        new_tokens: usize,
    ) -> Result<Vec<Sequence>> {
        let sequences = prompts
            .map(|prompt| Sequence::of_prompt(prompt, &self.tokenizer, self.options.max_media))
            .collect::<Result<Vec<_>, _>>()?;
        let most = self.model.language.max_length();
        for sequence in &sequences {
            let tokens = sequence.ids.len();
            if tokens.saturating_add(new_tokens) > most {
                return Err(Error::TooLong {
                    tokens,
                    new: new_tokens,
                    most,
                });
            }
        }
        Ok(sequences)
    }

    /// Loads and encodes the media of a batch and reads all its tokens.
    pub(crate) fn prefill(
        &mut self,
        prompts: &[&Document],
        sequences: &[Sequence],
        source: &dyn MediaSource,
    ) -> Result<Prompts> {
        let batch = Batch::of_prompts(sequences, self.sees, self.tokenizer.specials());
        let media = self.batch_media(prompts, &batch, source)?;
        let looking = Looking::new(&batch.sees, media.len(), &self.device);
        let input = TextInput::ragged(&batch.ids, batch.width, &batch.lengths);
        let mut cache = TextCache::default();
        let stream = self
            .model
            .hidden(&input, &media, &looking, Some(&mut cache));
        let ends: Vec<usize> = batch
            .lengths
            .iter()
            .enumerate()
            .map(|(i, l)| i * batch.width + l - 1)
            .collect();
        let sees = ends.iter().map(|&end| batch.sees[end].clone()).collect();
        let [rows, width, d] = stream.dims();
        let last = stream
            .reshape([rows * width, d])
            .select(0, indices(ends, &self.device));
        Ok(Prompts {
            media,
            sees,
            cache,
            lengths: batch.lengths,
            last,
        })
    }

    pub(crate) fn batch_media(
        &mut self,
        prompts: &[&Document],
        batch: &Batch,
        source: &dyn MediaSource,
    ) -> Result<Media> {
        let references: Vec<Vec<&str>> = prompts
            .iter()
            .map(|p| p.media().map(|(_, _, reference)| reference).collect())
            .collect();
        let media = batch
            .media
            .iter()
            .map(|&(row, medium)| source.media(references[row][medium]))
            .collect::<Result<Vec<_>>>()?;
        let places: Vec<usize> = batch.media.iter().map(|&(_, place)| place).collect();
        Ok(self
            .latents(media, &places)
            .map_or_else(Media::none, |latents| self.model.media(latents)))
    }

    /// Reads one more token of each row and returns the stream there, `[B, D]`.
    pub(crate) fn step(&self, prompts: &mut Prompts, tokens: &[u32]) -> Tensor<2> {
        let input = TextInput::next(tokens, &prompts.cache);
        let looking = Looking::new(&prompts.sees, prompts.media.len(), &self.device);
        let cache = Some(&mut prompts.cache);
        self.model
            .hidden(&input, &prompts.media, &looking, cache)
            .squeeze_dim::<2>(1)
    }
}

impl Prompts {
    /// Keeps rows `rows`, in that order; a row may be taken several times.
    pub(crate) fn select(&self, rows: &[usize]) -> Prompts {
        Prompts {
            media: self.media.clone(),
            sees: rows.iter().map(|&row| self.sees[row].clone()).collect(),
            cache: self.cache.select(rows),
            lengths: rows.iter().map(|&row| self.lengths[row]).collect(),
            last: self
                .last
                .clone()
                .select(0, indices(rows.iter().copied(), &self.last.device())),
        }
    }
}
