//! Which template a server has: one of those that come with it, a file, or the model's own.

use std::path::Path;

use flamingo_sequence::Part;
use minijinja::{Environment, context};
use serde_json::{Value, json};

use crate::message::{Content, Message};
use crate::turns::Turns;

/// Those that come with the program, by name.
const OWN: [(&str, &str); 3] = [
    ("paper", include_str!("templates/paper.json")),
    (
        "idefics-instruct",
        include_str!("templates/idefics-instruct.json"),
    ),
    ("langinstruct", include_str!("templates/langinstruct.json")),
];

/// How chats become prompts.
#[derive(Debug, Clone)]
pub struct Template {
    name: String,
    format: Format,
}

#[derive(Debug, Clone)]
enum Format {
    Turns(Turns),
    Jinja(Jinja),
}

/// A chat template of Hugging Face's, which writes one text.
#[derive(Debug, Clone)]
struct Jinja {
    source: String,
    /// How it writes a picture.
    image: String,
    /// Texts that it may name.
    bos: String,
    eos: String,
}

/// Why a template is none, or writes no prompt of a chat.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// There is none of that name.
    #[error("there is no template {name}: the names are {names}, or give a file: .json, or .jinja")]
    Unknown {
        /// What was asked for.
        name: String,
        /// Those there are.
        names: String,
    },
    /// Its file cannot be read.
    #[error("cannot read the template {name}: {reason}")]
    Unreadable {
        /// The file.
        name: String,
        /// Why.
        reason: String,
    },
    /// It refuses a chat, or writes no prompt of it.
    #[error("the template {name} makes no prompt of these messages: {reason}")]
    Refuses {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
}

impl Default for Template {
    /// The paper's.
    fn default() -> Self {
        Self::named("paper").expect("it comes with the program")
    }
}

impl Template {
    /// One of those that come with the program.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn named(name: &str) -> Result<Self, TemplateError> {
        let own = OWN.iter().find(|(own, _)| *own == name);
        let Some((_, json)) = own else {
            let names: Vec<&str> = OWN.iter().map(|(name, _)| *name).collect();
            return Err(TemplateError::Unknown {
                name: name.to_owned(),
                names: names.join(", "),
            });
        };
        Self::of_json(name, json)
    }

    /// Turns from JSON.
    ///
    /// # Errors
    /// If the JSON is of another form.
    pub fn of_json(name: &str, json: &str) -> Result<Self, TemplateError> {
        let turns = serde_json::from_str(json).map_err(|error| unreadable(name, &error))?;
        Ok(Self {
            name: name.to_owned(),
            format: Format::Turns(turns),
        })
    }

    /// A chat template as models of Hugging Face's bring one; `image` is how it writes a picture.
    ///
    /// # Errors
    /// If its syntax is wrong.
    pub fn of_jinja(
        name: &str,
        source: &str,
        image: &str,
        [bos, eos]: [&str; 2],
    ) -> Result<Self, TemplateError> {
        environment()
            .template_from_str(source)
            .map_err(|error| unreadable(name, &error))?;
        let jinja = Jinja {
            source: source.to_owned(),
            image: image.to_owned(),
            bos: bos.to_owned(),
            eos: eos.to_owned(),
        };
        Ok(Self {
            name: name.to_owned(),
            format: Format::Jinja(jinja),
        })
    }

    /// A template by name, or from a file: `.json`, or `.jinja` (which writes pictures as `image`).
    ///
    /// # Errors
    /// If it is neither.
    pub fn open(name: &str, image: &str, specials: [&str; 2]) -> Result<Self, TemplateError> {
        let path = Path::new(name);
        let ending = path.extension().and_then(|ending| ending.to_str());
        let is_jinja = matches!(ending, Some("jinja" | "jinja2" | "j2"));
        if !is_jinja && ending != Some("json") {
            return Self::named(name);
        }
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(name, &error))?;
        match is_jinja {
            true => Self::of_jinja(name, &text, image, specials),
            false => Self::of_json(name, &text),
        }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Texts that end an answer, besides those of a request.
    pub(crate) fn stop(&self) -> &[String] {
        match &self.format {
            Format::Turns(turns) => &turns.stop,
            Format::Jinja(_) => &[],
        }
    }

    /// The parts of a prompt; media are named by their place in the chat.
    pub(crate) fn parts(&self, messages: &[Message]) -> Result<Vec<Part>, TemplateError> {
        match &self.format {
            Format::Turns(turns) => Ok(turns.parts(messages)),
            Format::Jinja(jinja) => {
                jinja
                    .parts(messages)
                    .map_err(|reason| TemplateError::Refuses {
                        name: self.name.clone(),
                        reason,
                    })
            }
        }
    }
}

