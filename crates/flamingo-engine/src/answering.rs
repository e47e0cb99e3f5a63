//! Answers on their way, token by token.

use std::ops::ControlFlow;
use std::time::Instant;

use flamingo_model::{Medium, TextCache};
use flamingo_sequence::Tokenizer;

use crate::decoding::{Decoded, Decoding, Prompt, Search, Searching, Vocabulary};
use crate::prompt::ReadPrompt;
use crate::writing::Writing;
use crate::{Answer, Event, RequestId, Result, Timings, Token};

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
        tokenizer: &Tokenizer,
        vocabulary: &Vocabulary,
        logits: &[Vec<f32>],
        events: &mut Vec<Event>,
    ) -> Result<()> {
        let (request, decoding) = (self.request, &self.decoding);
        let search = Search::new(decoding, vocabulary)?;
        let (writing, mut failed) = (&mut self.writing, None);
        self.searching.take(&search, logits, &mut |answer, token| {
            let mut send = |text: &str, tokens: &[Token]| {
                events.push(Event::Text {
                    request,
                    answer,
                    text: text.to_owned(),
                    tokens: tokens.to_vec(),
                });
            };
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
        tokenizer: &Tokenizer,
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
                replay(&decoded, tokenizer, &self.decoding, &mut text)?;
            }
            text.finish(tokenizer, &self.decoding, &mut |piece, tokens| {
                events.push(Event::Text {
                    request: self.request,
                    answer,
                    text: piece.to_owned(),
                    tokens: tokens.to_vec(),
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
    tokenizer: &Tokenizer,
    decoding: &Decoding,
    text: &mut Writing,
) -> Result<()> {
    let mut whole = Writing::default();
    for token in &decoded.tokens {
        let push = whole.push(tokenizer, token.clone(), decoding, &mut |_, _| {});
        if push?.is_break() {
            break;
        }
    }
    whole.unsend();
    *text = whole;
    Ok(())
}
