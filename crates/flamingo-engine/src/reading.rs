//! Prompts read: what is known of their beginnings taken from the caches, the rest in one pass.

use std::collections::HashMap;
use std::ops::Range;

use flamingo_kernels::{Tensor, indices};
use flamingo_model::{Branches, Looking, Media, Medium, Passing, TextCache, TextRow};
use flamingo_sequence::{Document, Sequence, Visibility, visible};

use crate::looked::Hash;
use crate::prefix_cache::Key;
use crate::prompt::{Prepared, ReadPrompt};
use crate::rows::rows;
use crate::{Engine, Error, MediaSource, Result};

/// What [`Engine::read`] returns.
pub(crate) struct Read {
    /// The prompts.
    pub(crate) prompts: Vec<ReadPrompt>,
    /// The stream at the last token of each, `[B, D]`.
    pub(crate) last: Tensor<2>,
    /// The stream at the branches of each, `[L, D]`; none where there are none.
    pub(crate) branches: Vec<Option<Tensor<2>>>,
}

/// Where the media of a prompt that are looked at stand among those of a pass.
pub(crate) type Places = HashMap<usize, usize>;

/// Shown the stream at the moments of a pass, `[1, L, D]`.
pub(crate) type Watch<'a> = &'a mut dyn FnMut(Passing, &Tensor<3>);

impl Engine {
    /// The integers of a prompt.
    pub(crate) fn sequence(&self, prompt: &Document, new_tokens: usize) -> Result<Sequence> {
        let sequence = Sequence::of_prompt(prompt, &self.tokenizer, self.options.max_media)?;
        let (tokens, most) = (sequence.ids.len(), self.model.language.max_length());
        match tokens.saturating_add(new_tokens) > most {
            true => Err(Error::TooLong {
                tokens,
                new: new_tokens,
                most,
            }),
            false => Ok(sequence),
        }
    }

    /// Loads the pictures of a prompt.
    pub(crate) fn prepare(
        &mut self,
        prompt: &Document,
        sequence: Sequence,
        source: &dyn MediaSource,
    ) -> Result<Prepared> {
        let references: Vec<&str> = prompt.media().map(|(_, _, reference)| reference).collect();
        let look = |&place: &usize| self.looked(references[place], place, source);
        let media = sequence
            .media
            .iter()
            .map(look)
            .collect::<Result<Vec<_>>>()?;
        let sees = visible(&sequence.ids, self.tokenizer.specials(), self.sees);
        let key = |(&id, sees): (&u32, &Range<usize>)| {
            Key::new(id, media[sees.clone()].iter().map(|medium| medium.hash))
        };
        let keys = sequence.ids.iter().zip(&sees).map(key).collect();
        Ok(Prepared {
            sequence,
            keys,
            sees,
            media,
        })
    }

    /// How many tokens of a prompt are known already.
    pub(crate) fn known(&mut self, prompt: &Prepared) -> usize {
        self.prefixes.longest(&prompt.keys).len()
    }

