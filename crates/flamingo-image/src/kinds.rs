//! What a file is that is none of the formats read, for its error.

/// Formats by the bytes that they begin with, and what to do with such a file.
const BEGINNINGS: [(&[u8], &str); 14] = [
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"BM", "a BMP picture"),
    (b"\xFF\x0A", "a JPEG XL picture"),
    (b"\0\0\0\x0CJXL ", "a JPEG XL picture"),
    (b"\0\0\0\x0CjP  ", "a JPEG 2000 picture"),
    (b"\xFF\x4F\xFF\x51", "a JPEG 2000 picture"),
    (b"\0\0\x01\0", "an icon (ICO)"),
    (b"8BPS", "a Photoshop picture (PSD)"),
    (b"qoif", "a QOI picture"),
    (b"\x76\x2F\x31\x01", "an OpenEXR picture"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1F\x8B", "a gzip archive"),
];

/// Formats by the brand of their first box (ISO base media file format).
const BRANDS: [(&[u8], &str); 10] = [
    (b"avif", "an AVIF picture"),
    (b"avis", "an AVIF animation"),
    (b"heic", "a HEIC picture, as phones take them"),
    (b"heix", "a HEIC picture, as phones take them"),
    (b"heim", "a HEIC picture, as phones take them"),
    (b"heis", "a HEIC picture, as phones take them"),
    (b"hevc", "a HEIC animation, as phones take them"),
    (b"hevx", "a HEIC animation, as phones take them"),
    (b"mif1", "a HEIF picture, as phones take them"),
    (b"msf1", "a HEIF animation, as phones take them"),
];

/// What a file of another kind looks like.
pub(crate) fn describe(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "it is empty".to_owned();
    }
    let brand = match bytes.get(4..12) {
        Some([b'f', b't', b'y', b'p', brand @ ..]) => Some(brand),
        _ => None,
    };
    let by_brand = BRANDS.iter().find(|(name, _)| Some(*name) == brand);
    let by_start = BEGINNINGS
        .iter()
        .find(|(start, _)| bytes.starts_with(start));
    if let Some((_, kind)) = by_brand.or(by_start) {
        return format!("it is {kind}");
    }
    let start = &bytes[..bytes.len().min(16)];
    format!("it starts with \"{}\"", start.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_formats_are_called_by_their_names() {
        for (bytes, says) in [
            (&b"\0\0\0\x1cftypheic\0\0\0\0"[..], "it is a HEIC picture"),
            (b"\0\0\0\x1cftypavif\0\0\0\0", "it is an AVIF picture"),
            (b"\0\0\0\x0cJXL \r\n\x87\n", "it is a JPEG XL picture"),
            (b"\xff\x0a\x00", "it is a JPEG XL picture"),
            (b"\0\0\0\x0cjP  \r\n", "it is a JPEG 2000 picture"),
            (b"II*\0\x08", "it is a TIFF picture"),
            (b"BM\x36\x04", "it is a BMP picture"),
            (b"", "it is empty"),
            (b"<html>", "it starts with \"<html>\""),
        ] {
            assert!(describe(bytes).starts_with(says), "{}", describe(bytes));
        }
    }
}
