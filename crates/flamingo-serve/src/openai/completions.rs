//! `POST /v1/completions`: a text, or parts, continued as they stand.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use flamingo_engine::{Answer, Token};
use flamingo_sequence::{Document, Part};
use futures::future::try_join_all;
use serde_json::{Map, Value, json};

use super::usage::{finish, usage};
use super::{logprobs, models, refused};
use crate::echo::echo;
use crate::fields::{Fields, shown};
use crate::incoming::Incoming;
use crate::job::Telling;
use crate::parameters::{Logprobs, Parameters};
use crate::refusal::Refusal;
use crate::running::Prompt;
use crate::shots::Picked;
use crate::sse::{self, Chunks};
use crate::state::{State, now};
use crate::wanted::{Wanted, take_media};

/// Tokens of an answer if the request says nothing, as there.
const DEFAULT_TOKENS: usize = 16;

/// Continues prompts.
///
/// # Errors
/// If the request is none, or cannot be answered.
pub(crate) async fn answer(state: Arc<State>, incoming: Incoming) -> Result<Response, Refusal> {
    let mut fields = Fields::of(incoming.json(&state)?, "")?;
    models::take(&state, &mut fields)?;
    refused::check(&mut fields)?;
    if fields.flag("echo")?.unwrap_or(false) {
        let message =
            "`echo` cannot be honoured: answers are told without their prompt, leave it out";
        return Err(Refusal::bad("echo", message).called("unsupported_parameter"));
    }
    let limits = &state.limits;
    let parameters = Parameters::read(&mut fields, limits, Logprobs::Count, DEFAULT_TOKENS)?;
    let mut media = Vec::new();
    let documents = prompts(&mut fields, limits.documents, limits.media, &mut media)?;
    let prompts = to_prompts(&state, documents, media).await?;
    let mut reply = Reply::new(&state, &parameters, prompts.len());
    if incoming.echo {
        let echoes = prompts
            .iter()
            .map(|prompt| echo(&state, prompt, &parameters.decoding));
        let mut echoes: Vec<Value> = echoes.collect();
        let told = match echoes.len() {
            1 => echoes.remove(0),
            _ => Value::Array(echoes),
        };
        return Ok(Json(told).into_response());
    }
    if parameters.stream {
        let [prompt] = <[Prompt; 1]>::try_from(prompts).map_err(|prompts| {
            let message = format!(
                "`prompt` has {} prompts: stream one at a time",
                prompts.len()
            );
            Refusal::bad("prompt", message)
        })?;
        let asked = incoming.asked("prompt", Telling::Pieces);
        let running = prompt.ask(&state, parameters.decoding, 0, asked).await?;
        return Ok(sse::response(state, running, reply));
    }
    let decoding = &parameters.decoding;
    let asked = prompts.into_iter().enumerate().map(|(i, prompt)| {
        let (state, asked) = (&state, incoming.asked("prompt", Telling::Whole));
        async move {
            let running = prompt.ask(state, decoding.clone(), i as u64, asked).await?;
            running.answers().await
        }
    });
    let answers = try_join_all(asked).await?;
    Ok(Json(reply.whole(&answers)).into_response())
}

/// Prompts, each with its own media.
async fn to_prompts(
    state: &State,
    documents: Vec<Document>,
    media: Vec<Wanted>,
) -> Result<Vec<Prompt>, Refusal> {
    let mut media = media.into_iter();
    let mut prompts = Vec::with_capacity(documents.len());
    for mut document in documents {
        let mut own = Vec::new();
        for part in &mut document.parts {
            if let Part::Image(place) | Part::Video(place) = part {
                *place = own.len().to_string();
                own.extend(media.next());
            }
        }
        prompts.push(Prompt::new(state, document, own, Picked::default(), "prompt").await?);
    }
    Ok(prompts)
}