fn unreadable(name: &str, reason: &dyn std::fmt::Display) -> TemplateError {
    TemplateError::Unreadable {
        name: name.to_owned(),
        reason: reason.to_string(),
    }
}

/// As transformers sets it up: blocks take their line breaks with them.
fn environment<'a>() -> Environment<'a> {
    let mut environment = Environment::new();
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.add_function("raise_exception", |message: String| -> Result<String, _> {
        Err(minijinja::Error::new(
            minijinja::ErrorKind::InvalidOperation,
            message,
        ))
    });
    environment
}

impl Jinja {
    fn parts(&self, messages: &[Message]) -> Result<Vec<Part>, String> {
        let mut media = Vec::new();
        let listed: Vec<Value> = messages.iter().map(|m| listed(m, &mut media)).collect();
        let environment = environment();
        let template = environment
            .template_from_str(&self.source)
            .map_err(|error| error.to_string())?;
        let text = template
            .render(context! {
                messages => listed,
                add_generation_prompt => true,
                bos_token => self.bos,
                eos_token => self.eos,
            })
            .map_err(|error| error.to_string())?;
        // The opening token is put by whoever encodes the prompt.
        let text = match self.bos.is_empty() {
            true => text.as_str(),
            false => text.strip_prefix(&self.bos).unwrap_or(&text),
        };
        let pieces: Vec<&str> = text.split(self.image.as_str()).collect();
        if pieces.len() != media.len() + 1 {
            return Err(format!(
                "it writes {:?} {} times for {} images and films; texts must not hold it",
                self.image,
                pieces.len() - 1,
                media.len()
            ));
        }
        let mut parts = Vec::new();
        let mut media = media.into_iter();
        for piece in pieces {
            if !piece.is_empty() {
                parts.push(Part::Text(piece.to_owned()));
            }
            parts.extend(media.next());
        }
        Ok(parts)
    }
}

