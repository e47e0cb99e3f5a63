//! The exact prompt that a request becomes, shown instead of answered.

use axum::http::HeaderMap;
use flamingo_engine::Decoding;
use flamingo_sequence::Part;
use serde_json::{Value, json};

use crate::running::Prompt;
use crate::state::State;

/// Which shots of a set stand before a prompt, in its order.
pub(crate) fn shots_header(prompt: &Prompt) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let numbers: Vec<String> = prompt.shots.iter().map(usize::to_string).collect();
    if let (false, Ok(value)) = (numbers.is_empty(), numbers.join(",").parse()) {
        headers.insert("x-flamingo-shots", value);
    }
    headers
}

/// Its parts, its tokens, and how it would be answered.
pub(crate) fn echo(state: &State, prompt: &Prompt, decoding: &Decoding) -> Value {
    let mut decoding = decoding.clone();
    prompt.fit(state, &mut decoding);
    let part = |part: &Part| match part {
        Part::Text(text) => json!({"text": text}),
        Part::Image(name) => json!({"image": name}),
        Part::Video(name) => json!({"video": name}),
        Part::End => json!({"end": true}),
        Part::Token(token) => json!({"token": token}),
    };
    let token = |id: &u32| json!({"id": id, "token": state.model.tokenizer.token(*id)});
    json!({
        "object": "prompt",
        "model": state.model.name,
        "template": state.template.name(),
        "parts": prompt.document.parts.iter().map(part).collect::<Value>(),
        "tokens": prompt.sequence.ids.iter().map(token).collect::<Value>(),
        "prompt_tokens": prompt.sequence.ids.len(),
        "shots": prompt.shots,
        "decoding": decoding,
    })
}
