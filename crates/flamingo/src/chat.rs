//! A prompt as a chat, in the words of the model's own template.

use flamingo::chat::{ChatError, ChatTemplate, FILE, Role, Turn, find};
use flamingo::sequence::{Document, Part, Tokenizer};
use flamingo::weights::Source;

use crate::failure::{Failure, Hint, Result};

/// A model's template.
pub(crate) struct Chat {
    /// Where it lies.
    place: String,
    source: String,
}

impl Chat {
    /// That of a model.
    ///
    /// # Errors
    /// If it brings none.
    pub(crate) fn of(source: &Source) -> Result<Self> {
        let found = source.folder().and_then(find);
        let missing = Failure::new("the model brings no chat template");
        let (place, source) = found.ok_or(missing).hint(format!(
            "leave --chat out, or put the template as {FILE} into the model's directory"
        ))?;
        Ok(Self { place, source })
    }

    /// The prompts of documents that are chats: each end ends a turn, and turns are the user's and the model's, one after
    /// the other.
    ///
    /// # Errors
    /// If the last turn of one is not the user's, a text spells a special token, or the template refuses it.
    pub(crate) fn prompts(
        &self,
        documents: Vec<Document>,
        tokenizer: &Tokenizer,
    ) -> Result<Vec<Document>> {
        let template = ChatTemplate::new(&self.place, &self.source, tokenizer)?;
        let prompt = |Document { id, parts }: Document| {
            let parts = match template.parts(&turns(&parts)?) {
                error @ Err(ChatError::NotBuilt { .. }) => error.hint(
                    "cargo run --features chat -- ask --chat ..; released programs have it, unless they are called lean",
                )?,
                parts => parts?,
            };
            Ok(Document { id, parts })
        };
        documents.into_iter().map(prompt).collect()
    }
}

/// The user's turns and the model's.
fn turns(parts: &[Part]) -> Result<Vec<Turn>> {
    let turns: Vec<&[Part]> = parts.split(|part| *part == Part::End).collect();
    if turns.len().is_multiple_of(2) || turns.last().is_some_and(|turn| turn.is_empty()) {
        return Err(Failure::new(format!(
            "the chat has {} ends of turns: the user's and the model's take turns, and the last one is the user's",
            turns.len() - 1
        )));
    }
    let roles = [Role::User, Role::Assistant].into_iter().cycle();
    let turn = |(role, parts): (Role, &[Part])| Turn {
        role,
        content: parts.to_vec(),
    };
    Ok(roles.zip(turns).map(turn).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn text(text: &str) -> Part {
        Part::Text(text.into())
    }

    #[test]
    fn turns_are_the_users_and_the_models_and_the_last_is_the_users() {
        let parts = [
            text("what?"),
            Part::End,
            text("a pig"),
            Part::End,
            text("and"),
            text("this?"),
        ];
        let turns = super::turns(&parts).unwrap();
        let told: Vec<(Role, usize)> = turns.iter().map(|t| (t.role, t.content.len())).collect();
        assert_eq!(
            told,
            [(Role::User, 1), (Role::Assistant, 1), (Role::User, 2)]
        );
        let refused = |parts: &[Part]| super::turns(parts).unwrap_err().to_string();
        let unanswered = refused(&[text("what?"), Part::End, text("a pig")]);
        assert!(unanswered.contains("1 ends of turns"), "{unanswered}");
        let ended = refused(&[text("what?"), Part::End]);
        assert!(ended.contains("the last one is the user's"), "{ended}");
    }
}
