//! The queue served: requests come in, events go out, and a step of the model serves all that are there.
//!
//! A step is one pass: over waiting prompts while there is room for them, else over one token of every
//! row that is being written, whatever prompt it is of. So a request that ends makes room at once, none
//! waits for the end of others, and what came of a pass is told before the next begins. Which requests
//! are read or written together changes no result.

use std::time::Instant;

use flamingo_model::{Branches, Medium, TextRow};
use flamingo_sequence::Document;

use crate::answering::{Answering, Asked};
use crate::prompt::Prepared;
use crate::queue::{Waiting, What};
use crate::scoring::Scoring;
use crate::{Engine, Error, Event, MediaSource, Request, RequestId, Result, Timings};

/// Tokens that prompts may begin with alike and still be read together: more, and the second waits
/// until the first is in the cache.
const ALIKE: usize = 16;
/// A pass over few prompts costs the rows that are being written almost one of their own: they go on
/// until prompts wait for one in so many of them,
const ROWS_A_PROMPT: usize = 4;
/// but for no more passes than this.
const PASSES_HELD: usize = 4;

impl Engine {
    /// Puts a request at the end of the queue.
    ///
    /// # Errors
    /// If the prompt is empty or too long, an option is out of range, or there are no candidates.
    pub fn submit(&mut self, request: Request) -> Result<RequestId> {
        let (document, what, new_tokens) = match request {
            Request::Generate {
                prompt,
                decoding,
                stream,
            } => {
                decoding.check()?;
                let new_tokens = decoding.max_new_tokens;
                (prompt, What::Generate { decoding, stream }, new_tokens)
            }
            Request::Score { candidates, by } => {
                let document = candidates.document.clone();
                let scoring = Scoring::new(candidates, by, &self.tokenizer)?;
                let longest = scoring.longest();
                (document, What::Score(scoring), longest)
            }
        };
        let sequence = self.sequence(&document, new_tokens)?;
        let request = RequestId(self.queue.next);
        self.queue.next += 1;
        self.queue.waiting.push_back(Waiting {
            request,
            what,
            document,
            sequence,
            prepared: None,
        });
        Ok(request)
    }

    /// Takes a request out and frees what it holds; false if it is over already.
    pub fn cancel(&mut self, request: RequestId) -> bool {
        let queue = &mut self.queue;
        let before = queue.waiting.len() + queue.answering.len();
        queue.waiting.retain(|waiting| waiting.request != request);
        queue.answering.retain(|row| row.request != request);
        queue.events.retain(|event| event.request() != request);
        queue.waiting.len() + queue.answering.len() < before
    }

    fn cancel_all(&mut self, requests: &[RequestId]) {
        for &request in requests {
            self.cancel(request);
        }
    }

    /// How many tokens a prompt has.
    ///
    /// # Errors
    /// If it is empty, has too many media or is too long.
    pub fn prompt_tokens(&self, prompt: &Document) -> Result<usize> {
        Ok(self.sequence(prompt, 0)?.ids.len())
    }

    /// How many tokens the model has places for; none if there is no bound.
    pub fn places(&self) -> Option<usize> {
        Some(self.model.language.max_length()).filter(|&places| places < usize::MAX)
    }

    /// How many rows are being written.
    pub fn rows(&self) -> usize {
        self.queue.answering.iter().map(|a| a.texts.len()).sum()
    }

    /// How many requests are waiting or being answered.
    pub fn pending(&self) -> usize {
        self.queue.waiting.len() + self.queue.answering.len()
    }

    /// One pass of the model: reads prompts that wait, if there is room, else one more token of all
    /// that are being answered; returns what came of it. Requests are over with [`Event::Answered`],
    /// [`Event::Scored`] or [`Event::Failed`].
    pub fn step(&mut self, source: &dyn MediaSource) -> Vec<Event> {
        let mut events = std::mem::take(&mut self.queue.events);
        if !self.read_waiting(source, &mut events) {
            self.write(&mut events);
        }
        events
    }

