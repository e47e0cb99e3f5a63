//! What an input is: by its name, or by its first bytes.

use crate::compress::gunzip;
use crate::unread::is_document;
use crate::{har, mhtml};

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Warc,
    /// HTML.
    Page,
    /// A page and what it shows in one file.
    Mhtml,
    /// What a browser asked for, as JSON.
    Har,
    /// A ZIP archive, which may hold WARC files.
    Zip,
    Lines,
    Urls,
}

impl Kind {
    /// What a name says; compression does not matter.
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        let name = uncompressed(name);
        let (_, extension) = name.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "warc" => Some(Self::Warc),
            "html" | "htm" | "xhtml" => Some(Self::Page),
            "mhtml" | "mht" => Some(Self::Mhtml),
            "har" => Some(Self::Har),
            "wacz" => Some(Self::Zip),
            "jsonl" | "ndjson" => Some(Self::Lines),
            "urls" => Some(Self::Urls),
            _ => None,
        }
    }

    /// What a file's first bytes say.
    pub(crate) fn by_content(bytes: &[u8]) -> Option<Self> {
        let decoded = gunzip(bytes, 1 << 10);
        let text = decoded.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&decoded);
        let text = text.trim_ascii_start();
        let begins = |word: &str| {
            let start = text.get(..word.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
        };
        if bytes.starts_with(b"PK\x03\x04") {
            Some(Self::Zip)
        } else if begins("WARC/") {
            Some(Self::Warc)
        } else if begins("<") {
            Some(Self::Page)
        } else if har::is_har(text) {
            Some(Self::Har)
        } else if begins("{") && !is_document(text) {
            Some(Self::Lines)
        } else if mhtml::is_mhtml(text) {
            Some(Self::Mhtml)
        } else if begins("http://") || begins("https://") {
            Some(Self::Urls)
        } else {
            None
        }
    }
}

/// Whether a text is HTML, which other XML is not.
pub(crate) fn is_html(bytes: &[u8]) -> bool {
    let decoded = gunzip(bytes, 4 << 10);
    let mut text = decoded.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&decoded);
    loop {
        text = text.trim_ascii_start();
        let end: &[u8] = match text {
            [b'<', b'!', b'-', b'-', ..] => b"-->",
            [b'<', b'?', ..] => b"?>",
            _ => break,
        };
        let Some(at) = memchr::memmem::find(text, end) else {
            return false;
        };
        text = &text[at + end.len()..];
    }
    let begins = |word: &&str| {
        let start = text.get(..word.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
    };
    ["<!doctype html", "<html", "<head", "<body"]
        .iter()
        .any(begins)
}

/// The media type of a picture by its first bytes.
pub(crate) fn picture_type(bytes: &[u8]) -> Option<&'static str> {
    const MAGIC: [(&[u8], &str); 8] = [
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"GIF8", "image/gif"),
        (b"BM", "image/bmp"),
        (b"\0\0\x01\0", "image/x-icon"),
        (b"II*\0", "image/tiff"),
        (b"MM\0*", "image/tiff"),
        (b"<svg", "image/svg+xml"),
    ];
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Some("image/webp");
    }
    if let Some(b"ftypavif" | b"ftypavis") = bytes.get(4..12) {
        return Some("image/avif");
    }
    let found = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic));
    found.map(|(_, media)| *media)
}

/// Whether a name is that of what pages are shown with, but for pictures: styles, scripts, fonts.
pub(crate) fn is_support(name: &str) -> bool {
    const ENDINGS: [&str; 10] = [
        "css",
        "js",
        "mjs",
        "map",
        "woff",
        "woff2",
        "ttf",
        "otf",
        "eot",
        "webmanifest",
    ];
    let extension = name
        .rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase());
    extension.is_some_and(|extension| ENDINGS.contains(&extension.as_str()))
}

/// A name without the ending of a compressed file.
pub(crate) fn uncompressed(name: &str) -> &str {
    let endings = [".gz", ".zst"];
    endings
        .iter()
        .find_map(|ending| name.strip_suffix(ending))
        .unwrap_or(name)
}

/// The media type that the name of a picture says.
pub(crate) fn image_type(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" | "jpe" | "jfif" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "bmp" => "image/bmp",
        "ico" => "image/x-icon",
        "svg" => "image/svg+xml",
        "tif" | "tiff" => "image/tiff",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_is_inside_whatever_the_compression() {
        assert_eq!(Kind::by_name("a/crawl-0.WARC.gz"), Some(Kind::Warc));
        assert_eq!(Kind::by_name("a/b.html.zst"), Some(Kind::Page));
        assert_eq!(Kind::by_name("a.jsonl"), Some(Kind::Lines));
        assert_eq!(Kind::by_name("a.b/readme"), None);
    }

    #[test]
    fn first_bytes_tell_what_the_name_does_not() {
        assert_eq!(Kind::by_content(b"WARC/1.0\r\n"), Some(Kind::Warc));
        assert_eq!(
            Kind::by_content(b"\xef\xbb\xbf\n <!DOCTYPE html>"),
            Some(Kind::Page)
        );
        assert_eq!(Kind::by_content(b"{\"url\": 1}"), Some(Kind::Lines));
        assert_eq!(Kind::by_content(b"HTTPS://a.org\n"), Some(Kind::Urls));
        assert_eq!(Kind::by_content(b"PK\x03\x04\x14\0"), Some(Kind::Zip));
        assert_eq!(Kind::by_content(b"{\n  \"log\": {"), Some(Kind::Har));
        assert_eq!(
            Kind::by_content(b"From: <Saved by Blink>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related\r\n"),
            Some(Kind::Mhtml)
        );
        assert_eq!(Kind::by_content(b"\x89PNG"), None);
        assert_eq!(Kind::by_content(b""), None);
    }

    #[test]
    fn html_is_told_from_other_xml() {
        for page in [
            "\n<!-- a --><!DOCTYPE HTML>",
            "<?xml version='1.0'?>\n<!doctype html",
            "<HTML lang=en>",
        ] {
            assert!(is_html(page.as_bytes()), "{page}");
        }
        for other in [
            "<?xml version='1.0'?><rss>",
            "<svg>",
            "html",
            "<!-- open",
            "",
        ] {
            assert!(!is_html(other.as_bytes()), "{other}");
        }
    }
}
