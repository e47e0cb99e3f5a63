//! What film a file holds, by its first bytes.

/// The name of a film's format, which is also its usual extension; `None` for what is no film.
///
/// An animation in a picture format (GIF, WebP, PNG) is told as a picture.
pub fn film_format(bytes: &[u8]) -> Option<&'static str> {
    const STILLS: [&[u8]; 6] = [b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1"];
    if bytes.starts_with(b"\x1a\x45\xdf\xa3") {
        return Some("webm");
    }
    let brand = bytes.get(8..12)?;
    match (&bytes[4..8], brand) {
        (b"ftyp", brand) if STILLS.contains(&brand) => None,
        (b"ftyp", b"qt  ") => Some("mov"),
        (b"ftyp", _) => Some("mp4"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn films_are_known_by_their_bytes_and_pictures_are_none() {
        assert_eq!(film_format(b"\0\0\0\x18ftypisom\0\0"), Some("mp4"));
        assert_eq!(film_format(b"\0\0\0\x14ftypqt  \0\0"), Some("mov"));
        assert_eq!(film_format(b"\x1a\x45\xdf\xa3\x9f"), Some("webm"));
        for other in [
            &b"\0\0\0\x20ftypavif"[..],
            b"GIF89a\x01\0\x01\0\0\0",
            b"<html>",
            b"",
        ] {
            assert_eq!(film_format(other), None);
        }
    }
}
