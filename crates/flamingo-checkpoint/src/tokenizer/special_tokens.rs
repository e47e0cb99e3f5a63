//! The special tokens as the configuration files name them: a text, or a token with its options.

use serde_json::{Map, Value};
use tokenizers::AddedToken;

use crate::tokenizer::tokenizer_class::Role;

/// An added token with its options; what `normalized` is without a word depends on `special`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TokenSpec {
    pub(crate) content: String,
    pub(crate) single_word: bool,
    pub(crate) lstrip: bool,
    pub(crate) rstrip: bool,
    pub(crate) normalized: Option<bool>,
    pub(crate) special: bool,
}

/// A special token as a file names it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Given {
    /// Only its text: the options of an added token with this text hold.
    Text(String),
    /// With options, which replace those of an added token with this text.
    Token(TokenSpec),
}

/// What the files say about a role.
#[derive(Clone, Debug, Default, PartialEq)]
enum Entry {
    /// Nothing: the class decides.
    #[default]
    Absent,
    /// `null`: no token.
    Nothing,
    Named(Given),
}

/// The tokens of all roles and the additional ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct SpecialTokens {
    roles: [Entry; Role::ALL.len()],
    additional: Option<Vec<Given>>,
}

impl TokenSpec {
    pub(crate) fn new(content: &str) -> Self {
        Self {
            content: content.to_string(),
            single_word: false,
            lstrip: false,
            rstrip: false,
            normalized: None,
            special: false,
        }
    }

    pub(crate) fn parse(value: &Map<String, Value>) -> Result<Self, String> {
        let Some(Value::String(content)) = value.get("content") else {
            return Err("a token has no text under `content`".to_string());
        };
        let flag = |key: &str| match value.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(format!(
                "the token {content:?} has {key:?} set to {other}: set it to true or false"
            )),
        };
        Ok(Self {
            content: content.clone(),
            single_word: flag("single_word")?.unwrap_or(false),
            lstrip: flag("lstrip")?.unwrap_or(false),
            rstrip: flag("rstrip")?.unwrap_or(false),
            normalized: flag("normalized")?,
            special: flag("special")?.unwrap_or(false),
        })
    }

    pub(crate) fn into_added_token(self) -> AddedToken {
        AddedToken {
            normalized: self.normalized.unwrap_or(!self.special),
            content: self.content,
            single_word: self.single_word,
            lstrip: self.lstrip,
            rstrip: self.rstrip,
            special: self.special,
        }
    }
}

impl Given {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Token(spec) => &spec.content,
        }
    }

    fn parse(value: &Value) -> Result<Self, String> {
        match value {
            Value::String(text) => Ok(Self::Text(text.clone())),
            Value::Object(object) => {
                let special = true;
                let spec = TokenSpec::parse(object)?;
                Ok(Self::Token(TokenSpec { special, ..spec }))
            }
            other => Err(format!(
                "a token is {other}: write its text, or an object with `content`"
            )),
        }
    }
}

impl SpecialTokens {
    /// Takes over what a file says; it replaces what was said before.
    pub(crate) fn merge(&mut self, file: &Map<String, Value>) -> Result<(), String> {
        for (role, entry) in Role::ALL.into_iter().zip(&mut self.roles) {
            *entry = match file.get(role.key()) {
                None => continue,
                Some(Value::Null) => Entry::Nothing,
                Some(value) => {
                    Entry::Named(Given::parse(value).map_err(|e| format!("{}: {e}", role.key()))?)
                }
            };
        }
        let Some(Value::Array(tokens)) = file.get("additional_special_tokens") else {
            return Ok(());
        };
        let additional = self.additional.get_or_insert_default();
        for token in tokens {
            let given =
                Given::parse(token).map_err(|e| format!("additional_special_tokens: {e}"))?;
            if !additional.contains(&given) {
                additional.push(given);
            }
        }
        Ok(())
    }

    /// Names the token of a role if the files do not.
    pub(crate) fn default_role(&mut self, role: Role, text: &str) {
        let entry = &mut self.roles[role as usize];
        if *entry == Entry::Absent {
            *entry = Entry::Named(Given::Text(text.to_string()));
        }
    }

    /// Replaces the text of a role by a token with options, if it is named by its text alone.
    pub(crate) fn with_options(&mut self, role: Role, spec: impl FnOnce(&str) -> TokenSpec) {
        if let Entry::Named(given @ Given::Text(_)) = &mut self.roles[role as usize] {
            *given = Given::Token(spec(given.text()));
        }
    }

