//! Generations with a peer's settings, and the peer's way of telling what a new token sees.

use std::convert::Infallible;

use flamingo_engine::decoding::{
    BeamLength, Decoding, EarlyStopping, NextLogits, Prompt, Search, Vocabulary, lay_out,
};
use serde_json::{Value, json};

use crate::case::Rows;
use crate::rows::{Read, Sees, over_vocabulary};
use crate::{Case, Error, Result};

/// What a token sees that was generated behind a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behind {
    /// What the prompt's last token sees, whatever was generated (IDEFICS).
    LastOfPrompt,
    /// OpenFlamingo with a cache: the same, until an `<image>` is generated. From then on its row
    /// sees the *first* image and all other rows of the batch see none; the rows stay where they are
    /// when beams change places. A fault of the peer's that no weights were trained with: our engine
    /// never generates `<image>`. It is computed here to compare what the peer computed.
    Cached,
    /// OpenFlamingo without a cache: as many images as there are `<image>` tokens, and, beyond the
    /// images that there are, all of them evenly.
    Counted,
}

/// The rows of a search over a peer's batch.
pub(crate) struct Generation<'a> {
    pub(crate) read: Read<'a>,
    pub(crate) behind: Behind,
    /// The id of `<image>`.
    pub(crate) image: u32,
    /// Media of each prompt's row, all of the same number.
    pub(crate) media_per_row: usize,
    /// Which prompt each row continues.
    prompts: Vec<usize>,
    /// What each place of a prompt's rows sees.
    places: Vec<Vec<Sees>>,
    /// `<image>` tokens in each row.
    counts: Vec<usize>,
}

impl<'a> Generation<'a> {
    /// `last` is what the prompts' last tokens see, `counts` their numbers of `<image>` tokens.
    pub(crate) fn new(
        read: Read<'a>,
        behind: Behind,
        image: u32,
        media_per_row: usize,
        last: Vec<Sees>,
        counts: Vec<usize>,
    ) -> Self {
        Self {
            read,
            behind,
            image,
            media_per_row,
            prompts: (0..last.len()).collect(),
            places: last.into_iter().map(|sees| vec![sees]).collect(),
            counts,
        }
    }

    fn counted(&self, row: usize) -> Sees {
        let first = self.prompts[row] * self.media_per_row;
        match self.counts[row] {
            0 => Sees::nothing(),
            n if n <= self.media_per_row => Sees::One(first + n - 1..first + n),
            _ => Sees::Evenly(first..first + self.media_per_row),
        }
    }

    /// What each of the new rows sees, which end in `tokens`.
    fn sees(&mut self, tokens: &[u32]) -> Vec<Sees> {
        if self.behind == Behind::Counted {
            return (0..tokens.len()).map(|row| self.counted(row)).collect();
        }
        let renewed = self.behind == Behind::Cached && tokens.contains(&self.image);
        let mut taken = vec![0; self.places.len()];
        let mut sees = Vec::with_capacity(tokens.len());
        for (row, token) in tokens.iter().enumerate() {
            let prompt = self.prompts[row];
            let (places, place) = (&mut self.places[prompt], taken[prompt]);
            taken[prompt] += 1;
            if place >= places.len() {
                places.push(places[0].clone());
            }
            if renewed {
                let first = prompt * self.media_per_row;
                places[place] = match *token == self.image {
                    true => Sees::One(first..first + 1),
                    false => Sees::nothing(),
                };
            }
            sees.push(places[place].clone());
        }
        sees
    }
}

impl NextLogits for Generation<'_> {
    type Error = Infallible;

    fn advance(&mut self, parents: &[usize], tokens: &[u32]) -> Result<Vec<Vec<f32>>, Infallible> {
        let caches = &self.read.caches;
        self.read.caches = parents.iter().map(|&row| caches[row].clone()).collect();
        self.prompts = parents.iter().map(|&row| self.prompts[row]).collect();
        let grown = parents
            .iter()
            .zip(tokens)
            .map(|(&row, token)| self.counts[row] + usize::from(*token == self.image));
        self.counts = grown.collect();
        let sees = self.sees(tokens);
        let logits = self.read.step(tokens, &sees);
        Ok(over_vocabulary(self.read.model, logits))
    }
}

