//! From a document to an answer on its way: media got, tokens counted, a place in the queue taken, time bounded.

use std::sync::Arc;

use axum::http::StatusCode;
use flamingo_engine::{Answer, Decoding, RankBy, Request, Scores};
use flamingo_sequence::{Candidates, Document, Part, Sequence, Tokenizer};
use tokio::time::{Instant, timeout_at};

use crate::body::Share;
use crate::job::{Happened, Job, Telling, Told};
use crate::limits::Limits;
use crate::media::Held;
use crate::refusal::Refusal;
use crate::shots::Picked;
use crate::state::State;
use crate::wanted::{Wanted, with_references};

/// Bytes of text for each token of the longest prompt, beyond which texts are not even split into tokens.
const BYTES_A_TOKEN: usize = 32;

/// A prompt that can be asked.
pub(crate) struct Prompt {
    /// Its media are named by their content.
    pub(crate) document: Document,
    pub(crate) sequence: Sequence,
    pub(crate) shots: Vec<usize>,
    held: (Vec<Held>, Picked),
}

/// How a request wants to be answered, and what it holds until it is over.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) told: Told,
    pub(crate) deadline: Instant,
    /// Of the server's memory.
    pub(crate) _share: Arc<Share>,
    /// The key of the request that its prompt came in, for messages.
    pub(crate) param: &'static str,
}

/// A request that the engine has.
pub(crate) struct Running {
    job: Job,
    asked: Asked,
    seconds: u64,
    held: Arc<(Vec<Held>, Picked)>,
}

impl Prompt {
    /// Gets the media of a document, and counts its tokens. `shots` stand before it; their media are the server's.
    ///
    /// # Errors
    /// If a medium cannot be had, or the prompt is empty or too long.
    pub(crate) async fn new(
        state: &State,
        document: Document,
        media: Vec<Wanted>,
        mut shots: Picked,
        param: &str,
    ) -> Result<Self, Refusal> {
        check_texts(&state.limits, &document.parts, param)?;
        let held = state.getter.get(media).await?;
        let document = Document::concat(&shots.documents, &with_references(document, &held));
        let (tokenizer, most_media) = (Arc::clone(&state.model.tokenizer), state.limits.media);
        let bytes = document.parts.iter().map(text_bytes).sum();
        let tokens = state.getter.with_text(bytes, move || {
            let sequence = Sequence::of_prompt(&document, &tokenizer, most_media);
            sequence.map(|sequence| (document, sequence))
        });
        let (document, sequence) = tokens
            .await?
            .map_err(|error| Refusal::bad(param, error.to_string()))?;
        let (tokens, most) = (sequence.ids.len(), state.limits.prompt_tokens);
        let most = state
            .model
            .places
            .map_or(most, |places| most.min(places - 1));
        if tokens > most {
            let message = format!("the prompt has {tokens} tokens, the most is {most}: shorten it");
            return Err(Refusal::bad(param, message).called("context_length_exceeded"));
        }
        Ok(Self {
            document,
            sequence,
            shots: std::mem::take(&mut shots.numbers),
            held: (held, shots),
        })
    }

    /// No more new tokens than the model has places for behind the prompt.
    pub(crate) fn fit(&self, state: &State, decoding: &mut Decoding) {
        if let Some(places) = state.model.places {
            let room = places - self.sequence.ids.len();
            decoding.max_new_tokens = decoding.max_new_tokens.min(room);
            decoding.min_new_tokens = decoding.min_new_tokens.min(room);
        }
    }

    /// Asks for an answer; `stream` is the request's number among those that came with it.
    ///
    /// # Errors
    /// If the queue is full or the engine refuses.
    pub(crate) async fn ask(
        self,
        state: &State,
        mut decoding: Decoding,
        stream: u64,
        asked: Asked,
    ) -> Result<Running, Refusal> {
        self.fit(state, &mut decoding);
        let request = Request::Generate {
            prompt: self.document,
            decoding,
            stream,
        };
        Running::start(state, request, self.held, asked).await
    }

    /// Asks for the scores of candidates.
    ///
    /// # Errors
    /// If the queue is full or the engine refuses.
    pub(crate) async fn score(
        self,
        state: &State,
        candidates: Vec<String>,
        by: RankBy,
        asked: Asked,
    ) -> Result<Running, Refusal> {
        let (tokenizer, limits) = (Arc::clone(&state.model.tokenizer), state.limits.clone());
        let bytes = candidates.iter().map(String::len).sum();
        let checked = state.getter.with_text(bytes, move || {
            check_candidates(&tokenizer, &limits, &candidates)?;
            Ok::<_, Refusal>(candidates)
        });
        let candidates = checked.await??;
        let candidates = Candidates {
            document: self.document,
            candidates,
        };
        let request = Request::Score { candidates, by };
        Running::start(state, request, self.held, asked).await
    }
}

