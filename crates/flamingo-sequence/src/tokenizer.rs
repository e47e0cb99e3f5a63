//! The tokenizer with the ids that Flamingo needs.
//!
//! A thin wrap of the `tokenizers` crate that closes its traps: nothing is added to a text, cut off
//! it or padded to it, whatever `tokenizer.json` asks for, and a text that spells a special token
//! (`<image>`) stays text.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tokenizers::AddedToken;

use crate::{Error, Part, Result};

/// The special tokens by their texts, as a model's configuration names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecialTokenNames {
    /// Opens every sequence, if the language model was trained so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bos: Option<String>,
    /// Ends an image-text pair, if the language model was trained so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eos: Option<String>,
    /// Fills rows of a batch; may be `eos` or another token of the vocabulary.
    pub pad: String,
    /// Stands for an image or a film.
    pub image: String,
    /// Ends a chunk: `<EOC>` in the paper, `<|endofchunk|>` in OpenFlamingo. May be `eos`.
    pub end_of_chunk: String,
    /// Stands before and behind an image, or a row of images, if the model was trained so (IDEFICS).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_border: Option<String>,
}

/// The special tokens by their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpecialTokens {
    /// Opens every sequence.
    pub bos: Option<u32>,
    /// Ends an image-text pair. May equal `bos` (GPT-2).
    pub eos: Option<u32>,
    /// Fills rows of a batch. May equal `eos` or `bos`: padding is known by its place, not its id.
    pub pad: u32,
    /// Stands for an image or a film.
    pub image: u32,
    /// Ends a chunk. May equal `eos`.
    pub end_of_chunk: u32,
    /// Stands before and behind a row of images.
    pub image_border: Option<u32>,
}

/// Text to ids and back.
#[derive(Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    specials: SpecialTokens,
    vocab_size: usize,
    /// What a text must never become: the structural tokens with their spellings.
    reserved: Vec<(u32, String)>,
}

impl Tokenizer {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if it cannot be read, [`Error::MissingToken`] and
    /// [`Error::SharedToken`] if the special tokens are not there or not distinct.
    pub fn from_file(path: impl AsRef<Path>, names: &SpecialTokenNames) -> Result<Self> {
        let name = path.as_ref().display().to_string();
        let bytes = std::fs::read(path).map_err(|error| Error::Tokenizer {
            name: name.clone(),
            message: error.to_string(),
        })?;
        Self::from_named_bytes(&bytes, &name, names)
    }

    /// Reads the bytes of a `tokenizer.json`. Errors as [`Tokenizer::from_file`].
    pub fn from_bytes(bytes: &[u8], names: &SpecialTokenNames) -> Result<Self> {
        Self::from_named_bytes(bytes, "tokenizer.json", names)
    }

    fn from_named_bytes(bytes: &[u8], name: &str, names: &SpecialTokenNames) -> Result<Self> {
        let unreadable = |error: tokenizers::Error| Error::Tokenizer {
            name: name.to_string(),
            message: error.to_string(),
        };
        let mut inner = tokenizers::Tokenizer::from_bytes(bytes).map_err(unreadable)?;
        inner.with_truncation(None).map_err(unreadable)?;
        inner.with_padding(None);
        let specials = resolve(&inner, name, names)?;
        mark_special(&mut inner, names);
        // Spellings of special tokens (other ones too, such as padding) inside a text are split like
        // any other text.
        inner.set_encode_special_tokens(true);
        let largest = inner.get_vocab(true).into_values().max();
        Ok(Self {
            vocab_size: largest.map_or(0, |id| id as usize + 1),
            reserved: reserved(&specials, names),
            inner,
            specials,
        })
    }

