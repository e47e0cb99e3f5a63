//! The bytes of a page to text: in the encoding that they are in, else the one that is declared.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::attributes::Attributes;
use crate::tag::Tag;
use crate::tokens::{Token, Tokens};

/// How far into a page its encoding may be declared: browsers look at a quarter of this.
const DECLARED_WITHIN: usize = 4096;

/// The text of a page of these bytes, with which the server sent this `Content-Type` header.
///
/// In order: a byte order mark; UTF-8, where the bytes are valid, whatever is declared; the header;
/// a `meta` element or XML declaration; a guess by the bytes. Valid UTF-8 is borrowed, and bytes
/// that are invalid in the encoding found become U+FFFD.
///
/// Linear: valid UTF-8 is looked at once.
pub fn decode<'b>(bytes: &'b [u8], content_type: Option<&str>) -> Cow<'b, str> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0;
    }
    let valid = std::str::from_utf8(bytes).ok();
    let is_escaped = memchr::memchr(0x1b, &bytes[..bytes.len().min(DECLARED_WITHIN)]).is_some();
    if let Some(text) = valid
        && !is_escaped
    {
        return Cow::Borrowed(text);
    }
    let encoding = content_type
        .and_then(charset_parameter)
        .and_then(|label| Encoding::for_label(label.as_bytes()))
        .or_else(|| declared(bytes));
    match (valid, encoding) {
        (Some(text), encoding) if encoding != Some(ISO_2022_JP) => Cow::Borrowed(text),
        (_, encoding) => {
            let encoding = encoding.unwrap_or_else(|| guess(bytes));
            encoding.decode_without_bom_handling(bytes).0
        }
    }
}

/// The value of `charset=` in a `Content-Type` or the `content` of a `meta` element.
fn charset_parameter(content_type: &str) -> Option<&str> {
    const KEY: &str = "charset";
    let key = content_type
        .as_bytes()
        .windows(KEY.len())
        .position(|at| at.eq_ignore_ascii_case(KEY.as_bytes()))?;
    let value = content_type[key + KEY.len()..]
        .trim_start()
        .strip_prefix('=')?
        .trim_start();
    let is_end = |char: char| matches!(char, '"' | '\'' | ';' | ',') || char.is_whitespace();
    value.trim_start_matches(['"', '\'']).split(is_end).next()
}

/// The encoding that a page declares at its start.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let start = &bytes[..bytes.len().min(DECLARED_WITHIN)];
    let label = xml_declaration(start).or_else(|| meta(start))?;
    let encoding = Encoding::for_label(label.trim().as_bytes())?;
    // It could not have been read, were it so.
    let impossible = encoding == UTF_16LE || encoding == UTF_16BE;
    let undefined = encoding.name() == "x-user-defined";
    Some(match (impossible, undefined) {
        (true, _) => UTF_8,
        (_, true) => WINDOWS_1252,
        _ => encoding,
    })
}

fn xml_declaration(start: &[u8]) -> Option<String> {
    let rest = start.strip_prefix(b"<?xml")?;
    let end = memchr::memchr(b'>', rest)?;
    let declaration = String::from_utf8_lossy(&rest[..=end]);
    attribute(&declaration, "encoding")
}

fn meta(start: &[u8]) -> Option<String> {
    let mut tokens = Tokens::new(start);
    while let Some(token) = tokens.next(false) {
        let Token::Start {
            tag: Tag::Meta,
            start: from,
            end,
        } = token
        else {
            continue;
        };
        let tag = String::from_utf8_lossy(&start[from + "meta".len()..end]);
        let label = attribute(&tag, "charset").or_else(|| {
            attribute(&tag, "http-equiv")
                .filter(|name| name.eq_ignore_ascii_case("content-type"))?;
            attribute(&tag, "content")
                .and_then(|content| charset_parameter(&content).map(str::to_owned))
        });
        if label.is_some() {
            return label;
        }
    }
    None
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    Attributes::new(tag)
        .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
        .map(|attribute| attribute.raw.to_owned())
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    detector.guess(None, Utf8Detection::Allow)
}
