//! Which template a server has: one of those that come with it, a file, or the model's own.

use std::path::Path;

use flamingo_chat::{ChatError, ChatTemplate, Turn};
use flamingo_sequence::{Part, Tokenizer};

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
    Jinja(Box<ChatTemplate>),
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
    /// A chat template of a model's, that is none or refuses a chat.
    #[error(transparent)]
    Chat(#[from] ChatError),
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

    /// A chat template as models of Hugging Face's bring one.
    ///
    /// # Errors
    /// If its syntax is wrong.
    pub fn of_jinja(
        name: &str,
        source: &str,
        tokenizer: &Tokenizer,
    ) -> Result<Self, TemplateError> {
        Ok(Self {
            name: name.to_owned(),
            format: Format::Jinja(Box::new(ChatTemplate::new(name, source, tokenizer)?)),
        })
    }

    /// A template by name, or from a file: `.json`, or `.jinja`, which writes the tokenizer's special tokens.
    ///
    /// # Errors
    /// If it is neither.
    pub fn open(name: &str, tokenizer: &Tokenizer) -> Result<Self, TemplateError> {
        let path = Path::new(name);
        let ending = path.extension().and_then(|ending| ending.to_str());
        let is_jinja = matches!(ending, Some("jinja" | "jinja2" | "j2"));
        if !is_jinja && ending != Some("json") {
            return Self::named(name);
        }
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(name, &error))?;
        match is_jinja {
            true => Self::of_jinja(name, &text, tokenizer),
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
    pub(crate) fn parts(&self, chat: &[Turn]) -> Result<Vec<Part>, TemplateError> {
        match &self.format {
            Format::Turns(turns) => Ok(turns.parts(chat)),
            Format::Jinja(template) => Ok(template.parts(chat)?),
        }
    }
}

fn unreadable(name: &str, reason: &dyn std::fmt::Display) -> TemplateError {
    TemplateError::Unreadable {
        name: name.to_owned(),
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use flamingo_chat::Role;

    use super::*;

    fn say(role: Role, text: &str, media: &[usize]) -> Turn {
        let media = media.iter().map(|i| Part::Image(i.to_string()));
        let text = (!text.is_empty()).then(|| Part::Text(text.to_owned()));
        Turn {
            role,
            content: media.chain(text).collect(),
        }
    }

    /// Parts on one line.
    fn line(template: &Template, messages: &[Turn]) -> String {
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
        let message = Turn {
            role: Role::User,
            content: vec![
                Part::Image("0".into()),
                Part::Text("compare".into()),
                Part::Image("1".into()),
                Part::Text("please".into()),
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
            "User: <0>hi<EOC>\nAssistant: hello<EOC>\nUser: bye<EOC>\nAssistant:"
        );
        let written = line(&Template::named("langinstruct").unwrap(), &chat);
        assert!(written.starts_with("Below is an instruction"), "{written}");
        assert!(
            written.ends_with("<0>### Instruction:\nhi\n\n### Response:\nhello<EOC>\n\n### Instruction:\nbye\n\n### Response:\n"),
            "{written}"
        );
    }

    #[test]
    fn bad_templates_are_named() {
        let told = Template::named("nothing").unwrap_err().to_string();
        assert!(
            told.contains("paper, idefics-instruct, langinstruct"),
            "{told}"
        );
        let told = Template::of_json("a.json", r#"{"system": [{"txt": ""}]}"#).unwrap_err();
        assert!(told.to_string().contains("a.json"), "{told}");
    }
}
