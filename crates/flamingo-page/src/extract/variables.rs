//! Pictures in variables of a page's style sheets: SingleFile writes one that is shown more than once into a variable,
//! and shows that behind an empty stand-in.

use std::borrow::Cow;
use std::collections::HashMap;

/// The name in `background-image: var(--name)`, written as that: `var(--name)`.
pub(super) fn in_style(style: &str) -> Option<&str> {
    let (_, after) = style.split_once("background-image")?;
    let value = after.trim_start().strip_prefix(':')?.trim_start();
    let end = value.find(')')?;
    is_variable(value).then(|| &value[..=end])
}

/// Whether an offer is the name of a variable.
pub(super) fn is_variable(url: &str) -> bool {
    url.starts_with("var(--")
}

/// The URLs of a page's variables, each looked up once.
pub(super) struct Variables<'s> {
    source: &'s str,
    known: HashMap<String, Option<&'s str>>,
}

impl<'s> Variables<'s> {
    pub(super) fn new(source: &'s str) -> Self {
        Self {
            source,
            known: HashMap::new(),
        }
    }

    /// For the name of a variable its URL, if it has one; `None` for what is no name.
    pub(super) fn value(&mut self, url: &str) -> Option<Option<Cow<'s, str>>> {
        let name = url.strip_prefix("var(")?.strip_suffix(')')?.trim();
        let value = match self.known.get(name) {
            Some(value) => *value,
            None => {
                let value = value_of(name, self.source);
                self.known.insert(name.to_owned(), value);
                value
            }
        };
        Some(value.map(Cow::Borrowed))
    }
}

/// The URL in `--name: url("...")`.
fn value_of<'s>(name: &str, source: &'s str) -> Option<&'s str> {
    source.match_indices(name).find_map(|(at, _)| {
        let after = source[at + name.len()..].trim_start().strip_prefix(':')?;
        let mut value = after.trim_start();
        // SingleFile can write where a picture was before it.
        while let Some(comment) = value.strip_prefix("/*") {
            value = comment.split_once("*/")?.1.trim_start();
        }
        let url = value.strip_prefix("url(")?.trim_start();
        let quote = url.chars().next().filter(|c| matches!(c, '"' | '\''));
        let url = &url[quote.map_or(0, char::len_utf8)..];
        let end = url.find(quote.unwrap_or(')'))?;
        Some(url[..end].trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_is_told_from_those_whose_names_begin_alike() {
        let source = "<style>:root{--sf-img-11: url(data:b);--sf-img-1:url( \"data:a\" )}</style>";
        assert_eq!(value_of("--sf-img-1", source), Some("data:a"));
        assert_eq!(value_of("--sf-img-11", source), Some("data:b"));
        assert_eq!(value_of("--sf-img-2", source), None);
    }

    #[test]
    fn comment_before_the_url_is_passed_over() {
        let source = "<style>:root{--sf-img-1: /* original URL: url(a.png) *//**/ url(\"data:a\");--sf-img-2:/* open";
        assert_eq!(value_of("--sf-img-1", source), Some("data:a"));
        assert_eq!(value_of("--sf-img-2", source), None);
    }

    #[test]
    fn style_names_a_variable_or_none() {
        let style = "color:red;background-image: var(--sf-img-7)!important;background-size:1px";
        assert_eq!(in_style(style), Some("var(--sf-img-7)"));
        assert_eq!(in_style("background-image:url(a.png)"), None);
        assert_eq!(in_style("background-image:var(--x"), None);
    }
}
