//! What an input is: by its name, or by its first bytes.

use crate::compress::gunzip;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Warc,
    Page,
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
        if begins("WARC/") {
            Some(Self::Warc)
        } else if begins("<") {
            Some(Self::Page)
        } else if begins("{") {
            Some(Self::Lines)
        } else if begins("http://") || begins("https://") {
            Some(Self::Urls)
        } else {
            None
        }
    }
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
        assert_eq!(Kind::by_content(b"\x89PNG"), None);
        assert_eq!(Kind::by_content(b""), None);
    }
}