    /// T5's markers `<extra_id_0>` to `<extra_id_{count - 1}>`, unless the files list them.
    pub(crate) fn default_extra_ids(&mut self, count: usize) -> Result<(), String> {
        let additional = self.additional.get_or_insert_default();
        let listed = additional
            .iter()
            .filter(|given| given.text().contains("<extra_id_"))
            .count();
        if listed == 0 {
            additional.extend((0..count).map(|id| Given::Text(format!("<extra_id_{id}>"))));
        } else if count > 0 && listed != count {
            return Err(format!(
                "`extra_ids` is {count} but `additional_special_tokens` lists {listed} of them: make them agree"
            ));
        }
        Ok(())
    }

    /// The text of a role.
    pub(crate) fn role(&self, role: Role) -> Option<&str> {
        match &self.roles[role as usize] {
            Entry::Named(given) => Some(given.text()),
            Entry::Absent | Entry::Nothing => None,
        }
    }

    /// Sets the text of a role.
    pub(crate) fn set_role(&mut self, role: Role, text: &str) {
        self.roles[role as usize] = Entry::Named(Given::Text(text.to_string()));
    }

    /// All tokens, in the order in which they are added.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Given> {
        let roles = self.roles.iter().filter_map(|entry| match entry {
            Entry::Named(given) => Some(given),
            Entry::Absent | Entry::Nothing => None,
        });
        roles.chain(self.additional.iter().flatten())
    }

    /// Whether a text is among the additional tokens.
    pub(crate) fn is_additional(&self, text: &str) -> bool {
        let mut additional = self.additional.iter().flatten();
        additional.any(|given| given.text() == text)
    }

    /// Lists one more additional token.
    pub(crate) fn push_additional(&mut self, text: &str) {
        let given = Given::Text(text.to_string());
        self.additional.get_or_insert_default().push(given);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn merged(files: &[Value]) -> SpecialTokens {
        let mut tokens = SpecialTokens::default();
        for file in files {
            tokens.merge(file.as_object().unwrap()).unwrap();
        }
        tokens
    }

    #[test]
    fn a_later_file_and_the_class_fill_in_the_roles() {
        let mut tokens = merged(&[
            json!({"bos_token": "a", "eos_token": "b", "unk_token": null}),
            json!({"bos_token": {"content": "c", "lstrip": true}}),
        ]);
        for role in Role::ALL {
            tokens.default_role(role, "d");
        }
        assert_eq!(tokens.role(Role::Bos), Some("c"));
        assert_eq!(tokens.role(Role::Eos), Some("b"));
        assert_eq!(tokens.role(Role::Unk), None);
        assert_eq!(tokens.role(Role::Pad), Some("d"));
    }

    #[test]
    fn additional_tokens_of_both_files_are_listed_once() {
        let tokens = merged(&[
            json!({"additional_special_tokens": ["a", "b"]}),
            json!({"additional_special_tokens": ["b", {"content": "c"}]}),
        ]);
        let texts: Vec<_> = tokens.all().map(Given::text).collect();
        assert_eq!(texts, ["a", "b", "c"]);
        assert!(tokens.is_additional("c") && !tokens.is_additional("d"));
    }

    #[test]
    fn a_special_token_is_matched_before_normalization_unless_it_says_otherwise() {
        let parse = |value: Value| TokenSpec::parse(value.as_object().unwrap()).unwrap();
        let special = parse(json!({"content": "a", "special": true}));
        assert!(!special.into_added_token().normalized);
        let said = parse(json!({"content": "a", "special": true, "normalized": true}));
        assert!(said.into_added_token().normalized);
        let plain = parse(json!({"content": "a"}));
        assert!(plain.into_added_token().normalized);
    }

    #[test]
    fn tokens_of_another_form_are_refused_with_their_key() {
        let refuse = |value: Value| {
            let mut tokens = SpecialTokens::default();
            tokens.merge(value.as_object().unwrap()).unwrap_err()
        };
        let message = refuse(json!({"pad_token": 3}));
        assert!(message.contains("pad_token: a token is 3"), "{message}");
        let message = refuse(json!({"pad_token": {"lstrip": true}}));
        assert!(message.contains("no text under `content`"), "{message}");
        let message = refuse(json!({"pad_token": {"content": "a", "lstrip": 1}}));
        assert!(message.contains(r#""lstrip" set to 1"#), "{message}");
    }
}