    /// The ids of a text: no special token in front, behind or within.
    ///
    /// # Errors
    /// [`Error::Encode`] if the vocabulary has no token for some of it (and no unknown token).
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let ids = self.encode_plain(text)?;
        if !self.has_reserved(&ids) {
            return Ok(ids);
        }
        // A model that knows whole words (WordLevel, Unigram) finds a special token's spelling in
        // its own vocabulary: break the spelling after its first character.
        let mut ids = Vec::with_capacity(ids.len());
        for piece in self.break_spellings(text) {
            ids.extend(self.encode_plain(piece)?);
        }
        match ids.iter().find_map(|id| self.reserved_spelling(*id)) {
            None => Ok(ids),
            Some(spelling) => Err(encode_error(
                text,
                format!("it reads as the special token {spelling:?}; reword it"),
            )),
        }
    }

    /// The ids that a text has behind another: those of both together less those of `before`.
    ///
    /// A tokenizer that puts a mark of a word before every text (sentencepiece's do) puts none
    /// between the two. Where the last token of `before` would be another one with the text behind
    /// it, `before` keeps its tokens, and the text has those that it has behind a line break.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn encode_behind(&self, before: &str, text: &str) -> Result<Vec<u32>> {
        for before in [before, "\n"] {
            let known = self.encode(before)?;
            let both = self.encode(&format!("{before}{text}"))?;
            if let Some(ids) = both.strip_prefix(&known[..])
                && !ids.is_empty()
            {
                return Ok(ids.to_vec());
            }
        }
        self.encode(text)
    }

    /// The id of a special token that is no picture.
    ///
    /// # Errors
    /// [`Error::Encode`] if there is none of that spelling, or it stands for a picture.
    pub fn special(&self, spelling: &str) -> Result<u32> {
        let added = self.inner.get_added_tokens_decoder();
        let found = added
            .iter()
            .find(|(_, token)| token.special && token.content == spelling);
        match found {
            Some((id, _)) if *id != self.specials.image => Ok(*id),
            Some(_) => Err(encode_error(
                spelling,
                "it stands for a picture: give the picture as a part".to_string(),
            )),
            None => Err(encode_error(
                spelling,
                "it is no special token of the model: give it as a text".to_string(),
            )),
        }
    }

    /// The spellings of all special tokens.
    pub fn special_spellings(&self) -> Vec<String> {
        let added = self.inner.get_added_tokens_decoder();
        let special = added.values().filter(|token| token.special);
        special.map(|token| token.content.clone()).collect()
    }

    /// The parts of a text in which special tokens count, as a chat template writes one: its pictures
    /// are those of `media`, in order, and the token that opens every sequence is left out, since it
    /// is put before every prompt.
    ///
    /// # Errors
    /// [`Error::Encode`] if the text has more or fewer pictures than `media`.
    pub fn marked(&self, text: &str, media: impl IntoIterator<Item = Part>) -> Result<Vec<Part>> {
        let added = self.inner.get_added_tokens_decoder();
        let specials: Vec<(u32, &str)> = added
            .iter()
            .filter(|(_, token)| token.special && !token.content.is_empty())
            .map(|(id, token)| (*id, token.content.as_str()))
            .collect();
        let (mut parts, mut media) = (Vec::new(), media.into_iter());
        // Where each is found next: looked for again once that is passed, so that a text is gone through once for each.
        let mut next: Vec<(Option<usize>, u32, &str)> = specials
            .iter()
            .map(|&(id, spelling)| (text.find(spelling), id, spelling))
            .collect();
        let mut done = 0;
        loop {
            for (at, _, spelling) in &mut next {
                if at.is_some_and(|at| at < done) {
                    *at = text[done..].find(*spelling).map(|found| done + found);
                }
            }
            let found = next
                .iter()
                .filter_map(|&(at, id, spelling)| Some((at?, id, spelling)));
            // Of those at one place the longest.
            let first = found.min_by_key(|(at, _, spelling)| (*at, usize::MAX - spelling.len()));
            let Some((at, id, spelling)) = first else {
                break;
            };
            if at > done {
                parts.push(Part::Text(text[done..at].to_owned()));
            }
            done = at + spelling.len();
            if id == self.specials.image {
                parts.push(media.next().ok_or_else(|| self.uneven(text, "more"))?);
            } else if !(parts.is_empty() && Some(id) == self.specials.bos) {
                parts.push(Part::Token(spelling.to_owned()));
            }
        }
        if done < text.len() {
            parts.push(Part::Text(text[done..].to_owned()));
        }
        match media.next() {
            None => Ok(parts),
            Some(_) => Err(self.uneven(text, "fewer")),
        }
    }

    fn uneven(&self, text: &str, which: &str) -> Error {
        let image = self
            .inner
            .id_to_token(self.specials.image)
            .unwrap_or_default();
        let message = format!("it has {image} {which} times than there are pictures");
        encode_error(text, message)
    }

    /// The text of ids. Special tokens and ids outside the vocabulary are left out.
    ///
    /// # Errors
    /// [`Error::Decode`] if the tokenizer's decoder fails.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        self.inner.decode(ids, true).map_err(|error| Error::Decode {
            count: ids.len(),
            message: error.to_string(),
        })
    }

    /// A token as the vocabulary spells it (`Ġcat`, `<image>`), to show single tokens.
    pub fn token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// The id of a token as the vocabulary spells it.
    pub fn id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The ids that Flamingo needs.
    pub fn specials(&self) -> &SpecialTokens {
        &self.specials
    }

    /// The largest id plus one: the rows that an embedding needs at least.
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// The tokenizer as a `tokenizer.json`.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if the library cannot write it.
    pub fn to_json(&self) -> Result<String> {
        self.inner
            .to_string(false)
            .map_err(|error| Error::Tokenizer {
                name: "tokenizer.json".to_string(),
                message: error.to_string(),
            })
    }

    fn encode_plain(&self, text: &str) -> Result<Vec<u32>> {
        match self.inner.encode_fast(text, false) {
            Ok(encoding) => Ok(encoding.get_ids().to_vec()),
            Err(error) => Err(encode_error(text, error.to_string())),
        }
    }

    fn has_reserved(&self, ids: &[u32]) -> bool {
        ids.iter().any(|id| self.reserved_spelling(*id).is_some())
    }

    fn reserved_spelling(&self, id: u32) -> Option<&str> {
        let found = self.reserved.iter().find(|(reserved, _)| *reserved == id);
        found.map(|(_, spelling)| spelling.as_str())
    }

    /// Cuts `text` inside every spelling of a reserved token.
    fn break_spellings<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let mut cuts: Vec<usize> = Vec::new();
        for (_, spelling) in &self.reserved {
            let head = spelling.chars().next().map_or(0, char::len_utf8);
            cuts.extend(text.match_indices(spelling).map(|(at, _)| at + head));
        }
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        cuts.dedup();
        cuts.windows(2)
            .map(|pair| &text[pair[0]..pair[1]])
            .collect()
    }
}

