//! `tokenizer.json`: the checks that the library does not make, then the library.
//!
//! The library trusts some numbers and names in the file and panics on wrong ones; what it would
//! stumble over is refused here.

use std::path::Path;

use base64::Engine;
use serde::Deserialize;
use serde_json::Value;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::{Model, Tokenizer};

use crate::tokenizer::vocabulary::check_ids;
use crate::tokenizer::{Error, Result, charsmap};

/// The file.
pub(crate) const TOKENIZER: &str = "tokenizer.json";

/// What a `tokenizer.json` gives.
pub(crate) struct TokenizerJson {
    /// The tokenizer; it neither cuts nor pads.
    pub(crate) tokenizer: Tokenizer,
    /// The added tokens with the ids that the file names.
    pub(crate) added: Vec<(String, u32)>,
    /// The token that pads, if the file asks for padding.
    pub(crate) pad: Option<String>,
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    added_tokens: Vec<Added>,
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    post_processor: Value,
    #[serde(default)]
    decoder: Value,
    #[serde(default)]
    padding: Option<Padding>,
    model: ModelHead,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
}

#[derive(Deserialize)]
struct Padding {
    pad_token: Option<String>,
}

#[derive(Deserialize)]
struct ModelHead {
    #[serde(default)]
    continuing_subword_prefix: Option<String>,
}

/// Reads the file.
pub(crate) fn read(dir: &Path) -> Result<TokenizerJson> {
    let path = dir.join(TOKENIZER);
    let bytes = std::fs::read(&path).map_err(|e| Error::tokenizer(path.display(), e))?;
    parse(&bytes, &path.display().to_string())
}

fn parse(bytes: &[u8], name: &str) -> Result<TokenizerJson> {
    let head: Head = serde_json::from_slice(bytes)
        .map_err(|error| Error::tokenizer(name, format!("{error}; fetch the file again")))?;
    check(&head, bytes).map_err(|message| Error::tokenizer(name, message))?;
    let mut tokenizer =
        Tokenizer::from_bytes(bytes).map_err(|error| Error::tokenizer(name, error))?;
    let cut = tokenizer.with_truncation(None);
    cut.map_err(|error| Error::tokenizer(name, error))?;
    tokenizer.with_padding(None);
    let vocab = tokenizer.get_model().get_vocab();
    check_ids(name, vocab.iter().map(|(token, id)| (token.as_str(), *id)))?;
    let added = head.added_tokens.into_iter();
    Ok(TokenizerJson {
        tokenizer,
        added: added.map(|token| (token.content, token.id)).collect(),
        pad: head.padding.and_then(|padding| padding.pad_token),
    })
}

/// `add_prefix_space` of `tokenizer_config.json` replaces the one in the file.
pub(crate) fn set_prefix_space(tokenizer: &mut Tokenizer, add_prefix_space: bool) {
    if let Some(PreTokenizerWrapper::ByteLevel(bytes)) = tokenizer.get_pre_tokenizer() {
        let bytes = bytes.add_prefix_space(add_prefix_space);
        tokenizer.with_pre_tokenizer(Some(bytes));
    }
}

fn check(head: &Head, bytes: &[u8]) -> Result<(), String> {
    objects(&head.normalizer, "Precompiled", &mut check_charsmap)?;
    objects(
        &head.post_processor,
        "TemplateProcessing",
        &mut check_template,
    )?;
    objects(&head.decoder, "Strip", &mut check_strip)?;
    match &head.model.continuing_subword_prefix {
        Some(prefix) if !prefix.is_empty() => check_prefix(bytes, prefix),
        _ => Ok(()),
    }
}

/// Calls `check` on every object of a type, however deep.
fn objects(
    value: &Value,
    kind: &str,
    check: &mut impl FnMut(&Value) -> Result<(), String>,
) -> Result<(), String> {
    if value.get("type").and_then(Value::as_str) == Some(kind) {
        check(value)?;
    }
    match value {
        Value::Array(values) => values.iter().try_for_each(|v| objects(v, kind, check)),
        Value::Object(object) => object.values().try_for_each(|v| objects(v, kind, check)),
        _ => Ok(()),
    }
}

fn check_charsmap(normalizer: &Value) -> Result<(), String> {
    let table = normalizer
        .get("precompiled_charsmap")
        .and_then(Value::as_str);
    let table = table.ok_or("`precompiled_charsmap` is missing")?;
    let table = base64::engine::general_purpose::STANDARD.decode(table);
    let table = table.map_err(|error| format!("`precompiled_charsmap` is no base64: {error}"))?;
    charsmap::check(&table).map_err(|message| format!("`precompiled_charsmap`: {message}"))
}

