//! A chat template rendered as transformers renders it.

use minijinja::{Environment, ErrorKind, context};
use serde_json::Value;

use crate::failure::{Failure, Result};

/// The text of a chat by the template that lies at `place`; `bos` and `eos` are the tokens' spellings.
///
/// # Errors
/// If the template is no Jinja, or refuses the chat.
pub(crate) fn render(
    place: &str,
    source: &str,
    messages: &[Value],
    [bos, eos]: [&str; 2],
) -> Result<String> {
    let wrong =
        |error: minijinja::Error| Failure::new(format!("the chat template {place}: {error:#}"));
    let mut environment = Environment::new();
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.add_function("raise_exception", |message: String| -> Result<String, _> {
        Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
    });
    let template = environment.template_from_str(source).map_err(wrong)?;
    let rendered = template.render(context! {
        messages => messages,
        add_generation_prompt => true,
        bos_token => bos,
        eos_token => eos,
    });
    rendered.map_err(wrong)
}
