//! Several files as one set of tensors.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;

use crate::mapped::Bytes;
use crate::recognise::read_file;
use crate::tensor::TensorInfo;
use crate::{Error, Result};

/// What becomes of a name that a second file repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeats {
    Refused,
    Replace,
}

#[derive(Default)]
pub(crate) struct Files {
    pub(crate) files: Vec<(PathBuf, Bytes)>,
    pub(crate) tensors: BTreeMap<String, TensorInfo>,
}

impl Files {
    pub(crate) fn add(&mut self, path: PathBuf, bytes: Bytes, repeats: Repeats) -> Result<()> {
        let found = read_file(&bytes).map_err(|fault| fault.in_file(&path))?;
        bytes.release(0..bytes.len());
        for (name, placed) in found {
            let info = TensorInfo::new(placed, self.files.len());
            match self.tensors.entry(name) {
                Entry::Vacant(free) => {
                    free.insert(info);
                }
                Entry::Occupied(mut taken) if repeats == Repeats::Replace => {
                    taken.insert(info);
                }
                Entry::Occupied(taken) => {
                    return Err(Error::Repeated {
                        name: taken.key().clone(),
                        first: self.files[taken.get().storage.file].0.clone(),
                        second: path,
                    });
                }
            }
        }
        self.files.push((path, bytes));
        Ok(())
    }

    pub(crate) fn describe(&self) -> String {
        match self.files.as_slice() {
            [] => "no file".to_string(),
            [(path, _)] => path.display().to_string(),
            [(path, _), others @ ..] => {
                format!("{} and {} more files", path.display(), others.len())
            }
        }
    }
}
