//! What film a file holds, by its first bytes.

use flamingo_film::Container;

/// The name of a film's format, which is also its usual extension; `None` for what is no film, and
/// for Ogg, which is sound more often.
///
/// An animation in a picture format (GIF, WebP, PNG) is told as a picture.
pub fn film_format(bytes: &[u8]) -> Option<&'static str> {
    Some(match Container::of(bytes)? {
        Container::Mp4 => "mp4",
        Container::Mov => "mov",
        Container::WebM => "webm",
        Container::Matroska => "mkv",
        Container::Avi => "avi",
        Container::Ts => "ts",
        Container::MpegPs => "mpg",
        Container::Flv => "flv",
        Container::Asf => "wmv",
        Container::Ogg => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn films_are_known_by_their_bytes_and_pictures_are_none() {
        assert_eq!(film_format(b"\0\0\0\x18ftypisom\0\0"), Some("mp4"));
        assert_eq!(film_format(b"\0\0\0\x14ftypqt  \0\0"), Some("mov"));
        assert_eq!(
            film_format(b"\x1a\x45\xdf\xa3\x9fB\x82\x84webm"),
            Some("webm")
        );
        for other in [
            &b"\0\0\0\x20ftypavif"[..],
            b"GIF89a\x01\0\x01\0\0\0",
            b"OggS",
            b"<html>",
            b"",
        ] {
            assert_eq!(film_format(other), None);
        }
    }
}
