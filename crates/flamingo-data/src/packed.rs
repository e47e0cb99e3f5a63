//! Files that are compressed as a whole, told by their first bytes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use tempfile::NamedTempFile;

use crate::{Error, Result};

/// What else files are compressed with; these are named, not read.
const OTHERS: [(&[u8], &str, &str); 3] = [
    (b"\xfd7zXZ\0", "xz", "xz -d"),
    (b"BZh", "bzip2", "bzip2 -d"),
    (b"\x04\x22\x4d\x18", "lz4", "lz4 -d"),
];

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
}

/// The file's text, unpacked while it is read if it is compressed with gzip or zstd.
///
/// # Errors
/// [`Error::Read`] if it cannot be read, [`Error::Nothing`] if it is compressed in another way.
pub(crate) fn reader(path: &Path) -> Result<Box<dyn BufRead>> {
    let (file, packing) = open(path)?;
    Ok(match packing {
        Packing::Plain => Box::new(file),
        packing => Box::new(BufReader::new(unpacker(path, file, packing)?)),
    })
}

/// Unpacks a file that is compressed with gzip or zstd into a temporary one; none if it is not compressed.
///
/// # Errors
/// As [`reader`]. A file that ends too early is no error: its beginning is unpacked.
pub(crate) fn unpack(path: &Path) -> Result<Option<NamedTempFile>> {
    let (file, packing) = open(path)?;
    if packing == Packing::Plain {
        return Ok(None);
    }
    let mut unpacked = NamedTempFile::new().map_err(Error::read(&std::env::temp_dir()))?;
    match io::copy(&mut unpacker(path, file, packing)?, &mut unpacked) {
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(Error::read(path)(error)),
        _ => Ok(Some(unpacked)),
    }
}

/// Whether the file is compressed, so that nothing in it has a place of its own.
///
/// # Errors
/// As [`reader`].
pub(crate) fn is_packed(path: &Path) -> Result<bool> {
    Ok(open(path)?.1 != Packing::Plain)
}

fn unpacker(path: &Path, file: BufReader<File>, packing: Packing) -> Result<Box<dyn Read>> {
    Ok(match packing {
        Packing::Zstd => {
            Box::new(zstd::stream::read::Decoder::with_buffer(file).map_err(Error::read(path))?)
        }
        Packing::Plain | Packing::Gzip => Box::new(MultiGzDecoder::new(file)),
    })
}

/// The file from its beginning, and how it is compressed.
fn open(path: &Path) -> Result<(BufReader<File>, Packing)> {
    let mut file = File::open(path).map_err(Error::read(path))?;
    let mut start = Vec::new();
    let read = file.by_ref().take(8).read_to_end(&mut start);
    read.and_then(|_| file.rewind())
        .map_err(Error::read(path))?;
    if let Some((_, kind, command)) = OTHERS.iter().find(|(magic, ..)| start.starts_with(magic)) {
        return Err(Error::Nothing {
            path: path.to_path_buf(),
            problem: format!(
                "it is compressed with {kind}, only gzip and zstd are read: unpack it first ({command})"
            ),
        });
    }
    let packing = match start.as_slice() {
        [0x1f, 0x8b, ..] => Packing::Gzip,
        // A frame, or one to be passed over, with which parallel compressors begin.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Packing::Zstd,
        _ => Packing::Plain,
    };
    Ok((BufReader::new(file), packing))
}
