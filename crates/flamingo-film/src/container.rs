//! What kind of film file it is, by its first bytes.

use std::fmt;

use crate::plan::Seeking;

/// Bytes that tell the kind.
pub(crate) const HEAD: usize = 4 * 188 + 4;

/// The kind of a film file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// MP4, M4V, 3GP (ISO/IEC 14496-12).
    Mp4,
    /// QuickTime.
    Mov,
    /// WebM.
    WebM,
    /// Matroska.
    Matroska,
    /// AVI.
    Avi,
    /// MPEG transport stream.
    Ts,
    /// MPEG program stream.
    MpegPs,
    /// Flash video.
    Flv,
    /// Windows Media.
    Asf,
    /// Ogg.
    Ogg,
}

impl Container {
    /// The kind of a file that begins with these bytes; none if it is no film.
    pub fn of(head: &[u8]) -> Option<Self> {
        let at = |place: usize, bytes: &[u8]| {
            head.get(place..place + bytes.len())
                .is_some_and(|there| there == bytes)
        };
        if at(4, b"ftyp") {
            return brand(head.get(8..12)?);
        }
        if [b"moov", b"mdat", b"wide", b"pnot"]
            .iter()
            .any(|kind| at(4, *kind))
        {
            return Some(Self::Mov);
        }
        if at(4, b"styp") || at(4, b"moof") {
            return Some(Self::Mp4);
        }
        if at(0, &[0x1A, 0x45, 0xDF, 0xA3]) {
            let is_webm = head.windows(4).take(64).any(|bytes| bytes == b"webm");
            return Some(if is_webm { Self::WebM } else { Self::Matroska });
        }
        let packets = |first: usize, size: usize| (0..3).all(|k| at(first + k * size, &[0x47]));
        if packets(0, 188) || packets(4, 192) {
            return Some(Self::Ts);
        }
        match () {
            () if at(0, b"RIFF") && at(8, b"AVI ") => Some(Self::Avi),
            () if at(0, &[0, 0, 1, 0xBA]) => Some(Self::MpegPs),
            () if at(0, b"FLV\x01") => Some(Self::Flv),
            () if at(0, &[0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11]) => Some(Self::Asf),
            () if at(0, b"OggS") => Some(Self::Ogg),
            () => None,
        }
    }

    /// The name of FFmpeg's reader of it.
    pub(crate) fn demuxer(self) -> &'static str {
        match self {
            Self::Mp4 | Self::Mov => "mov",
            Self::WebM | Self::Matroska => "matroska",
            Self::Avi => "avi",
            Self::Ts => "mpegts",
            Self::MpegPs => "mpeg",
            Self::Flv => "flv",
            Self::Asf => "asf",
            Self::Ogg => "ogg",
        }
    }

    /// How a place in the file is found.
    pub(crate) fn seeking(self) -> Seeking {
        match self {
            Self::Mp4 | Self::Mov | Self::WebM | Self::Matroska => Seeking::Exact,
            _ => Seeking::Near,
        }
    }
}

/// The kind by the brand of an ISO base media file: pictures have it, too.
fn brand(brand: &[u8]) -> Option<Container> {
    match brand {
        b"qt  " => Some(Container::Mov),
        b"avif" | b"avis" | b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1"
        | b"msf1" | b"M4A " | b"M4B " | b"crx " | b"jp2 " | b"jxl " => None,
        _ => Some(Container::Mp4),
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mp4 => "MP4",
            Self::Mov => "QuickTime",
            Self::WebM => "WebM",
            Self::Matroska => "Matroska",
            Self::Avi => "AVI",
            Self::Ts => "MPEG-TS",
            Self::MpegPs => "MPEG-PS",
            Self::Flv => "Flash video",
            Self::Asf => "Windows Media",
            Self::Ogg => "Ogg",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn films_are_known_by_their_first_bytes() {
        let ts = [[0x47; 1].as_slice(), &[0; 187]].concat().repeat(3);
        let m2ts = [[0, 0, 0, 0, 0x47].as_slice(), &[0; 187]]
            .concat()
            .repeat(3);
        for (bytes, kind) in [
            (&b"\0\0\0\x20ftypisom\0\0\x02\0"[..], Some(Container::Mp4)),
            (b"\0\0\0\x14ftypqt  ", Some(Container::Mov)),
            (b"\0\0\0\x08wide\0\0", Some(Container::Mov)),
            (b"\0\0\0\x08moof\0\0", Some(Container::Mp4)),
            (
                b"\x1A\x45\xDF\xA3\x9fB\x86\x81\x01B\x82\x84webm",
                Some(Container::WebM),
            ),
            (
                b"\x1A\x45\xDF\xA3\x9fB\x86\x81\x01B\x82\x88matroska",
                Some(Container::Matroska),
            ),
            (b"RIFF\0\0\0\0AVI LIST", Some(Container::Avi)),
            (b"RIFF\0\0\0\0WEBPVP8 ", None),
            (&ts, Some(Container::Ts)),
            (&m2ts, Some(Container::Ts)),
            (b"\0\0\x01\xBA\x44", Some(Container::MpegPs)),
            (b"FLV\x01\x05", Some(Container::Flv)),
            (b"OggS\0", Some(Container::Ogg)),
            (b"\0\0\0\x1cftypheic", None),
            (b"\0\0\0\x1cftypM4A ", None),
            (b"GIF89a", None),
            (b"", None),
        ] {
            assert_eq!(Container::of(bytes), kind, "{}", bytes.escape_ascii());
        }
    }
}
