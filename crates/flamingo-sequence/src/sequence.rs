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
                Part::Token(spelling) => builder.token(spelling)?,
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
                Part::Token(spelling) => builder.token(spelling)?,
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
    /// How long the sequence was when the last image had been put.
    behind_image: Option<usize>,
}

impl<'a> Builder<'a> {
    fn new(tokenizer: &'a Tokenizer) -> Self {
        let ids: Vec<u32> = tokenizer.specials().bos.into_iter().collect();
        Self {
            tokenizer,
            opening: ids.len(),
            behind_image: None,
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

    fn token(&mut self, spelling: &str) -> Result<()> {
        self.push(self.tokenizer.special(spelling)?);
        Ok(())
    }

    /// One border is enough between two images that follow each other.
    fn medium(&mut self) {
        let specials = *self.tokenizer.specials();
        let bordered = self.behind_image == Some(self.sequence.ids.len());
        self.sequence
            .ids
            .extend(specials.image_border.filter(|_| !bordered));
        self.push(specials.image);
        self.sequence.media.push(self.sequence.media.len());
        self.sequence.ids.extend(specials.image_border);
        self.behind_image = Some(self.sequence.ids.len());
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::testing::{bytes_json, bytes_tokenizer, names};

    fn document(parts: &str) -> Document {
        Document::from_json(&format!("{{\"parts\": [{parts}]}}")).unwrap()
    }

    /// Ids as text, special tokens by name.
    fn show(sequence: &Sequence, tokenizer: &Tokenizer) -> String {
        let show = |id: &u32| match u8::try_from(*id) {
            Ok(byte) => char::from(byte).to_string(),
            Err(_) => tokenizer.token(*id).unwrap(),
        };
        sequence.ids.iter().map(show).collect()
    }

    fn trained(parts: &str, form: Form) -> String {
        let tokenizer = bytes_tokenizer();
        let sequence = Sequence::of_training(&document(parts), &tokenizer, form).unwrap();
        show(&sequence, &tokenizer)
    }

    #[test]
    fn a_prompt_is_its_parts_in_their_order_and_nothing_more() {
        let tokenizer = bytes_tokenizer();
        let parts = r#"{"image": "a"}, {"text": "cat"}, {"end": true}, {"video": "b"}, {"text": "Output:"}"#;
        let sequence = Sequence::of_prompt(&document(parts), &tokenizer, 2).unwrap();
        let expected = "<BOS><image>cat<EOC><image>Output:";
        assert_eq!(show(&sequence, &tokenizer), expected);
        assert_eq!(sequence.media, [0, 1]);
        let parts = r#"{"end": true}, {"end": true}, {"image": "a"}, {"image": "b"}"#;
        let sequence = Sequence::of_prompt(&document(parts), &tokenizer, 2).unwrap();
        let expected = "<BOS><EOC><EOC><image><image>";
        assert_eq!(show(&sequence, &tokenizer), expected);
    }

    #[test]
    fn a_page_ends_a_chunk_before_each_image_and_at_its_end() {
        let parts =
            r#"{"text": "pets"}, {"image": "a"}, {"text": "pup"}, {"image": "b"}, {"text": "cat"}"#;
        let expected = "<BOS>pets<EOC><image>pup<EOC><image>cat<EOC>";
        assert_eq!(trained(parts, Form::Page), expected);
        let expected = "<BOS><image><EOC><image><EOC>";
        assert_eq!(
            trained(r#"{"image": "a"}, {"image": "b"}"#, Form::Page),
            expected
        );
    }

    #[test]
    fn a_pair_is_bos_image_caption_end_of_chunk_eos() {
        let parts = r#"{"image": "a"}, {"text": " a cat"}"#;
        let expected = "<BOS><image> a cat<EOC><EOS>";
        assert_eq!(trained(parts, Form::Pair), expected);
    }

    #[test]
    fn a_chunk_that_the_document_ends_itself_is_not_ended_twice() {
        let parts = r#"{"end": true}, {"image": "a"}, {"text": "cat"}, {"end": true}, {"end": true}, {"image": "b"}, {"end": true}"#;
        let expected = "<BOS><image>cat<EOC><image><EOC><EOS>";
        assert_eq!(trained(parts, Form::Pair), expected);
    }

    #[test]
    fn a_model_without_bos_and_eos_gets_none() {
        let mut names = names();
        (names.bos, names.eos) = (None, None);
        let json = bytes_json().to_string();
        let tokenizer = Tokenizer::from_bytes(json.as_bytes(), &names).unwrap();
        let document = document(r#"{"image": "a"}, {"text": "cat"}"#);
        let sequence = Sequence::of_training(&document, &tokenizer, Form::Pair).unwrap();
        assert_eq!(show(&sequence, &tokenizer), "<image>cat<EOC>");
        let sequence = Sequence::of_prompt(&document, &tokenizer, 1).unwrap();
        assert_eq!(show(&sequence, &tokenizer), "<image>cat");
    }

    #[test]
    fn images_have_a_border_each_and_neighbours_share_theirs() {
        let mut names = names();
        (names.image_border, names.end_of_chunk) = (Some("<EOC>".into()), "<EOS>".into());
        let json = bytes_json().to_string();
        let tokenizer = Tokenizer::from_bytes(json.as_bytes(), &names).unwrap();
        let parts =
            r#"{"image": "a"}, {"image": "b"}, {"text": "cat"}, {"image": "c"}, {"end": true}"#;
        let sequence = Sequence::of_prompt(&document(parts), &tokenizer, 3).unwrap();
        let expected = "<BOS><EOC><image><EOC><image><EOC>cat<EOC><image><EOC><EOS>";
        assert_eq!(show(&sequence, &tokenizer), expected);
    }

    #[test]
    fn a_prompt_with_too_many_media_names_both_numbers() {
        let document = document(r#"{"image": "a"}, {"video": "b"}, {"image": "c"}"#);
        let error = Sequence::of_prompt(&document, &bytes_tokenizer(), 2).unwrap_err();
        let message = error.to_string();
        assert!(message.contains("has 3 images"), "{message}");
        assert!(message.contains("limit is 2"), "{message}");
    }

    #[test]
    fn a_prompt_made_in_code_that_says_nothing_is_refused() {
        let tokenizer = bytes_tokenizer();
        let error = Sequence::of_prompt(&Document::default(), &tokenizer, 1).unwrap_err();
        let expected = "the prompt is empty: give at least one part";
        assert_eq!(error.to_string(), expected);
        let blank = Document::new([Part::End, Part::Text(String::new())]);
        let error = Sequence::of_prompt(&blank, &tokenizer, 1).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("part 2 of 2: `text` is empty")
        );
    }

    #[test]
    fn text_that_spells_an_image_does_not_bring_one_in() {
        let tokenizer = bytes_tokenizer();
        let document = document(r#"{"image": "a"}, {"text": "<image><EOC>"}"#);
        let sequence = Sequence::of_prompt(&document, &tokenizer, 1).unwrap();
        let image = tokenizer.specials().image;
        let images = sequence.ids.iter().filter(|id| **id == image).count();
        assert_eq!((images, sequence.media.len()), (1, 1));
    }
}
