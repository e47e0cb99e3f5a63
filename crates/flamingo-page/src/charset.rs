//! The bytes of a page to text: in the encoding that they are in, else the one that is declared.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use memchr::{memchr, memchr2};

use crate::attributes::Attributes;
use crate::damaged::{damaged_utf_8, without_cut};
use crate::tag::Tag;
use crate::tokens::{Token, Tokens};

/// How far into a page its encoding may be declared: browsers look at a quarter of this.
const DECLARED_WITHIN: usize = 4096;

/// Begins other characters in the encodings that have them in seven bits.
const ESCAPE: u8 = 0x1b;

/// Texts of these may be valid UTF-8, too.
const SEVEN_BITS: [&Encoding; 3] = [ISO_2022_JP, UTF_16LE, UTF_16BE];

/// The text of a page of these bytes, with which the server sent this `Content-Type` header.
///
/// In order: a byte order mark; UTF-8, where more of the bytes are valid than not, whatever is declared;
/// the header; a `meta` element or XML declaration; a guess by the bytes. Valid UTF-8 is borrowed.
/// Bytes that are invalid in the encoding found become U+FFFD, but a last character of UTF-8 that is
/// cut off is left out.
///
/// Linear: valid UTF-8 is looked at once.
pub fn decode<'b>(bytes: &'b [u8], content_type: Option<&str>) -> Cow<'b, str> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0;
    }
    let valid = std::str::from_utf8(bytes).ok();
    let start = &bytes[..bytes.len().min(DECLARED_WITHIN)];
    if let Some(text) = valid
        && memchr2(ESCAPE, 0, start).is_none()
    {
        return Cow::Borrowed(text);
    }
    let encoding = content_type
        .and_then(charset_parameter)
        .and_then(|label| Encoding::for_label(label.as_bytes()))
        .or_else(|| declared(bytes));
    match (valid, encoding) {
        (Some(text), None) => Cow::Borrowed(text),
        (Some(text), Some(encoding)) if !SEVEN_BITS.contains(&encoding) => Cow::Borrowed(text),
        (Some(_), Some(encoding)) => encoding.decode_without_bom_handling(bytes).0,
        (None, encoding) => {
            let damaged = match encoding {
                Some(encoding) if SEVEN_BITS.contains(&encoding) => None,
                Some(encoding) if encoding == UTF_8 => Some(without_cut(bytes)),
                declared => damaged_utf_8(bytes, declared),
            };
            match damaged {
                Some(whole) => UTF_8.decode_without_bom_handling(whole).0,
                None => {
                    let encoding = encoding.unwrap_or_else(|| guess(bytes));
                    encoding.decode_without_bom_handling(bytes).0
                }
            }
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
    let end = memchr(b'>', rest)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_utf_8_is_borrowed_whatever_is_declared() {
        let page = "<meta charset=windows-1252>é".as_bytes();
        let text = decode(page, Some("text/html; charset=shift_jis"));
        assert!(matches!(
            text,
            Cow::Borrowed("<meta charset=windows-1252>é")
        ));
    }

    #[test]
    fn a_byte_order_mark_comes_first_and_is_dropped() {
        assert_eq!(decode(b"\xef\xbb\xbfa", None), "a");
        assert_eq!(
            decode(b"\xff\xfea\0\xe9\0", Some("text/html; charset=utf-8")),
            "aé"
        );
        assert_eq!(decode(b"\xfe\xff\0a\0\xe9", None), "aé");
    }

    #[test]
    fn the_header_comes_before_the_page() {
        let page = b"<meta charset=windows-1251>\xe9";
        let header = r#"text/html; foo=bar; Charset = "iso-8859-2" ; x"#;
        assert_eq!(decode(page, Some(header)), "<meta charset=windows-1251>é");
        assert_eq!(
            decode(page, Some("text/html")),
            "<meta charset=windows-1251>й"
        );
        assert_eq!(
            decode(page, Some("text/html; charset=nonsense")),
            "<meta charset=windows-1251>й"
        );
    }

    #[test]
    fn the_page_declares_its_encoding_in_a_meta_element_or_xml_declaration() {
        let ends_in_short_i = |start: &str| {
            let page = [start.as_bytes(), b"\xe9"].concat();
            decode(&page, None).ends_with('й')
        };
        assert!(ends_in_short_i("<html><head><META Charset='windows-1251'>"));
        assert!(ends_in_short_i(
            "<meta content='text/html; charset=cp1251' http-equiv=Content-Type>"
        ));
        assert!(ends_in_short_i(
            "<?xml version='1.0' encoding='windows-1251'?>"
        ));
        assert!(ends_in_short_i(
            "<!-- <meta charset=shift_jis> --><meta name=x><meta charset=windows-1251>"
        ));
        assert!(!ends_in_short_i(
            "<meta name=description content='charset=windows-1251'>"
        ));
    }

    #[test]
    fn a_page_that_declares_what_it_cannot_be_is_utf_8() {
        assert_eq!(
            decode(b"<meta charset=utf-16>\xc3\xa9\xff", None),
            "<meta charset=utf-16>é\u{fffd}"
        );
    }

    #[test]
    fn bytes_invalid_in_the_declared_encoding_are_replaced() {
        assert_eq!(
            decode(b"<meta charset=utf-8>a\xffb", None),
            "<meta charset=utf-8>a\u{fffd}b"
        );
    }

    #[test]
    fn utf_8_that_is_cut_within_a_character_loses_that_character_only() {
        for (page, text) in [
            ("Zoë und Bücher für €", "Zoë und Bücher für "),
            ("naïve 😀", "naïve "),
        ] {
            let cut = page.len() - 1;
            for declared in [
                None,
                Some("text/html; charset=iso-8859-1"),
                Some("text/html; charset=utf-8"),
            ] {
                assert_eq!(decode(&page.as_bytes()[..cut], declared), text);
            }
        }
        assert_eq!(
            decode(b"tr\xe8s caf\xe9", Some("text/html; charset=latin1")),
            "très café"
        );
    }

    #[test]
    fn a_stray_byte_among_many_characters_of_utf_8_is_replaced_alone() {
        let page = [
            &b"\xa9 2020 "[..],
            "Größe, Länge, Tür ".repeat(4).as_bytes(),
        ]
        .concat();
        for declared in [None, Some("text/html; charset=windows-1252")] {
            let text = decode(&page, declared);
            assert!(text.starts_with("\u{fffd} 2020 Größe"), "{text}");
        }
    }

    #[test]
    fn one_stray_byte_is_lost_where_a_page_has_any_character_of_utf_8() {
        for declared in [None, Some("text/html; charset=iso-8859-1")] {
            assert_eq!(
                decode(b"caf\xc3\xa9 \xa9 2020", declared),
                "café \u{fffd} 2020"
            );
            assert_eq!(decode(b"caf\xe9", declared), "café");
        }
        assert_eq!(decode(b"caf\xc3", None), "caf");
    }

    #[test]
    fn pages_in_other_encodings_are_read_as_declared_or_guessed() {
        let texts = [
            (
                encoding_rs::GBK,
                "联通的公司在北京的办公室里面有很多人在工作",
            ),
            (
                encoding_rs::BIG5,
                "燈塔位於北方海角，暴風雨後重建，沒有人知道它的名字",
            ),
            (
                encoding_rs::EUC_KR,
                "등대는 북쪽 곶에 있으며 폭풍 뒤에 다시 지어졌다",
            ),
            (
                encoding_rs::WINDOWS_1251,
                "Маяк на северном мысу был построен заново",
            ),
            (
                encoding_rs::KOI8_R,
                "Маяк на северном мысу был построен заново",
            ),
            (
                encoding_rs::SHIFT_JIS,
                "灯台は岬の先にあり、嵐の後に再建された",
            ),
            (
                encoding_rs::EUC_JP,
                "灯台は岬の先にあり、嵐の後に再建された",
            ),
            (encoding_rs::WINDOWS_1252, "The café is on the cape."),
            (
                encoding_rs::WINDOWS_1252,
                "« La liberté », c’est l’œuvre du phare",
            ),
        ];
        for (encoding, text) in texts {
            let (page, ..) = encoding.encode(text);
            let header = format!("text/html; charset={}", encoding.name());
            for declared in [None, Some(header.as_str())] {
                assert_eq!(decode(&page, declared), text, "{declared:?}");
            }
        }
    }

    #[test]
    fn other_encodings_in_seven_bits_are_not_taken_for_ascii() {
        let page = b"\x1b$B$\"\x1b(B";
        assert_eq!(decode(page, Some("text/html; charset=iso-2022-jp")), "あ");
        assert_eq!(decode(b"a\0b\0", Some("text/html; charset=utf-16le")), "ab");
        assert_eq!(
            decode(page, Some("text/html; charset=utf-8")),
            "\x1b$B$\"\x1b(B"
        );
    }

    #[test]
    fn an_encoding_that_nobody_declares_is_guessed() {
        let (page, ..) = encoding_rs::SHIFT_JIS.encode("これは日本語の文章です。猫がいます。");
        assert_eq!(decode(&page, None), "これは日本語の文章です。猫がいます。");
        assert_eq!(
            decode(b"caf\xe9 cr\xe8me \x93x\x94", None),
            "café crème “x”"
        );
    }
}
