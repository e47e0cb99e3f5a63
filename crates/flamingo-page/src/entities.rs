//! Character references to characters.

use std::borrow::Cow;

/// A text's character references decoded.
pub(crate) fn decode_text(raw: &str) -> Cow<'_, str> {
    Cow::Borrowed(raw)
}

/// An attribute's character references decoded.
pub(crate) fn decode_attribute(raw: &str) -> Cow<'_, str> {
    Cow::Borrowed(raw)
}