    /// Runs requests to their end; `on_event` is given the number of each among them. Others in the
    /// queue go on with them, and their events are kept for [`Engine::step`].
    pub(crate) fn run(
        &mut self,
        requests: Vec<Request>,
        source: &dyn MediaSource,
        on_event: &mut dyn FnMut(usize, Event),
    ) -> Result<()> {
        let several = requests.len() > 1;
        let of_prompt = |i: usize, error: Error| match several {
            true => Error::Prompt {
                number: i + 1,
                source: Box::new(error),
            },
            false => error,
        };
        let mut ids = Vec::with_capacity(requests.len());
        for (i, request) in requests.into_iter().enumerate() {
            match self.submit(request) {
                Ok(id) => ids.push(id),
                Err(error) => {
                    self.cancel_all(&ids);
                    return Err(of_prompt(i, error));
                }
            }
        }
        let (mut others, mut failed) = (Vec::new(), None);
        let mut open = ids.len();
        while open > 0 && failed.is_none() {
            for event in self.step(source) {
                let Ok(i) = ids.binary_search(&event.request()) else {
                    others.push(event);
                    continue;
                };
                match event {
                    Event::Failed { error, .. } => {
                        failed.get_or_insert_with(|| of_prompt(i, error));
                        continue;
                    }
                    Event::Text { .. } => {}
                    Event::Answered { .. } | Event::Scored { .. } => open -= 1,
                }
                on_event(i, event);
            }
        }
        self.queue.events.append(&mut others);
        match failed {
            Some(error) => {
                self.cancel_all(&ids);
                Err(error)
            }
            None => Ok(()),
        }
    }

    /// Reads waiting prompts while rows are free; false if there are none to be read now.
    fn read_waiting(&mut self, source: &dyn MediaSource, events: &mut Vec<Event>) -> bool {
        if self.holds() {
            self.queue.held += 1;
            return false;
        }
        let started = Instant::now();
        let round = self.next_round(source, events);
        if round.is_empty() {
            return false;
        }
        self.queue.held = 0;
        let requests: Vec<RequestId> = round.iter().map(|(w, _)| w.request).collect();
        if let Err(error) = self.read_round(round, source, started, events) {
            // A picture that changed meanwhile, or a full disk.
            let message = error.to_string();
            events.extend(requests.into_iter().map(|request| Event::Failed {
                request,
                error: Error::Media(message.clone()),
            }));
        }
        true
    }

    /// Whether too few prompts could be read now to keep those waiting that are being written.
    fn holds(&self) -> bool {
        let rows = self.rows();
        let room = self.options.batch.saturating_sub(rows);
        let readable = self.queue.waiting.len().min(room);
        readable > 0 && readable * ROWS_A_PROMPT < rows && self.queue.held < PASSES_HELD
    }

    /// Prompts to be read together: as many as there is room for, and that have nothing to gain from
    /// one another.
    fn next_round(
        &mut self,
        source: &dyn MediaSource,
        events: &mut Vec<Event>,
    ) -> Vec<(Waiting, Prepared)> {
        let rows = self.rows();
        let mut room = self.options.batch.max(1).saturating_sub(rows);
        let (mut round, mut later): (Vec<(Waiting, Prepared)>, Vec<Waiting>) = Default::default();
        let (mut tokens, mut media) = (0, 0);
        let medium = self.model.config().medium_numbers() * self.options.precision.dtype().size();
        while round.len() + later.len() < self.options.batch.max(1) {
            let Some(mut waiting) = self.queue.waiting.pop_front() else {
                break;
            };
            let first = round.is_empty() && self.queue.answering.is_empty();
            if waiting.what.rows() > room && !first {
                self.queue.waiting.push_front(waiting);
                break;
            }
            let prepared = match waiting.prepared.take() {
                Some(prepared) => Ok(prepared),
                None => self.prepare(&waiting.document, waiting.sequence.clone(), source),
            };
            let prepared = match prepared {
                Ok(prepared) => prepared,
                Err(error) => {
                    let request = waiting.request;
                    events.push(Event::Failed { request, error });
                    continue;
                }
            };
            let known = self.known(&prepared);
            let new = prepared.sequence.ids.len() - known + waiting.what.branches().ids.len();
            let alike = |(_, other): &(Waiting, Prepared)| prepared.common(other) > known + ALIKE;
            if round.iter().any(alike) {
                waiting.prepared = Some(prepared.unloaded());
                later.push(waiting);
                continue;
            }
            let seen = prepared.media_behind(known) * medium;
            let is_full = tokens + new > self.options.prefill_tokens
                || media + seen > self.options.prefill_media_bytes;
            if !round.is_empty() && is_full {
                waiting.prepared = Some(prepared.unloaded());
                self.queue.waiting.push_front(waiting);
                break;
            }
            room = room.saturating_sub(waiting.what.rows());
            tokens += new;
            media += seen;
            round.push((waiting, prepared));
        }
        for waiting in later.into_iter().rev() {
            self.queue.waiting.push_front(waiting);
        }
        round
    }

