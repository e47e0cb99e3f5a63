//! Answers, token by token.

use std::ops::ControlFlow;
use std::time::Instant;

use flamingo_kernels::Tensor;
use flamingo_sequence::{Document, Sequence, TextStream};
use serde::Serialize;

use crate::decoding::{
    Decoded, Decoding, Ending, NextLogits, Prompt, Search, SearchError, Step, Vocabulary,
};
use crate::prompts::Prompts;
use crate::{Engine, Error, MediaSource, Result};

/// One token of an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Token {
    /// Its id.
    pub id: u32,
    /// The text that it adds; empty while a character is incomplete.
    pub text: String,
    /// Its natural log-probability by the model, before temperature and rules.
    pub logprob: f32,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model closed the chunk or the text.
    EndOfChunk,
    /// A stop text appeared.
    Stop,
    /// `max_new_tokens` were reached.
    Length,
}

/// Where the time of a batch of answers went, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Timings {
    /// Loading and encoding pictures and reading the prompts.
    pub prefill: f64,
    /// Writing the answers.
    pub decode: f64,
    /// Prompts of the batch.
    pub batch: usize,
}

/// An answer to one prompt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// The prompt's `id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The whole text.
    pub text: String,
    /// Its tokens.
    pub tokens: Vec<Token>,
    /// Why it ended.
    pub finish: Finish,
    /// Of a beam: its log-probability, over its length to the power of the length penalty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Of the batch that the prompt was in.
    pub timings: Timings,
}

impl Engine {
    /// Answers prompts, in order; several answers of a prompt
    /// ([`num_return_sequences`](Decoding::num_return_sequences)) follow one another.
    /// `on_text(answer, text)` is given each piece of an answer as soon as it is certain (not the
    /// beginning of a stop text); of beams nothing is certain before the end.
    ///
    /// # Errors
    /// If a picture cannot be had, a prompt is empty or too long, or an option is out of range.
    pub fn generate(
        &mut self,
        prompts: &[Document],
        source: &dyn MediaSource,
        decoding: &Decoding,
        on_text: &mut dyn FnMut(usize, &str),
    ) -> Result<Vec<Answer>> {
        decoding.check()?;
        let mut answers = Vec::with_capacity(prompts.len());
        let size = self.options.batch.max(1);
        for (i, batch) in prompts.chunks(size).enumerate() {
            let mut work = Batch {
                first: i * size,
                documents: batch.iter().collect(),
                decoding,
                on_text,
            };
            answers.extend(self.generate_batch(&mut work, source)?);
        }
        Ok(answers)
    }

    fn generate_batch(
        &mut self,
        batch: &mut Batch<'_>,
        source: &dyn MediaSource,
    ) -> Result<Vec<Answer>> {
        let start = Instant::now();
        let (documents, decoding) = (&batch.documents, batch.decoding);
        let sequences = self.sequences(documents.iter().copied(), decoding.max_new_tokens)?;
        let prompts = self.prefill(documents, &sequences, source)?;
        let first = self.logits(prompts.last.clone());
        let prefill = start.elapsed().as_secs_f64();
        let (decoded, mut writing) = self.search(batch, &sequences, prompts, first)?;
        let timings = Timings {
            prefill,
            decode: start.elapsed().as_secs_f64() - prefill,
            batch: sequences.len(),
        };
        let mut answers = Vec::new();
        for (prompt, decoded) in decoded.into_iter().enumerate() {
            for decoded in decoded {
                let at = answers.len();
                let mut text = std::mem::take(&mut writing[at]);
                if decoding.num_beams > 1 {
                    self.replay(&decoded, decoding, &mut text)?;
                }
                let first = batch.first * decoding.num_return_sequences;
                text.finish(decoding, &mut |piece| (batch.on_text)(first + at, piece))?;
                answers.push(Answer {
                    id: batch.documents[prompt].id.clone(),
                    finish: text.ending(decoded.ending),
                    text: text.text,
                    tokens: text.tokens,
                    score: decoded.score,
                    prompt_tokens: sequences[prompt].ids.len(),
                    timings,
                });
            }
        }
        Ok(answers)
    }

