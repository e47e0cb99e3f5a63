//! A tokenizer whose words are the ids themselves, for measurements: a text of ten numbers is ten
//! tokens of any model.

use serde_json::{Map, Value, json};

use crate::SpecialTokenNames;

const IMAGE: &str = "<image>";
const END_OF_CHUNK: &str = "<|endofchunk|>";

/// The bytes of a `tokenizer.json` for a vocabulary of `rows` ids, and its special tokens: the last
/// id is `<image>`, the one before it ends a chunk, 0 is the padding, and `17` is the word of id 17.
/// None for fewer than three ids.
pub fn numbers_tokenizer(rows: usize) -> Option<(Vec<u8>, SpecialTokenNames)> {
    let words = rows.checked_sub(2).filter(|words| *words > 0)?;
    let special = |id: usize, content: &str| {
        json!({
            "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true
        })
    };
    let vocabulary: Map<String, Value> = (0..words).map(|id| (id.to_string(), id.into())).collect();
    let file = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [special(words, END_OF_CHUNK), special(words + 1, IMAGE)],
        "normalizer": null,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": null,
        "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "0"}
    });
    let names = SpecialTokenNames {
        bos: None,
        eos: None,
        pad: "0".to_owned(),
        image: IMAGE.to_owned(),
        end_of_chunk: END_OF_CHUNK.to_owned(),
        image_border: None,
    };
    Some((file.to_string().into_bytes(), names))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::Tokenizer;

    #[test]
    fn numbers_are_their_ids_and_the_last_two_are_special() {
        let (json, names) = numbers_tokenizer(50).unwrap();
        let tokenizer = Tokenizer::from_bytes(&json, &names).unwrap();
        assert_eq!(tokenizer.encode("17 0 3").unwrap(), [17, 0, 3]);
        let specials = tokenizer.specials();
        assert_eq!((specials.end_of_chunk, specials.image), (48, 49));
        assert_eq!(tokenizer.vocab_size(), 50);
        assert!(numbers_tokenizer(2).is_none());
    }
}
