//! The project's own protocol: the one document, asked or scored, alone or many at once.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use flamingo_engine::{Answer, Look, RankBy, Token};
use flamingo_sequence::{Candidates, Document, read_jsonl};
use futures::future::try_join_all;
use serde::Serialize;
use serde_json::{Value, json};

use crate::echo::{echo, shots_header};
use crate::fields::{Fields, shown};
use crate::incoming::Incoming;
use crate::job::Telling;
use crate::openai::models;
use crate::parameters::{Logprobs, Parameters};
use crate::picking::pick;
use crate::refusal::Refusal;
use crate::running::Prompt;
use crate::sse::{self, Chunks};
use crate::state::State;
use crate::wanted::take_media;

/// Tokens of an answer if the request says nothing, as `flamingo ask` has it.
const DEFAULT_TOKENS: usize = 32;

/// `POST /ask`: answers as `flamingo ask --json` does.
///
/// # Errors
/// If the request is none, or cannot be answered.
pub(crate) async fn ask(state: Arc<State>, incoming: Incoming) -> Result<Response, Refusal> {
    let (mut fields, documents) = documents(&state, &incoming, false)?;
    models::take(&state, &mut fields)?;
    let limits = &state.limits;
    let parameters = Parameters::read(&mut fields, limits, Logprobs::Flag, DEFAULT_TOKENS)?;
    let look = fields.flag("look")?.unwrap_or(false);
    let prompts = prompts(&state, &mut fields, &documents).await?;
    refuse_rest(&fields)?;
    let decoding = &parameters.decoding;
    if incoming.echo {
        let echoes = prompts.iter().map(|prompt| echo(&state, prompt, decoding));
        return Ok(told(documents.is_one, echoes.collect(), "prompts"));
    }
    let headers = prompts.first().map(shots_header).unwrap_or_default();
    if parameters.stream {
        return stream(state, &incoming, prompts, parameters, headers).await;
    }
    let asked = prompts.into_iter().enumerate().map(|(i, prompt)| {
        let (state, incoming) = (&state, &incoming);
        async move {
            let document = prompt.document.clone();
            let running = prompt.ask(
                state,
                decoding.clone(),
                i as u64,
                incoming.asked("parts", Telling::Whole),
            );
            let running = running.await?;
            let held = running.holds();
            let answers = running.answers().await?;
            let mut told = Vec::with_capacity(answers.len());
            for answer in answers {
                let looks = match look {
                    true => Some(looks(state, &document, &answer).await?),
                    false => None,
                };
                told.push(of_answer(&answer, looks));
            }
            drop(held);
            Ok::<_, Refusal>(told)
        }
    });
    let answers: Vec<Value> = try_join_all(asked).await?.concat();
    let is_one = documents.is_one && decoding.num_return_sequences == 1;
    Ok((headers, told(is_one, answers, "answers")).into_response())
}

/// `POST /score`: scores as `flamingo score` does.
///
/// # Errors
/// If the request is none, or cannot be scored.
pub(crate) async fn score(state: Arc<State>, incoming: Incoming) -> Result<Response, Refusal> {
    let (mut fields, documents) = documents(&state, &incoming, true)?;
    models::take(&state, &mut fields)?;
    let by = match fields.text("by")?.as_deref() {
        None | Some("sum") => RankBy::Sum,
        Some("mean") => RankBy::Mean,
        Some(other) => {
            let message = format!("`by` is {}: give \"sum\" or \"mean\"", shown(&other.into()));
            return Err(Refusal::bad("by", message));
        }
    };
    let prompts = prompts(&state, &mut fields, &documents).await?;
    refuse_rest(&fields)?;
    let headers = prompts.first().map(shots_header).unwrap_or_default();
    let asked = prompts.into_iter().zip(documents.candidates);
    let asked = asked.map(|(prompt, candidates)| {
        let (state, incoming) = (&state, &incoming);
        async move {
            let running = prompt.score(
                state,
                candidates,
                by,
                incoming.asked("parts", Telling::Whole),
            );
            let scores = running.await?.scores().await?;
            Ok::<_, Refusal>(plain(&finite(scores)))
        }
    });
    let scores = try_join_all(asked).await?;
    Ok((headers, told(documents.is_one, scores, "scores")).into_response())
}

/// JSON has no infinity.
fn finite(mut scores: flamingo_engine::Scores) -> flamingo_engine::Scores {
    for candidate in &mut scores.candidates {
        for value in [&mut candidate.sum, &mut candidate.mean] {
            *value = value.clamp(f32::MIN, f32::MAX);
        }
    }
    scores
}

/// The documents of a request.
struct Documents {
    all: Vec<Document>,
    /// Of each, where they are to be scored.
    candidates: Vec<Vec<String>>,
    /// Whether it came alone, and so is answered alone.
    is_one: bool,
}

