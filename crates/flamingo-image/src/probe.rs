//! What a file's own structure says of it: format, size, frames, and whether its end is there.
//!
//! Nothing is decoded and nothing allocated, so that a picture can be refused for what its header
//! claims, at the price of reading a few bytes of each of its blocks.

/// A format that this crate reads, told by content and never by a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JPEG (JFIF, EXIF)
    Jpeg,
    /// PNG, also animated
    Png,
    /// WebP, also animated
    WebP,
    /// GIF, also animated
    Gif,
}

impl Format {
    /// The format of a file that begins with these bytes (12 are enough).
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xFF, 0xD8, 0xFF, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(Self::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            _ if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") => {
                Some(Self::WebP)
            }
            _ => None,
        }
    }

    /// `jpeg`, `png`, `webp` or `gif`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::WebP => "webp",
            Self::Gif => "gif",
        }
    }

    /// `JPEG`, `PNG`, `WebP` or `GIF`.
    pub(crate) fn shown(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
        }
    }

    /// The usual extension of such files: `jpg`, `png`, `webp` or `gif`.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            other => other.name(),
        }
    }
}

/// What [`probe`] finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The format, by content.
    pub format: Format,
    /// The width that its header claims, as stored: an EXIF orientation is not applied.
    pub width: u32,
    /// The height that its header claims.
    pub height: u32,
    /// Whether it has more than one frame, or one that is not its default picture.
    pub animated: bool,
    /// Whether the file goes on to where its structure says that it ends.
    pub whole: bool,
}

/// The format, size and extent of a file; `None` if it is of no format that this crate reads, or
/// if its header is damaged.
pub fn probe(bytes: &[u8]) -> Option<Probe> {
    match Format::of(bytes)? {
        Format::Jpeg => jpeg(bytes),
        Format::Png => png(bytes),
        Format::WebP => webp(bytes),
        Format::Gif => gif(bytes),
    }
}

fn jpeg(bytes: &[u8]) -> Option<Probe> {
    let (width, height) = jpeg_size(bytes)?;
    Some(Probe {
        format: Format::Jpeg,
        width,
        height,
        animated: false,
        whole: jpeg_is_whole(bytes),
    })
}

