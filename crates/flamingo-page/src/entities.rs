//! Texts and attributes as they stand in the source to what they say.
//!
//! Character references are those of the HTML standard, by `htmlize`; line ends become line feeds.

use std::borrow::Cow;

use htmlize::Context;
use memchr::{memchr2, memchr3};

/// A text decoded: borrowed where nothing changes.
pub(crate) fn decode_text(raw: &str) -> Cow<'_, str> {
    decode(raw, "", Context::General)
}

/// An attribute's value decoded: a reference without `;` before a letter, digit or `=` stays, as in
/// URLs.
pub(crate) fn decode_attribute(raw: &str) -> Cow<'_, str> {
    decode(raw, "\u{fffd}", Context::Attribute)
}

/// A text without references, such as a script.
pub(crate) fn clean_raw(raw: &str) -> Cow<'_, str> {
    clean(raw, "\u{fffd}")
}

#[inline]
fn decode<'s>(raw: &'s str, nul: &str, context: Context) -> Cow<'s, str> {
    match memchr3(b'&', b'\r', 0, raw.as_bytes()) {
        None => Cow::Borrowed(raw),
        Some(_) => htmlize::unescape_in(clean(raw, nul), context),
    }
}

/// Line ends as line feeds and `nul` for NUL.
fn clean<'s>(raw: &'s str, nul: &str) -> Cow<'s, str> {
    let Some(mut next) = memchr2(b'\r', 0, raw.as_bytes()) else {
        return Cow::Borrowed(raw);
    };
    let mut clean = String::with_capacity(raw.len());
    let mut rest = raw;
    loop {
        clean.push_str(&rest[..next]);
        let is_nul = rest.as_bytes()[next] == 0;
        rest = &rest[next + 1..];
        if is_nul {
            clean.push_str(nul);
        } else if !rest.starts_with('\n') {
            clean.push('\n');
        }
        match memchr2(b'\r', 0, rest.as_bytes()) {
            Some(found) => next = found,
            None => break,
        }
    }
    clean.push_str(rest);
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_references_is_borrowed() {
        assert!(matches!(decode_text("a < b"), Cow::Borrowed("a < b")));
        assert!(matches!(decode_attribute("/a?b"), Cow::Borrowed("/a?b")));
    }

    #[test]
    fn named_references_decode_with_and_without_semicolon() {
        assert_eq!(
            decode_text("&lt;p&gt; &copy2024 &notit; &notin; &ngE;"),
            "<p> ©2024 ¬it; ∉ ≧̸"
        );
        assert_eq!(decode_text("&unknown; & &; &amp"), "&unknown; & &; &");
    }

    #[test]
    fn the_longest_name_decodes() {
        assert_eq!(decode_text("&CounterClockwiseContourIntegral;"), "∳");
    }

    #[test]
    fn numbers_of_windows_1252_are_its_characters() {
        assert_eq!(decode_text("&#147;x&#148; &#x80; &#150"), "“x” € –");
    }

    #[test]
    fn numbers_of_no_character_are_replaced() {
        let replaced = "\u{fffd} \u{fffd} \u{fffd} \u{fffd}";
        assert_eq!(
            decode_text("&#0; &#xD800; &#x110000; &#99999999999;"),
            replaced
        );
        assert_eq!(decode_text("&#; &#x; &#xg"), "&#; &#x; &#xg");
    }

    #[test]
    fn parameters_of_a_url_are_no_references() {
        assert_eq!(
            decode_attribute("?a=1&copy=2&lt=3&amp;reg;"),
            "?a=1&copy=2&lt=3&reg;"
        );
        assert_eq!(decode_attribute("&copy"), "©");
    }

    #[test]
    fn line_ends_are_line_feeds_and_nul_is_dropped_or_replaced() {
        assert_eq!(decode_text("a\r\nb\rc\r\r\n\0d&#13;"), "a\nb\nc\n\nd\r");
        assert_eq!(decode_attribute("a\0b"), "a\u{fffd}b");
        assert_eq!(clean_raw("a\0\r\n&amp;"), "a\u{fffd}\n&amp;");
    }
}
