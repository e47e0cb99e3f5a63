//! Why a template writes no prompt.

/// Why a template is none, or writes no prompt of a chat.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChatError {
    /// It is no Jinja.
    #[error("the chat template {place} cannot be read: {reason}")]
    Malformed {
        /// Where it lies.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It refuses the chat, or writes something else than the chat's pictures.
    #[error("the chat template {place} makes no prompt of this chat: {reason}")]
    Refuses {
        /// Where it lies.
        place: String,
        /// Why.
        reason: String,
    },
    /// A text could not be told from what the template writes.
    #[error("a text of the chat spells the special token {spelling}: reword it")]
    SpelledSpecial {
        /// The token.
        spelling: String,
    },
    /// A turn has something else than texts, pictures and films.
    #[error("the chat has the token {spelling}: its template puts them")]
    Token {
        /// The token.
        spelling: String,
    },
    /// The program renders no templates.
    #[error(
        "the chat template {place} cannot be used: this program was built without the feature `chat`"
    )]
    NotBuilt {
        /// Where it lies.
        place: String,
    },
}
