//! Latents of pictures in files, so that another run need not encode them again.
//!
//! A file's name is a hash of the medium's content and of the model, and its content a safetensors
//! file with one tensor `latents`, `[R, media width]`, in f32. The model is known by what its encoder
//! and resampler make of one fixed picture, so that other weights, another precision or another
//! preprocessing never meet these files.

use std::path::PathBuf;

use flamingo_kernels::{Device, Precision, Tensor, floats};
use flamingo_weights::{NamedTensor, Tensors, write_tensors};
use sha2::{Digest, Sha256};

use crate::looked::Hash;
use crate::{Error, Result};

const NAME: &str = "latents";

/// Goes into every name: raised when the content of the files changes.
const VERSION: u32 = 1;

/// A folder of latents of one model.
pub(crate) struct LatentsFolder {
    folder: PathBuf,
    model: Hash,
    /// `[R, media width]`.
    shape: [usize; 2],
}

impl LatentsFolder {
    /// The part of `folder` that is of the model which makes the latents `probe`, `[1, R, width]`, of
    /// the fixed picture.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub(crate) fn open(folder: PathBuf, probe: Tensor<3>) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| {
            Error::Media(format!(
                "cannot create the folder of latents {}: {error}: choose another one",
                folder.display()
            ))
        };
        std::fs::create_dir_all(&folder).map_err(|error| failed(&error))?;
        // What killed processes left.
        flamingo_files::sweep(&folder).map_err(|error| failed(&error))?;
        let [_, latents, width] = probe.dims();
        let mut hasher = Sha256::new();
        hasher.update(VERSION.to_le_bytes());
        hasher.update(probe.into_data().as_bytes());
        Ok(Self {
            folder,
            model: hasher.finalize().into(),
            shape: [latents, width],
        })
    }

    fn path(&self, medium: &Hash) -> PathBuf {
        let mut hasher = Sha256::new();
        hasher.update(self.model);
        hasher.update(medium);
        let name: String = hasher
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        self.folder.join(format!("{name}.safetensors"))
    }

    /// Latents of a medium, `[1, R, width]`; none if they are not there, or the file is damaged.
    pub(crate) fn read(&self, medium: &Hash, device: &Device) -> Option<Tensor<3>> {
        let path = self.path(medium);
        if !path.is_file() {
            return None;
        }
        let tensors = Tensors::open(&[path]).ok()?;
        if tensors.shape(NAME)? != self.shape {
            return None;
        }
        let [latents, width] = self.shape;
        let values = tensors.values(NAME).ok()?;
        Some(floats(values, [1, latents, width], device))
    }

    /// Keeps latents of a medium, `[1, R, width]`.
    ///
    /// # Errors
    /// If the file cannot be written; nothing of it stays behind then.
    pub(crate) fn write(&self, medium: &Hash, latents: Tensor<3>) -> Result<()> {
        let values = latents.into_data().convert::<f32>();
        let tensor = NamedTensor {
            name: NAME.to_owned(),
            shape: self.shape.to_vec(),
            values: values.try_into_vec().expect("converted to f32"),
        };
        Ok(write_tensors(
            &self.path(medium),
            &[tensor],
            Precision::F32,
        )?)
    }
}
