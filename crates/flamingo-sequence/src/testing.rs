//! Small tokenizers and token strings for the tests of this crate.

#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use crate::{Sequence, SpecialTokenNames, SpecialTokens, Tokenizer};

/// Ids of a text token, `<image>` and `<EOC>` in enumerated token strings.
pub(crate) const TEXT: u32 = 11;
pub(crate) const IMAGE: u32 = 3;
pub(crate) const EOC: u32 = 4;

/// The special tokens of enumerated token strings.
pub(crate) const SPECIALS: SpecialTokens = SpecialTokens {
    bos: Some(1),
    eos: Some(2),
    pad: 0,
    image: IMAGE,
    end_of_chunk: EOC,
    image_border: None,
};

pub(crate) fn names() -> SpecialTokenNames {
    SpecialTokenNames {
        bos: Some("<BOS>".into()),
        eos: Some("<EOS>".into()),
        pad: "<PAD>".into(),
        image: "<image>".into(),
        end_of_chunk: "<EOC>".into(),
        image_border: None,
    }
}

const NAMES: [&str; 5] = ["<PAD>", "<BOS>", "<EOS>", "<image>", "<EOC>"];

/// A BPE that puts the mark of a word before every text, as sentencepiece does.
pub(crate) fn marking_tokenizer() -> Tokenizer {
    let pieces = [
        "<unk>",
        "\u{2581}",
        "a",
        "b",
        "c",
        "t",
        ":",
        "\n",
        "\u{2581}a",
        "\u{2581}c",
        "\u{2581}ca",
        "\u{2581}cat",
    ];
    let tokens = pieces.iter().chain(&NAMES);
    let vocab: serde_json::Map<String, Value> = tokens
        .enumerate()
        .map(|(id, piece)| ((*piece).to_owned(), json!(id)))
        .collect();
    let json = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "\u{2581}"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "\u{2581}"},
        ]},
        "pre_tokenizer": null,
        "post_processor": null,
        "decoder": null,
        "model": {"type": "BPE", "vocab": vocab, "unk_token": "<unk>", "merges": [
            ["\u{2581}", "a"], ["\u{2581}", "c"], ["\u{2581}c", "a"], ["\u{2581}ca", "t"],
        ]},
    });
    Tokenizer::from_bytes(json.to_string().as_bytes(), &names()).unwrap()
}

/// A byte-level BPE without merges: the id of a byte is the byte, special tokens follow from 256.
/// Its file asks for a `<BOS>`, truncation and padding, all of which must be ignored.
pub(crate) fn bytes_json() -> Value {
    let vocab: serde_json::Map<String, Value> = (0..=255u8)
        .map(|byte| (byte_char(byte).to_string(), json!(byte)))
        .collect();
    let added: Vec<Value> = NAMES
        .iter()
        .enumerate()
        .map(|(index, name)| {
            json!({"id": 256 + index, "content": name, "single_word": false, "lstrip": false,
                   "rstrip": false, "normalized": false, "special": *name != "<EOC>"})
        })
        .collect();
    json!({
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0},
        "padding": {"strategy": {"Fixed": 17}, "direction": "Right", "pad_to_multiple_of": null,
                    "pad_id": 256, "pad_type_id": 0, "pad_token": "<PAD>"},
        "added_tokens": added,
        "normalizer": null,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                          "use_regex": false},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<BOS>", "type_id": 0}},
                       {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<BOS>": {"id": "<BOS>", "ids": [257], "tokens": ["<BOS>"]}}
        },
        "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                    "use_regex": false},
        "model": {"type": "BPE", "vocab": vocab, "merges": []}
    })
}

/// GPT-2's spelling of a byte: printable ones as they are, the others from U+0100 on.
fn byte_char(byte: u8) -> char {
    let printable = |b: &u8| matches!(b, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if printable(&byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|b| !printable(b)).count();
    char::from_u32(256 + before as u32).unwrap()
}

pub(crate) fn bytes_tokenizer() -> Tokenizer {
    Tokenizer::from_bytes(bytes_json().to_string().as_bytes(), &names()).unwrap()
}

/// Whole words split at spaces, the special tokens ordinary words among them: the model itself
/// would turn their spelling in a text into their ids.
pub(crate) fn words_tokenizer() -> Tokenizer {
    whole_words(&["?", "a", "cat", "dog"], Value::Null)
}

/// The decoder of LLaMA's tokenizer: `▁` is a space, `<0xC3>` a byte.
pub(crate) fn fallback_tokenizer() -> Tokenizer {
    let decoder = json!({"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0}
    ]});
    whole_words(&["?", "▁cat", "s", "<0xC3>", "<0xA9>"], decoder)
}

fn whole_words(words: &[&str], decoder: Value) -> Tokenizer {
    let words = NAMES.iter().chain(words);
    let vocab: serde_json::Map<String, Value> = words
        .enumerate()
        .map(|(id, word)| (word.to_string(), json!(id)))
        .collect();
    let file = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": null, "decoder": decoder,
        "model": {"type": "WordLevel", "vocab": vocab, "unk_token": "?"}
    });
    Tokenizer::from_bytes(file.to_string().as_bytes(), &names()).unwrap()
}

/// All strings over {text, `<image>`, `<EOC>`} up to `longest` tokens.
pub(crate) fn all_strings(longest: usize) -> Vec<Vec<u32>> {
    let mut all = vec![vec![]];
    let mut last = all.clone();
    for _ in 0..longest {
        last = last
            .iter()
            .flat_map(|ids| [TEXT, IMAGE, EOC].map(|id| [ids.as_slice(), &[id]].concat()))
            .collect();
        all.extend(last.iter().cloned());
    }
    all
}

/// A sequence whose k-th image stands for medium k.
pub(crate) fn sequence(ids: &[u32]) -> Sequence {
    let images = ids.iter().filter(|id| **id == IMAGE).count();
    Sequence {
        ids: ids.to_vec(),
        media: (0..images).collect(),
    }
}
