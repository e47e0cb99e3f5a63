//! Decoding an answer while it grows: bytes of an unfinished character are held back.

use crate::{Result, Tokenizer};

/// Turns ids that come one by one into text that comes piece by piece.
///
/// The pieces, with that of [`TextStream::finish`], join to [`Tokenizer::decode`] of all ids, for
/// every decoder whose text for more ids only continues that for fewer.
#[derive(Debug, Clone, Default)]
pub struct TextStream {
    /// A window over the ids: those that gave the last piece, then those not given out yet. The
    /// former are decoded again with the latter, since decoders treat the first token differently.
    ids: Vec<u32>,
    /// How many ids of the window are given out.
    given: usize,
}

impl TextStream {
    /// Takes the next id and returns the text that is complete now, often none.
    ///
    /// # Errors
    /// As [`Tokenizer::decode`].
    pub fn push(&mut self, tokenizer: &Tokenizer, id: u32) -> Result<String> {
        self.ids.push(id);
        let piece = self.pending(tokenizer)?;
        if piece.is_empty() || piece.ends_with(char::REPLACEMENT_CHARACTER) {
            return Ok(String::new());
        }
        self.ids.drain(..self.given);
        self.given = self.ids.len();
        Ok(piece)
    }

    /// The text that was held back: an unfinished character reads as `U+FFFD`.
    ///
    /// # Errors
    /// As [`Tokenizer::decode`].
    pub fn finish(self, tokenizer: &Tokenizer) -> Result<String> {
        self.pending(tokenizer)
    }

    fn pending(&self, tokenizer: &Tokenizer) -> Result<String> {
        let given = tokenizer.decode(&self.ids[..self.given])?;
        let all = tokenizer.decode(&self.ids)?;
        match all.strip_prefix(&given) {
            Some(rest) => Ok(rest.to_string()),
            // The decoder takes back what it gave (byte fallback does for a broken character):
            // what is out is out, the rest is read by itself.
            None => tokenizer.decode(&self.ids[self.given..]),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::testing::{bytes_tokenizer, fallback_tokenizer, words_tokenizer};

    fn pieces(tokenizer: &Tokenizer, ids: &[u32]) -> Vec<String> {
        let mut stream = TextStream::default();
        let mut pieces: Vec<String> = ids
            .iter()
            .map(|id| stream.push(tokenizer, *id).unwrap())
            .collect();
        pieces.push(stream.finish(tokenizer).unwrap());
        pieces
    }

    #[test]
    fn a_character_of_several_tokens_comes_whole_with_its_last() {
        let ids: Vec<u32> = "aé🦩".bytes().map(u32::from).collect();
        let expected = ["a", "", "é", "", "", "", "🦩", ""];
        assert_eq!(pieces(&bytes_tokenizer(), &ids), expected);
    }

    #[test]
    fn an_unfinished_character_at_the_end_comes_as_a_replacement() {
        let expected = ["a", "", "\u{fffd}"];
        assert_eq!(pieces(&bytes_tokenizer(), &[97, 0xc3]), expected);
    }

    #[test]
    fn special_tokens_within_say_nothing_and_lose_no_space() {
        let expected = ["cat", "", " dog", " a", ""];
        assert_eq!(pieces(&words_tokenizer(), &[7, 3, 8, 6]), expected);
    }

    #[test]
    fn a_decoder_that_takes_text_back_loses_nothing_that_follows() {
        let tokenizer = fallback_tokenizer();
        let [cat, s, first, second] =
            ["▁cat", "s", "<0xC3>", "<0xA9>"].map(|t| tokenizer.id(t).unwrap());
        let expected = ["cat", "", "é", "", "\u{fffd}s", " cat", ""];
        assert_eq!(
            pieces(&tokenizer, &[cat, first, second, first, s, cat]),
            expected
        );
    }

    proptest! {
        #[test]
        fn pieces_with_byte_fallback_join_to_the_decoding_of_all(
            words in prop::collection::vec(prop::sample::select(vec!["▁cat", "s", "é", "<EOC>"]), 0..13)
        ) {
            let tokenizer = fallback_tokenizer();
            let spell = |word: &&'static str| match *word {
                "é" => vec!["<0xC3>", "<0xA9>"],
                other => vec![other],
            };
            let ids: Vec<u32> = words.iter().flat_map(spell).map(|t| tokenizer.id(t).unwrap()).collect();
            let whole = tokenizer.decode(&ids).unwrap();
            prop_assert_eq!(pieces(&tokenizer, &ids).concat(), whole);
        }

        #[test]
        fn pieces_join_to_the_decoding_of_all(ids in prop::collection::vec(0u32..262, 0..23)) {
            let tokenizer = bytes_tokenizer();
            let whole = tokenizer.decode(&ids).unwrap();
            prop_assert_eq!(pieces(&tokenizer, &ids).concat(), whole);
        }

        #[test]
        fn pieces_of_words_join_to_the_decoding_of_all(
            ids in prop::collection::vec(0u32..11, 0..13)
        ) {
            let tokenizer = words_tokenizer();
            let whole = tokenizer.decode(&ids).unwrap();
            prop_assert_eq!(pieces(&tokenizer, &ids).concat(), whole);
        }

        #[test]
        fn text_comes_back_as_it_went_in(text in "\\PC{0,13}") {
            let tokenizer = bytes_tokenizer();
            let ids = tokenizer.encode(&text).unwrap();
            prop_assert_eq!(pieces(&tokenizer, &ids).concat(), text);
        }
    }
}