/// Refuses texts that are too long whatever their tokens are.
pub(crate) fn check_texts<'a>(
    limits: &Limits,
    parts: impl IntoIterator<Item = &'a Part>,
    param: &str,
) -> Result<(), Refusal> {
    let bytes: usize = parts.into_iter().map(text_bytes).sum();
    let tokens = limits.prompt_tokens;
    let most = tokens.saturating_mul(BYTES_A_TOKEN);
    match bytes > most {
        true => {
            let message = format!(
                "the prompt's texts have {bytes} bytes, the most is {most} for {tokens} tokens: shorten it"
            );
            Err(Refusal::bad(param, message).called("context_length_exceeded"))
        }
        false => Ok(()),
    }
}

fn text_bytes(part: &Part) -> usize {
    match part {
        Part::Text(text) => text.len(),
        Part::Image(_) | Part::Video(_) | Part::End | Part::Token(_) => 0,
    }
}

/// Refuses candidates that are too long, each or together.
fn check_candidates(
    tokenizer: &Tokenizer,
    limits: &Limits,
    candidates: &[String],
) -> Result<(), Refusal> {
    let (most, most_together) = (limits.candidate_tokens, limits.prompt_tokens);
    let mut together = 0;
    for (i, text) in candidates.iter().enumerate() {
        let place = format!("candidates[{i}]");
        let long = |found: String| {
            let message = format!("`{place}` has {found}, the most is {most} tokens: shorten it");
            Refusal::bad(&place, message).called("context_length_exceeded")
        };
        if text.len() > most.saturating_mul(BYTES_A_TOKEN) {
            return Err(long(format!("{} bytes", text.len())));
        }
        let ids = tokenizer.encode(text);
        let tokens = ids
            .map_err(|error| Refusal::bad(&place, error.to_string()))?
            .len();
        if tokens > most {
            return Err(long(format!("{tokens} tokens")));
        }
        together += tokens;
        if together > most_together {
            let message = format!(
                "the candidates up to `{place}` have {together} tokens, the most is {most_together}: score fewer at once"
            );
            return Err(Refusal::bad("candidates", message).called("context_length_exceeded"));
        }
    }
    Ok(())
}

impl Running {
    async fn start(
        state: &State,
        request: Request,
        held: (Vec<Held>, Picked),
        asked: Asked,
    ) -> Result<Self, Refusal> {
        if state.is_ending() {
            return Err(Refusal::ending());
        }
        let job = state
            .queue
            .start(request, asked.told)
            .map_err(|refused| state.refuse(refused))?;
        let mut running = Self {
            job,
            seconds: state.limits.answer_time.as_secs(),
            asked,
            held: Arc::new(held),
        };
        if running.asked.told.telling == Telling::Whole {
            return Ok(running);
        }
        // Before the head of a stream is sent, so that what the engine refuses has its own status.
        match running.next().await? {
            Happened::Accepted => Ok(running),
            _ => Err(Refusal::ours("the engine answered out of turn")),
        }
    }

    /// What happens next, within the time that the request has.
    ///
    /// # Errors
    /// If it failed, or its time is over.
    pub(crate) async fn next(&mut self) -> Result<Happened, Refusal> {
        match timeout_at(self.asked.deadline, self.job.next()).await {
            Ok(Happened::Failed(error)) => Err(Refusal::of_engine(&error, self.asked.param)),
            Ok(Happened::Broken) => Err(Refusal::ours(
                "the engine failed on this request or one beside it: this is a bug",
            )),
            Ok(happened) => Ok(happened),
            Err(_) => {
                let seconds = self.seconds;
                let message = format!(
                    "the answer took more than {seconds} s, the most that a request may take: ask for fewer tokens"
                );
                Err(Refusal::new(StatusCode::GATEWAY_TIMEOUT, message).called("answer_timeout"))
            }
        }
    }

    /// The answers, once they are whole.
    ///
    /// # Errors
    /// As [`Running::next`].
    pub(crate) async fn answers(mut self) -> Result<Vec<Answer>, Refusal> {
        loop {
            if let Happened::Answered(answers) = self.next().await? {
                return Ok(answers);
            }
        }
    }

    /// The scores.
    ///
    /// # Errors
    /// As [`Running::next`].
    pub(crate) async fn scores(mut self) -> Result<Scores, Refusal> {
        loop {
            if let Happened::Scored(scores) = self.next().await? {
                return Ok(scores);
            }
        }
    }

    /// Keeps its media as long as it is kept itself.
    pub(crate) fn holds(&self) -> Arc<(Vec<Held>, Picked)> {
        Arc::clone(&self.held)
    }
}
