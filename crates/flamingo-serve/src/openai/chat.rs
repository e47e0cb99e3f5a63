//! `POST /v1/chat/completions`.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use flamingo_engine::{Answer, Token};
use flamingo_sequence::Document;
use serde_json::{Map, Value, json};

use super::usage::{finish, usage};
use super::{logprobs, models, refused};
use crate::echo::{echo, shots_header};
use crate::fields::Fields;
use crate::incoming::Incoming;
use crate::job::Telling;
use crate::limits::Limits;
use crate::message::messages;
use crate::parameters::{Logprobs, Parameters};
use crate::picking::pick;
use crate::refusal::Refusal;
use crate::running::{Prompt, check_texts};
use crate::sse::{self, Chunks};
use crate::state::{State, now};
use crate::template::Template;
use crate::wanted::Wanted;

/// Answers a chat.
///
/// # Errors
/// If the request is none, or cannot be answered.
pub(crate) async fn answer(state: Arc<State>, incoming: Incoming) -> Result<Response, Refusal> {
    let mut fields = Fields::of(incoming.json(&state)?, "")?;
    models::take(&state, &mut fields)?;
    let chosen = state.shots.read(&mut fields)?;
    let Chat {
        mut parameters,
        query,
        media,
    } = Chat::read(fields, &state.limits, &state.template)?;
    let shots = pick(&state, chosen, &query, &media).await?;
    let prompt = Prompt::new(&state, query, media, shots, "messages").await?;
    parameters
        .decoding
        .stop
        .extend(state.template.stop().iter().cloned());
    if incoming.echo {
        return Ok(Json(echo(&state, &prompt, &parameters.decoding)).into_response());
    }
    let mut reply = Reply::new(&state, &parameters);
    let told = shots_header(&prompt);
    let telling = match parameters.stream {
        true => Telling::Pieces,
        false => Telling::Whole,
    };
    let asked = incoming.asked("messages", telling);
    let running = prompt.ask(&state, parameters.decoding, 0, asked).await?;
    if telling == Telling::Pieces {
        return Ok((told, sse::response(state, running, reply)).into_response());
    }
    let answers = running.answers().await?;
    Ok((told, Json(reply.whole(&answers))).into_response())
}

/// A chat as it was read.
pub(crate) struct Chat {
    pub(crate) parameters: Parameters,
    /// Its media are named by their place among `media`.
    pub(crate) query: Document,
    pub(crate) media: Vec<Wanted>,
}

impl Chat {
    /// # Errors
    /// If a key has another form or is out of range, or the template refuses the chat.
    pub(crate) fn read(
        mut fields: Fields,
        limits: &Limits,
        template: &Template,
    ) -> Result<Self, Refusal> {
        refused::check(&mut fields)?;
        let parameters = Parameters::read(&mut fields, limits, Logprobs::Flag, limits.new_tokens)?;
        let mut media = Vec::new();
        let chat = messages(&mut fields, &mut media, limits.media)?;
        check_texts(
            limits,
            chat.iter().flat_map(|turn| &turn.content),
            "messages",
        )?;
        let parts = template
            .parts(&chat)
            .map_err(|error| Refusal::bad("messages", error.to_string()))?;
        Ok(Self {
            parameters,
            query: Document::new(parts),
            media,
        })
    }
}

/// How an answer is told.
struct Reply {
    id: String,
    created: u64,
    model: String,
    /// Which of the answers have begun: the space before the first word is no part of what is read.
    begun: Vec<bool>,
    logprobs: bool,
    ends: Vec<u32>,
    include_usage: bool,
}

impl Reply {
    fn new(state: &State, parameters: &Parameters) -> Self {
        Self {
            id: state.ids.next("chatcmpl-"),
            created: now(),
            model: state.model.name.clone(),
            begun: vec![false; parameters.decoding.num_return_sequences],
            logprobs: parameters.logprobs,
            ends: state.model.ends.clone(),
            include_usage: parameters.include_usage,
        }
    }

    fn frame(&self, object: &str, choices: Vec<Value>) -> Map<String, Value> {
        let frame = json!({
            "id": self.id,
            "object": object,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": concat!("flamingo-", env!("CARGO_PKG_VERSION")),
            "choices": choices,
        });
        match frame {
            Value::Object(frame) => frame,
            _ => Map::new(),
        }
    }

    fn told(&self, tokens: &[Token]) -> Value {
        match self.logprobs {
            true => logprobs::of_chat(tokens, &self.ends),
            false => Value::Null,
        }
    }

    fn whole(&mut self, answers: &[Answer]) -> Value {
        let choice = |(index, answer): (usize, &Answer)| {
            json!({
                "index": index,
                "message": {
                    "role": "assistant",
                    "content": answer.text.trim_start(),
                    "refusal": null,
                },
                "logprobs": self.told(&answer.tokens),
                "finish_reason": finish(answer),
            })
        };
        let choices = answers.iter().enumerate().map(choice).collect();
        let mut frame = self.frame("chat.completion", choices);
        frame.insert("usage".to_owned(), usage(answers));
        Value::Object(frame)
    }

    fn chunk(&self, index: usize, delta: Value, logprobs: Value, finish: Option<&str>) -> Value {
        let choice = json!({
            "index": index,
            "delta": delta,
            "logprobs": logprobs,
            "finish_reason": finish,
        });
        Value::Object(self.frame("chat.completion.chunk", vec![choice]))
    }
}

impl Chunks for Reply {
    fn opening(&mut self) -> Vec<Value> {
        let delta = json!({"role": "assistant", "content": ""});
        (0..self.begun.len())
            .map(|index| self.chunk(index, delta.clone(), Value::Null, None))
            .collect()
    }

    fn piece(&mut self, answer: usize, text: &str, tokens: &[Token]) -> Option<Value> {
        let begun = self.begun.get_mut(answer)?;
        let text = if *begun { text } else { text.trim_start() };
        *begun |= !text.is_empty();
        if text.is_empty() && !self.logprobs {
            return None;
        }
        let told = self.told(tokens);
        Some(self.chunk(answer, json!({"content": text}), told, None))
    }

    fn closing(&mut self, answers: &[Answer]) -> Vec<Value> {
        let last = |(index, answer): (usize, &Answer)| {
            self.chunk(index, json!({}), Value::Null, Some(finish(answer)))
        };
        let mut closing: Vec<Value> = answers.iter().enumerate().map(last).collect();
        if self.include_usage {
            let mut frame = self.frame("chat.completion.chunk", Vec::new());
            frame.insert("usage".to_owned(), usage(answers));
            closing.push(Value::Object(frame));
        }
        closing
    }
}