/// One document with the options beside its parts, `documents`, or a document a line.
fn documents(
    state: &State,
    incoming: &Incoming,
    scored: bool,
) -> Result<(Fields, Documents), Refusal> {
    let most = state.limits.documents;
    let (fields, list, is_one) = match incoming.is_lines {
        true => (
            Fields::of(json!({}), "")?,
            lines(&incoming.body, most)?,
            false,
        ),
        false => {
            let mut fields = Fields::of(incoming.json(state)?, "")?;
            match fields.list("documents")? {
                Some(list) => (fields, list, false),
                None => {
                    let one = one(&mut fields, scored)?;
                    (fields, vec![one], true)
                }
            }
        }
    };
    if list.is_empty() || list.len() > most {
        let message = format!("`documents` has {} documents: give 1 to {most}", list.len());
        return Err(Refusal::bad("documents", message));
    }
    let mut documents = Documents {
        all: Vec::with_capacity(list.len()),
        candidates: Vec::new(),
        is_one,
    };
    for (i, value) in list.into_iter().enumerate() {
        let place = if is_one {
            String::new()
        } else {
            format!("documents[{i}]")
        };
        let bad = |error: serde_json::Error| {
            let told = if is_one {
                String::new()
            } else {
                format!("`{place}`: ")
            };
            let param = if is_one { "parts" } else { &place };
            Refusal::bad(param, format!("{told}{error}"))
        };
        if scored {
            let Candidates {
                document,
                candidates,
            } = serde_json::from_value(value).map_err(bad)?;
            if candidates.len() > state.limits.candidates {
                let (found, most) = (candidates.len(), state.limits.candidates);
                let message = format!("there are {found} candidates, the most is {most}");
                return Err(Refusal::bad("candidates", message));
            }
            documents.all.push(document);
            documents.candidates.push(candidates);
        } else {
            documents
                .all
                .push(serde_json::from_value(value).map_err(bad)?);
        }
    }
    Ok((fields, documents))
}

/// The keys of a document that stands beside its options.
fn one(fields: &mut Fields, scored: bool) -> Result<Value, Refusal> {
    let mut one = serde_json::Map::new();
    let keys: &[&str] = if scored {
        &["id", "parts", "candidates"]
    } else {
        &["id", "parts"]
    };
    for key in keys {
        if let Some(value) = fields.take(key) {
            one.insert((*key).to_owned(), value);
        }
    }
    if !one.contains_key("parts") {
        let message = "`parts` is missing: give {\"parts\": [{\"image\": \"data:...\"}, {\"text\": \"Output:\"}]}, or \
                       `documents`";
        return Err(Refusal::bad("parts", message));
    }
    if scored && !one.contains_key("candidates") {
        let message =
            "`candidates` is missing: give a list of texts such as [\" a cat\", \" a dog\"]";
        return Err(Refusal::bad("candidates", message));
    }
    Ok(Value::Object(one))
}

fn lines(body: &[u8], most: usize) -> Result<Vec<Value>, Refusal> {
    let lines = body.split(|byte| *byte == b'\n');
    let lines = lines.filter(|line| !line.trim_ascii().is_empty());
    let mut values = Vec::new();
    for (i, line) in lines.enumerate().take(most + 1) {
        let value = serde_json::from_slice(line);
        values.push(value.map_err(|error| {
            Refusal::bad(
                "documents",
                format!("document {} is not JSON: {error}", i + 1),
            )
        })?);
    }
    Ok(values)
}

async fn prompts(
    state: &Arc<State>,
    fields: &mut Fields,
    documents: &Documents,
) -> Result<Vec<Prompt>, Refusal> {
    let shots = fields.take("shots");
    let mut prompts = Vec::with_capacity(documents.all.len());
    for (i, document) in documents.all.iter().enumerate() {
        let place = if documents.is_one {
            String::new()
        } else {
            format!("documents[{i}].")
        };
        let (mut document, mut media) = (document.clone(), Vec::new());
        take_media(&mut document, &place, state.limits.media, &mut media)?;
        let mut own = Fields::of(json!({ "shots": shots }), "")?;
        let choice = state.shots.read(&mut own)?;
        let picked = pick(state, choice, &document, &media).await?;
        let param = format!("{place}parts");
        prompts.push(Prompt::new(state, document, media, picked, &param).await?);
    }
    Ok(prompts)
}

/// Here, what is not known is a mistake.
fn refuse_rest(fields: &Fields) -> Result<(), Refusal> {
    match fields.left().next() {
        None => Ok(()),
        Some(key) => Err(Refusal::bad(
            key,
            format!("`{key}` is unknown here: docs/serving.md lists the keys of /ask and /score"),
        )),
    }
}

