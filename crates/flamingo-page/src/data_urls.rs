//! Pictures whose bytes stand in their URL (`data:`), and those of them that only keep a place.

use std::borrow::Cow;

use data_url::DataUrl;
use flamingo_image::probe;

/// What a `data:` URL is worth as the picture of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worth {
    /// It shows nothing: empty, damaged, one pixel, a blank drawing.
    Nothing,
    /// It may be all that there is, but is so small, or drawn, that another offer is taken before it.
    Doubtful,
    /// A picture.
    Picture,
}

/// Bytes at the start of a picture that tell its size.
const HEAD: usize = 64 << 10;
/// The longest `data:` URL that is a stand-in if there is anything else.
const LONGEST_STAND_IN: usize = 1024;
/// The longer side up to which a picture may be the preview of another.
const PREVIEW: u32 = 64;
/// Elements that draw something; a rectangle alone only fills a place.
const DRAWING: [&str; 10] = [
    "path",
    "circle",
    "ellipse",
    "polygon",
    "polyline",
    "line",
    "image",
    "text",
    "use",
    "foreignobject",
];

/// Whether the bytes are in the URL itself.
pub fn is_data_url(url: &str) -> bool {
    url.get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("data:"))
}

/// The bytes of a `data:` URL, in base64 or percent-encoded; `None` for another URL and for one that does not decode.
///
/// ```
/// # use flamingo_page::decode_data_url;
/// assert_eq!(decode_data_url("data:image/gif;base64,R0lG").as_deref(), Some(&b"GIF"[..]));
/// assert_eq!(decode_data_url("data:,a%20b").as_deref(), Some(&b"a b"[..]));
/// assert_eq!(decode_data_url("https://a.example/b.gif"), None);
/// ```
pub fn decode_data_url(url: &str) -> Option<Vec<u8>> {
    let url = standard(url.trim());
    let url = DataUrl::process(&url).ok()?;
    url.decode_to_vec().ok().map(|(bytes, _)| bytes)
}

/// A URL whose base64, if it is in the letters for addresses and file names (RFC 4648, 5), is in the usual ones.
fn standard(url: &str) -> Cow<'_, str> {
    let Some((head, body)) = url.split_once(',') else {
        return Cow::Borrowed(url);
    };
    let is_base64 =
        head.len() >= 6 && head.as_bytes()[head.len() - 6..].eq_ignore_ascii_case(b"base64");
    if !is_base64 || !body.contains(['-', '_']) {
        return Cow::Borrowed(url);
    }
    let body = body.replace('-', "+").replace('_', "/");
    Cow::Owned(format!("{head},{body}"))
}

/// What a `data:` URL is worth; only its start is decoded.
pub(crate) fn worth(url: &str) -> Worth {
    let url = standard(url.trim());
    let Ok(parsed) = DataUrl::process(&url) else {
        return Worth::Nothing;
    };
    let mut head = Vec::new();
    let decoded = parsed.decode(|bytes| {
        head.extend_from_slice(bytes);
        if head.len() < HEAD { Ok(()) } else { Err(()) }
    });
    let is_broken = matches!(
        decoded,
        Err(data_url::forgiving_base64::DecodeError::InvalidBase64(_))
    );
    let media = parsed.mime_type();
    if head.is_empty() || is_broken {
        return Worth::Nothing;
    }
    if is_svg(&head) {
        let is_blank = is_blank(&String::from_utf8_lossy(&head));
        return if is_blank {
            Worth::Nothing
        } else {
            Worth::Doubtful
        };
    }
    match probe(&head) {
        Some(size) if size.width.min(size.height) <= 1 => Worth::Nothing,
        Some(size) if size.width.max(size.height) <= PREVIEW => Worth::Doubtful,
        Some(_) if url.len() < LONGEST_STAND_IN => Worth::Doubtful,
        Some(_) => Worth::Picture,
        None if media.type_ == "image" => Worth::Doubtful,
        None => Worth::Nothing,
    }
}

fn is_svg(bytes: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]);
    let start = start.trim_start().to_ascii_lowercase();
    start.starts_with("<svg") || (start.starts_with("<?xml") && start.contains("<svg"))
}

/// Whether a drawing draws nothing, or one rectangle.
fn is_blank(svg: &str) -> bool {
    let mut rectangles = 0;
    for tag in svg.split('<').skip(1) {
        let end = tag.find(|c: char| !c.is_ascii_alphanumeric());
        let name = tag[..end.unwrap_or(tag.len())].to_ascii_lowercase();
        if DRAWING.contains(&name.as_str()) {
            return false;
        }
        rectangles += usize::from(name == "rect");
    }
    rectangles <= 1
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// The head of a PNG, which tells its size.
    fn png(width: u32, height: u32, length: usize) -> String {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend([8, 2, 0, 0, 0]);
        bytes.resize(length, 0);
        let escaped: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
        format!("data:image/png,{escaped}")
    }

    #[test]
    fn what_shows_nothing_is_no_picture() {
        for url in [
            "data:,",
            "data:x",
            "data:text/html,<p>no",
            "data:image/png;base64,!!!!",
            "data:image/gif;base64,R0lGODlhAQABAAAAACw=",
            "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='7' height='5'/>",
            "data:image/svg+xml,%3Csvg%20viewBox='0 0 7 5'%3E%3Crect fill-opacity='0'/%3E%3C/svg%3E",
        ] {
            assert_eq!(worth(url), Worth::Nothing, "{url}");
        }
        assert_eq!(worth(&png(640, 1, 2000)), Worth::Nothing);
    }

    #[test]
    fn previews_and_drawings_are_doubtful_and_other_pictures_are_not() {
        assert_eq!(worth(&png(20, 13, 2000)), Worth::Doubtful);
        assert_eq!(worth(&png(640, 480, 90)), Worth::Doubtful);
        let drawing = "data:image/svg+xml;utf8,<svg viewBox='0 0 7 5'><path d='M0 0L7 5'/></svg>";
        assert_eq!(worth(drawing), Worth::Doubtful);
        assert_eq!(worth(&png(640, 480, 2000)), Worth::Picture);
    }

    #[test]
    fn base64_is_decoded_however_it_is_written() {
        let bytes = Some(b"GIF89a".to_vec());
        assert_eq!(decode_data_url("DATA:image/gif;base64,R0lG\n ODlh"), bytes);
        assert_eq!(decode_data_url(" data:image/gif;base64,R0lGODlh "), bytes);
        assert_eq!(decode_data_url("data:image/gif;base64,R0lGODl%68"), bytes);
        assert_eq!(decode_data_url("data:image/gif ; base64, R0lGODlh"), bytes);
        let odd = Some(vec![0xfb, 0xef, 0xff]);
        for url in [
            "data:;base64,++//",
            "data:;base64,--__",
            "data:;BASE64,-%2B_%2F",
        ] {
            assert_eq!(decode_data_url(url), odd, "{url}");
        }
        assert_eq!(
            decode_data_url("data:;base64,-w").as_deref(),
            Some(&[0xfb][..])
        );
        assert_eq!(decode_data_url("data:,a-b_").as_deref(), Some(&b"a-b_"[..]));
    }
}
