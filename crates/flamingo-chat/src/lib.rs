//! The chat templates that published models bring.
//!
//! Such a template is Jinja and writes one text, in which special tokens and the spelling of a picture stand between what
//! was said. Here they become parts again, so that no text can be taken for one of them.

mod error;
mod find;
#[cfg(feature = "jinja")]
mod jinja;
#[cfg(not(feature = "jinja"))]
#[path = "jinja_absent.rs"]
mod jinja;
mod template;
mod turn;

pub use error::ChatError;
pub use find::{FILE, find};
pub use template::ChatTemplate;
pub use turn::{Role, Turn};
