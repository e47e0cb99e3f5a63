//! Decoding an answer while it grows: bytes of an unfinished character are held back.

use crate::{Result, Tokenizer};

/// Turns ids that come one by one into text that comes piece by piece.
///
/// The pieces, with that of [`TextStream::finish`], join to [`Tokenizer::decode`] of all ids, for
/// every decoder whose text for more ids only continues that for fewer.
pub struct TextStream<'a> {
    tokenizer: &'a Tokenizer,
    /// A window over the ids: those that gave the last piece, then those not given out yet. The
    /// former are decoded again with the latter, since decoders treat the first token differently.
    ids: Vec<u32>,
    /// How many ids of the window are given out.
    given: usize,
}

impl<'a> TextStream<'a> {
    pub(crate) fn new(tokenizer: &'a Tokenizer) -> Self {
        Self {
            tokenizer,
            ids: Vec::new(),
            given: 0,
        }
    }

    /// Takes the next id and returns the text that is complete now, often none.
    ///
    /// # Errors
    /// As [`Tokenizer::decode`].
    pub fn push(&mut self, id: u32) -> Result<String> {
        self.ids.push(id);
        let piece = self.pending()?;
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
    pub fn finish(self) -> Result<String> {
        self.pending()
    }

    fn pending(&self) -> Result<String> {
        let given = self.tokenizer.decode(&self.ids[..self.given])?;
        let all = self.tokenizer.decode(&self.ids)?;
        Ok(all.get(given.len()..).unwrap_or_default().to_string())
    }
}