    fn read_round(
        &mut self,
        round: Vec<(Waiting, Prepared)>,
        source: &dyn MediaSource,
        started: Instant,
        events: &mut Vec<Event>,
    ) -> Result<()> {
        let (waiting, prepared): (Vec<Waiting>, Vec<Prepared>) = round.into_iter().unzip();
        let known: Vec<usize> = prepared.iter().map(|p| self.known(p)).collect();
        let branches: Vec<Branches<'_>> = waiting.iter().map(|w| w.what.branches()).collect();
        let before = self.counts.media_encoded;
        self.counts.reading_passes += 1;
        let read = self.read(&prepared, &branches, source)?;
        let encoded = (self.counts.media_encoded - before) as usize;
        let logits = self.logits(read.last);
        let vocabulary = self.vocabulary();
        let batch = waiting.len();
        let (mut scorings, mut answering) = (Vec::new(), Vec::new());
        let all = waiting.into_iter().zip(prepared);
        let all = all.zip(read.prompts).zip(read.branches).enumerate();
        for (i, (((waiting, prepared), read), branches)) in all {
            let request = waiting.request;
            match waiting.what {
                What::Score(mut scoring) => {
                    scoring.first(&logits[i], branches.map(|stream| self.logits(stream)));
                    scorings.push((request, scoring, read));
                }
                What::Generate { decoding, stream } => {
                    let asked = Asked {
                        request,
                        id: waiting.document.id,
                        decoding,
                        stream,
                        ids: prepared.sequence.ids,
                        timings: Timings {
                            prefill: started.elapsed().as_secs_f64(),
                            batch,
                            known: known[i],
                            encoded,
                            ..Timings::default()
                        },
                    };
                    let row = Answering::new(asked, read, &vocabulary, logits[i].len());
                    answering.push((request, row, i));
                }
            }
        }
        self.score_all(scorings, events);
        for (request, row, i) in answering {
            let took = row.and_then(|mut row| {
                row.take(
                    &self.tokenizer,
                    &vocabulary,
                    std::slice::from_ref(&logits[i]),
                    events,
                )?;
                Ok(row)
            });
            match took {
                Ok(row) => self.queue.answering.push(row),
                Err(error) => events.push(Event::Failed { request, error }),
            }
        }
        Ok(())
    }

    /// One token of every row that is being written.
    fn write(&mut self, events: &mut Vec<Event>) {
        let vocabulary = self.vocabulary();
        let (mut going, mut tokens) = (Vec::new(), Vec::new());
        for mut row in std::mem::take(&mut self.queue.answering) {
            let request = row.request;
            let failed = match row.next(&vocabulary) {
                Ok(Some(next)) => {
                    tokens.push(next);
                    going.push(row);
                    continue;
                }
                Ok(None) => row.finish(&self.tokenizer, &vocabulary, events),
                Err(error) => Err(error),
            };
            if let Err(error) = failed {
                events.push(Event::Failed { request, error });
            }
        }
        if going.is_empty() {
            return;
        }
        let logits = self.read_next(&mut going, &tokens);
        let mut rest = &logits[..];
        for mut row in going {
            let (own, others) = rest.split_at(row.texts.len());
            rest = others;
            match row.take(&self.tokenizer, &vocabulary, own, events) {
                Ok(()) => self.queue.answering.push(row),
                Err(error) => events.push(Event::Failed {
                    request: row.request,
                    error,
                }),
            }
        }
    }

    fn read_next(&mut self, going: &mut [Answering], tokens: &[Vec<u32>]) -> Vec<Vec<f32>> {
        let (mut rows, mut seen): (Vec<TextRow<'_>>, Vec<&[Medium]>) = Default::default();
        for (row, tokens) in going.iter_mut().zip(tokens) {
            for (cache, token) in row.texts.iter_mut().zip(tokens) {
                rows.push(TextRow::new(std::slice::from_ref(token), cache));
                seen.push(&row.seen);
            }
        }
        self.counts.tokens_written += rows.len() as u64;
        self.counts.writing_passes += 1;
        let stream = self.read_on(&mut rows, &seen);
        self.logits(stream)
    }
}
