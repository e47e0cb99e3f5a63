//! Broken files end in an error or in a tokenizer that works, never in a panic.

use flamingo_checkpoint::HfTokenizer;

use super::{changed, fixture};

/// Reads a model and, if it is one, uses it.
fn read_and_use(bytes: &[u8]) -> bool {
    let Ok(tokenizer) = HfTokenizer::from_sentencepiece(bytes, "a.model") else {
        return false;
    };
    for text in ["", "a cat", "É\u{1}™ 日  </s>"] {
        if let Ok(encoding) = tokenizer.tokenizer().encode(text, true) {
            let _ = tokenizer.tokenizer().decode(encoding.get_ids(), false);
        }
    }
    true
}

fn message(fixture: &str, file: &str, text: &str) -> String {
    let folder = changed(fixture, &[(file, text)]);
    let error = HfTokenizer::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains(file), "{error}");
    error
}

#[test]
fn every_prefix_of_a_sentencepiece_model_is_read_or_refused() {
    for name in ["llama/tokenizer.model", "t5/spiece.model"] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        assert!(read_and_use(&bytes));
        for end in 0..bytes.len() {
            read_and_use(&bytes[..end]);
        }
    }
}

#[test]
fn every_flipped_byte_of_a_sentencepiece_model_is_read_or_refused() {
    for name in ["llama/tokenizer.model", "t5/spiece.model"] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        for at in 0..bytes.len() {
            for flip in [1, 0x80] {
                let mut flipped = bytes.clone();
                flipped[at] ^= flip;
                read_and_use(&flipped);
            }
        }
    }
}

#[test]
fn small_files_that_are_no_json_objects_are_named() {
    for file in [
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
    ] {
        for text in ["", "{", "[]", "3", "\u{feff}{}"] {
            let error = message("gpt2", file, text);
            assert!(error.contains("no JSON object"), "{error}");
        }
    }
}

#[test]
fn settings_of_the_wrong_kind_are_named_with_their_values() {
    let file = "tokenizer_config.json";
    for (text, expected) in [
        (r#"{"add_bos_token": 3}"#, "`add_bos_token` is 3"),
        (r#"{"bos_token": 3}"#, "bos_token: a token is 3"),
        (r#"{"extra_ids": -1}"#, "`extra_ids` is -1"),
        (r#"{"added_tokens_decoder": []}"#, "is no object"),
        (r#"{"added_tokens_decoder": {"x": {}}}"#, r#"the id "x""#),
        (
            r#"{"added_tokens_decoder": {"1": "x"}}"#,
            r#"the token is "x""#,
        ),
        (
            r#"{"added_tokens_decoder": {"1": {}}}"#,
            "id 1: a token has no text",
        ),
    ] {
        let error = message("gpt2", file, text);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn added_tokens_without_an_id_or_with_a_shared_one_are_named() {
    let file = "added_tokens.json";
    let error = message("gpt2", file, r#"{"x": "y"}"#);
    assert!(error.contains(r#""x" has no id"#), "{error}");
    let error = message("gpt2", file, r#"{"x": 280, "y": 280}"#);
    assert!(error.contains(r#""x" and "y" have the same id"#), "{error}");
}

#[test]
fn a_tokenizer_json_with_an_id_that_an_added_token_cannot_have_is_refused() {
    let bytes = std::fs::read_to_string(fixture("fast/tokenizer.json")).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&bytes).unwrap();
    json["added_tokens"][0]["id"] = 9.into();
    let folder = changed("fast", &[("tokenizer.json", &json.to_string())]);
    let error = HfTokenizer::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("should have the id 9 but gets 0"), "{error}");
}

#[test]
fn a_tokenizer_json_that_is_cut_or_changed_is_read_or_refused() {
    let text = std::fs::read_to_string(fixture("fast/tokenizer.json")).unwrap();
    let places = (0..text.len())
        .step_by(97)
        .filter(|at| text.is_char_boundary(*at));
    for at in places {
        message("fast", "tokenizer.json", &text[..at]);
        let changed_text = [&text[..at], "\"", &text[at..]].concat();
        let folder = changed("fast", &[("tokenizer.json", &changed_text)]);
        let _ = HfTokenizer::read(folder.path());
    }
}
