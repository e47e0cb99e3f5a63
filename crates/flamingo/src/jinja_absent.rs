//! Chat templates, of a program without them.

use serde_json::Value;

use crate::failure::{Failure, Hint, Result};

/// Refuses: the program renders no templates.
pub(crate) fn render(place: &str, _: &str, _: &[Value], _: [&str; 2]) -> Result<String> {
    let missing = Failure::new(format!(
        "the chat template {place} cannot be used: this program was built without the feature `chat`"
    ));
    Err(missing)
        .hint("cargo run --features chat -- ask --chat ..; released programs have it, unless they are called lean")
}
