//! The world's tokenizer, as the `tokenizer.json` that every tokenizers library reads.
//!
//! A thing's name is one token, a made-up name two, and anything else falls apart into bytes, so
//! that nothing is unknown and decoding gives back every string that was encoded.

use std::collections::BTreeSet;

use flamingo_sequence::SpecialTokenNames;
use serde_json::{Map, Value, json};

use crate::names::syllables;
use crate::vocabulary::words;

/// Fills up short rows of a batch.
pub const PAD: &str = "<PAD>";
/// Begins a document.
pub const BOS: &str = "<BOS>";
/// Ends a document.
pub const EOS: &str = "<EOS>";
/// Stands where a picture or film is.
pub const IMAGE: &str = "<image>";
/// Ends a chunk: what belongs to one picture (paper, section 3.1.3).
pub const END_OF_CHUNK: &str = "<EOC>";

/// The special tokens, in the order of their ids from 0.
pub const SPECIALS: [&str; 5] = [PAD, BOS, EOS, IMAGE, END_OF_CHUNK];

/// Their roles.
pub fn special_token_names() -> SpecialTokenNames {
    SpecialTokenNames {
        bos: Some(BOS.into()),
        eos: Some(EOS.into()),
        pad: PAD.into(),
        image: IMAGE.into(),
        end_of_chunk: END_OF_CHUNK.into(),
        image_border: None,
    }
}

/// How a text falls into words: each carries the space before it; marks, line ends and what is not
/// ASCII stand alone. Every character is in some match, and no match is longer than
/// [`LONGEST_WORD`].
const WORD: &str = r" ?[A-Za-z0-9]{1,32}(?:-[A-Za-z0-9]{1,32}){0,3}| ?[^A-Za-z0-9\s]|\s";
const LONGEST_WORD: usize = 256;

/// The bytes of the world's `tokenizer.json`.
///
/// A WordPiece model without a continuation prefix takes the longest word that the vocabulary has;
/// since all bytes are in it, it never fails.
pub fn tokenizer_json() -> Vec<u8> {
    let special = |(id, content): (usize, &&str)| {
        json!({
            "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true
        })
    };
    let specials: Vec<Value> = SPECIALS.iter().enumerate().map(special).collect();
    let file = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": specials,
        "normalizer": null,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": WORD}, "behavior": "Isolated", "invert": false},
            byte_level()
        ]},
        "post_processor": null,
        "decoder": byte_level(),
        "model": {
            "type": "WordPiece",
            "unk_token": PAD,
            "continuing_subword_prefix": "",
            "max_input_chars_per_word": LONGEST_WORD,
            "vocab": vocabulary()
        }
    });
    serde_json::to_vec(&file).expect("a JSON value can be written")
}

fn byte_level() -> Value {
    json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false})
}

/// Token to id: specials, bytes, then words and syllables without and with a space before them.
fn vocabulary() -> Value {
    let mut tokens: Vec<String> = SPECIALS.iter().map(ToString::to_string).collect();
    tokens.extend((0..=255).map(|byte| byte_character(byte).to_string()));
    let mut pieces: BTreeSet<&str> = words().clone();
    pieces.extend(syllables().iter().map(String::as_str));
    let space = byte_character(b' ');
    for piece in pieces {
        if piece.len() > 1 {
            tokens.push(piece.to_owned());
        }
        tokens.push(format!("{space}{piece}"));
    }
    let entry = |(id, token)| (token, Value::from(id as u64));
    Value::Object(
        tokens
            .into_iter()
            .enumerate()
            .map(entry)
            .collect::<Map<_, _>>(),
    )
}

/// The visible character that stands for a byte in a byte-level vocabulary (GPT-2's table).
fn byte_character(byte: u8) -> char {
    let visible = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if visible(byte) {
        return char::from(byte);
    }
    let hidden_before = (0..byte).filter(|&other| !visible(other)).count();
    char::from_u32(256 + hidden_before as u32).expect("256 to 323 are characters")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use tokenizers::Tokenizer;

    use super::*;
    use crate::names::{NameUse, draw_names};
    use crate::rng::stream;
    use crate::things::things;

    fn tokenizer() -> Tokenizer {
        Tokenizer::from_bytes(tokenizer_json()).unwrap()
    }

    fn tokens(text: &str) -> Vec<String> {
        tokenizer()
            .encode(text, false)
            .unwrap()
            .get_tokens()
            .to_vec()
    }

    #[test]
    fn a_thing_is_one_token_with_or_without_its_space() {
        let tokenizer = tokenizer();
        for thing in things() {
            for text in [thing.name.to_owned(), format!(" {}", thing.name)] {
                assert_eq!(
                    tokenizer.encode(text, false).unwrap().len(),
                    1,
                    "{}",
                    thing.name
                );
            }
        }
    }

    #[test]
    fn a_made_up_name_is_its_two_syllables() {
        let tokenizer = tokenizer();
        for usage in [NameUse::Training, NameUse::Evaluation] {
            for index in 0..300 {
                for name in draw_names(5, usage, &mut stream(2, "test", index)) {
                    let text = format!(" {name}");
                    let encoding = tokenizer.encode(text, false).unwrap();
                    let wanted = [format!("Ġ{}", &name[..2]), name[2..].to_owned()];
                    assert_eq!(encoding.get_tokens(), wanted);
                }
            }
        }
    }

    #[test]
    fn a_prompt_falls_into_the_words_that_it_is_made_of() {
        assert_eq!(
            tokens("<image>Output: pig-face<EOC>\nQuestion: how many? Answer: 3."),
            [
                "<image>",
                "Output",
                ":",
                "Ġpig-face",
                "<EOC>",
                "Ċ",
                "Question",
                ":",
                "Ġhow",
                "Ġmany",
                "?",
                "ĠAnswer",
                ":",
                "Ġ3",
                "."
            ]
        );
    }

    #[test]
    fn special_tokens_have_the_first_ids_and_the_vocabulary_has_no_holes() {
        let tokenizer = tokenizer();
        for (id, special) in (0..).zip(SPECIALS) {
            assert_eq!(tokenizer.token_to_id(special), Some(id));
        }
        let size = tokenizer.get_vocab_size(true);
        let mut ids: Vec<u32> = tokenizer.get_vocab(true).into_values().collect();
        ids.sort_unstable();
        assert_eq!(ids, (0..size as u32).collect::<Vec<_>>());
        assert!((2_400..3_000).contains(&size), "{size}");
    }

    #[test]
    fn very_long_words_and_spaces_come_back() {
        let tokenizer = tokenizer();
        for text in [
            "ж".repeat(5_000),
            " ".repeat(5_000),
            "-".repeat(5_000),
            "a-".repeat(999),
        ] {
            let ids = tokenizer.encode(&*text, false).unwrap().get_ids().to_vec();
            assert!(!ids.contains(&0));
            assert_eq!(tokenizer.decode(&ids, false).unwrap(), text);
        }
    }

    proptest! {
        #[test]
        fn decoding_gives_back_what_was_encoded(texts in prop::collection::vec(any::<String>(), 7)) {
            let tokenizer = tokenizer();
            for text in texts {
                let ids = tokenizer.encode(&*text, false).unwrap().get_ids().to_vec();
                prop_assert_eq!(tokenizer.decode(&ids, false).unwrap(), text);
            }
        }
    }
}
