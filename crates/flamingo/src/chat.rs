//! A prompt as a chat, in the words of the model's own template.
//!
//! A published model's template is Jinja and writes one text, in which special tokens and the spelling
//! of a picture stand between what was said. Here they become parts again, so that no text can be
//! taken for one of them.

use std::path::Path;

use flamingo::sequence::{Document, Part, Tokenizer};
use flamingo::weights::Source;
use serde_json::{Value, json};

use crate::failure::{Failure, Hint, Result};
use crate::jinja;

/// The template's file in a directory of ours.
pub(crate) const FILE: &str = "chat_template.jinja";

/// A model's template.
pub(crate) struct Chat {
    /// Where it lies.
    place: String,
    source: String,
}

/// The template of a published directory or of one of ours, and where it lies.
pub(crate) fn template(folder: &Path) -> Option<(String, String)> {
    let read = |name: &str| {
        let path = folder.join(name);
        let text = std::fs::read_to_string(&path).ok()?;
        Some((path.display().to_string(), text))
    };
    if let Some(found) = read(FILE) {
        return Some(found);
    }
    ["chat_template.json", "tokenizer_config.json"]
        .iter()
        .find_map(|name| {
            let (place, text) = read(name)?;
            let json: Value = serde_json::from_str(&text).ok()?;
            let template = &json["chat_template"];
            let named = || {
                let mut all = template.as_array()?.iter();
                all.find(|one| one["name"] == "default")?["template"].as_str()
            };
            let source = template.as_str().or_else(named)?;
            Some((place, source.to_owned()))
        })
}

impl Chat {
    /// That of a model.
    ///
    /// # Errors
    /// If it brings none.
    pub(crate) fn of(source: &Source) -> Result<Self> {
        let found = match source {
            Source::Directory(folder) | Source::WithParts(folder, _) => template(folder),
            Source::OpenFlamingo(_) | Source::Embedded { .. } => None,
        };
        let missing = Failure::new("the model brings no chat template");
        let (place, source) = found.ok_or(missing).hint(format!(
            "leave --chat out, or put the template as {FILE} into the model's directory"
        ))?;
        Ok(Self { place, source })
    }

    /// The prompt in which `document` is a chat: each end ends a turn, and turns are the user's and the
    /// model's, one after the other.
    ///
    /// # Errors
    /// If the last turn is not the user's, a text spells a special token, or the template refuses the
    /// chat.
    pub(crate) fn prompt(&self, document: &Document, tokenizer: &Tokenizer) -> Result<Document> {
        let (messages, media) = messages(document, tokenizer)?;
        let specials = tokenizer.specials();
        let spelling = |id: Option<u32>| id.and_then(|id| tokenizer.token(id)).unwrap_or_default();
        let [bos, eos] = [specials.bos, Some(specials.end_of_chunk)].map(spelling);
        let text = jinja::render(&self.place, &self.source, &messages, [&bos, &eos])?;
        let parts = tokenizer.marked(&text, media)?;
        Ok(Document {
            id: document.id.clone(),
            parts,
        })
    }
}

/// The turns as templates read them, and their media in order.
fn messages(document: &Document, tokenizer: &Tokenizer) -> Result<(Vec<Value>, Vec<Part>)> {
    let mut media = Vec::new();
    let turns: Vec<&[Part]> = document.parts.split(|part| *part == Part::End).collect();
    if turns.len().is_multiple_of(2) || turns.last().is_some_and(|turn| turn.is_empty()) {
        return Err(Failure::new(format!(
            "the chat has {} ends of turns: the user's and the model's take turns, and the last one is the user's",
            turns.len() - 1
        )));
    }
    let mut messages = Vec::with_capacity(turns.len());
    for (turn, parts) in turns.into_iter().enumerate() {
        let role = if turn % 2 == 0 { "user" } else { "assistant" };
        let mut content = Vec::with_capacity(parts.len());
        for part in parts {
            content.push(match part {
                Part::Text(text) => {
                    check(text, tokenizer)?;
                    json!({"type": "text", "text": text})
                }
                Part::Image(_) | Part::Video(_) => {
                    media.push(part.clone());
                    json!({"type": "image"})
                }
                Part::Token(spelling) => {
                    return Err(Failure::new(format!(
                        "the chat has the token {spelling}: its template puts them"
                    )));
                }
                Part::End => continue,
            });
        }
        // Templates of models without pictures know texts alone.
        let content = match &content[..] {
            [one] if one["type"] == "text" => one["text"].clone(),
            _ => Value::Array(content),
        };
        messages.push(json!({"role": role, "content": content}));
    }
    Ok((messages, media))
}