/// A message as such templates read it; its media are put at the end of `media`.
fn listed(message: &Message, media: &mut Vec<Part>) -> Value {
    let has_media = message
        .content
        .iter()
        .any(|piece| matches!(piece, Content::Medium(..)));
    let mut text = String::new();
    let mut list = Vec::new();
    for piece in &message.content {
        match piece {
            Content::Text(piece) => {
                text.push_str(piece);
                list.push(json!({"type": "text", "text": piece}));
            }
            Content::Medium(kind, place) => {
                media.push(match kind {
                    flamingo_sequence::MediaKind::Image => Part::Image(place.to_string()),
                    flamingo_sequence::MediaKind::Video => Part::Video(place.to_string()),
                });
                list.push(json!({"type": "image"}));
            }
        }
    }
    let content = if has_media {
        Value::Array(list)
    } else {
        Value::String(text)
    };
    json!({"role": message.role.name(), "content": content})
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use flamingo_sequence::MediaKind;

    use super::*;
    use crate::message::Role;

    fn say(role: Role, text: &str, media: &[usize]) -> Message {
        let media = media.iter().map(|&i| Content::Medium(MediaKind::Image, i));
        let text = (!text.is_empty()).then(|| Content::Text(text.to_owned()));
        Message {
            role,
            content: media.chain(text).collect(),
        }
    }

    /// Parts on one line.
    fn line(template: &Template, messages: &[Message]) -> String {
        let parts = template.parts(messages).unwrap();
        parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Image(place) | Part::Video(place) => format!("<{place}>"),
                Part::End => "<EOC>".to_owned(),
                Part::Token(token) => token.clone(),
            })
            .collect()
    }

    #[test]
    fn in_the_papers_template_earlier_turns_are_shots_that_end_their_chunk() {
        let template = Template::default();
        let chat = [
            say(Role::User, "what is it?", &[0]),
            say(Role::Assistant, "a cat", &[]),
            say(Role::User, "and this?", &[1]),
        ];
        assert_eq!(
            line(&template, &chat),
            "<0>Question: what is it? Answer: a cat<EOC><1>Question: and this? Answer:"
        );
        let captions = [
            say(Role::System, "Animals.", &[]),
            say(Role::User, "", &[0]),
            say(Role::Assistant, "a cat", &[]),
            say(Role::User, "", &[1]),
        ];
        assert_eq!(
            line(&template, &captions),
            "Animals.<EOC><0>Output: a cat<EOC><1>Output:"
        );
        let verbatim = [say(Role::User, "Output:", &[0])];
        assert_eq!(line(&template, &verbatim), "<0>Output:");
    }

    #[test]
    fn pictures_between_texts_stay_where_they_are() {
        let message = Message {
            role: Role::User,
            content: vec![
                Content::Medium(MediaKind::Image, 0),
                Content::Text("compare".into()),
                Content::Medium(MediaKind::Image, 1),
                Content::Text("please".into()),
            ],
        };
        assert_eq!(
            line(&Template::default(), &[message]),
            "<0>Question: compare<1>please Answer:"
        );
    }

    #[test]
    fn the_templates_of_instructed_models_write_what_those_were_trained_on() {
        let chat = [
            say(Role::User, "hi", &[0]),
            say(Role::Assistant, "hello", &[]),
            say(Role::User, "bye", &[]),
        ];
        assert_eq!(
            line(&Template::named("idefics-instruct").unwrap(), &chat),
            "User: <0>hi<end_of_utterance>\nAssistant: hello<end_of_utterance>\nUser: bye<end_of_utterance>\nAssistant:"
        );
        let written = line(&Template::named("langinstruct").unwrap(), &chat);
        assert!(written.starts_with("Below is an instruction"), "{written}");
        assert!(
            written.ends_with("<0>### Instruction:\nhi\n\n### Response:\nhello<EOC>\n\n### Instruction:\nbye\n\n### Response:\n"),
            "{written}"
        );
    }

    #[test]
    fn a_chat_template_of_jinja_writes_text_around_pictures() {
        let source = "{{ bos_token }}{% for message in messages %}\n{{ message.role|upper }}: \
                      {% if message.content is string %}{{ message.content }}{% else %}\
                      {% for part in message.content %}{% if part.type == 'image' %}<image>{% else %}{{ part.text }}\
                      {% endif %}{% endfor %}{% endif %}{{ eos_token }}{% endfor %}\
                      {% if add_generation_prompt %}ASSISTANT:{% endif %}";
        let template = Template::of_jinja("t", source, "<image>", ["<s>", "</s>"]).unwrap();
        let chat = [
            say(Role::User, "hi", &[0]),
            say(Role::Assistant, "hello", &[]),
            say(Role::User, "bye", &[1]),
        ];
        assert_eq!(
            line(&template, &chat),
            "USER: <0>hi</s>ASSISTANT: hello</s>USER: <1>bye</s>ASSISTANT:"
        );
        let injected = [say(Role::User, "an <image> that is none", &[0])];
        let told = template.parts(&injected).unwrap_err().to_string();
        assert!(told.contains("2 times for 1 images"), "{told}");
    }

    #[test]
    fn a_template_may_refuse_a_chat_and_bad_ones_are_named() {
        let source = "{{ raise_exception('no system, please') }}";
        let template = Template::of_jinja("t", source, "<image>", ["", ""]).unwrap();
        let told = template.parts(&[say(Role::User, "a", &[])]).unwrap_err();
        assert!(told.to_string().contains("no system, please"), "{told}");
        let told = Template::of_jinja("bad.jinja", "{% for %}", "<image>", ["", ""]).unwrap_err();
        assert!(told.to_string().contains("bad.jinja"), "{told}");
        let told = Template::named("nothing").unwrap_err().to_string();
        assert!(
            told.contains("paper, idefics-instruct, langinstruct"),
            "{told}"
        );
        let told = Template::of_json("a.json", r#"{"system": [{"txt": ""}]}"#).unwrap_err();
        assert!(told.to_string().contains("a.json"), "{told}");
    }
}
