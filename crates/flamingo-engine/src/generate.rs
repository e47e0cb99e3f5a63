//! Answers, token by token.

use std::ops::ControlFlow;
use std::time::Instant;

use flamingo_model::{Medium, TextCache};
use flamingo_sequence::Document;
use serde::Serialize;

use crate::decoding::{Decoded, Decoding, Prompt, Search, Searching, Vocabulary};
use crate::queue::{Event, Request, RequestId};
use crate::reading::ReadPrompt;
use crate::writing::Writing;
use crate::{Engine, MediaSource, Result};

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

/// Where the time of an answer went, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Timings {
    /// Loading and encoding pictures and reading the prompt, with those read together with it.
    pub prefill: f64,
    /// Writing the answer, beside others.
    pub decode: f64,
    /// Prompts that were read together.
    pub batch: usize,
    /// Tokens of the prompt that were known from earlier prompts.
    pub known: usize,
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
    /// Of this prompt.
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
        let requests = prompts
            .iter()
            .enumerate()
            .map(|(i, prompt)| Request::Generate {
                prompt: prompt.clone(),
                decoding: decoding.clone(),
                stream: i as u64,
            });
        let of_each = decoding.num_return_sequences;
        let mut all: Vec<Vec<Answer>> = vec![Vec::new(); prompts.len()];
        self.run(requests.collect(), source, &mut |i, event| match event {
            Event::Text { answer, text, .. } => on_text(i * of_each + answer, &text),
            Event::Answered { answers, .. } => all[i] = answers,
            Event::Scored { .. } | Event::Failed { .. } => {}
        })?;
        Ok(all.into_iter().flatten().collect())
    }

    /// The tokens that end an answer, and those that cannot be in one: pictures and their borders, and
    /// rows of the table beyond the tokenizer (padding to a round number).
    pub(crate) fn vocabulary(&self) -> Vocabulary {
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
}

/// A prompt that was read and is being answered.
pub(crate) struct Answering {
    pub(crate) request: RequestId,
    id: Option<String>,
    decoding: Decoding,
    prompt_tokens: usize,
    searching: Searching,
    /// The texts of the rows that are being written.
    pub(crate) texts: Vec<TextCache>,
    /// What their tokens see.
    pub(crate) seen: Vec<Medium>,
    writing: Vec<Writing>,
    started: Instant,
    timings: Timings,
}

/// What of a request is not the search.
pub(crate) struct Asked {
    pub(crate) request: RequestId,
    pub(crate) id: Option<String>,
    pub(crate) decoding: Decoding,
    pub(crate) stream: u64,
    pub(crate) ids: Vec<u32>,
    pub(crate) timings: Timings,
}

impl Answering {
    /// # Errors
    /// If a rule names a token that the vocabulary does not have.
    pub(crate) fn new(
        asked: Asked,
        read: ReadPrompt,
        vocabulary: &Vocabulary,
        size: usize,
    ) -> Result<Self> {
        let search = Search::new(&asked.decoding, vocabulary)?;
        let prompt = Prompt {
            ids: &asked.ids,
            stream: asked.stream,
        };
        let searching = Searching::new(&search, prompt, size)?;
        let answers = asked.decoding.num_return_sequences;
        Ok(Self {
            searching,
            request: asked.request,
            id: asked.id,
            decoding: asked.decoding,
            prompt_tokens: asked.ids.len(),
            texts: vec![read.text],
            seen: read.seen,
            writing: (0..answers).map(|_| Writing::default()).collect(),
            started: Instant::now(),
            timings: asked.timings,
        })
    }

    /// Takes the logits of all its rows; `events` gets the text that is certain now.
    pub(crate) fn take(
        &mut self,
        engine: &Engine,
        vocabulary: &Vocabulary,
        logits: &[Vec<f32>],
        events: &mut Vec<Event>,
    ) -> Result<()> {
        let (request, decoding) = (self.request, &self.decoding);
        let search = Search::new(decoding, vocabulary)?;
        let (writing, mut failed) = (&mut self.writing, None);
        self.searching.take(&search, logits, &mut |answer, token| {
            let mut send = |text: &str| {
                events.push(Event::Text {
                    request,
                    answer,
                    text: text.to_owned(),
                });
            };
            let tokenizer = &engine.tokenizer;
            let wrote = writing[answer].push(tokenizer, token, decoding, &mut send);
            wrote.unwrap_or_else(|error| {
                failed = Some(error);
                ControlFlow::Break(())
            })
        });
        failed.map_or(Ok(()), Err)
    }

    /// The tokens to be read next, a row each; the texts are put in their order. None if the answers
    /// are there.
    pub(crate) fn next(&mut self, vocabulary: &Vocabulary) -> Result<Option<Vec<u32>>> {
        let search = Search::new(&self.decoding, vocabulary)?;
        let Some((parents, tokens)) = self.searching.next(&search) else {
            return Ok(None);
        };
        let all = parents.len() == self.texts.len() && parents.is_sorted_by(|a, b| a < b);
        if !all {
            let texts = parents.iter().map(|&row| self.texts[row].clone());
            self.texts = texts.collect();
        }
        Ok(Some(tokens))
    }

    /// The answers, once there is nothing more to be read.
    pub(crate) fn finish(
        mut self,
        engine: &Engine,
        vocabulary: &Vocabulary,
        events: &mut Vec<Event>,
    ) -> Result<()> {
        let decoded = {
            let search = Search::new(&self.decoding, vocabulary)?;
            self.searching.finish(&search)
        };
        self.timings.decode = self.started.elapsed().as_secs_f64();
        let mut answers = Vec::new();
        for (answer, decoded) in decoded.into_iter().enumerate() {
            let mut text = std::mem::take(&mut self.writing[answer]);
            if self.decoding.num_beams > 1 {
                replay(&decoded, engine, &self.decoding, &mut text)?;
            }
            text.finish(&engine.tokenizer, &self.decoding, &mut |piece| {
                events.push(Event::Text {
                    request: self.request,
                    answer,
                    text: piece.to_owned(),
                });
            })?;
            answers.push(Answer {
                id: self.id.clone(),
                finish: text.ending(decoded.ending),
                text: text.text,
                tokens: text.tokens,
                score: decoded.score,
                prompt_tokens: self.prompt_tokens,
                timings: self.timings,
            });
        }
        events.push(Event::Answered {
            request: self.request,
            answers,
        });
        Ok(())
    }
}

/// Writes the text of an answer whose tokens came all at once.
fn replay(
    decoded: &Decoded,
    engine: &Engine,
    decoding: &Decoding,
    text: &mut Writing,
) -> Result<()> {
    let mut whole = Writing::default();
    for token in &decoded.tokens {
        let push = whole.push(&engine.tokenizer, *token, decoding, &mut |_| {});
        if push?.is_break() {
            break;
        }
    }
    whole.unsend();
    *text = whole;
    Ok(())
}
