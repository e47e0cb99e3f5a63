//! The bytes of a pickle, from the first to the last.

use crate::error::Fault;

pub(super) struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Whether the file goes on where the limit ends `bytes`.
    limited: bool,
}

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8], limit: usize) -> Self {
        Self {
            bytes: &bytes[..bytes.len().min(limit)],
            at: 0,
            limited: bytes.len() > limit,
        }
    }

    /// How many bytes have been read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn byte(&mut self) -> Result<u8, Fault> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// A length of `width` bytes, at most 8.
    pub(super) fn length(&mut self, width: usize) -> Result<usize, Fault> {
        let mut number = [0; 8];
        number[..width].copy_from_slice(self.take(width)?);
        Ok(usize::try_from(u64::from_le_bytes(number)).unwrap_or(usize::MAX))
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let end = self.at.checked_add(length);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        let taken = taken.ok_or_else(|| self.ends_early(length))?;
        self.at += length;
        Ok(taken)
    }

    /// Text up to the end of the line, which is read, too.
    pub(super) fn line(&mut self) -> Result<&'a str, Fault> {
        const LONGEST: usize = 1 << 10;
        let rest = &self.bytes[self.at..];
        let end = rest.iter().take(LONGEST).position(|&byte| byte == b'\n');
        let end = end.ok_or_else(|| self.wrong("a global without a name"))?;
        self.at += end + 1;
        std::str::from_utf8(&rest[..end]).map_err(|_| self.wrong("a global that is no text"))
    }

    fn ends_early(&self, length: usize) -> Fault {
        if self.limited {
            return Fault::new(format!(
                "its pickle is longer than {} bytes: save the weights alone with torch.save(model.state_dict(), path)",
                self.bytes.len()
            ));
        }
        Fault::new(format!(
            "its pickle wants {length} bytes at byte {} and ends at byte {}: it was cut off, copy it again",
            self.at,
            self.bytes.len()
        ))
    }

    pub(super) fn wrong(&self, what: &str) -> Fault {
        Fault::new(format!(
            "its pickle has {what} before byte {}: it is damaged, copy it again",
            self.at
        ))
    }

    /// An instruction that is none of ours, read just now.
    pub(super) fn unknown(&self, code: u8) -> Fault {
        Fault::new(format!(
            "its pickle has the instruction {:?} at byte {}, which weights do not need: it is damaged, or save it again with torch.save",
            char::from(code),
            self.at - 1
        ))
    }
}