    /// Runs the search and writes the texts of its answers as their tokens come.
    fn search<'a>(
        &'a self,
        batch: &mut Batch<'_>,
        sequences: &[Sequence],
        prompts: Prompts,
        first: Vec<Vec<f32>>,
    ) -> Result<(Vec<Vec<Decoded>>, Vec<Writing<'a>>)> {
        let decoding = batch.decoding;
        let vocabulary = self.vocabulary();
        let search = Search::new(decoding, &vocabulary)?;
        let answers = decoding.num_return_sequences;
        let mut writing: Vec<Writing<'a>> = (0..sequences.len() * answers)
            .map(|_| Writing::new(self))
            .collect();
        let starts: Vec<Prompt<'_>> = sequences
            .iter()
            .enumerate()
            .map(|(i, sequence)| Prompt {
                ids: &sequence.ids,
                stream: (batch.first + i) as u64,
            })
            .collect();
        let mut failed = None;
        let mut on_token = |step: Step| {
            let at = step.prompt * answers + step.sequence;
            let index = batch.first * answers + at;
            let wrote = writing[at].push(self, step, decoding, &mut |text| {
                (batch.on_text)(index, text)
            });
            match wrote {
                Ok(flow) => flow,
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        };
        let mut rows = Rows {
            engine: self,
            prompts,
        };
        let decoded = search.run(&mut rows, &starts, first, &mut on_token);
        match failed {
            Some(error) => Err(error),
            None => Ok((decoded?, writing)),
        }
    }

    /// The tokens that end an answer, and those that cannot be in one: pictures and their borders, and
    /// rows of the table beyond the tokenizer (padding to a round number).
    fn vocabulary(&self) -> Vocabulary {
        let specials = self.tokenizer.specials();
        let eos: Vec<u32> = [Some(specials.end_of_chunk), specials.eos]
            .into_iter()
            .flatten()
            .collect();
        let never = [Some(specials.image), specials.image_border];
        let rows = self.model.config().language.vocabulary as u32;
        let known = (self.tokenizer.vocab_size() as u32).min(rows);
        let forbidden = never
            .into_iter()
            .flatten()
            .filter(|id| !eos.contains(id))
            .chain(known..rows)
            .collect();
        Vocabulary { eos, forbidden }
    }

    /// Logits of the next token, a row each.
    fn logits(&self, stream: Tensor<2>) -> Vec<Vec<f32>> {
        let logits = self.model.logits(stream);
        let [_, vocabulary] = logits.dims();
        let values = logits.into_data().convert::<f32>();
        let values = values.try_to_vec::<f32>().expect("converted to f32");
        values.chunks(vocabulary).map(<[f32]>::to_vec).collect()
    }

    /// Writes the text of an answer whose tokens came all at once.
    fn replay(&self, decoded: &Decoded, decoding: &Decoding, text: &mut Writing<'_>) -> Result<()> {
        for token in &decoded.tokens {
            let step = Step {
                prompt: 0,
                sequence: 0,
                token: *token,
            };
            if text.push(self, step, decoding, &mut |_| {})?.is_break() {
                break;
            }
        }
        text.sent = 0;
        Ok(())
    }
}

/// Prompts that are answered together.
struct Batch<'a> {
    /// The number of the first one.
    first: usize,
    documents: Vec<&'a Document>,
    decoding: &'a Decoding,
    on_text: &'a mut dyn FnMut(usize, &str),
}

/// The rows of a search: prompts and what was generated behind them.
struct Rows<'a> {
    engine: &'a Engine,
    prompts: Prompts,
}