/// `prompt`: a text, a list of texts, or (ours) a list of parts.
fn prompts(
    fields: &mut Fields,
    most: usize,
    most_media: usize,
    media: &mut Vec<Wanted>,
) -> Result<Vec<Document>, Refusal> {
    let bad = |value: &Value| {
        let message = format!(
            "`prompt` is {}: give a text, a list of texts, or a list of parts such as {{\"text\": \"Output:\"}}",
            shown(value)
        );
        Refusal::bad("prompt", message)
    };
    let text = |text: String| Document::new([Part::Text(text)]);
    match fields.take("prompt") {
        None => Err(Refusal::bad("prompt", "`prompt` is missing: give a text")),
        Some(Value::String(prompt)) => Ok(vec![text(prompt)]),
        Some(Value::Array(list)) if list.is_empty() || list.len() > most.max(most_media * 4) => {
            Err(bad(&Value::Array(list)))
        }
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
            if list.len() > most {
                let message = format!("`prompt` has {} prompts, the most is {most}", list.len());
                return Err(Refusal::bad("prompt", message));
            }
            let texts = list.into_iter().filter_map(|value| match value {
                Value::String(prompt) => Some(text(prompt)),
                _ => None,
            });
            Ok(texts.collect())
        }
        Some(list @ Value::Array(_)) if list[0].is_object() => {
            let document = serde_json::from_value(json!({"parts": list}));
            let mut document: Document =
                document.map_err(|error| Refusal::bad("prompt", format!("`prompt`: {error}")))?;
            take_media(&mut document, "", most_media, media)?;
            Ok(vec![document])
        }
        Some(other) => Err(bad(&other)),
    }
}

/// How continuations are told.
struct Reply {
    id: String,
    created: u64,
    model: String,
    answers: usize,
    logprobs: bool,
    ends: Vec<u32>,
    include_usage: bool,
    /// Characters of each answer so far.
    offsets: Vec<usize>,
}

impl Reply {
    fn new(state: &State, parameters: &Parameters, prompts: usize) -> Self {
        let answers = parameters.decoding.num_return_sequences;
        Self {
            id: state.ids.next("cmpl-"),
            created: now(),
            model: state.model.name.clone(),
            answers,
            logprobs: parameters.logprobs,
            ends: state.model.ends.clone(),
            include_usage: parameters.include_usage,
            offsets: vec![0; answers * prompts],
        }
    }

    fn frame(&self, choices: Vec<Value>) -> Map<String, Value> {
        let frame = json!({
            "id": self.id,
            "object": "text_completion",
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

    fn choice(&self, index: usize, text: &str, told: Value, finish: Option<&str>) -> Value {
        json!({"index": index, "text": text, "logprobs": told, "finish_reason": finish})
    }

    fn told(&self, tokens: &[Token], offset: usize) -> Value {
        match self.logprobs {
            true => logprobs::of_completion(tokens, &self.ends, offset),
            false => Value::Null,
        }
    }

    fn whole(&mut self, answers: &[Vec<Answer>]) -> Value {
        let mut choices = Vec::new();
        for (prompt, answers) in answers.iter().enumerate() {
            for (i, answer) in answers.iter().enumerate() {
                let index = prompt * self.answers + i;
                let told = self.told(&answer.tokens, 0);
                choices.push(self.choice(index, &answer.text, told, Some(finish(answer))));
            }
        }
        let mut frame = self.frame(choices);
        let total = answers.iter().map(|answers| usage(answers)).reduce(sum);
        frame.insert("usage".to_owned(), total.unwrap_or_default());
        Value::Object(frame)
    }
}

/// Adds up counts of two prompts.
fn sum(a: Value, b: Value) -> Value {
    let add = |key: &str| a[key].as_u64().unwrap_or(0) + b[key].as_u64().unwrap_or(0);
    let cached = |value: &Value| value["prompt_tokens_details"]["cached_tokens"].as_u64();
    json!({
        "prompt_tokens": add("prompt_tokens"),
        "completion_tokens": add("completion_tokens"),
        "total_tokens": add("total_tokens"),
        "prompt_tokens_details": {
            "cached_tokens": cached(&a).unwrap_or(0) + cached(&b).unwrap_or(0),
        },
    })
}

impl Chunks for Reply {
    fn opening(&mut self) -> Vec<Value> {
        Vec::new()
    }

    fn piece(&mut self, answer: usize, text: &str, tokens: &[Token]) -> Option<Value> {
        let offset = *self.offsets.get(answer)?;
        let written: usize = tokens.iter().map(|token| token.text.chars().count()).sum();
        self.offsets[answer] += written;
        let choice = self.choice(answer, text, self.told(tokens, offset), None);
        Some(Value::Object(self.frame(vec![choice])))
    }

    fn closing(&mut self, answers: &[Answer]) -> Vec<Value> {
        let last = |(index, answer): (usize, &Answer)| {
            let choice = self.choice(index, "", Value::Null, Some(finish(answer)));
            Value::Object(self.frame(vec![choice]))
        };
        let mut closing: Vec<Value> = answers.iter().enumerate().map(last).collect();
        if self.include_usage {
            let mut frame = self.frame(Vec::new());
            frame.insert("usage".to_owned(), usage(answers));
            closing.push(Value::Object(frame));
        }
        closing
    }
}
