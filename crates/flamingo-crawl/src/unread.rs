//! Formats that are known and not read: what they are, and how they can become something that is read.

use serde::de::IgnoredAny;

use crate::compress::gunzip;

/// A format that is known and not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    Empty,
    Zim,
    Epub,
    Zip,
    SevenZip,
    Rar,
    Tar,
    Packed,
    WebArchive,
    Pdf,
    Arc,
    Json,
    /// A page as it was before a tool changed its addresses, which lies beside the changed one.
    Original,
}

/// Where the word `ustar` stands in a tar file, and so many bytes of one that is compressed are unpacked to look there.
const USTAR: usize = 257;
const HEAD: usize = 1 << 10;

impl Unread {
    /// What a name says.
    pub(crate) fn by_name(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        Some(match extension.to_ascii_lowercase().as_str() {
            "zim" => Self::Zim,
            "epub" => Self::Epub,
            "7z" => Self::SevenZip,
            "rar" => Self::Rar,
            "tar" | "tgz" => Self::Tar,
            "bz2" | "xz" => Self::Packed,
            "webarchive" => Self::WebArchive,
            "pdf" => Self::Pdf,
            "arc" => Self::Arc,
            _ => return None,
        })
    }

    /// What a file's first bytes say.
    pub(crate) fn by_content(bytes: &[u8]) -> Option<Self> {
        const MAGIC: [(&[u8], Unread); 7] = [
            (b"ZIM\x04", Unread::Zim),
            (b"7z\xbc\xaf\x27\x1c", Unread::SevenZip),
            (b"Rar!\x1a\x07", Unread::Rar),
            (b"BZh", Unread::Packed),
            (b"\xfd7zXZ\0", Unread::Packed),
            (b"bplist", Unread::WebArchive),
            (b"%PDF", Unread::Pdf),
        ];
        if bytes.is_empty() {
            return Some(Self::Empty);
        }
        if let Some((_, unread)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
            return Some(*unread);
        }
        let decoded = gunzip(bytes, HEAD);
        if decoded.get(USTAR..USTAR + 5) == Some(b"ustar") {
            return Some(Self::Tar);
        }
        let text = decoded.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&decoded);
        let text = text.trim_ascii_start();
        if text.starts_with(b"filedesc://") {
            Some(Self::Arc)
        } else {
            is_document(text).then_some(Self::Json)
        }
    }

    /// The name under which files of a folder are counted.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty_file",
            Self::Zim => "zim_file",
            Self::Epub => "epub_file",
            Self::Zip => "zip_file",
            Self::SevenZip => "7z_file",
            Self::Rar => "rar_file",
            Self::Tar => "tar_file",
            Self::Packed => "packed_file",
            Self::WebArchive => "webarchive_file",
            Self::Pdf => "pdf_file",
            Self::Arc => "arc_file",
            Self::Json => "json_file",
            Self::Original => "original_file",
        }
    }

    /// What it is, and how it can become something that is read.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::Empty => "empty (fetch or save it again)",
            Self::Zim => {
                "a ZIM file, which is not read (`zimdump dump` writes its pages into a folder)"
            }
            Self::Epub => "an EPUB book, which is not read (unzipped it is a folder of pages)",
            Self::Zip => {
                "a ZIP archive without WARC files and of more than one page, or none, which is not read (unzip it)"
            }
            Self::SevenZip => "a 7z archive, which is not read (`7z x` unpacks it)",
            Self::Rar => "a RAR archive, which is not read (`unrar x` unpacks it)",
            Self::Tar => "a tar archive, which is not read (`tar xf` unpacks it)",
            Self::Packed => {
                "compressed with bzip2 or xz, which is not read (unpack it, or compress it with gzip or zstd)"
            }
            Self::WebArchive => {
                "a web archive of Safari, which is not read (`textutil -convert html` makes a page of it)"
            }
            Self::Pdf => "a PDF file, which is not read",
            Self::Arc => {
                "an ARC file, which is not read (`warcio recompress` makes a WARC file of it)"
            }
            Self::Json => {
                "one JSON document and not JSON lines (`jq -c .`, or `jq -c '.[]'` for a list, writes a page a line)"
            }
            Self::Original => "a page as it was before a tool changed its addresses",
        }
    }
}

/// Whether JSON is one document over several lines, or a list, and not an object a line.
pub(crate) fn is_document(text: &[u8]) -> bool {
    let mut lines = text.splitn(2, |&byte| byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let goes_on = |rest: &[u8]| !rest.trim_ascii_start().starts_with(b"{");
    match first.first() {
        Some(b'[') => {
            // A section of settings begins so, too.
            let value = text[1..].trim_ascii_start().first();
            value.is_some_and(|byte| b"[]{\"-0123456789".contains(byte))
        }
        Some(b'{') => {
            let whole = serde_json::from_slice::<IgnoredAny>(first);
            let is_open = whole.is_err_and(|error| error.is_eof());
            is_open && lines.next().is_some_and(goes_on)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_and_not_read_is_told_by_what_it_is() {
        let mut tar = vec![0; 512];
        tar[USTAR..USTAR + 5].copy_from_slice(b"ustar");
        for (name, bytes, unread) in [
            ("a/wiki.ZIM", &b"ZIM\x04\x05\0"[..], Unread::Zim),
            ("a/book.epub", b"", Unread::Epub),
            ("pages.7z", b"7z\xbc\xaf\x27\x1c\0\x04", Unread::SevenZip),
            ("pages.rar", b"Rar!\x1a\x07\x01\0", Unread::Rar),
            ("site.tar", &tar, Unread::Tar),
            ("a.warc.bz2", b"BZh91AY", Unread::Packed),
            ("a.html.xz", b"\xfd7zXZ\0\0", Unread::Packed),
        ] {
            assert_eq!(Unread::by_name(name), Some(unread), "{name}");
            if unread != Unread::Epub {
                assert_eq!(Unread::by_content(bytes), Some(unread), "{name}");
            }
            assert!(unread.what().contains("not read"));
        }
        assert_eq!(Unread::by_content(b""), Some(Unread::Empty));
        assert_eq!(Unread::by_content(&[7; 600]), None);
    }

    #[test]
    fn document_of_json_is_told_from_an_object_a_line() {
        for text in [
            "[{\"url\": 1}]",
            "{\n \"url\": 1\n}",
            "{\"url\": 1,\n \"html\": \"<p>\"}",
            "\u{feff}[\n{}\n]",
        ] {
            let unread = Unread::by_content(text.as_bytes());
            assert_eq!(unread, Some(Unread::Json), "{text}");
        }
        for lines in [
            "{\"url\": 1}\n",
            "{\"url\": 1}\n\n{}",
            "{\"url\": cut\n{\"url\": 1}\n",
            "{\"url\": \"cut\n{\"url\": 1}\n",
            "{\"html\": \"goes on for long",
            "[general]\nname = x",
            "[",
        ] {
            assert_eq!(Unread::by_content(lines.as_bytes()), None, "{lines}");
        }
    }
}
