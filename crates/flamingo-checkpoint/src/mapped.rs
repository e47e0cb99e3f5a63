//! The bytes of a file: mapped, or held in memory.

use std::borrow::Cow;
use std::fs::File;
use std::ops::{Deref, Range};
use std::path::Path;

use crate::{Error, Result};

/// The most of a mapped file that a read keeps in memory at once.
pub(crate) const PIECE: usize = 1 << 20;

pub(crate) enum Bytes {
    Mapped(memmap2::Mmap),
    Memory(Cow<'static, [u8]>),
}

impl Bytes {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io("open", path))?;
        let metadata = file.metadata().map_err(Error::io("read", path))?;
        if !metadata.is_file() {
            return Err(Error::malformed(
                path,
                "it is not a regular file: name a file of weights",
            ));
        }
        if metadata.len() == 0 {
            return Ok(Bytes::Memory(Cow::Borrowed(&[])));
        }
        // SAFETY: the map is only read; a file changed by another program while we read it gives
        // wrong weights, as reading it in pieces would.
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(Error::io("map", path))?;
        Ok(Bytes::Mapped(map))
    }

    /// Lets the operating system take back the pages of `range`; they are read again when needed.
    pub(crate) fn release(&self, range: Range<usize>) {
        #[cfg(unix)]
        if let Bytes::Mapped(map) = self {
            let advice = memmap2::UncheckedAdvice::DontNeed;
            // SAFETY: the map is shared, read-only and backed by a file, so that a dropped page is
            // read from that file again. It is advice: if it fails, only memory is lost.
            let _ = unsafe { map.unchecked_advise_range(advice, range.start, range.len()) };
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Mapped(map) => map,
            Bytes::Memory(bytes) => bytes,
        }
    }
}

/// The part of a file that a read has touched and not yet released.
pub(crate) struct Window<'a> {
    bytes: &'a Bytes,
    touched: Range<usize>,
}

impl<'a> Window<'a> {
    pub(crate) fn new(bytes: &'a Bytes) -> Self {
        Self {
            bytes,
            touched: 0..0,
        }
    }

    /// The bytes of `range`, releasing earlier ones if both together are more than a piece.
    pub(crate) fn get(&mut self, range: Range<usize>) -> &'a [u8] {
        let both = self.touched.start.min(range.start)..self.touched.end.max(range.end);
        if self.touched.is_empty() {
            self.touched = range.clone();
        } else if both.len() > PIECE {
            self.bytes.release(self.touched.clone());
            self.touched = range.clone();
        } else {
            self.touched = both;
        }
        &self.bytes[range]
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        self.bytes.release(self.touched.clone());
    }
}
