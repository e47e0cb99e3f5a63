//! Templates rendered as transformers renders them.

use minijinja::{Environment, Error, ErrorKind, context};
use serde_json::Value;

use crate::ChatError;

/// Blocks take their line breaks with them.
fn environment<'a>() -> Environment<'a> {
    let mut environment = Environment::new();
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.add_function("raise_exception", |message: String| -> Result<String, _> {
        Err(Error::new(ErrorKind::InvalidOperation, message))
    });
    environment
}

fn malformed(place: &str, error: &Error) -> ChatError {
    ChatError::Malformed {
        place: place.to_owned(),
        reason: format!("{error:#}"),
    }
}

/// Refuses a template that is no Jinja.
pub(crate) fn check(place: &str, source: &str) -> Result<(), ChatError> {
    let parsed = environment().template_from_str(source).map(drop);
    parsed.map_err(|error| malformed(place, &error))
}

/// The text of a chat by the template that lies at `place`; `bos` and `eos` are the tokens' spellings.
pub(crate) fn render(
    place: &str,
    source: &str,
    messages: &[Value],
    [bos, eos]: [&str; 2],
) -> Result<String, ChatError> {
    let environment = environment();
    let template = environment
        .template_from_str(source)
        .map_err(|error| malformed(place, &error))?;
    let rendered = template.render(context! {
        messages => messages,
        add_generation_prompt => true,
        bos_token => bos,
        eos_token => eos,
    });
    rendered.map_err(|error| ChatError::Refuses {
        place: place.to_owned(),
        reason: format!("{error:#}"),
    })
}
