//! Requests read as the server reads them, without one: for whoever wants to know what it would take.

use flamingo_sequence::{Candidates, Document};

use crate::fields::{Fields, parse};
use crate::limits::Limits;
use crate::openai::chat::Chat;
use crate::template::Template;

/// The prompt that the body of a chat becomes; its media are named by their place in it.
///
/// # Errors
/// What the server would answer, if it would refuse it.
pub fn read_chat(body: &[u8], limits: &Limits, template: &Template) -> Result<Document, String> {
    let read = || {
        let fields = Fields::of(parse(body, limits.values)?, "")?;
        Chat::read(fields, limits, template)
    };
    read()
        .map(|chat| chat.query)
        .map_err(|refusal| refusal.message)
}

/// The document of a body of `/score`.
///
/// # Errors
/// As of [`read_chat`].
pub fn read_scored(body: &[u8], limits: &Limits) -> Result<Candidates, String> {
    let value = parse(body, limits.values).map_err(|refusal| refusal.message)?;
    serde_json::from_value(value).map_err(|error| error.to_string())
}
