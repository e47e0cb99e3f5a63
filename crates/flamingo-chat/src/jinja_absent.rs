//! Templates, of a program that renders none.

use serde_json::Value;

use crate::ChatError;

/// Takes any: nothing is read of it.
pub(crate) fn check(_: &str, _: &str) -> Result<(), ChatError> {
    Ok(())
}

/// Refuses.
pub(crate) fn render(place: &str, _: &str, _: &[Value], _: [&str; 2]) -> Result<String, ChatError> {
    Err(ChatError::NotBuilt {
        place: place.to_owned(),
    })
}