impl NextLogits for Rows<'_> {
    type Error = Error;

    fn advance(&mut self, parents: &[usize], tokens: &[u32]) -> Result<Vec<Vec<f32>>> {
        let all = parents.len() == self.prompts.lengths.len() && parents.is_sorted_by(|a, b| a < b);
        if !all {
            self.prompts = self.prompts.select(parents);
        }
        let stream = self.engine.step(&mut self.prompts, tokens);
        Ok(self.engine.logits(stream))
    }
}

/// The text of an answer on its way.
#[derive(Default)]
struct Writing<'a> {
    stream: Option<TextStream<'a>>,
    text: String,
    sent: usize,
    tokens: Vec<Token>,
    stopped: bool,
}

impl<'a> Writing<'a> {
    fn new(engine: &'a Engine) -> Self {
        Self {
            stream: Some(engine.tokenizer.stream()),
            ..Self::default()
        }
    }

    /// Takes one token into the answer; breaks at a stop text, which is cut off.
    fn push(
        &mut self,
        engine: &Engine,
        step: Step,
        decoding: &Decoding,
        send: &mut dyn FnMut(&str),
    ) -> Result<ControlFlow<()>> {
        let (id, logprob) = (step.token.id, step.token.logprob);
        let specials = engine.tokenizer.specials();
        let ended = id == specials.end_of_chunk || Some(id) == specials.eos;
        let text = match &mut self.stream {
            Some(stream) if !ended => stream.push(id)?,
            _ => String::new(),
        };
        self.text.push_str(&text);
        self.tokens.push(Token { id, text, logprob });
        let stops = &decoding.stop;
        if let Some(at) = stops.iter().filter_map(|stop| self.text.find(stop)).min() {
            self.text.truncate(at);
            self.stopped = true;
        }
        let certain = match self.stopped {
            true => self.text.len(),
            false => certain_length(&self.text, stops),
        };
        self.send(certain, send);
        Ok(match self.stopped {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        })
    }

    /// Adds what the decoder still holds and sends the rest.
    fn finish(&mut self, decoding: &Decoding, send: &mut dyn FnMut(&str)) -> Result<()> {
        if let Some(stream) = self.stream.take().filter(|_| !self.stopped) {
            let rest = stream.finish()?;
            self.text.push_str(&rest);
            if let Some(last) = self.tokens.last_mut() {
                last.text.push_str(&rest);
            }
            let at = decoding
                .stop
                .iter()
                .filter_map(|stop| self.text.find(stop))
                .min();
            if let Some(at) = at {
                self.text.truncate(at);
                self.stopped = true;
            }
        }
        self.send(self.text.len(), send);
        Ok(())
    }

    fn send(&mut self, certain: usize, send: &mut dyn FnMut(&str)) {
        if certain > self.sent {
            send(&self.text[self.sent..certain]);
            self.sent = certain;
        }
    }

    fn ending(&self, ending: Ending) -> Finish {
        match ending {
            _ if self.stopped => Finish::Stop,
            Ending::Eos => Finish::EndOfChunk,
            Ending::Stopped => Finish::Stop,
            Ending::Length => Finish::Length,
        }
    }
}

/// How much of `text` cannot turn out to be the beginning of a stop text.
fn certain_length(text: &str, stops: &[String]) -> usize {
    let begins = |from: usize| stops.iter().any(|stop| stop.starts_with(&text[from..]));
    text.char_indices()
        .map(|(i, _)| i)
        .find(|&i| begins(i))
        .unwrap_or(text.len())
}

impl From<SearchError<Error>> for Error {
    fn from(error: SearchError<Error>) -> Self {
        match error {
            SearchError::Option(option) => Error::Option(option),
            SearchError::Model(error) => error,
            other => unreachable!("the engine gives a row of logits for each row: {other}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_stop_text_is_held_back() {
        let stops = ["\nQ".to_owned(), "abc".to_owned()];
        assert_eq!(certain_length("yes", &stops), 3);
        assert_eq!(certain_length("yes\n", &stops), 3);
        assert_eq!(certain_length("über ab", &stops), 6);
    }
}
