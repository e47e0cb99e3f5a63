//! The paper's training sequences (section 2.4, appendix A.3) from documents.

use flamingo_sequence::{Document, Form, Part, Result, Sequence, Tokenizer, Visibility, starts};
use rand::Rng;

/// How documents become training sequences.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Framing {
    /// Whether the documents are pages, or pictures with captions.
    pub form: Form,
    /// The most tokens of a sequence; a longer page gives a random window.
    pub length: usize,
    /// The most media of a sequence.
    pub max_media: usize,
    /// How often a page's text is bound to the next picture, not the last one.
    pub p_next: f64,
    /// How often a space is put before a pair's caption.
    pub p_space: f64,
}

/// A sequence to train on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Its tokens; the media are numbered within the document.
    pub sequence: Sequence,
    /// Which picture its text is bound to.
    pub visibility: Visibility,
}

impl Framing {
    /// The paper's pages: 256 tokens, 5 pictures, text bound to the next picture half of the time.
    pub fn pages() -> Self {
        Self {
            form: Form::Page,
            length: 256,
            max_media: 5,
            p_next: 0.5,
            p_space: 0.0,
        }
    }

    /// The paper's pairs: a space before half of the captions.
    pub fn pairs() -> Self {
        Self {
            form: Form::Pair,
            p_next: 0.0,
            p_space: 0.5,
            ..Self::pages()
        }
    }

    /// The paper's for such documents.
    pub fn of(form: Form) -> Self {
        match form {
            Form::Page => Self::pages(),
            Form::Pair => Self::pairs(),
        }
    }

    /// A training example of the document; all that is random comes from `rng`.
    ///
    /// # Errors
    /// If the document is empty or the tokenizer refuses it.
    pub fn example(
        &self,
        document: &Document,
        tokenizer: &Tokenizer,
        rng: &mut impl Rng,
    ) -> Result<Example> {
        // Drawn in any case, so that one setting does not move the other's numbers.
        let (next, space) = (rng.random::<f64>(), rng.random::<f64>());
        let whole = if self.form == Form::Pair && space < self.p_space {
            Sequence::of_training(&spaced(document), tokenizer, self.form)?
        } else {
            Sequence::of_training(document, tokenizer, self.form)?
        };
        let start = rng.random_range(0..starts(whole.ids.len(), self.length));
        let image = tokenizer.specials().image;
        let sequence = whole.subsequence(image, start, self.length, self.max_media);
        let visibility = match self.form == Form::Page && next < self.p_next {
            true => Visibility::Next,
            false => Visibility::Last,
        };
        Ok(Example {
            sequence,
            visibility,
        })
    }
}

/// The document with a space before its first text, if there is none.
fn spaced(document: &Document) -> Document {
    let mut document = document.clone();
    let text = document.parts.iter_mut().find_map(|part| match part {
        Part::Text(text) => Some(text),
        _ => None,
    });
    if let Some(text) = text.filter(|text| !text.starts_with(char::is_whitespace)) {
        text.insert(0, ' ');
    }
    document
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::stream;
    use flamingo_sequence::SpecialTokenNames;

    /// One token for each letter and the space, after the special tokens.
    fn tokenizer() -> Tokenizer {
        let names = ["<PAD>", "<BOS>", "<EOS>", "<image>", "<EOC>"].map(str::to_owned);
        let letters = ('a'..='z').map(String::from).chain(["\u{120}".to_owned()]);
        let vocab: serde_json::Map<_, _> = names
            .into_iter()
            .chain(letters)
            .zip(0..)
            .map(|(t, id)| (t, id.into()))
            .collect();
        let json = serde_json::json!({
            "version": "1.0", "added_tokens": [], "normalizer": null, "post_processor": null,
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false},
            "decoder": null, "truncation": null, "padding": null,
            "model": {"type": "BPE", "vocab": vocab, "merges": []}
        });
        let names = SpecialTokenNames {
            bos: Some("<BOS>".into()),
            eos: Some("<EOS>".into()),
            pad: "<PAD>".into(),
            image: "<image>".into(),
            end_of_chunk: "<EOC>".into(),
            image_border: None,
        };
        Tokenizer::from_bytes(json.to_string().as_bytes(), &names).unwrap()
    }

    fn document(json: &str) -> Document {
        Document::from_json(json).unwrap()
    }

    #[test]
    fn a_pair_ends_in_both_tokens_and_half_of_the_captions_get_a_space() {
        let (tokenizer, pair) = (
            tokenizer(),
            document(r#"{"parts": [{"image": "a"}, {"text": "ab"}]}"#),
        );
        let mut spaced = 0;
        for number in 0..1000 {
            let mut rng = stream(1, "test", &[number]);
            let example = Framing::pairs()
                .example(&pair, &tokenizer, &mut rng)
                .unwrap();
            let with_space = example.sequence.ids.len() == 7;
            let expected: &[u32] = if with_space {
                &[1, 3, 31, 5, 6, 4, 2]
            } else {
                &[1, 3, 5, 6, 4, 2]
            };
            assert_eq!(example.sequence.ids, expected);
            assert_eq!(example.visibility, Visibility::Last);
            spaced += usize::from(with_space);
        }
        assert!((430..570).contains(&spaced), "{spaced}");
        let with_its_own = document(r#"{"parts": [{"image": "a"}, {"text": " ab"}]}"#);
        for number in 0..9 {
            let mut rng = stream(1, "test", &[number]);
            let example = Framing::pairs().example(&with_its_own, &tokenizer, &mut rng);
            assert_eq!(example.unwrap().sequence.ids, [1, 3, 31, 5, 6, 4, 2]);
        }
    }

    #[test]
    fn windows_of_a_page_start_anywhere_and_keep_to_their_limits() {
        let tokenizer = tokenizer();
        let one = r#"{"image": "a"}, {"text": "abcdefg"}"#;
        let page = document(&format!(r#"{{"parts": [{}]}}"#, [one; 11].join(",")));
        let framing = Framing {
            length: 23,
            max_media: 2,
            ..Framing::pages()
        };
        let (mut next, mut firsts) = (0, std::collections::HashSet::new());
        for number in 0..500 {
            let mut rng = stream(1, "test", &[number]);
            let example = framing.example(&page, &tokenizer, &mut rng).unwrap();
            assert!(example.sequence.ids.len() <= 23 && example.sequence.media.len() <= 2);
            next += usize::from(example.visibility == Visibility::Next);
            firsts.insert(example.sequence.media.first().copied());
        }
        assert!((200..300).contains(&next), "{next}");
        assert!(firsts.len() > 8, "{firsts:?}");
    }
}
