//! Words that a tokenizer knows: names for things that say nothing about them.

use crate::Tokenizer;

/// Letters of a word at least.
const LETTERS: usize = 4;
/// Of this many words one is kept for tests.
const PER_TEST: usize = 5;

/// Words in small letters that are a single token behind a space, in the order of their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// To train with.
    pub training: Vec<String>,
    /// To test with: none of them is among those to train with.
    pub testing: Vec<String>,
}

impl Words {
    /// Of a tokenizer.
    pub fn of(tokenizer: &Tokenizer) -> Self {
        let mut words = Self::default();
        for id in 0..tokenizer.vocab_size() as u32 {
            let Some(word) = tokenizer.token(id).and_then(|token| word(&token)) else {
                continue;
            };
            if !tokenizer
                .encode(&format!(" {word}"))
                .is_ok_and(|ids| ids == [id])
            {
                continue;
            }
            let number = words.training.len() + words.testing.len();
            match (number + 1).is_multiple_of(PER_TEST) {
                true => words.testing.push(word),
                false => words.training.push(word),
            }
        }
        words
    }
}

/// The word of a token as vocabularies spell it behind a space.
fn word(token: &str) -> Option<String> {
    let word = token.strip_prefix(['\u{120}', '\u{2581}'])?;
    let plain = word.bytes().all(|byte| byte.is_ascii_lowercase());
    (plain && word.len() >= LETTERS).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::testing::names;

    #[test]
    fn words_are_single_tokens_behind_a_space_and_one_in_five_is_for_tests() {
        // Seven words; letters of which they are made; what is no word.
        let words = ["abbcc", "baab", "cabca", "aaaab", "bbbba", "ccccc", "acca"];
        let mut tokens: Vec<String> = ["<PAD>", "<BOS>", "<EOS>", "<image>", "<EOC>"]
            .map(str::to_owned)
            .to_vec();
        tokens.extend(
            [
                "a",
                "b",
                "c",
                "\u{120}",
                "\u{120}abc",
                "\u{120}Abbcc",
                "abbcc",
            ]
            .map(String::from),
        );
        tokens.extend(words.map(|word| format!("\u{120}{word}")));
        let vocab: serde_json::Map<_, _> = tokens
            .iter()
            .cloned()
            .zip((0..).map(serde_json::Value::from))
            .collect();
        let json = serde_json::json!({
            "version": "1.0", "added_tokens": [], "normalizer": null, "post_processor": null,
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
            "decoder": null, "truncation": null, "padding": null,
            "model": {"type": "BPE", "vocab": vocab, "merges": [], "ignore_merges": true}
        });
        let tokenizer = Tokenizer::from_bytes(json.to_string().as_bytes(), &names()).unwrap();
        let found = Words::of(&tokenizer);
        assert_eq!(found.training, [&words[..4], &words[5..]].concat());
        assert_eq!(found.testing, [words[4]]);
    }
}
