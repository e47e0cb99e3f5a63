//! What the bytes of a picture are.

use flamingo_image::{Error, Format, Image, Probe, Still, decode_still, probe};
use sha2::{Digest, Sha256};

use super::config::Animated;
use super::perceptual::perceptual_hash;
use super::{ImagesConfig, Reason, rules};

/// What is known of a picture's bytes; numbers that were not reached are `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inspected {
    /// Why it cannot be taken, if it cannot.
    pub refused: Option<Reason>,
    /// Its format by content; what the server called it is not asked.
    pub format: Option<Format>,
    /// Its width, as seen.
    pub width: Option<u32>,
    /// Its height, as seen.
    pub height: Option<u32>,
    /// The size of the file.
    pub bytes: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: Option<String>,
    /// [`perceptual_hash`] of the (first) picture.
    pub perceptual: Option<u64>,
    /// Whether its pixels are all of one colour.
    pub single_colour: Option<bool>,
    /// Whether it has more than one frame.
    pub animated: Option<bool>,
    /// Whether no pixel lets a background through.
    pub opaque: Option<bool>,
}

impl Inspected {
    /// `ok`, or the name of the reason.
    pub fn status(&self) -> &'static str {
        self.refused.map_or("ok", Reason::name)
    }

    fn refuse(mut self, reason: Reason) -> Self {
        self.refused = Some(reason);
        self
    }
}

/// Measures the bytes of a picture.
///
/// What its header alone rules out (too small, too long, a bomb) is not decoded; it keeps the
/// numbers that are known. No bytes make it panic, and none make it take more memory than the
/// configuration's pixels.
pub fn inspect(bytes: &[u8], config: &ImagesConfig) -> Inspected {
    let found = Inspected {
        bytes: bytes.len() as u64,
        ..Inspected::default()
    };
    let Some(format) = Format::of(bytes) else {
        return found.refuse(other_kind(bytes));
    };
    let found = Inspected {
        format: Some(format),
        ..found
    };
    if config.max_bytes > 0 && found.bytes > config.max_bytes {
        return found.refuse(Reason::TooManyBytes);
    }
    let found = Inspected {
        sha256: Some(format!("{:x}", Sha256::digest(bytes))),
        ..found
    };
    let Some(header) = probe(bytes) else {
        return found.refuse(Reason::Undecodable);
    };
    let found = Inspected {
        width: Some(header.width),
        height: Some(header.height),
        animated: Some(header.animated),
        ..found
    };
    match unseen(&header, config) {
        Some(reason) => found.refuse(reason),
        None => look(found, bytes, config),
    }
}

/// Why a picture is refused for its header.
fn unseen(header: &Probe, config: &ImagesConfig) -> Option<Reason> {
    if !config.formats.contains(&header.format) {
        return Some(Reason::UnsupportedFormat);
    }
    if header.width == 0 || header.height == 0 {
        return Some(Reason::Undecodable);
    }
    rules::size(header.width, header.height, config)
        .or_else(|| (!header.whole).then_some(Reason::Truncated))
}

/// Decodes the picture and measures its pixels.
fn look(mut found: Inspected, bytes: &[u8], config: &ImagesConfig) -> Inspected {
    let still = match decode_still(bytes, "picture", &config.limits()) {
        Ok(still) => still,
        Err(Error::TooLarge { .. }) => return found.refuse(Reason::TooManyPixels),
        Err(_) => return found.refuse(Reason::Undecodable),
    };
    let Still { image, opaque } = still;
    found.width = Some(image.width);
    found.height = Some(image.height);
    found.perceptual = Some(perceptual_hash(&image));
    let single = is_single_colour(&image, config.single_colour_tolerance);
    found.single_colour = Some(single);
    found.opaque = Some(opaque);
    if config.drop_single_colour && single {
        return found.refuse(Reason::SingleColour);
    }
    if found.animated == Some(true) && config.animated == Animated::Drop {
        return found.refuse(Reason::Animated);
    }
    found
}

/// Whether each colour channel ranges over no more than the tolerance.
fn is_single_colour(image: &Image, tolerance: u8) -> bool {
    let (mut low, mut high) = ([u8::MAX; 3], [0; 3]);
    // Row by row, so that an ordinary picture is told by its first rows.
    for row in image.rgb.chunks(3 * image.width as usize) {
        for pixel in row.chunks_exact(3) {
            for channel in 0..3 {
                low[channel] = low[channel].min(pixel[channel]);
                high[channel] = high[channel].max(pixel[channel]);
            }
        }
        if low
            .iter()
            .zip(high)
            .any(|(low, high)| high - low > tolerance)
        {
            return false;
        }
    }
    true
}

/// What bytes are that begin like none of the formats that are read.
fn other_kind(bytes: &[u8]) -> Reason {
    const PICTURES: [&[u8]; 6] = [
        b"BM",
        b"II*\0",
        b"MM\0*",
        b"\0\0\x01\0",
        b"\xFF\x0A",
        b"\0\0\0\x0CJXL ",
    ];
    let brand = bytes.get(4..12).unwrap_or_default();
    let start = &bytes[..bytes.len().min(512)];
    let is_picture = PICTURES.iter().any(|magic| bytes.starts_with(magic))
        || [&b"ftypavif"[..], b"ftypavis", b"ftypheic", b"ftypmif1"].contains(&brand)
        || start
            .windows(4)
            .any(|word| word.eq_ignore_ascii_case(b"<svg"));
    if is_picture {
        Reason::UnsupportedFormat
    } else {
        Reason::NotAnImage
    }
}