fn check_template(processor: &Value) -> Result<(), String> {
    let tokens = processor.get("special_tokens");
    for (key, sequences) in [("single", &["A"][..]), ("pair", &["A", "B"])] {
        let pieces = processor.get(key).and_then(Value::as_array);
        for piece in pieces.into_iter().flatten() {
            let sequence = piece.pointer("/Sequence/id").and_then(Value::as_str);
            if let Some(text) = sequence.filter(|text| !sequences.contains(text)) {
                return Err(format!("the template `{key}` has no text {text:?}"));
            }
            let token = piece.pointer("/SpecialToken/id").and_then(Value::as_str);
            let Some(token) = token else { continue };
            let listed = tokens.and_then(|tokens| tokens.get(token));
            let count = |key| Some(listed?.get(key)?.as_array()?.len());
            if count("ids").is_none() || count("ids") != count("tokens") {
                return Err(format!(
                    "the template `{key}` has the token {token:?}, which `special_tokens` does not list with its ids"
                ));
            }
        }
    }
    Ok(())
}

/// The library fails on an empty text if characters go from its end.
fn check_strip(decoder: &Value) -> Result<(), String> {
    match decoder.get("stop") {
        Some(stop) if stop.as_u64() != Some(0) => Err(format!(
            "the decoder `Strip` has `stop` set to {stop}: set it to 0"
        )),
        _ => Ok(()),
    }
}

/// The library cuts the prefix off the second part of every merge.
fn check_prefix(bytes: &[u8], prefix: &str) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Whole {
        model: Merging,
    }
    #[derive(Deserialize)]
    struct Merging {
        #[serde(default)]
        merges: Vec<Value>,
    }
    let whole: Whole = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    for (at, merge) in whole.model.merges.iter().enumerate() {
        let second = match merge {
            Value::String(merge) => merge.split(' ').nth(1),
            merge => merge.get(1).and_then(Value::as_str),
        };
        if let Some(second) = second.filter(|second| !second.starts_with(prefix)) {
            return Err(format!(
                "the merge {at} ends in {second:?}, which does not start with {prefix:?}"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn file() -> Value {
        json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
            "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": null,
            "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]},
        })
    }

    fn message(value: &Value) -> String {
        match parse(value.to_string().as_bytes(), "tokenizer.json") {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_plain_file_is_read_and_every_prefix_of_it_is_refused() {
        assert_eq!(message(&file()), "");
        let text = file().to_string();
        for end in 0..text.len() {
            assert!(parse(&text.as_bytes()[..end], "tokenizer.json").is_err());
        }
    }

    #[test]
    fn templates_that_name_what_is_not_there_are_refused() {
        let mut value = file();
        let special = json!({"SpecialToken": {"id": "<s>", "type_id": 0}});
        let text = |id: &str| json!({"Sequence": {"id": id, "type_id": 0}});
        value["post_processor"] = json!({
            "type": "TemplateProcessing", "single": [special, text("A")],
            "pair": [text("A"), text("B")], "special_tokens": {},
        });
        let found = message(&value);
        assert!(found.contains(r#"token "<s>""#), "{found}");
        let token = json!({"id": "<s>", "ids": [0, 1], "tokens": ["<s>"]});
        value["post_processor"]["special_tokens"] = json!({ "<s>": token });
        assert!(message(&value).contains(r#"token "<s>""#));
        value["post_processor"]["single"] = json!([text("B")]);
        let sequence = json!({"type": "Sequence", "processors": [value["post_processor"]]});
        value["post_processor"] = sequence;
        assert!(message(&value).contains(r#"no text "B""#));
    }

    #[test]
    fn tables_prefixes_and_ids_that_the_library_trusts_are_refused() {
        let mut value = file();
        value["normalizer"] = json!({"type": "Precompiled", "precompiled_charsmap": "////////"});
        assert!(message(&value).contains("`precompiled_charsmap`"));
        let mut value = file();
        value["decoder"] = json!({"type": "Strip", "content": " ", "start": 1, "stop": 2});
        assert!(message(&value).contains("`stop` set to 2"));
        let mut value = file();
        value["model"]["continuing_subword_prefix"] = "##".into();
        assert!(message(&value).contains("does not start with"));
        let mut value = file();
        value["model"]["vocab"] = json!({"a": 0, "b": 1, "ab": 1});
        assert!(message(&value).contains("both have the id 1"));
        value["model"]["vocab"] = json!({"a": 0, "b": 1, "ab": u32::MAX});
        assert!(message(&value).contains("without holes"));
    }
}