/// Refuses a text that spells a special token, which could not be told from the template's own.
fn check(text: &str, tokenizer: &Tokenizer) -> Result<()> {
    let mut spelt = tokenizer.special_spellings().into_iter();
    match spelt.find(|spelling| text.contains(spelling.as_str())) {
        None => Ok(()),
        Some(spelling) => Err(Failure::new(format!(
            "a text of the chat spells the special token {spelling}: reword it"
        ))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const SOURCE: &str = "{{- bos_token }}{%- for m in messages %}{{- m['role'] + ': ' }}\
        {%- if m['content'] is string %}{{- m['content'] | trim }}{%- else %}\
        {%- for c in m['content'] %}{%- if c['type'] == 'image' %}{{- '<image>' }}\
        {%- else %}{{- c['text'] | trim }}{%- endif %}{%- endfor %}{%- endif %}{{- eos_token }}\
        {%- endfor %}{%- if add_generation_prompt %}{{- 'assistant: ' }}{%- endif %}";

    fn tokenizer() -> Tokenizer {
        let Source::Embedded {
            model_file,
            tokenizer,
            ..
        } = flamingo::demo_model()
        else {
            unreachable!("the demo model is part of the program")
        };
        let file: Value = serde_json::from_slice(model_file).unwrap();
        let names = serde_json::from_value(file["tokens"].clone()).unwrap();
        Tokenizer::from_bytes(tokenizer, &names).unwrap()
    }

    fn prompt(parts: Vec<Part>) -> Result<Document> {
        let chat = Chat {
            place: "t.jinja".into(),
            source: SOURCE.into(),
        };
        chat.prompt(&Document::new(parts), &tokenizer())
    }

    fn text(text: &str) -> Part {
        Part::Text(text.into())
    }

    #[cfg(feature = "chat")]
    fn image(name: &str) -> Part {
        Part::Image(name.into())
    }

    #[cfg(feature = "chat")]
    #[test]
    fn turns_are_the_users_and_the_models_and_special_tokens_are_tokens() {
        let parts = vec![
            image("a"),
            text("what? "),
            Part::End,
            text("a pig"),
            Part::End,
            text("and"),
            image("b"),
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
            image("b"),
            end(),
            text("assistant: "),
        ];
        assert_eq!(prompt(parts).unwrap().parts, expected);
    }

    #[test]
    fn what_is_no_chat_is_refused() {
        let told = |parts| prompt(parts).unwrap_err().to_string();
        let unanswered = told(vec![text("what?"), Part::End, text("a pig")]);
        assert!(unanswered.contains("1 ends of turns"), "{unanswered}");
        let ended = told(vec![text("what?"), Part::End]);
        assert!(ended.contains("the last one is the user's"), "{ended}");
        let spelt = told(vec![text("say <EOC> aloud")]);
        assert!(spelt.contains("spells the special token <EOC>"), "{spelt}");
        let token = told(vec![Part::Token("<EOC>".into())]);
        assert!(token.contains("the token <EOC>"), "{token}");
    }

    #[test]
    fn a_directorys_template_is_found_where_programs_put_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(template(folder.path()).is_none());
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let found = || template(folder.path()).unwrap().1;
        let named = r#"{"chat_template": [{"name": "tools", "template": "a"}, {"name": "default", "template": "b"}]}"#;
        write("tokenizer_config.json", named);
        assert_eq!(found(), "b");
        write("chat_template.json", r#"{"chat_template": "c"}"#);
        assert_eq!(found(), "c");
        write(FILE, "d");
        assert_eq!(found(), "d");
    }
}