fn encode_error(text: &str, message: String) -> Error {
    let text = text.chars().take(80).collect();
    Error::Encode { text, message }
}

/// Looks the special tokens up and refuses roles that may not share a token.
fn resolve(
    inner: &tokenizers::Tokenizer,
    name: &str,
    names: &SpecialTokenNames,
) -> Result<SpecialTokens> {
    let id = |role, token: &str| {
        inner.token_to_id(token).ok_or_else(|| Error::MissingToken {
            name: name.to_string(),
            role,
            token: token.to_string(),
        })
    };
    let optional = |role, token: &Option<String>| token.as_deref().map(|t| id(role, t)).transpose();
    let specials = SpecialTokens {
        bos: optional("bos", &names.bos)?,
        eos: optional("eos", &names.eos)?,
        pad: id("pad", &names.pad)?,
        image: id("image", &names.image)?,
        end_of_chunk: id("end_of_chunk", &names.end_of_chunk)?,
        image_border: optional("image_border", &names.image_border)?,
    };
    let image = ("image", Some(specials.image));
    let end_of_chunk = ("end_of_chunk", Some(specials.end_of_chunk));
    let border = ("image_border", specials.image_border);
    let (bos, pad) = (("bos", specials.bos), ("pad", Some(specials.pad)));
    let pairs = [
        (image, bos),
        (image, ("eos", specials.eos)),
        (image, pad),
        (image, end_of_chunk),
        (image, border),
        (end_of_chunk, bos),
        (end_of_chunk, pad),
        (end_of_chunk, border),
    ];
    for ((first, a), (second, b)) in pairs {
        if let Some(id) = a.filter(|_| a == b) {
            let token = inner.id_to_token(id).unwrap_or_default();
            return Err(Error::SharedToken {
                token,
                first,
                second,
            });
        }
    }
    Ok(specials)
}

/// Tells the library which tokens are special (they keep their ids), so that decoding omits them.
fn mark_special(inner: &mut tokenizers::Tokenizer, names: &SpecialTokenNames) {
    let structural = [&names.image, &names.end_of_chunk]
        .into_iter()
        .chain(&names.image_border);
    let sentence = names.bos.iter().chain(&names.eos);
    let tokens: Vec<AddedToken> = structural
        .chain(sentence)
        .map(|token| AddedToken::from(token.as_str(), true))
        .collect();
    inner.add_special_tokens(&tokens);
}

