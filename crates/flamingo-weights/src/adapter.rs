//! What was trained of a finished model, in a small file beside it: the tensors that another training has changed, and
//! what LoRA has learnt, over a base that is named by the hash of its weights.
//!
//! It is a safetensors file. Its metadata has one key, `flamingo_adapter`, which holds [`AdapterHeader`] as JSON. A tensor
//! takes the place of the base's of that name; `X.lora.a` and `X.lora.b` stand beside the matrix of the linear layer `X`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flamingo_checkpoint::{Entry, safetensors_metadata, write_safetensors};
use flamingo_kernels::{LoraConfig, Precision};
use serde::{Deserialize, Serialize};

use crate::folded::is_lora;
use crate::peers::Opened;
use crate::tensors::{narrow, stored_type};
use crate::{Error, NamedTensor, Result, Tensors};

/// The format that adapters are written in, and the newest that is read.
pub const ADAPTER_VERSION: u32 = 1;

/// The key of the metadata.
const KEY: &str = "flamingo_adapter";

/// What an adapter says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdapterHeader {
    /// [`ADAPTER_VERSION`] of the program that wrote it.
    pub version: u32,
    /// The model that it was trained over.
    pub base: AdapterBase,
    /// The size of LoRA's changes, if it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lora: Option<LoraConfig>,
}

/// The model that an adapter was trained over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdapterBase {
    /// What it was called, for people.
    pub name: String,
    /// [`Tensors::fingerprint`].
    pub fingerprint: String,
}

/// An adapter whose header was read.
pub struct Adapter {
    /// Where it lies.
    pub path: PathBuf,
    /// What it says of itself.
    pub header: AdapterHeader,
    /// Its tensors.
    pub tensors: Tensors,
}

impl Adapter {
    /// Whether a file is an adapter.
    pub fn is_one(path: &Path) -> bool {
        path.is_file() && safetensors_metadata(path).is_ok_and(|data| data.contains_key(KEY))
    }

    /// Opens a file.
    ///
    /// # Errors
    /// If it cannot be read, is no adapter, or is of a newer version.
    pub fn open(path: &Path) -> Result<Self> {
        let metadata = safetensors_metadata(path)?;
        let json = metadata.get(KEY).ok_or_else(|| {
            Error::malformed(
                path,
                "it is no adapter, as a fine-tuning writes them: its metadata has no `flamingo_adapter`",
            )
        })?;
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let malformed = |error: serde_json::Error| Error::malformed(path, error);
        let Versioned { version } = serde_json::from_str(json).map_err(malformed)?;
        if version > ADAPTER_VERSION {
            return Err(Error::Version {
                path: path.to_path_buf(),
                found: version,
                known: ADAPTER_VERSION,
            });
        }
        Ok(Self {
            path: path.to_path_buf(),
            header: serde_json::from_str(json).map_err(malformed)?,
            tensors: Tensors::open(&[path.to_path_buf()])?,
        })
    }

    /// Writes a file, whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(
        path: &Path,
        header: &AdapterHeader,
        tensors: &[NamedTensor],
        precision: Precision,
    ) -> Result<()> {
        let json = serde_json::to_string(header).expect("a header is plain data");
        let metadata = BTreeMap::from([(KEY.to_owned(), json)]);
        let dtype = stored_type(precision);
        let entries: Vec<Entry> = tensors
            .iter()
            .map(|tensor| Entry::new(&tensor.name, dtype, &tensor.shape[..]))
            .collect();
        let fill = &mut |index: usize, out: &mut dyn std::io::Write| {
            out.write_all(&narrow(&tensors[index].values, precision))?;
            Ok(())
        };
        Ok(write_safetensors(path, &entries, Some(&metadata), fill)?)
    }

    /// The base with the adapter over it.
    ///
    /// # Errors
    /// [`Error::AnotherBase`] if the model is another one than the adapter was trained over; if a tensor takes the place
    /// of none.
    pub(crate) fn lay_over(self, mut opened: Opened) -> Result<Opened> {
        opened.report.check()?;
        let found = opened.tensors.fingerprint()?;
        let AdapterBase { name, fingerprint } = self.header.base;
        if found != fingerprint {
            return Err(Error::AnotherBase {
                adapter: self.path,
                name,
                wanted: fingerprint,
                found,
            });
        }
        opened.tensors.replace(self.tensors, &is_lora)?;
        opened.lora = self.header.lora;
        Ok(opened)
    }
}

impl Opened {
    /// The model with what LoRA has learnt added to its matrices.
    ///
    /// # Errors
    /// If it does not fit them.
    pub fn merged(mut self) -> Result<Self> {
        if let Some(lora) = self.lora.take() {
            self.tensors.fold(&lora)?;
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests;