fn told(is_one: bool, mut values: Vec<Value>, name: &str) -> Response {
    match is_one && values.len() == 1 {
        true => Json(values.swap_remove(0)).into_response(),
        false => Json(json!({ name: values })).into_response(),
    }
}

/// As the program writes it: by way of its text, as a number of 32 bits has fewer digits there than as one of 64.
fn plain(told: &impl Serialize) -> Value {
    let text = serde_json::to_string(told).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// An answer as `flamingo ask --json` writes it.
fn of_answer(answer: &Answer, looks: Option<Vec<Look>>) -> Value {
    let mut told = plain(answer);
    if let Some(looks) = looks {
        let look = |look: &Look| json!({"side": look.side, "frames": look.frames, "weights": look.weights});
        told["looks"] = looks.iter().map(look).collect();
    }
    told
}

/// Where each token of an answer looked.
async fn looks(state: &State, document: &Document, answer: &Answer) -> Result<Vec<Look>, Refusal> {
    let document = document.clone();
    let ids: Vec<u32> = answer.tokens.iter().map(|token| token.id).collect();
    let looks = state
        .queue
        .engine(move |engine, media| engine.look_along(&document, &ids, media));
    let looks = looks.await.map_err(|refused| state.refuse(refused))?;
    looks.map_err(|error| Refusal::of_engine(&error, "parts"))
}

async fn stream(
    state: Arc<State>,
    incoming: &Incoming,
    prompts: Vec<Prompt>,
    parameters: Parameters,
    headers: axum::http::HeaderMap,
) -> Result<Response, Refusal> {
    let [prompt] = <[Prompt; 1]>::try_from(prompts).map_err(|prompts| {
        let message = format!(
            "there are {} documents: stream one at a time",
            prompts.len()
        );
        Refusal::bad("documents", message)
    })?;
    let asked = incoming.asked("parts", Telling::Pieces);
    let running = prompt.ask(&state, parameters.decoding, 0, asked).await?;
    Ok((headers, sse::response(state, running, Pieces)).into_response())
}

/// Pieces as they come, then the answers as `flamingo ask --json` writes them.
struct Pieces;

impl Chunks for Pieces {
    fn opening(&mut self) -> Vec<Value> {
        Vec::new()
    }

    fn piece(&mut self, answer: usize, text: &str, _: &[Token]) -> Option<Value> {
        Some(json!({"answer": answer, "text": text}))
    }

    fn closing(&mut self, answers: &[Answer]) -> Vec<Value> {
        let answers: Vec<Value> = answers.iter().map(|a| of_answer(a, None)).collect();
        vec![json!({ "answers": answers })]
    }
}

/// `POST /shots/NAME`: finished examples, as JSONL or `{"documents": [..]}`, to be put before prompts.
///
/// # Errors
/// If one is none, or has a medium that cannot be had.
pub(crate) async fn put_shots(
    state: Arc<State>,
    incoming: Incoming,
    name: &str,
) -> Result<Response, Refusal> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > 64 || !name.chars().all(is_name) {
        let message = "the name of a set of shots has 1 to 64 letters, digits, `-`, `_` and `.`";
        return Err(Refusal::bad("name", message));
    }
    let list: Vec<Document> = match incoming.is_lines {
        true => read_jsonl(&incoming.body[..], "the body")
            .collect::<Result<_, _>>()
            .map_err(|error| Refusal::bad("documents", error.to_string()))?,
        false => {
            let mut fields = Fields::of(incoming.json(&state)?, "")?;
            let list = Value::Array(fields.list("documents")?.unwrap_or_default());
            refuse_rest(&fields)?;
            serde_json::from_value(list)
                .map_err(|error| Refusal::bad("documents", error.to_string()))?
        }
    };
    let most = state.limits.shots;
    if list.is_empty() || list.len() > most {
        let message = format!("there are {} shots: give 1 to {most}", list.len());
        return Err(Refusal::bad("documents", message));
    }
    let (mut documents, mut held) = (Vec::with_capacity(list.len()), Vec::new());
    for (i, mut document) in list.into_iter().enumerate() {
        let mut media = Vec::new();
        take_media(
            &mut document,
            &format!("documents[{i}]."),
            state.limits.media,
            &mut media,
        )?;
        let own = state.getter.get(media).await?;
        documents.push(crate::wanted::with_references(document, &own));
        held.extend(own);
    }
    let count = documents.len();
    let set = flamingo_shots::ShotSet::of_documents(documents);
    state
        .shots
        .put(name, set, Some((held, Arc::clone(&incoming.share))))?;
    Ok(Json(json!({"name": name, "shots": count})).into_response())
}
