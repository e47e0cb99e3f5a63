//! A case on disk.

use std::path::{Path, PathBuf};

use flamingo_checkpoint::Checkpoint;
use serde_json::Value;

use crate::{Array, Error, Result};

/// A case.
pub struct Case {
    /// Its directory.
    pub directory: PathBuf,
    inputs: Option<Checkpoint>,
    pub(crate) expected: Option<Checkpoint>,
    pub(crate) json: Value,
}

/// The largest `expected.json`, in bytes.
const MOST: u64 = 256 << 20;

impl Case {
    /// Opens what files there are.
    ///
    /// # Errors
    /// If one is damaged.
    pub fn open(directory: &Path) -> Result<Self> {
        if !directory.is_dir() {
            return Err(Error::case(directory, "it is no directory of a case"));
        }
        let json = directory.join("expected.json");
        let json = match json.is_file() {
            true => read_json(&json)?,
            false => Value::Null,
        };
        Ok(Self {
            directory: directory.to_path_buf(),
            inputs: open(directory, "inputs.safetensors")?,
            expected: open(directory, "expected.safetensors")?,
            json,
        })
    }

    /// A further file of tensors.
    pub(crate) fn file(&self, name: &str) -> Result<Option<Checkpoint>> {
        open(&self.directory, name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.directory.join(name).is_file()
    }

    fn inputs(&self) -> Result<&Checkpoint> {
        self.inputs
            .as_ref()
            .ok_or_else(|| Error::case(&self.directory, "it has no inputs.safetensors"))
    }

    /// Whether there is an input of that name.
    pub(crate) fn has_input(&self, name: &str) -> bool {
        self.inputs
            .as_ref()
            .is_some_and(|inputs| inputs.info(name).is_some())
    }

    pub(crate) fn input(&self, name: &str) -> Result<Array> {
        array(self.inputs()?, name)
    }

    /// Rows of integers.
    pub(crate) fn integers(&self, name: &str) -> Result<Rows> {
        let inputs = self.inputs()?;
        let shape = shape(inputs, name)?;
        let [rows, width] = shape[..] else {
            return Err(Error::case(
                &self.directory,
                format!("`{name}` has {} axes, rows of integers have 2", shape.len()),
            ));
        };
        let mut values = vec![0i64; rows * width];
        inputs.read(name, 0..rows * width, &mut values)?;
        Ok(Rows { width, values })
    }

    /// The bytes of a picture, `[h, w, 3]`.
    pub(crate) fn picture(
        &self,
        file: Option<&Checkpoint>,
        name: &str,
    ) -> Result<flamingo_image::Image> {
        let file = match file {
            Some(file) => file,
            None => self.inputs()?,
        };
        let shape = shape(file, name)?;
        let [height, width, 3] = shape[..] else {
            return Err(Error::case(
                &self.directory,
                format!("`{name}` is {shape:?}, no picture"),
            ));
        };
        let mut values = vec![0i64; height * width * 3];
        file.read(name, 0..values.len(), &mut values)?;
        let rgb: Vec<u8> = values.into_iter().map(|v| v as u8).collect();
        Ok(flamingo_image::Image {
            width: width as u32,
            height: height as u32,
            rgb,
        })
    }

    /// Tensors with any number of axes, as integers; masks are 0 and 1.
    pub(crate) fn mask(&self, name: &str) -> Result<Array> {
        let inputs = self.inputs()?;
        let shape = shape(inputs, name)?;
        let mut values = vec![0i64; shape.iter().product()];
        inputs.read(name, 0..values.len(), &mut values)?;
        Ok(Array::new(
            shape,
            values.into_iter().map(|v| v as f32).collect(),
        ))
    }

    /// A value of `expected.json` by a path of keys.
    pub(crate) fn said(&self, path: &str) -> Option<&Value> {
        let found = path
            .split('/')
            .try_fold(&self.json, |value, key| value.get(key));
        found.filter(|value| !value.is_null())
    }

    /// Major and minor version of the transformers that the case was made with, if it tells.
    pub(crate) fn transformers(&self) -> Option<(u32, u32)> {
        transformers(self.said("peer")?.as_str()?)
    }
}

fn transformers(peer: &str) -> Option<(u32, u32)> {
    let mut words = peer.split([' ', ',']);
    words.find(|word| *word == "transformers")?;
    let mut numbers = words.next()?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Rows of integers.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    pub(crate) width: usize,
    pub(crate) values: Vec<i64>,
}

impl Rows {
    pub(crate) fn rows(&self) -> impl ExactSizeIterator<Item = &[i64]> {
        self.values.chunks(self.width.max(1))
    }
}

pub(crate) fn shape(file: &Checkpoint, name: &str) -> Result<Vec<usize>> {
    let info = file.info(name).map(|info| info.shape.clone());
    let missing = || flamingo_checkpoint::Error::Missing {
        name: name.to_owned(),
        files: "the case".to_owned(),
    };
    Ok(info.ok_or_else(missing)?)
}

pub(crate) fn array(file: &Checkpoint, name: &str) -> Result<Array> {
    let shape = shape(file, name)?;
    let mut values = vec![0f32; shape.iter().product()];
    file.read(name, 0..values.len(), &mut values)?;
    Ok(Array::new(shape, values))
}

fn open(directory: &Path, name: &str) -> Result<Option<Checkpoint>> {
    let path = directory.join(name);
    match path.is_file() {
        true => Ok(Some(Checkpoint::open(&[path])?)),
        false => Ok(None),
    }
}

fn read_json(path: &Path) -> Result<Value> {
    let wrong = |error: std::io::Error| Error::case(path, error);
    let size = std::fs::metadata(path).map_err(wrong)?.len();
    if size > MOST {
        return Err(Error::case(
            path,
            format!("it has {size} bytes, at most {MOST} are read"),
        ));
    }
    let bytes = std::fs::read(path).map_err(wrong)?;
    serde_json::from_slice(&bytes).map_err(|error| Error::case(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_transformers_is_found_in_the_peers_name() {
        let found = [
            "open_flamingo 2.0.1, transformers 4.35.2",
            "transformers 4.45.2 idefics",
            "open_flamingo 2.0.1",
            "transformers",
        ];
        let versions = [Some((4, 35)), Some((4, 45)), None, None];
        assert_eq!(found.map(transformers), versions);
    }
}