    /// Reads prompts, each with its branches.
    pub(crate) fn read(
        &mut self,
        prompts: &[Prepared],
        branches: &[Branches<'_>],
        source: &dyn MediaSource,
    ) -> Result<Read> {
        let (mut texts, rest) = self.beginnings(prompts);
        let branching: usize = branches.iter().map(|branches| branches.ids.len()).sum();
        self.counts.tokens_read += branching as u64;
        let (stream, media, places) =
            self.read_rest(prompts, &mut texts, &rest, branches, source, None)?;
        let (mut end, mut ends, mut of_branches) = (0, Vec::new(), Vec::new());
        for (rest, branches) in rest.iter().zip(branches) {
            end += rest.len();
            ends.push(end - 1);
            let count = branches.ids.len();
            of_branches.push((count > 0).then(|| stream.clone().narrow(0, end, count)));
            end += count;
        }
        let last = stream.select(0, indices(ends, &self.device));
        let mut read = Vec::with_capacity(prompts.len());
        for ((prompt, text), places) in prompts.iter().zip(texts).zip(&places) {
            let last = prompt.sees.last().cloned().unwrap_or_default();
            let seen = last.map(|medium| media[places[&medium]].clone()).collect();
            let text = self.prefixes.insert(&prompt.keys, text);
            read.push(ReadPrompt { text, seen });
        }
        Ok(Read {
            prompts: read,
            last,
            branches: of_branches,
        })
    }

    /// What is known of the beginnings of prompts, and the tokens of each that are to be read behind.
    pub(crate) fn beginnings(
        &mut self,
        prompts: &[Prepared],
    ) -> (Vec<TextCache>, Vec<Range<usize>>) {
        let mut texts: Vec<TextCache> = Vec::with_capacity(prompts.len());
        for prompt in prompts {
            let mut text = self.prefixes.longest(&prompt.keys);
            // The stream at the last token is wanted, so that is read in any case.
            text.truncate(text.len().min(prompt.keys.len() - 1));
            self.counts.tokens_known += text.len() as u64;
            self.counts.tokens_read += (prompt.keys.len() - text.len()) as u64;
            texts.push(text);
        }
        let rest = prompts
            .iter()
            .zip(&texts)
            .map(|(prompt, text)| text.len()..prompt.keys.len())
            .collect();
        (texts, rest)
    }

    /// Reads tokens `rest` of each prompt behind its text; returns the stream at all of them, `[L, D]`,
    /// the media that they look at, and the places of each prompt's media among them.
    pub(crate) fn read_rest(
        &mut self,
        prompts: &[Prepared],
        texts: &mut [TextCache],
        rest: &[Range<usize>],
        branches: &[Branches<'_>],
        source: &dyn MediaSource,
        watch: Option<Watch<'_>>,
    ) -> Result<(Tensor<2>, Vec<Medium>, Vec<Places>)> {
        let (media, places) = self.media_of(prompts, rest, source)?;
        let mut sees = Vec::new();
        let rows = prompts.iter().zip(rest).zip(&places).zip(branches);
        for (((prompt, rest), places), branches) in rows {
            sees.extend(prompt.sees[rest.clone()].iter().map(|range| {
                match range.is_empty() {
                    true => 0..0,
                    // Several are side by side, in the order of their prompt.
                    false => places[&range.start]..places[&(range.end - 1)] + 1,
                }
            }));
            let last = sees.last().cloned().unwrap_or_default();
            sees.extend(std::iter::repeat_n(last, branches.ids.len()));
        }
        let looking = Looking::new(&sees, media.len(), &self.device);
        let all = prompts.iter().zip(texts).zip(rest).zip(branches);
        let mut rows: Vec<TextRow<'_>> = Vec::with_capacity(prompts.len());
        for (((prompt, cache), rest), branches) in all {
            rows.push(TextRow {
                branches: *branches,
                ..TextRow::new(&prompt.sequence.ids[rest.clone()], cache)
            });
        }
        let all = Media::Each(media.clone());
        let unwatched = &mut |_: Passing, _: &Tensor<3>| ();
        let watch = watch.unwrap_or(unwatched);
        let stream = self.model.read_with(&mut rows, &all, &looking, watch);
        Ok((stream, media, places))
    }

    /// Reads a whole document, and returns its tokens and the stream at all of them, `[L, D]`.
    pub(crate) fn read_whole(
        &mut self,
        document: &Document,
        source: &dyn MediaSource,
    ) -> Result<(Vec<u32>, Tensor<2>)> {
        let sequence = self.sequence(document, 0)?;
        let prepared = self.prepare(document, sequence, source)?;
        let rest = 0..prepared.keys.len();
        let prompts = std::slice::from_ref(&prepared);
        let (stream, ..) = self.read_rest(
            prompts,
            &mut [TextCache::default()],
            &[rest],
            &[Branches::default()],
            source,
            None,
        )?;
        Ok((prepared.sequence.ids, stream))
    }

    /// Keys and values of the media that tokens `rest` of each prompt see, and the place of each
    /// prompt's media among them. A medium is there once, unless tokens see several: then those of a
    /// prompt stand side by side.
    fn media_of(
        &mut self,
        prompts: &[Prepared],
        rest: &[Range<usize>],
        source: &dyn MediaSource,
    ) -> Result<(Vec<Medium>, Vec<Places>)> {
        let several = [Visibility::AllPrevious, Visibility::LastRow];
        let once = !several.contains(&self.sees);
        let mut known: HashMap<Hash, usize> = HashMap::new();
        let (mut wanted, mut all) = (Vec::new(), Vec::with_capacity(prompts.len()));
        for (prompt, rest) in prompts.iter().zip(rest) {
            let mut places = Places::new();
            for medium in prompt.sees[rest.clone()].iter().cloned().flatten() {
                if places.contains_key(&medium) {
                    continue;
                }
                let looked = &prompt.media[medium];
                let place = match known.get(&looked.hash) {
                    Some(&place) if once => place,
                    _ => {
                        wanted.push(looked);
                        wanted.len() - 1
                    }
                };
                known.insert(looked.hash, place);
                places.insert(medium, place);
            }
            all.push(places);
        }
        Ok((self.media(&wanted, source)?, all))
    }

    /// Reads tokens behind texts, and returns the stream at all of them, `[L, D]`.
    pub(crate) fn read_on(&self, rows: &mut [TextRow<'_>], seen: &[&[Medium]]) -> Tensor<2> {
        let (mut media, mut sees) = (Vec::new(), Vec::new());
        for (row, seen) in rows.iter().zip(seen) {
            let range = media.len()..media.len() + seen.len();
            media.extend(seen.iter().cloned());
            let tokens = row.ids.len() + row.branches.ids.len();
            sees.extend(std::iter::repeat_n(range, tokens));
        }
        let looking = Looking::new(&sees, media.len(), &self.device);
        self.model.read(rows, &Media::Each(media), &looking)
    }

    /// Logits of what follows each of `stream`, `[n, D]`; tokens that are never written have the
    /// least.
    pub(crate) fn logits(&self, stream: Tensor<2>) -> Vec<Vec<f32>> {
        let vocabulary = self.model.language.config().vocabulary;
        let mut all = rows(self.model.logits(stream));
        for row in &mut all {
            row.resize(vocabulary, f32::NEG_INFINITY);
        }
        all
    }
}
