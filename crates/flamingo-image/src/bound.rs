//! Which limit a file goes over.

/// The limits by name, as [`Error::TooLarge`](crate::Error::TooLarge) reports them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// [`Limits::max_side`](crate::Limits::max_side)
    Side,
    /// [`Limits::max_pixels`](crate::Limits::max_pixels)
    Pixels,
    /// [`Limits::max_bytes`](crate::Limits::max_bytes)
    Bytes,
    /// [`Limits::max_frames`](crate::Limits::max_frames)
    Frames,
    /// [`Limits::max_film_pixels`](crate::Limits::max_film_pixels)
    FilmPixels,
}

impl Bound {
    /// What to do about a file that goes over it.
    pub(crate) fn hint(self) -> &'static str {
        match self {
            Self::Side | Self::Pixels | Self::FilmPixels => {
                "make it smaller or, if you trust it, allow more with `max_pixels` (`--max-pixels`)"
            }
            Self::Bytes => "make it smaller",
            Self::Frames => "cut it, or give fewer frames",
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Side => "pixels on a side",
            Self::Pixels => "pixels",
            Self::Bytes => "bytes",
            Self::Frames => "frames",
            Self::FilmPixels => "pixels over all frames",
        })
    }
}
