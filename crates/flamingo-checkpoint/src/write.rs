//! Writing tensors into a new file: one after the other, whole or not at all.

mod safetensors;
mod sink;
mod torch;
mod zip;

pub use safetensors::write_safetensors;
pub use torch::write_torch;

use std::collections::HashSet;
use std::path::Path;

use crate::tensor::{MAX_NAME, MAX_TENSORS, check_axes};
use crate::{Dtype, Error, Result, layout};

/// A tensor to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What its elements are.
    pub dtype: Dtype,
    /// The lengths of its axes.
    pub shape: Vec<usize>,
}

impl Entry {
    /// A tensor `name` of `shape`.
    pub fn new(name: impl Into<String>, dtype: Dtype, shape: impl Into<Vec<usize>>) -> Self {
        Self {
            name: name.into(),
            dtype,
            shape: shape.into(),
        }
    }

    /// Its elements.
    ///
    /// # Errors
    /// If they are more than a program can count.
    pub fn elements(&self) -> Result<usize> {
        layout::elements(&self.shape).ok_or_else(|| self.too_large())
    }

    /// The bytes of its elements.
    ///
    /// # Errors
    /// If they are more than a program can count.
    pub fn bytes(&self) -> Result<usize> {
        let bytes = self.elements()?.checked_mul(self.dtype.bytes());
        bytes
            .filter(|&bytes| i64::try_from(bytes).is_ok())
            .ok_or_else(|| self.too_large())
    }

    fn too_large(&self) -> Error {
        Error::mismatch(
            &self.name,
            format!(
                "of shape {:?} is larger than any file: check the shape",
                self.shape
            ),
        )
    }
}

/// What both formats ask of their entries, and what this crate can read back.
fn check_entries(path: &Path, entries: &[Entry]) -> Result<()> {
    if entries.len() > MAX_TENSORS {
        return Err(Error::malformed(
            path,
            format!(
                "it would have {} tensors, at most {MAX_TENSORS} are read back: split it",
                entries.len()
            ),
        ));
    }
    let mut names = HashSet::new();
    for entry in entries {
        entry.bytes()?;
        check_axes(&entry.name, entry.shape.len()).map_err(|what| Error::malformed(path, what))?;
        if entry.name == "__metadata__" || entry.name.len() > MAX_NAME {
            return Err(Error::mismatch(
                &entry.name,
                "has a name that no file can hold: rename it",
            ));
        }
        if !names.insert(&entry.name) {
            return Err(Error::mismatch(
                &entry.name,
                "is to be written twice: leave one out",
            ));
        }
    }
    Ok(())
}
