//! How pictures are written anew: the table `reencode` of `[images]`.

use flamingo_image::Format;
use serde::{Deserialize, Serialize};

/// How pictures are written anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reencode {
    /// The longer side of what is written, at most; a longer one is shrunk, the aspect kept. 0 is
    /// no limit.
    pub max_side: u32,
    /// The format that is written.
    pub format: Encoding,
    /// The quality of a JPEG, 1 to 100.
    pub quality: u8,
}

impl Default for Reencode {
    /// JPEG of quality 90 in the picture's own size.
    fn default() -> Self {
        Self {
            max_side: 0,
            format: Encoding::Jpeg,
            quality: 90,
        }
    }
}

/// A format that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// JPEG of the configured quality.
    Jpeg,
    /// PNG.
    Png,
    /// WebP without loss.
    WebP,
}

impl Encoding {
    /// The same, as a format of files.
    pub(super) fn format(self) -> Format {
        match self {
            Self::Jpeg => Format::Jpeg,
            Self::Png => Format::Png,
            Self::WebP => Format::WebP,
        }
    }
}
