//! How many tokens a request took.

use flamingo_engine::Answer;
use serde_json::{Value, json};

/// Of all answers to a prompt, which was read once.
pub(super) fn usage(answers: &[Answer]) -> Value {
    let prompt = answers.first().map_or(0, |answer| answer.prompt_tokens);
    let known = answers.first().map_or(0, |answer| answer.timings.known);
    let written: usize = answers.iter().map(|answer| answer.tokens.len()).sum();
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": written,
        "total_tokens": prompt + written,
        "prompt_tokens_details": {"cached_tokens": known.min(prompt)},
    })
}

/// The word for why an answer ended.
pub(super) fn finish(answer: &Answer) -> &'static str {
    match answer.finish {
        flamingo_engine::Finish::EndOfChunk | flamingo_engine::Finish::Stop => "stop",
        flamingo_engine::Finish::Length => "length",
    }
}
