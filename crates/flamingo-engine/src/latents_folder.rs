//! Latents of pictures in files, so that another run need not encode them again.
//!
//! A file's name is a hash of the medium's content and of the model, and its content the XXH3 checksum
//! of what follows, then the latents, `[R, media width]`, in f32, all in little-endian. The model is known by what its encoder
//! and resampler make of one fixed picture, so that other weights, another precision or another
//! preprocessing never meet these files.

use std::path::PathBuf;

use flamingo_kernels::{Device, Tensor, floats};
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::xxh3_64;

use crate::looked::Hash;
use crate::{Error, Result};

/// Goes into every name: raised when the content of the files changes.
const VERSION: u32 = 2;

/// A folder of latents of one model.
pub(crate) struct LatentsFolder {
    folder: PathBuf,
    model: Hash,
    /// `[R, media width]`, of a picture of one tile.
    shape: [usize; 2],
    /// Most tiles of a picture.
    tiles: usize,
}

impl LatentsFolder {
    /// The part of `folder` that is of the model which makes the latents `probe`, `[1, R, width]`, of
    /// the fixed picture; `latents` of them are of one tile, of which a picture has at most `tiles`.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub(crate) fn open(
        folder: PathBuf,
        probe: Tensor<3>,
        latents: usize,
        tiles: usize,
    ) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| {
            Error::Media(format!(
                "cannot create the folder of latents {}: {error}: choose another one",
                folder.display()
            ))
        };
        std::fs::create_dir_all(&folder).map_err(|error| failed(&error))?;
        // What killed processes left.
        flamingo_files::sweep(&folder).map_err(|error| failed(&error))?;
        let [_, _, width] = probe.dims();
        let mut hasher = Sha256::new();
        hasher.update(VERSION.to_le_bytes());
        hasher.update(probe.into_data().as_bytes());
        Ok(Self {
            folder,
            model: hasher.finalize().into(),
            shape: [latents, width],
            tiles,
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
        self.folder.join(format!("{name}.latents"))
    }

    /// Latents of a medium, `[1, R, width]`; none if they are not there, or the file is damaged.
    pub(crate) fn read(&self, medium: &Hash, device: &Device) -> Option<Tensor<3>> {
        let file = std::fs::read(self.path(medium)).ok()?;
        let (checksum, bytes) = file.split_first_chunk()?;
        let [latents, width] = self.shape;
        let values: Vec<f32> = bytes
            .as_chunks()
            .0
            .iter()
            .map(|value| f32::from_le_bytes(*value))
            .collect();
        let of_tile = 4 * latents * width;
        let tiles = bytes.len() / of_tile;
        let is_whole = bytes.len() == tiles * of_tile
            && (1..=self.tiles).contains(&tiles)
            && xxh3_64(bytes) == u64::from_le_bytes(*checksum);
        is_whole.then(|| floats(values, [1, tiles * latents, width], device))
    }

    /// Keeps latents of a medium, `[1, R, width]`.
    ///
    /// # Errors
    /// If the file cannot be written; nothing of it stays behind then.
    pub(crate) fn write(&self, medium: &Hash, latents: Tensor<3>) -> Result<()> {
        let values: Vec<f32> = latents
            .into_data()
            .convert::<f32>()
            .try_into_vec()
            .expect("converted to f32");
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let file = [&xxh3_64(&bytes).to_le_bytes()[..], &bytes].concat();
        Ok(flamingo_files::write(&self.path(medium), &file)?)
    }
}