/// `pad` is not among them: some vocabularies pad with their unknown token.
fn reserved(specials: &SpecialTokens, names: &SpecialTokenNames) -> Vec<(u32, String)> {
    let mut reserved = vec![
        (specials.image, names.image.clone()),
        (specials.end_of_chunk, names.end_of_chunk.clone()),
    ];
    reserved.extend(specials.bos.zip(names.bos.clone()));
    reserved.extend(specials.eos.zip(names.eos.clone()));
    reserved.extend(specials.image_border.zip(names.image_border.clone()));
    reserved
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokenizer")
            .field("vocab_size", &self.vocab_size)
            .field("specials", &self.specials)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::testing::{bytes_json, bytes_tokenizer, marking_tokenizer, names, words_tokenizer};

    fn error(names: &SpecialTokenNames) -> String {
        let json = bytes_json().to_string();
        let error = Tokenizer::from_bytes(json.as_bytes(), names).unwrap_err();
        error.to_string()
    }

    #[test]
    fn a_text_of_a_chat_template_is_taken_apart_at_its_special_tokens() {
        let tokenizer = bytes_tokenizer();
        let names = names();
        let (image, end) = (names.image, names.end_of_chunk);
        let bos = names.bos.unwrap_or_default();
        let text = format!("{bos}a {image}cat{end}b");
        let parts = tokenizer
            .marked(&text, [Part::Image("x.png".into())])
            .unwrap();
        let expected = [
            Part::Text("a ".into()),
            Part::Image("x.png".into()),
            Part::Text("cat".into()),
            Part::Token(end.clone()),
            Part::Text("b".into()),
        ];
        assert_eq!(parts, expected);
        let told = |media: Vec<Part>| tokenizer.marked(&text, media).unwrap_err().to_string();
        assert!(told(vec![]).contains("more times"));
        let two = || Part::Image("y.png".into());
        assert!(told(vec![two(), two()]).contains("fewer times"));
        assert!(
            tokenizer
                .special(&image)
                .unwrap_err()
                .to_string()
                .contains("picture")
        );
        assert!(
            tokenizer
                .special("cat")
                .unwrap_err()
                .to_string()
                .contains("no special token")
        );
        assert_eq!(
            tokenizer.special(&end).unwrap(),
            tokenizer.specials().end_of_chunk
        );
    }

    #[test]
    fn a_text_is_neither_opened_nor_cut_nor_padded_whatever_the_file_asks_for() {
        let ids = bytes_tokenizer().encode("a cat sits").unwrap();
        let bytes: Vec<u32> = "a cat sits".bytes().map(u32::from).collect();
        assert_eq!(ids, bytes);
        assert!(bytes_tokenizer().encode("").unwrap().is_empty());
    }

    #[test]
    fn a_text_behind_another_has_no_mark_of_a_word_of_its_own() {
        let tokenizer = marking_tokenizer();
        let shown = |ids: Vec<u32>| -> Vec<String> {
            ids.iter().map(|id| tokenizer.token(*id).unwrap()).collect()
        };
        let behind = |before, text| shown(tokenizer.encode_behind(before, text).unwrap());
        assert_eq!(
            shown(tokenizer.encode("a: cat").unwrap()),
            ["\u{2581}a", ":", "\u{2581}cat"]
        );
        assert_eq!(behind("a:", " cat"), ["\u{2581}cat"]);
        assert_eq!(behind("a:", "cat"), ["c", "a", "t"]);
        assert_eq!(shown(tokenizer.encode("cat").unwrap()), ["\u{2581}cat"]);
        // "\u{2581}ca" would swallow the last token of what is before.
        assert_eq!(behind("c", "at"), ["a", "t"]);
        let bytes = bytes_tokenizer();
        for (before, text) in [("a", "b c"), ("a ", " b"), ("", "b"), ("x<im", "age>")] {
            let alone = bytes.encode(text).unwrap();
            assert_eq!(bytes.encode_behind(before, text).unwrap(), alone);
        }
    }

    #[test]
    fn special_tokens_are_found_by_name_and_counted_in_the_vocabulary() {
        let tokenizer = bytes_tokenizer();
        let expected = SpecialTokens {
            bos: Some(257),
            eos: Some(258),
            pad: 256,
            image: 259,
            end_of_chunk: 260,
            image_border: None,
        };
        assert_eq!(*tokenizer.specials(), expected);
        assert_eq!(tokenizer.vocab_size(), 261);
        assert_eq!(tokenizer.token(259).as_deref(), Some("<image>"));
        assert_eq!(tokenizer.id("<image>"), Some(259));
        assert_eq!(tokenizer.token(999), None);
        let mut without = names();
        (without.bos, without.eos) = (None, None);
        let json = bytes_json().to_string();
        let tokenizer = Tokenizer::from_bytes(json.as_bytes(), &without).unwrap();
        assert_eq!(tokenizer.specials().bos, None);
    }

    #[test]
    fn spelling_a_special_token_in_a_text_does_not_make_one() {
        let text = "see <image>, <EOC> <BOS><EOS><PAD>";
        let tokenizer = bytes_tokenizer();
        let bytes: Vec<u32> = text.bytes().map(u32::from).collect();
        assert_eq!(tokenizer.encode(text).unwrap(), bytes);
        assert_eq!(tokenizer.decode(&bytes).unwrap(), text);
    }

    #[test]
    fn spelling_a_word_that_the_vocabulary_holds_as_special_token_does_not_make_one() {
        let tokenizer = words_tokenizer();
        let [unknown, cat, dog] = ["?", "cat", "dog"].map(|word| tokenizer.id(word).unwrap());
        let ids = tokenizer.encode("cat <image> dog").unwrap();
        assert_eq!(ids, [cat, unknown, unknown, dog]);
        assert_eq!(tokenizer.encode("cat dog").unwrap(), [cat, dog]);
    }

    #[test]
    fn decoding_leaves_special_tokens_out() {
        let tokenizer = bytes_tokenizer();
        let ids = [257, 259, 99, 97, 116, 260, 258, 999];
        assert_eq!(tokenizer.decode(&ids).unwrap(), "cat");
        assert_eq!(words_tokenizer().decode(&[3, 7, 4]).unwrap(), "cat");
    }

    #[test]
    fn a_missing_special_token_is_named_with_its_role_and_the_file() {
        let mut wrong = names();
        wrong.end_of_chunk = "<|endofchunk|>".into();
        let message = error(&wrong);
        assert!(message.contains("tokenizer.json"), "{message}");
        assert!(message.contains("<|endofchunk|>"), "{message}");
        assert!(message.contains("`end_of_chunk`"), "{message}");
    }

    #[test]
    fn image_and_end_of_chunk_may_share_no_token_but_bos_eos_and_pad_may() {
        let mut shared = names();
        shared.image = "<PAD>".into();
        let message = error(&shared);
        assert!(message.contains("`image` and `pad`"), "{message}");
        shared.image = "<EOC>".into();
        assert!(error(&shared).contains("`image` and `end_of_chunk`"));

        let mut gpt2 = names();
        (gpt2.bos, gpt2.pad) = (gpt2.eos.clone(), "<EOS>".into());
        let json = bytes_json().to_string();
        let tokenizer = Tokenizer::from_bytes(json.as_bytes(), &gpt2).unwrap();
        assert_eq!(tokenizer.specials().pad, 258);
    }

    #[test]
    fn files_that_are_missing_or_no_tokenizer_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.json");
        let message = Tokenizer::from_file(&path, &names())
            .unwrap_err()
            .to_string();
        assert!(message.contains(path.to_str().unwrap()), "{message}");
        std::fs::write(&path, "{}").unwrap();
        let message = Tokenizer::from_file(&path, &names())
            .unwrap_err()
            .to_string();
        assert!(message.contains(path.to_str().unwrap()), "{message}");
        std::fs::write(&path, bytes_tokenizer().to_json().unwrap()).unwrap();
        let read = Tokenizer::from_file(&path, &names()).unwrap();
        assert_eq!(read.specials(), bytes_tokenizer().specials());
        assert_eq!(read.encode("<image>").unwrap().len(), 7);
    }

    #[test]
    fn unknown_keys_among_the_token_names_are_refused() {
        let json = r#"{"pad": "a", "image": "b", "end_of_chunk": "c", "eoc": "d"}"#;
        let error = serde_json::from_str::<SpecialTokenNames>(json).unwrap_err();
        assert!(error.to_string().contains("`eoc`"), "{error}");
    }

    proptest! {
        #[test]
        fn no_text_ever_becomes_a_special_token(
            text in "(<image>|<EOC>|<BOS>|<EOS>|<PAD>|<|image|cat| |\\PC){0,9}"
        ) {
            for tokenizer in [bytes_tokenizer(), words_tokenizer()] {
                let ids = tokenizer.encode(&text).unwrap();
                prop_assert!(!tokenizer.has_reserved(&ids), "{ids:?}");
            }
        }
    }
}
