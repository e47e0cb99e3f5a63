//! Bodies of requests that nobody would write: refused or taken, and what is taken is a prompt that can be written down.

use flamingo_sequence::Document;
use flamingo_serve::{Limits, Template, read_chat, read_scored};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

const KEYS: [&str; 34] = [
    "messages",
    "role",
    "content",
    "type",
    "text",
    "image_url",
    "video_url",
    "url",
    "detail",
    "model",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "n",
    "stop",
    "seed",
    "stream",
    "stream_options",
    "logprobs",
    "top_logprobs",
    "presence_penalty",
    "num_beams",
    "length_penalty",
    "early_stopping",
    "shots",
    "set",
    "count",
    "choose",
    "parts",
    "candidates",
    "tools",
    "response_format",
    "id",
];

const TEXTS: [&str; 20] = [
    "",
    "user",
    "assistant",
    "system",
    "tool",
    "developer",
    "text",
    "image_url",
    "video_url",
    "input_audio",
    "data:image/png;base64,iVBORw0KGgo=",
    "data:,",
    "data:image/png;base64,",
    "http://127.0.0.1/a.png",
    "file:///etc/hostname",
    "<image>",
    "Output:",
    "\u{0}",
    "\u{feff}\u{202e}é",
    "nearest",
];

/// What stands for a value, the forms that readers know among them.
fn value() -> impl Strategy<Value = Value> {
    let number = select(vec![
        json!(0),
        json!(1),
        json!(-1),
        json!(7.5),
        json!(1e308),
        json!(-1e-320),
        json!(u64::MAX),
        json!(i64::MIN),
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number,
        select(TEXTS.to_vec()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((select(KEYS.to_vec()), inner.clone()), 0..6).prop_map(|pairs| {
                let pairs = pairs
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value));
                Value::Object(pairs.collect::<Map<_, _>>())
            }),
            (select(TEXTS.to_vec()), inner.clone())
                .prop_map(|(role, content)| json!({"role": role, "content": content})),
            (select(TEXTS.to_vec()), inner.clone()).prop_map(|(kind, value)| {
                json!({"type": kind, "text": value.clone(), "image_url": value})
            }),
            inner.prop_map(|value| json!({"url": value})),
        ]
    })
}

/// A body: messages or parts of any kind among other keys, whole or damaged somewhere.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let options = vec((select(KEYS.to_vec()), value()), 0..4);
    let damage = vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 0..3);
    (vec(value(), 0..4), options, damage).prop_map(|(list, options, damage)| {
        let mut all = json!({"messages": list, "parts": list, "candidates": list});
        for (key, value) in options {
            all[key] = value;
        }
        let mut bytes = all.to_string().into_bytes();
        for (at, byte, how) in damage {
            let at = at.index(bytes.len().max(1));
            match how {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, byte),
                _ if at < bytes.len() => bytes[at] = byte,
                _ => {}
            }
        }
        bytes
    })
}

proptest! {
    #[test]
    fn a_body_is_refused_or_is_a_prompt_that_can_be_written_and_read_again(bytes in body()) {
        let limits = Limits { values: 1000, media: 7, ..Limits::default() };
        for name in ["paper", "idefics-instruct", "langinstruct"] {
            let template = Template::named(name).unwrap();
            match read_chat(&bytes, &limits, &template) {
                Ok(document) if document.check().is_ok() => {
                    let written = serde_json::to_string(&document).unwrap();
                    prop_assert_eq!(serde_json::from_str::<Document>(&written).unwrap(), document);
                }
                Ok(_) => {}
                Err(message) => prop_assert!(!message.is_empty()),
            }
        }
        if let Err(message) = read_scored(&bytes, &limits) {
            prop_assert!(!message.is_empty());
        }
    }
}
