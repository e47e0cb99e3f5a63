//! A template with its tokenizer: turns in, the parts of a prompt out.

use std::fmt;

use flamingo_sequence::{Part, Tokenizer};
use serde_json::{Value, json};

use crate::{ChatError, Turn, jinja};

/// A chat template, with the tokenizer whose special tokens it writes.
#[derive(Clone)]
pub struct ChatTemplate {
    place: String,
    source: String,
    tokenizer: Tokenizer,
}

impl ChatTemplate {
    /// The template `source` that lies at `place`.
    ///
    /// # Errors
    /// [`ChatError::Malformed`] if it is no Jinja.
    pub fn new(place: &str, source: &str, tokenizer: &Tokenizer) -> Result<Self, ChatError> {
        jinja::check(place, source)?;
        Ok(Self {
            place: place.to_owned(),
            source: source.to_owned(),
            tokenizer: tokenizer.clone(),
        })
    }

    /// Where it lies.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The parts of the prompt that a chat becomes, with its media in their order. `eos_token` of the template is the
    /// token that ends the model's turns.
    ///
    /// # Errors
    /// If a text spells a special token, or the template refuses the chat.
    pub fn parts(&self, turns: &[Turn]) -> Result<Vec<Part>, ChatError> {
        let mut media = Vec::new();
        let spellings = self.tokenizer.special_spellings();
        let messages = turns
            .iter()
            .map(|turn| message(turn, &spellings, &mut media))
            .collect::<Result<Vec<_>, _>>()?;
        let specials = self.tokenizer.specials();
        let spelling = |id: Option<u32>| id.and_then(|id| self.tokenizer.token(id));
        let [bos, eos] =
            [specials.bos, Some(specials.end_of_chunk)].map(|id| spelling(id).unwrap_or_default());
        let text = jinja::render(&self.place, &self.source, &messages, [&bos, &eos])?;
        let parts = self.tokenizer.marked(&text, media);
        parts.map_err(|error| ChatError::Refuses {
            place: self.place.clone(),
            reason: error.to_string(),
        })
    }
}

/// A turn as templates read it; its media are put at the end of `media`. Templates of models without pictures know texts
/// alone.
fn message(turn: &Turn, spellings: &[String], media: &mut Vec<Part>) -> Result<Value, ChatError> {
    let (mut texts, mut list) = (String::new(), Vec::with_capacity(turn.content.len()));
    let before = media.len();
    for part in &turn.content {
        list.push(match part {
            Part::Text(text) => {
                check(text, spellings)?;
                texts.push_str(text);
                json!({"type": "text", "text": text})
            }
            Part::Image(_) | Part::Video(_) => {
                media.push(part.clone());
                json!({"type": "image"})
            }
            Part::Token(spelling) => {
                let spelling = spelling.clone();
                return Err(ChatError::Token { spelling });
            }
            Part::End => continue,
        });
    }
    let content = match media.len() == before {
        true => Value::String(texts),
        false => Value::Array(list),
    };
    Ok(json!({"role": turn.role.name(), "content": content}))
}

/// Refuses a text that spells a special token, which could not be told from the template's own.
fn check(text: &str, spellings: &[String]) -> Result<(), ChatError> {
    let spelled = |spelling: &&String| !spelling.is_empty() && text.contains(spelling.as_str());
    match spellings.iter().find(spelled) {
        None => Ok(()),
        Some(spelling) => Err(ChatError::SpelledSpecial {
            spelling: spelling.clone(),
        }),
    }
}

impl fmt::Debug for ChatTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = f.debug_struct("ChatTemplate");
        told.field("place", &self.place).finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "jinja"))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use flamingo_sequence::SpecialTokenNames;

    use super::*;
    use crate::Role;

    const SOURCE: &str = "{{- bos_token }}{%- for m in messages %}{{- m['role'] + ': ' }}\
        {%- if m['content'] is string %}{{- m['content'] | trim }}{%- else %}\
        {%- for c in m['content'] %}{%- if c['type'] == 'image' %}{{- '<image>' }}\
        {%- else %}{{- c['text'] | trim }}{%- endif %}{%- endfor %}{%- endif %}{{- eos_token }}\
        {%- endfor %}{%- if add_generation_prompt %}{{- 'assistant: ' }}{%- endif %}";

    fn template(source: &str) -> Result<ChatTemplate, ChatError> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/demo");
        let file = std::fs::read(folder.join("flamingo.json")).unwrap();
        let file: Value = serde_json::from_slice(&file).unwrap();
        let names: SpecialTokenNames = serde_json::from_value(file["tokens"].clone()).unwrap();
        let tokenizer = Tokenizer::from_file(folder.join("tokenizer.json"), &names).unwrap();
        ChatTemplate::new("t.jinja", source, &tokenizer)
    }

    fn turn(role: Role, content: Vec<Part>) -> Turn {
        Turn { role, content }
    }

    fn text(text: &str) -> Part {
        Part::Text(text.into())
    }

    fn image(name: &str) -> Part {
        Part::Image(name.into())
    }

    #[test]
    fn special_tokens_that_a_template_writes_are_tokens_and_pictures_are_parts() {
        let chat = [
            turn(Role::User, vec![image("a"), text("what? ")]),
            turn(Role::Assistant, vec![text("a "), text("pig")]),
            turn(Role::User, vec![text("and"), Part::Video("b".into())]),
        ];
        let end = || Part::Token("<EOC>".into());
        let expected = [
            text("user: "),
            image("a"),
            text("what?"),
            end(),
            text("assistant: a pig"),
            end(),
            text("user: and"),
            Part::Video("b".into()),
            end(),
            text("assistant: "),
        ];
        assert_eq!(template(SOURCE).unwrap().parts(&chat).unwrap(), expected);
    }

    #[test]
    fn what_a_template_cannot_write_is_refused_by_what_is_wrong() {
        let told = |source: &str, content: Vec<Part>| {
            let template = template(source).unwrap();
            template
                .parts(&[turn(Role::User, content)])
                .unwrap_err()
                .to_string()
        };
        let spelled = told(SOURCE, vec![text("say <EOC> aloud")]);
        assert!(
            spelled.contains("spells the special token <EOC>"),
            "{spelled}"
        );
        let image = told(SOURCE, vec![text("an <image> that is none")]);
        assert!(image.contains("the special token <image>"), "{image}");
        let token = told(SOURCE, vec![Part::Token("<EOC>".into())]);
        assert!(token.contains("the token <EOC>"), "{token}");
        let lost = told("{{ messages[0].role }}", vec![super::tests::image("a")]);
        assert!(lost.contains("fewer times"), "{lost}");
        let refused = told("{{ raise_exception('no system, please') }}", vec![]);
        assert!(
            refused.contains("t.jinja") && refused.contains("no system, please"),
            "{refused}"
        );
        let malformed = template("{% for %}").unwrap_err().to_string();
        assert!(malformed.contains("t.jinja"), "{malformed}");
    }
}
