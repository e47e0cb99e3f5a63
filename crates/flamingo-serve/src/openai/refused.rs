//! Keys that this server knows and cannot honour: they are refused by name, where others are ignored.

use serde_json::{Value, json};

use crate::fields::Fields;
use crate::refusal::Refusal;

/// Keys, and what they may be all the same.
const REFUSED: [(&str, &str); 9] = [
    ("tools", "this server calls no tools"),
    ("functions", "this server calls no functions"),
    ("function_call", "this server calls no functions"),
    ("logit_bias", "give `stop` or penalties instead"),
    ("audio", "answers are text"),
    ("best_of", "use `num_beams` and `n`"),
    ("suffix", "answers continue the prompt"),
    ("guided_json", "answers are not held to a grammar"),
    ("guided_regex", "answers are not held to a grammar"),
];

/// # Errors
/// If one of them is there and asks for something.
pub(crate) fn check(fields: &mut Fields) -> Result<(), Refusal> {
    for (key, why) in REFUSED {
        if fields.take(key).is_some_and(|value| asks(key, &value)) {
            return Err(refuse(key, why));
        }
    }
    let choice = fields.take("tool_choice");
    if choice.is_some_and(|choice| choice != json!("none") && choice != json!("auto")) {
        return Err(refuse("tool_choice", "this server calls no tools"));
    }
    let format = fields.take("response_format");
    if format.is_some_and(|format| format["type"] != json!("text")) {
        let why = "answers are not held to a schema, ask for the form in words or score candidates with /score";
        return Err(refuse("response_format", why));
    }
    let modalities = fields.take("modalities");
    if modalities.is_some_and(|modalities| modalities != json!(["text"])) {
        return Err(refuse("modalities", "answers are text"));
    }
    Ok(())
}

fn asks(key: &str, value: &Value) -> bool {
    match value {
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::String(text) => !(text.is_empty() || key == "function_call" && text == "none"),
        Value::Number(number) => !(key == "best_of" && number.as_u64() == Some(1)),
        Value::Bool(flag) => *flag,
        Value::Null => false,
    }
}

fn refuse(key: &str, why: &str) -> Refusal {
    Refusal::bad(
        key,
        format!("`{key}` cannot be honoured: {why}, leave it out"),
    )
    .called("unsupported_parameter")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_for_nothing_passes_and_the_rest_is_named() {
        let check = |value: Value| check(&mut Fields::of(value, "").expect("an object"));
        for value in [
            json!({}),
            json!({"tools": [], "tool_choice": "none", "logit_bias": {}, "best_of": 1, "suffix": ""}),
            json!({"response_format": {"type": "text"}, "modalities": ["text"], "function_call": "none"}),
        ] {
            assert_eq!(check(value), Ok(()));
        }
        for value in [
            json!({"tools": [{"type": "function"}]}),
            json!({"tool_choice": {"type": "function"}}),
            json!({"response_format": {"type": "json_object"}}),
            json!({"response_format": {"type": "json_schema", "json_schema": {}}}),
            json!({"logit_bias": {"7": 1}}),
            json!({"best_of": 2}),
            json!({"modalities": ["text", "audio"]}),
            json!({"suffix": "x"}),
        ] {
            let refusal = check(value.clone()).expect_err("refused");
            let param = refusal.param.unwrap_or_default();
            assert!(value.get(&param).is_some(), "{param}");
            assert_eq!(refusal.code, Some("unsupported_parameter"));
        }
    }
}
