//! Boxes: a size, four letters, a body.

use std::io::{self, Read};

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error("its index (the box `moov`) is missing, as in a recording that was not finished")]
    NoIndex,
    #[error("its index has {0} bytes, more than can be read")]
    Large(u64),
    #[error("its box `{0}` is damaged")]
    Bad(&'static str),
    #[error("a box of it reaches beyond the one that it lies in")]
    Torn,
}

/// The first bytes of a box.
pub(super) struct BoxHead {
    pub(super) kind: [u8; 4],
    /// Bytes of the whole box.
    pub(super) size: u64,
    /// Bytes before its body.
    pub(super) head: u64,
}

impl BoxHead {
    /// Reads it where `rest` bytes are left.
    pub(super) fn read(file: &mut impl Read, rest: u64) -> Result<Self, Fault> {
        let mut bytes = [0; 8];
        file.read_exact(&mut bytes)?;
        let [a, b, c, d, kind @ ..] = bytes;
        let (size, head) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (rest, 8),
            1 => {
                let mut wide = [0; 8];
                file.read_exact(&mut wide)?;
                (u64::from_be_bytes(wide), 16)
            }
            size => (size.into(), 8),
        };
        if size < head {
            return Err(Fault::Torn);
        }
        Ok(Self { kind, size, head })
    }
}

/// The boxes in a body, one after the other.
pub(super) fn boxes(mut body: &[u8]) -> impl Iterator<Item = Result<([u8; 4], &[u8]), Fault>> {
    std::iter::from_fn(move || {
        // Some writers end a list of boxes with four zeros.
        if body.len() < 8 {
            return None;
        }
        let mut rest = body;
        let taken = BoxHead::read(&mut rest, body.len() as u64).and_then(|head| {
            let size = usize::try_from(head.size)
                .ok()
                .filter(|size| *size <= body.len());
            let size = size.ok_or(Fault::Torn)?;
            let inside = &body[head.head as usize..size];
            body = &body[size..];
            Ok((head.kind, inside))
        });
        if taken.is_err() {
            body = &[];
        }
        Some(taken)
    })
}

/// The first box of a kind in a body.
pub(super) fn find<'a>(body: &'a [u8], kind: &[u8; 4]) -> Result<Option<&'a [u8]>, Fault> {
    for inside in boxes(body) {
        let (found, inside) = inside?;
        if found == *kind {
            return Ok(Some(inside));
        }
    }
    Ok(None)
}

/// Numbers of a body, from the first; none once it has ended.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    /// Those behind a version and flags, with both.
    pub(super) fn of_full_box(body: &'a [u8]) -> Option<(u8, u32, Self)> {
        let mut fields = Self(body);
        let word = fields.u32()?;
        Some(((word >> 24) as u8, word & 0xFF_FFFF, fields))
    }

    pub(super) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(super) fn skip(&mut self, bytes: usize) -> Option<()> {
        self.0 = self.0.get(bytes..)?;
        Some(())
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> Option<i32> {
        self.take().map(i32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    /// A number that is 64 bits wide in version 1 and 32 before.
    pub(super) fn sized(&mut self, version: u8) -> Option<u64> {
        match version {
            1 => self.u64(),
            _ => self.u32().map(u64::from),
        }
    }
}
