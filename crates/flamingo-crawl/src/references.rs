//! What the attributes of a page say, read without parsing it: the values that may name pictures, and tags.

use std::borrow::Cow;

use memchr::{memchr, memmem};

use crate::headers::text;
use crate::input::image_type;

/// Longer values are not looked at.
const MAX_VALUE: usize = 16 << 10;
/// Longer ones are no references.
const MAX_REFERENCE: usize = 2 << 10;
/// Attributes by which elements show pictures, beside all whose names begin with `data-` or hold `src`.
const SHOWING: [&str; 4] = ["poster", "background", "style", "data"];

/// A value that may name a picture, its character references decoded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) text: String,
    /// Whether its name ends as those of pictures do; otherwise only its bytes can tell.
    pub(crate) is_named: bool,
}

/// The values of a page's attributes that may name pictures; of a `srcset` or `style`, each of its parts.
pub(crate) fn references(page: &[u8]) -> impl Iterator<Item = Reference> + '_ {
    attributes(page).flat_map(|(name, value)| {
        let shows = shows_pictures(name);
        let value = decoded(value);
        let is_separator =
            |c: char| c.is_ascii_whitespace() || matches!(c, ',' | '(' | ')' | '"' | '\'');
        let whole = value.trim();
        // A URL in a `srcset` may hold commas, but ends in none.
        let words = whole
            .split_ascii_whitespace()
            .map(|word| word.trim_matches(','));
        let parts = whole.split(is_separator);
        let others = words.chain(parts).filter(|part| *part != whole);
        let all: Vec<Reference> = std::iter::once(whole)
            .chain(others)
            .filter_map(|text| reference(text, shows))
            .collect();
        all
    })
}

fn reference(text: &str, shows: bool) -> Option<Reference> {
    let is_one = !text.is_empty()
        && text.len() <= MAX_REFERENCE
        && !text.starts_with('#')
        && !text
            .get(..5)
            .is_some_and(|start| start.eq_ignore_ascii_case("data:"));
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let is_named = image_type(path).is_some();
    (is_one && (is_named || shows)).then(|| Reference {
        text: text.to_owned(),
        is_named,
    })
}

fn shows_pictures(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with(b"data-")
        || memmem::find(&name, b"src").is_some()
        || SHOWING.iter().any(|known| name == known.as_bytes())
}

/// The address that a page's `<base>` names, as it is written.
pub(crate) fn base(page: &[u8]) -> Option<String> {
    let href = |tag| value_of(tag, b"href");
    tags(page, b"<base").find_map(href)
}

/// The value of an attribute of a tag, decoded.
pub(crate) fn value_of(tag: &[u8], name: &[u8]) -> Option<String> {
    attributes(tag)
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| decoded(value).trim().to_owned())
}

/// The tags that begin with these bytes, such as `<base`, to their `>`.
pub(crate) fn tags<'p>(page: &'p [u8], start: &'static [u8]) -> impl Iterator<Item = &'p [u8]> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            from += memchr(b'<', page.get(from..)?)?;
            let rest = &page[from..];
            from += 1;
            let is_it = rest
                .get(..start.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(start));
            let follows = rest.get(start.len()).is_some_and(u8::is_ascii_whitespace);
            if is_it && follows {
                let end = memchr(b'>', rest).unwrap_or(rest.len());
                return Some(&rest[..end]);
            }
        }
    })
}

fn decoded(value: &[u8]) -> String {
    let value: Cow<'_, str> = match std::str::from_utf8(value) {
        Ok(value) => Cow::Borrowed(value),
        Err(_) => Cow::Owned(text(value)),
    };
    htmlize::unescape_attribute(value).into_owned()
}

/// Whatever stands around an equals sign as the names and values of attributes do.
fn attributes(page: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let equals = from + memchr(b'=', page.get(from..)?)?;
            from = equals + 1;
            let rest = page[from..].trim_ascii_start();
            let (start, end) = match rest.first()? {
                quote @ (b'"' | b'\'') => (1, find_near(&rest[1..], |byte| byte == quote)),
                _ => (
                    0,
                    find_near(rest, |byte| byte.is_ascii_whitespace() || *byte == b'>'),
                ),
            };
            if let Some(end) = end {
                from = page.len() - rest.len() + start + end;
                return Some((name_before(&page[..equals]), &rest[start..start + end]));
            }
            // A tag that is cut before its `>` ends in its last value.
            if start == 0 && rest.len() <= MAX_VALUE {
                from = page.len();
                return Some((name_before(&page[..equals]), rest));
            }
        }
    })
}

/// The name that ends here.
fn name_before(page: &[u8]) -> &[u8] {
    let page = page.trim_ascii_end();
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(**byte, b'-' | b'_' | b':');
    let length = page.iter().rev().take(64).take_while(is_name).count();
    &page[page.len() - length..]
}

fn find_near(bytes: &[u8], is_end: impl Fn(&u8) -> bool) -> Option<usize> {
    bytes[..bytes.len().min(MAX_VALUE)].iter().position(is_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(page: &str) -> Vec<String> {
        references(page.as_bytes())
            .map(|found| found.text)
            .collect()
    }

    #[test]
    fn references_are_decoded_as_browsers_do() {
        let page = "<img src='a&amp;b.png'><img src=\"two&#32;words.jpg\"><img src=c%3Fd=1&e>";
        assert!(texts(page).contains(&"a&b.png".to_owned()));
        assert!(texts(page).contains(&"two words.jpg".to_owned()));
        assert!(texts(page).contains(&"c%3Fd=1&e".to_owned()));
    }

    #[test]
    fn without_an_ending_only_what_shows_pictures_names_one() {
        let page = "<a href=page2><a href=big.jpg><img data-original=photo>\
                    <div style=\"background:url('wall?x')\">";
        let found = texts(page);
        for text in ["big.jpg", "photo", "wall?x"] {
            assert!(found.contains(&text.to_owned()), "{text} in {found:?}");
        }
        assert!(!found.contains(&"page2".to_owned()));
    }

    #[test]
    fn latin_1_names_and_each_candidate_of_a_set_are_read() {
        let found: Vec<String> = references(b"<img srcset='caf\xe9.png 1x,\nb.png 2x'>")
            .filter(|found| found.is_named)
            .map(|found| found.text)
            .collect();
        assert_eq!(found, ["café.png", "b.png", "café.png", "b.png"]);
    }

    #[test]
    fn commas_within_the_urls_of_a_set_are_part_of_them() {
        let found = texts("<img srcset='a,1.png 1x, b.png,c,2.png 2x,'>");
        for text in ["a,1.png", "b.png,c,2.png"] {
            assert!(found.contains(&text.to_owned()), "{text} in {found:?}");
        }
    }

    #[test]
    fn base_is_that_of_the_page() {
        assert_eq!(
            base(b"<basefont href=x><BASE target=_top href='/a&amp;b/'>").as_deref(),
            Some("/a&b/")
        );
        assert_eq!(base(b"<p>base"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_page_has_references(page: Vec<u8>) {
            let _ = references(&page).count();
            let _ = base(&page);
        }
    }
}
