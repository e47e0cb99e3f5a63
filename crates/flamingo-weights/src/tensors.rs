//! Tensors in safetensors files, mapped from disk or held in the program.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flamingo_kernels::Precision;
use half::{bf16, f16};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::{Error, Result, write_atomically};

/// A tensor in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values, row-major.
    pub values: Vec<f32>,
}

enum Bytes {
    Mapped(memmap2::Mmap),
    Static(&'static [u8]),
}

impl std::ops::Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Mapped(map) => map,
            Bytes::Static(bytes) => bytes,
        }
    }
}

struct Entry {
    file: usize,
    dtype: Dtype,
    shape: Vec<usize>,
    range: std::ops::Range<usize>,
}

/// The tensors of one or more safetensors files, by name; values are read when asked for.
pub struct Tensors {
    files: Vec<(PathBuf, Bytes)>,
    entries: BTreeMap<String, Entry>,
}

impl Tensors {
    /// Maps files.
    ///
    /// # Errors
    /// If one cannot be opened, is no safetensors file, or repeats a name.
    pub fn open(paths: &[PathBuf]) -> Result<Self> {
        let mut tensors = Self {
            files: Vec::new(),
            entries: BTreeMap::new(),
        };
        for path in paths {
            let file = std::fs::File::open(path).map_err(Error::io("open", path))?;
            // SAFETY: the map is only read; a file changed by another program while we read it
            // gives wrong weights, as reading it in pieces would.
            let map = unsafe { memmap2::Mmap::map(&file) }.map_err(Error::io("map", path))?;
            tensors.add(path, Bytes::Mapped(map))?;
        }
        Ok(tensors)
    }

    /// Reads a file that is part of the program; `name` is for messages.
    ///
    /// # Errors
    /// If it is no safetensors file.
    pub fn embedded(name: &str, bytes: &'static [u8]) -> Result<Self> {
        let mut tensors = Self {
            files: Vec::new(),
            entries: BTreeMap::new(),
        };
        tensors.add(Path::new(name), Bytes::Static(bytes))?;
        Ok(tensors)
    }

    fn add(&mut self, path: &Path, bytes: Bytes) -> Result<()> {
        let hint = |e| format!("{e:?}: it is no safetensors file, or was cut off; copy it again");
        let parsed =
            SafeTensors::deserialize(&bytes).map_err(|e| Error::malformed(path, hint(e)))?;
        let start = bytes.as_ptr() as usize;
        for (name, view) in parsed.tensors() {
            let offset = view.data().as_ptr() as usize - start;
            let entry = Entry {
                file: self.files.len(),
                dtype: view.dtype(),
                shape: view.shape().to_vec(),
                range: offset..offset + view.data().len(),
            };
            if self.entries.insert(name.clone(), entry).is_some() {
                return Err(Error::malformed(
                    path,
                    format!("tensor `{name}` stands in two files"),
                ));
            }
        }
        self.files.push((path.to_path_buf(), bytes));
        Ok(())
    }

    /// The names, in order of the alphabet.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The shape of a tensor.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.entries.get(name).map(|entry| entry.shape.as_slice())
    }

    /// The values of a tensor, widened to f32.
    ///
    /// # Errors
    /// If there is no such tensor, or it does not hold floating-point numbers.
    pub fn values(&self, name: &str) -> Result<Vec<f32>> {
        let entry = self
            .entries
            .get(name)
            .ok_or_else(|| Error::Mismatch(format!("there is no tensor `{name}`")))?;
        let bytes = &self.files[entry.file].1[entry.range.clone()];
        let pairs = || bytes.as_chunks::<2>().0.iter().copied();
        match entry.dtype {
            Dtype::F32 => Ok(bytes
                .as_chunks::<4>()
                .0
                .iter()
                .copied()
                .map(f32::from_le_bytes)
                .collect()),
            Dtype::F16 => Ok(pairs().map(|b| f16::from_le_bytes(b).to_f32()).collect()),
            Dtype::BF16 => Ok(pairs().map(|b| bf16::from_le_bytes(b).to_f32()).collect()),
            other => Err(Error::Mismatch(format!(
                "`{name}` holds {other:?}, weights are F32, F16 or BF16: convert it"
            ))),
        }
    }
}

/// Writes tensors into one safetensors file, whole or not at all.
///
/// # Errors
/// If the file cannot be written.
pub fn write_tensors(path: &Path, tensors: &[NamedTensor], precision: Precision) -> Result<()> {
    let dtype = match precision {
        Precision::F32 => Dtype::F32,
        Precision::F16 => Dtype::F16,
        Precision::Bf16 => Dtype::BF16,
    };
    let data: Vec<_> = tensors
        .iter()
        .map(|tensor| narrow(&tensor.values, precision))
        .collect();
    let views = tensors
        .iter()
        .zip(&data)
        .map(|(tensor, data)| {
            let view = TensorView::new(dtype, tensor.shape.clone(), data)
                .map_err(|e| Error::malformed(path, format!("`{}`: {e:?}", tensor.name)))?;
            Ok((tensor.name.as_str(), view))
        })
        .collect::<Result<Vec<_>>>()?;
    let bytes = safetensors::serialize(views, None)
        .map_err(|e| Error::malformed(path, format!("{e:?}")))?;
    write_atomically(path, &bytes)
}

fn narrow(values: &[f32], precision: Precision) -> Cow<'_, [u8]> {
    let in_pairs = |to_bytes: fn(f32) -> [u8; 2]| {
        Cow::Owned(values.iter().flat_map(|&value| to_bytes(value)).collect())
    };
    match precision {
        Precision::F32 => Cow::Borrowed(bytemuck::cast_slice(values)),
        Precision::F16 => in_pairs(|value| f16::from_f32(value).to_le_bytes()),
        Precision::Bf16 => in_pairs(|value| bf16::from_f32(value).to_le_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor() -> NamedTensor {
        let values = (0..6).map(|i| i as f32 / 3.0 - 1.0).collect();
        NamedTensor {
            name: "a.weight".into(),
            shape: vec![2, 3],
            values,
        }
    }

    fn written(precision: Precision) -> Vec<f32> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("model.safetensors");
        write_tensors(&path, &[tensor()], precision).expect("written");
        let read = Tensors::open(&[path]).expect("opened");
        assert_eq!(read.shape("a.weight"), Some(&[2, 3][..]));
        read.values("a.weight").expect("values")
    }

    #[test]
    fn what_is_written_is_read_back_in_every_precision() {
        assert_eq!(written(Precision::F32), tensor().values);
        for (precision, step) in [(Precision::F16, 1e-3), (Precision::Bf16, 1e-2)] {
            for (a, b) in written(precision).iter().zip(tensor().values) {
                assert!((a - b).abs() <= step * b.abs(), "{precision:?} {a} {b}");
            }
        }
    }

    #[test]
    fn a_file_cut_off_anywhere_is_an_error_and_no_panic() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("model.safetensors");
        write_tensors(&path, &[tensor()], Precision::F32).expect("written");
        let whole = std::fs::read(&path).expect("read");
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).expect("cut");
            assert!(
                Tensors::open(std::slice::from_ref(&path)).is_err(),
                "{length} bytes"
            );
        }
    }
}
