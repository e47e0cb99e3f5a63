//! Log-probabilities in the forms of chats and of completions.

use flamingo_engine::{Token, TopToken};
use serde_json::{Map, Value, json};

/// Stands for minus infinity, which JSON cannot write.
const NEVER: f32 = -9999.0;

fn finite(logprob: f32) -> f32 {
    if logprob.is_finite() { logprob } else { NEVER }
}

/// `{"content": [{"token", "logprob", "bytes", "top_logprobs"}]}`; tokens that end the answer are no part of it.
pub(super) fn of_chat(tokens: &[Token], ends: &[u32]) -> Value {
    let entry = |text: &str, logprob: f32| json!({"token": text, "logprob": finite(logprob), "bytes": text.as_bytes()});
    let token = |token: &Token| {
        let mut told = entry(&token.text, token.logprob);
        let top = token.top.iter().map(|top| entry(&top.text, top.logprob));
        told["top_logprobs"] = top.collect();
        told
    };
    let told = tokens.iter().filter(|token| !ends.contains(&token.id));
    json!({"content": told.map(token).collect::<Value>(), "refusal": null})
}

/// `{"tokens", "token_logprobs", "top_logprobs", "text_offset"}`; `offset` is where the first token's text begins, in
/// characters.
pub(super) fn of_completion(tokens: &[Token], ends: &[u32], mut offset: usize) -> Value {
    let told: Vec<&Token> = tokens.iter().filter(|t| !ends.contains(&t.id)).collect();
    let tops = |token: &&Token| {
        let pair = |top: &TopToken| (top.text.clone(), finite(top.logprob).into());
        Value::Object(token.top.iter().map(pair).collect::<Map<_, _>>())
    };
    let offsets: Vec<usize> = told
        .iter()
        .map(|token| {
            let start = offset;
            offset += token.text.chars().count();
            start
        })
        .collect();
    json!({
        "tokens": told.iter().map(|token| token.text.as_str()).collect::<Vec<_>>(),
        "token_logprobs": told.iter().map(|token| finite(token.logprob)).collect::<Vec<_>>(),
        "top_logprobs": told.iter().map(tops).collect::<Value>(),
        "text_offset": offsets,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(id: u32, text: &str, logprob: f32) -> Token {
        Token {
            id,
            text: text.to_owned(),
            logprob,
            top: Vec::new(),
        }
    }

    #[test]
    fn minus_infinity_is_a_low_number_and_the_end_is_left_out() {
        let tokens = [
            token(3, " ü", f32::NEG_INFINITY),
            token(5, "b", -0.5),
            token(7, "", -0.1),
        ];
        let told = of_chat(&tokens, &[7]);
        let content = told["content"].as_array().expect("a list");
        assert_eq!(content.len(), 2);
        assert_eq!(content[0]["logprob"], -9999.0);
        assert_eq!(content[0]["bytes"], json!([32, 195, 188]));
        assert_eq!(content[1]["top_logprobs"], json!([]));
        let told = of_completion(&tokens, &[7], 2);
        assert_eq!(told["tokens"], json!([" ü", "b"]));
        assert_eq!(told["text_offset"], json!([2, 4]));
    }
}
