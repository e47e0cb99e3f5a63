//! Where a closure writes a tensor: it counts the bytes, and takes their checksum.

use std::io::{self, Write};
use std::path::Path;

use super::Entry;
use crate::{Error, Result};

/// What fills the tensor of the given index.
pub(super) type Fill<'a> = dyn FnMut(usize, &mut dyn Write) -> Result<()> + 'a;

pub(super) struct Sink<'a> {
    to: &'a mut dyn Write,
    /// How many bytes may still come.
    left: usize,
    too_long: bool,
    checksum: crc32fast::Hasher,
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.left {
            self.too_long = true;
            return Err(io::Error::other("more bytes than the tensor has"));
        }
        let written = self.to.write(bytes)?;
        self.left -= written;
        self.checksum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Lets `fill` write tensor `index`, of `entry`, and gives the checksum of its bytes.
pub(super) fn fill_one(
    path: &Path,
    (index, entry): (usize, &Entry),
    to: &mut dyn Write,
    fill: &mut Fill<'_>,
) -> Result<u32> {
    let size = entry.bytes()?;
    let mut sink = Sink {
        to,
        left: size,
        too_long: false,
        checksum: crc32fast::Hasher::new(),
    };
    let filled = fill(index, &mut sink);
    let wanted = format!("of {:?} {} is {size} bytes", entry.shape, entry.dtype);
    if sink.too_long {
        return Err(Error::mismatch(
            &entry.name,
            format!("{wanted}, more were written: write it as its shape says"),
        ));
    }
    filled.map_err(|error| match error {
        Error::Fill(source) => Error::io("write", path)(source),
        other => other,
    })?;
    if sink.left != 0 {
        return Err(Error::mismatch(
            &entry.name,
            format!(
                "{wanted}, {} were written: write all of it",
                size - sink.left
            ),
        ));
    }
    Ok(sink.checksum.finalize())
}
