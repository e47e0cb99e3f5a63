//! Vectors in a file: 8 bytes that say what it is, what it was made of, its sizes, the vectors, and a checksum.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::Vectors;

/// Begins every file; its last byte is raised when the form changes.
const MAGIC: [u8; 8] = *b"rices\0\0\x02";
/// Bytes of a hash that stand in a file's name.
const NAMED: usize = 8;

/// A file of vectors: those of one tower and one list of examples. What is of others, or damaged, is as if it was not
/// there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VectorFile {
    path: PathBuf,
    /// Of the tower and the examples.
    made_of: [u8; 32],
}

impl VectorFile {
    /// The file in `folder` for what `name` calls, made by the tower `tower` of examples with this fingerprint.
    pub fn new(folder: &Path, name: &str, tower: &str, examples: &str) -> Self {
        let made_of: [u8; 32] = Sha256::digest(format!("{tower}\0{examples}")).into();
        let short: String = made_of[..NAMED]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            path: folder.join(format!("{name}-{short}.vectors")),
            made_of,
        }
    }

    /// The vectors, if they are there and whole.
    pub fn read(&self) -> Option<Vectors> {
        let bytes = fs::read(&self.path).ok()?;
        let (body, checksum) = bytes.split_last_chunk::<32>()?;
        if Sha256::digest(body)[..] != checksum[..] {
            return None;
        }
        let body = body.strip_prefix(&MAGIC)?;
        let (made_of, body) = body.split_first_chunk::<32>()?;
        let (width, body) = number(body)?;
        let (count, body) = number(body)?;
        let wanted = width.checked_mul(count)?.checked_mul(4)?;
        if *made_of != self.made_of || body.len() as u64 != wanted {
            return None;
        }
        let (values, _) = body.as_chunks::<4>();
        Some(Vectors {
            width: usize::try_from(width).ok()?,
            values: values
                .iter()
                .map(|value| f32::from_le_bytes(*value))
                .collect(),
        })
    }

    /// Keeps vectors.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, vectors: &Vectors) -> Result<(), flamingo_files::Error> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.made_of);
        for number in [vectors.width as u64, vectors.len() as u64] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(vectors.values.iter().flat_map(|value| value.to_le_bytes()));
        let checksum = Sha256::digest(&bytes);
        bytes.extend(checksum);
        flamingo_files::write(&self.path, &bytes)
    }
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<8>()?;
    Some((u64::from_le_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn vectors_are_read_as_they_were_written_and_damage_or_another_tower_is_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = VectorFile::new(folder.path(), "supports", "tower", "examples");
        let mut vectors = Vectors::default();
        for row in 0..7 {
            vectors.push(&[3.0, row as f32, 0.5]).unwrap();
        }
        assert_eq!(file.read(), None);
        file.write(&vectors).unwrap();
        assert_eq!(file.read(), Some(vectors.clone()));
        let other = VectorFile::new(folder.path(), "supports", "other", "examples");
        assert_eq!(other.read(), None);
        let whole = fs::read(&file.path).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&file.path, damaged).unwrap();
            assert_eq!(file.read(), None, "byte {at}");
            fs::write(&file.path, &whole[..at]).unwrap();
            assert_eq!(file.read(), None, "cut at {at}");
        }
        assert!(vectors.push(&[1.0]).is_err());
    }
}
