//! The tokens on top of the base vocabulary: which they are, with which options and ids.
//!
//! `transformers` adds a token again when a second file names it, with other options perhaps. The
//! library then matches by the new `lstrip`, `rstrip` and `single_word`, but keeps the patterns of
//! both `normalized`. Here such a token becomes one with the same effect, so that a tokenizer and
//! what is read back from its `tokenizer.json` agree.

use std::collections::HashMap;

use tokenizers::{AddedToken, Normalizer, Tokenizer};

use crate::tokenizer::{Error, Result};

/// Added tokens in the order in which they get their ids.
#[derive(Debug, Default)]
pub(crate) struct AddedTokens {
    tokens: Vec<AddedToken>,
    places: HashMap<String, usize>,
    /// The ids that the files name.
    wanted: Vec<(String, u32)>,
}

impl AddedTokens {
    /// The tokens that a tokenizer has.
    pub(crate) fn of(tokenizer: &Tokenizer) -> Self {
        let mut tokens: Vec<_> = tokenizer.get_added_tokens_decoder().into_iter().collect();
        tokens.sort_by_key(|(id, _)| *id);
        let mut added = Self::default();
        for (_, token) in tokens {
            added.push(token);
        }
        added
    }

    pub(crate) fn contains(&self, content: &str) -> bool {
        self.places.contains_key(content)
    }

    /// Notes the id that a file names for a token.
    pub(crate) fn want(&mut self, content: &str, id: u32) {
        self.wanted.push((content.to_string(), id));
    }

    /// Adds a token, or adds it again.
    pub(crate) fn push(&mut self, token: AddedToken) {
        let Some(place) = self.places.get(&token.content) else {
            self.places.insert(token.content.clone(), self.tokens.len());
            self.tokens.push(token);
            return;
        };
        let old = &mut self.tokens[*place];
        if *old == token {
            return;
        }
        // A token that is special gets no second pattern; one that is not matches by both, where
        // the one before normalization comes first and leaves the other what only becomes the
        // token's text by normalization. That rest is given up.
        let normalized = old.normalized && (old.special || token.normalized);
        let special = old.special || token.special;
        *old = AddedToken {
            normalized,
            special,
            ..token
        };
    }

    /// The tokenizer with exactly these added tokens; `name` is for the errors.
    pub(crate) fn build(&self, base: &Tokenizer, name: &str) -> Result<Tokenizer> {
        let mut tokenizer = Tokenizer::new(base.get_model().clone());
        tokenizer
            .with_normalizer(base.get_normalizer().cloned())
            .with_pre_tokenizer(base.get_pre_tokenizer().cloned())
            .with_post_processor(base.get_post_processor().cloned())
            .with_decoder(base.get_decoder().cloned());
        for token in &self.tokens {
            check_pattern(&tokenizer, token, name)?;
        }
        tokenizer.add_tokens(&self.tokens);
        self.check_ids(&tokenizer, name)?;
        Ok(tokenizer)
    }

    fn check_ids(&self, tokenizer: &Tokenizer, name: &str) -> Result<()> {
        for (content, wanted) in &self.wanted {
            let found = tokenizer.token_to_id(content);
            if found != Some(*wanted) {
                return Err(Error::TokenId {
                    name: name.to_string(),
                    token: content.clone(),
                    wanted: *wanted,
                    found: found.map_or("none".to_string(), |id| id.to_string()),
                });
            }
        }
        Ok(())
    }
}

/// Refuses a token that would match everywhere because nothing is left of its text.
pub(crate) fn check_pattern(tokenizer: &Tokenizer, token: &AddedToken, name: &str) -> Result<()> {
    let mut pattern = tokenizers::NormalizedString::from(token.content.as_str());
    if let Some(normalizer) = tokenizer.get_normalizer().filter(|_| token.normalized) {
        let normalized = normalizer.normalize(&mut pattern);
        normalized.map_err(|error| Error::tokenizer(name, error))?;
    }
    if pattern.get().is_empty() {
        let message = format!(
            "the added token {:?} has no text to match: remove it",
            token.content
        );
        return Err(Error::tokenizer(name, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokenizers::models::wordlevel::WordLevel;
    use tokenizers::normalizers::utils::Lowercase;

    use super::*;

    fn base() -> Tokenizer {
        let vocab = [("a".to_string(), 0), ("?".to_string(), 1)];
        let model = WordLevel::builder()
            .vocab(vocab.into_iter().collect())
            .unk_token("?".to_string())
            .build()
            .unwrap();
        let mut tokenizer = Tokenizer::new(model);
        tokenizer.with_normalizer(Some(Lowercase));
        tokenizer
    }

    fn ids(tokenizer: &Tokenizer, text: &str) -> Vec<u32> {
        tokenizer.encode(text, false).unwrap().get_ids().to_vec()
    }

    /// Adds the tokens one by one, as the library would.
    fn directly(tokens: &[AddedToken]) -> Tokenizer {
        let mut tokenizer = base();
        for token in tokens {
            tokenizer.add_tokens(std::slice::from_ref(token));
        }
        tokenizer
    }

    #[test]
    fn a_token_that_is_added_again_matches_as_in_the_library_and_survives_being_written() {
        let flags = [false, true];
        let variants = flags.into_iter().flat_map(|special| {
            flags.into_iter().flat_map(move |normalized| {
                flags.into_iter().map(move |lstrip| AddedToken {
                    normalized,
                    ..AddedToken::from("<X>", special).lstrip(lstrip)
                })
            })
        });
        let variants: Vec<_> = variants.collect();
        for (first, second) in variants
            .iter()
            .flat_map(|v| variants.iter().map(move |w| (v, w)))
        {
            let tokens = [first.clone(), second.clone()];
            let mut added = AddedTokens::default();
            tokens.iter().cloned().for_each(|token| added.push(token));
            let built = added.build(&base(), "a").unwrap();
            let json = built.to_string(false).unwrap();
            let read = Tokenizer::from_bytes(json.as_bytes()).unwrap();
            for text in ["a <X>", "a  <X> a", "<X><X>", "a"] {
                let expected = ids(&directly(&tokens), text);
                assert_eq!(ids(&built, text), expected, "{tokens:?} {text}");
                assert_eq!(ids(&read, text), expected, "{tokens:?} {text}");
            }
        }
    }

    #[test]
    fn an_id_that_a_token_does_not_get_is_an_error_with_both() {
        let mut added = AddedTokens::default();
        added.push(AddedToken::from("<X>", true));
        added.want("<X>", 2);
        assert!(added.build(&base(), "a").is_ok());
        added.want("a", 0);
        added.want("b", 7);
        let error = added.build(&base(), "a").unwrap_err().to_string();
        assert!(
            error.contains(r#""b" should have the id 7 but gets none"#),
            "{error}"
        );
    }

    #[test]
    fn a_token_without_text_is_refused() {
        let mut added = AddedTokens::default();
        added.push(AddedToken::from("", true));
        let error = added.build(&base(), "a").unwrap_err().to_string();
        assert!(error.contains("no text to match"), "{error}");
    }
}
