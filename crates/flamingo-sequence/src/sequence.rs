//! A document as token ids.

use serde::{Deserialize, Serialize};

use crate::{Document, Error, Part, Result, Tokenizer};

/// Token ids and what their `<image>` tokens stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sequence {
    /// The tokens.
    pub ids: Vec<u32>,
    /// `media[k]`: which of the document's media (the n-th of [`Document::media`]) the k-th
    /// `<image>` token stands for. As long as there are `<image>` tokens.
    pub media: Vec<usize>,
}

/// What a training document is, and so how it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A page of text and images (M3W): no `<EOS>`.
    Page,
    /// One image or film and its caption (ALIGN, LTIP, VTP): `<EOS>` last, if there is one.
    Pair,
}

impl Sequence {
    /// A prompt: `<BOS>` if the model has one, then the parts exactly as they stand. The model's
    /// answer follows the last token.
    ///
    /// # Errors
    /// [`Error::Empty`] and [`Error::Part`] for a document that says nothing,
    /// [`Error::TooManyMedia`] for more than `max_media` media, [`Error::Encode`].
    pub fn of_prompt(
        document: &Document,
        tokenizer: &Tokenizer,
        max_media: usize,
    ) -> Result<Sequence> {
        document.check()?;
        let found = document.media().count();
        if found > max_media {
            return Err(Error::TooManyMedia {
                found,
                limit: max_media,
            });
        }
        let mut builder = Builder::new(tokenizer);
        for part in &document.parts {
            match part {
                Part::Text(text) => builder.text(text)?,
                Part::Image(_) | Part::Video(_) => builder.medium(),
                Part::End => builder.push(tokenizer.specials().end_of_chunk),
            }
        }
        builder.finish()
    }

    /// A training example (paper 2.4 and appendix A.3): `<BOS>` if there is one, `<EOC>` before each
    /// image and at the end, `<EOS>` after a pair.
    ///
    /// An image that opens the document gets no `<EOC>` before it, and where the document ends a
    /// chunk itself no second one is put. Windows with few enough images are cut by
    /// [`Sequence::subsequence`].
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Part`], [`Error::Encode`].
    pub fn of_training(document: &Document, tokenizer: &Tokenizer, form: Form) -> Result<Sequence> {
        document.check()?;
        let mut builder = Builder::new(tokenizer);
        for part in &document.parts {
            match part {
                Part::Text(text) => builder.text(text)?,
                Part::Image(_) | Part::Video(_) => {
                    builder.end_chunk();
                    builder.medium();
                }
                Part::End => builder.end_chunk(),
            }
        }
        builder.end_chunk();
        if let (Form::Pair, Some(eos)) = (form, tokenizer.specials().eos) {
            builder.push(eos);
        }
        builder.finish()
    }
}

/// Collects the tokens of one document.
struct Builder<'a> {
    tokenizer: &'a Tokenizer,
    sequence: Sequence,
    /// Where the document's own tokens begin.
    opening: usize,
}

impl<'a> Builder<'a> {
    fn new(tokenizer: &'a Tokenizer) -> Self {
        let ids: Vec<u32> = tokenizer.specials().bos.into_iter().collect();
        Self {
            tokenizer,
            opening: ids.len(),
            sequence: Sequence {
                ids,
                media: Vec::new(),
            },
        }
    }

    fn push(&mut self, id: u32) {
        self.sequence.ids.push(id);
    }

    fn text(&mut self, text: &str) -> Result<()> {
        self.sequence.ids.extend(self.tokenizer.encode(text)?);
        Ok(())
    }

    fn medium(&mut self) {
        self.push(self.tokenizer.specials().image);
        self.sequence.media.push(self.sequence.media.len());
    }

    /// Ends the chunk that is open, if one is.
    fn end_chunk(&mut self) {
        let end_of_chunk = self.tokenizer.specials().end_of_chunk;
        let last = self.sequence.ids[self.opening..].last();
        if last.is_some_and(|last| *last != end_of_chunk) {
            self.push(end_of_chunk);
        }
    }

    fn finish(self) -> Result<Sequence> {
        match self.sequence.ids.len() > self.opening {
            true => Ok(self.sequence),
            false => Err(Error::Empty),
        }
    }
}