/// The size in the first start-of-frame segment.
pub(crate) fn jpeg_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    while let Some(&[0xFF, marker, high, low]) = bytes.get(at..at + 4) {
        match marker {
            // Start of frame of any coding; the three left out are tables and an extension.
            0xC0..=0xCF if !matches!(marker, 0xC4 | 0xC8 | 0xCC) => {
                let height = u16_be(bytes, at + 5)?;
                return Some((u16_be(bytes, at + 7)?, height));
            }
            0xFF => at += 1,
            0x01 | 0xD0..=0xD8 => at += 2,
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
    None
}

fn png(bytes: &[u8]) -> Option<Probe> {
    if bytes.get(12..16)? != b"IHDR" {
        return None;
    }
    let mut probe = Probe {
        format: Format::Png,
        width: u32_be(bytes, 16)?,
        height: u32_be(bytes, 20)?,
        animated: false,
        whole: false,
    };
    let mut at = 8;
    let mut frames = 0;
    let (mut has_control, mut is_hidden) = (false, false);
    while let (Some(length), Some(kind)) = (u32_be(bytes, at), bytes.get(at + 4..at + 8)) {
        // Length, kind and checksum are 4 bytes each.
        let end = at.saturating_add(12).saturating_add(length as usize);
        match kind {
            b"acTL" => frames = u32_be(bytes, at + 8).unwrap_or(0),
            b"fcTL" => has_control = true,
            b"IDAT" => is_hidden |= !has_control,
            b"IEND" => {
                probe.whole = bytes.len() >= end;
                break;
            }
            _ => {}
        }
        at = end;
    }
    probe.animated = frames > 1 || (frames == 1 && is_hidden);
    Some(probe)
}

fn webp(bytes: &[u8]) -> Option<Probe> {
    let data = bytes.get(20..30)?;
    let (width, height, animated) = match bytes.get(12..16)? {
        b"VP8X" => {
            let side = |at| Some(1 + (u32_le(data, at)? & 0x00FF_FFFF));
            // The height's three bytes are the last of the ten: read them from one byte earlier.
            let height = 1 + (u32_le(data, 6)? >> 8);
            (side(4)?, height, data[0] & 2 != 0)
        }
        kind => {
            let (width, height) = webp_size(kind, data)?;
            (width, height, false)
        }
    };
    Some(Probe {
        format: Format::WebP,
        width,
        height,
        animated,
        whole: webp_is_whole(bytes),
    })
}

/// The size in the pixels of a WebP chunk of this kind.
pub(crate) fn webp_size(kind: &[u8], data: &[u8]) -> Option<(u32, u32)> {
    match kind {
        b"VP8 " => {
            let side = |at| Some(u16_le(data, at)? & 0x3FFF);
            Some((side(6)?, side(8)?))
        }
        b"VP8L" => {
            let bits = u32_le(data, 1)?;
            Some((1 + (bits & 0x3FFF), 1 + ((bits >> 14) & 0x3FFF)))
        }
        _ => None,
    }
}

fn gif(bytes: &[u8]) -> Option<Probe> {
    let (mut width, mut height) = (u16_le(bytes, 6)?, u16_le(bytes, 8)?);
    let mut at = 13 + colour_table(*bytes.get(10)?);
    let mut frames = 0;
    let whole = loop {
        match bytes.get(at) {
            Some(0x2C) => {
                frames += 1;
                if frames == 1 {
                    // A first frame that is larger enlarges the picture; one that is cut tells nothing.
                    let end =
                        |start| Some(u16_le(bytes, at + start)? + u16_le(bytes, at + start + 4)?);
                    width = width.max(end(1).unwrap_or(0));
                    height = height.max(end(3).unwrap_or(0));
                }
                let Some(&flags) = bytes.get(at + 9) else {
                    break false;
                };
                // One byte after the colour table is the size of the codes.
                at += 11 + colour_table(flags);
            }
            Some(0x21) => at += 2,
            Some(0x3B) => break true,
            // Viewers forgive a missing last byte.
            None => break at == bytes.len() && frames > 0,
            Some(_) => break false,
        }
        match after_sub_blocks(bytes, at) {
            Some(next) => at = next,
            None => break false,
        }
    };
    Some(Probe {
        format: Format::Gif,
        width,
        height,
        animated: frames > 1,
        whole,
    })
}

/// The bytes of the colour table that these flags announce.
pub(crate) fn colour_table(flags: u8) -> usize {
    match flags & 0x80 {
        0 => 0,
        _ => 3 << ((flags & 7) + 1),
    }
}

/// Where a GIF's list of length-prefixed blocks ends.
pub(crate) fn after_sub_blocks(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = *bytes.get(at)?;
        at += 1 + usize::from(length);
        if length == 0 {
            return Some(at);
        }
    }
}

/// Whether a WebP file is as long as its header says. The decoder takes an animation that is cut
/// short for one with fewer frames.
pub(crate) fn webp_is_whole(bytes: &[u8]) -> bool {
    match bytes.get(4..8) {
        Some(&[b0, b1, b2, b3]) => bytes.len() - 8 >= u32::from_le_bytes([b0, b1, b2, b3]) as usize,
        _ => false,
    }
}

/// Whether a JPEG's end marker follows its first scan. The decoder paints what is missing of a
/// truncated file grey and says nothing.
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    const END_OF_IMAGE: u8 = 0xD9;
    const START_OF_SCAN: u8 = 0xDA;
    let mut at = 2;
    // Segments before the scan have their length in them, so that an end marker of a thumbnail in
    // the metadata is not taken for the picture's.
    while let Some(&[0xFF, marker, high, low]) = bytes.get(at..at + 4) {
        match marker {
            START_OF_SCAN => {
                return bytes[at..]
                    .windows(2)
                    .any(|pair| pair == [0xFF, END_OF_IMAGE]);
            }
            0xFF => at += 1,
            0x01 | 0xD0..=0xD8 => at += 2,
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
    // Not laid out as expected: the decoder will know.
    bytes.len() >= at + 4
}

pub(crate) fn u16_be(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
    Some(u16::from_be_bytes(bytes).into())
}

pub(crate) fn u16_le(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
    Some(u16::from_le_bytes(bytes).into())
}

pub(crate) fn u32_be(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(u32::from_be_bytes(bytes))
}

pub(crate) fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(u32::from_le_bytes(bytes))
}
