//! Files that are compressed as a whole, told by their first bytes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use tempfile::NamedTempFile;

use crate::{Error, Result};

/// What else files are compressed with; these are named, not read.
const OTHERS: [(&[u8], &str, &str); 3] = [
    (b"\x28\xb5\x2f\xfd", "zstd", "zstd -d"),
    (b"\xfd7zXZ\0", "xz", "xz -d"),
    (b"BZh", "bzip2", "bzip2 -d"),
];

/// The file's text, unpacked while it is read if it is compressed with gzip.
///
/// # Errors
/// [`Error::Read`] if it cannot be read, [`Error::Nothing`] if it is compressed in another way.
pub(crate) fn reader(path: &Path) -> Result<Box<dyn BufRead>> {
    let (file, compressed) = open(path)?;
    Ok(match compressed {
        true => Box::new(BufReader::new(MultiGzDecoder::new(file))),
        false => Box::new(BufReader::new(file)),
    })
}

/// Unpacks a file that is compressed with gzip into a temporary one; none if it is not compressed.
///
/// # Errors
/// As [`reader`]. A file that ends too early is no error: its beginning is unpacked.
pub(crate) fn unpack(path: &Path) -> Result<Option<NamedTempFile>> {
    let (file, compressed) = open(path)?;
    if !compressed {
        return Ok(None);
    }
    let mut unpacked = NamedTempFile::new().map_err(Error::read(&std::env::temp_dir()))?;
    match io::copy(&mut MultiGzDecoder::new(file), &mut unpacked) {
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(Error::read(path)(error)),
        _ => Ok(Some(unpacked)),
    }
}

/// The file from its beginning, and whether it is compressed with gzip.
fn open(path: &Path) -> Result<(BufReader<File>, bool)> {
    let mut file = File::open(path).map_err(Error::read(path))?;
    let mut start = Vec::new();
    let read = file.by_ref().take(8).read_to_end(&mut start);
    read.and_then(|_| file.rewind())
        .map_err(Error::read(path))?;
    if let Some((_, kind, command)) = OTHERS.iter().find(|(magic, ..)| start.starts_with(magic)) {
        return Err(Error::Nothing {
            path: path.to_path_buf(),
            problem: format!(
                "it is compressed with {kind}, only gzip is read: unpack it first ({command})"
            ),
        });
    }
    Ok((BufReader::new(file), start.starts_with(b"\x1f\x8b")))
}