/// One entry of `generate` in `expected.json`.
pub(crate) struct Wanted {
    pub(crate) decoding: Decoding,
    pub(crate) use_cache: bool,
    eos: Vec<u32>,
    pad: u32,
}

impl Wanted {
    /// By the keyword arguments that the peer was given; `eos` and `pad` are its model's, and
    /// `made_with` is the version of transformers if the case does not tell it.
    ///
    /// # Errors
    /// If an argument is not known: it would change what is generated.
    pub(crate) fn new(
        kwargs: &Value,
        eos: u32,
        pad: u32,
        made_with: (u32, u32),
        case: &Case,
    ) -> Result<Self> {
        let generated = case.transformers().unwrap_or(made_with) >= (4, 36);
        let mut wanted = Self {
            decoding: Decoding {
                beam_length: match generated {
                    true => BeamLength::Generated,
                    false => BeamLength::WithPrompt,
                },
                ..Decoding::default()
            },
            use_cache: true,
            eos: vec![eos],
            pad,
        };
        for (key, value) in kwargs.as_object().into_iter().flatten() {
            wanted.take(key, value).ok_or_else(|| {
                Error::case(
                    &case.directory,
                    format!("`generate` has {key} = {value}, which is not known"),
                )
            })?;
        }
        wanted.decoding.check()?;
        Ok(wanted)
    }

    fn take(&mut self, key: &str, value: &Value) -> Option<()> {
        let count = || value.as_u64().map(|n| n as usize);
        let decoding = &mut self.decoding;
        match key {
            "max_new_tokens" => decoding.max_new_tokens = count()?,
            "min_new_tokens" => decoding.min_new_tokens = count()?,
            "min_length" => decoding.min_length = count()?,
            "num_beams" => decoding.num_beams = count()?,
            "num_return_sequences" => decoding.num_return_sequences = count()?,
            "no_repeat_ngram_size" => decoding.no_repeat_ngram_size = count()?,
            "repetition_penalty" => decoding.repetition_penalty = value.as_f64()? as f32,
            "length_penalty" => decoding.length_penalty = value.as_f64()?,
            "early_stopping" => {
                decoding.early_stopping = match value {
                    Value::Bool(true) => EarlyStopping::Immediate,
                    Value::Bool(false) => EarlyStopping::Heuristic,
                    Value::String(word) if word == "never" => EarlyStopping::Never,
                    _ => return None,
                }
            }
            "bad_words_ids" => {
                decoding.bad_words_ids = serde_json::from_value(value.clone()).ok()?
            }
            "do_sample" => return (!value.as_bool()?).then_some(()),
            "use_cache" => self.use_cache = value.as_bool()?,
            "pad_token_id" => self.pad = value.as_u64()? as u32,
            "eos_token_id" => {
                self.eos = match value {
                    Value::Array(_) => serde_json::from_value(value.clone()).ok()?,
                    _ => vec![value.as_u64()? as u32],
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// Carries it out behind prompts of which `first` are the logits; `padded` are the rows as the
    /// peer has them.
    pub(crate) fn run(
        &self,
        generation: &mut Generation<'_>,
        padded: &Rows,
        first: &[Vec<f32>],
    ) -> Result<Value> {
        let vocabulary = Vocabulary {
            eos: self.eos.clone(),
            forbidden: Vec::new(),
        };
        let search = Search::new(&self.decoding, &vocabulary)?;
        let ids: Vec<Vec<u32>> = padded
            .rows()
            .map(|row| row.iter().map(|&id| id as u32).collect())
            .collect();
        let prompts: Vec<Prompt<'_>> = ids
            .iter()
            .enumerate()
            .map(|(i, ids)| Prompt {
                ids,
                stream: i as u64,
            })
            .collect();
        let found = search.run(generation, &prompts, first.to_vec(), &mut |_| {
            std::ops::ControlFlow::Continue(())
        });
        let answers = found.map_err(|error| Error::Case {
            path: "generate".into(),
            reason: error.to_string(),
        })?;
        let starts: Vec<&[u32]> = ids.iter().map(Vec::as_slice).collect();
        let mut said = json!({"sequences": lay_out(&starts, &answers, self.pad)});
        let scores: Option<Vec<f32>> = answers
            .iter()
            .flatten()
            .map(|answer| answer.score)
            .collect();
        if let Some(scores) = scores {
            said["sequences_scores"] = json!(scores);
        }
        Ok(said)
    }
}
