//! A case on disk.

use std::path::{Path, PathBuf};

use flamingo_checkpoint::Checkpoint;
use flamingo_model::Flamingo;
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

    /// Rows of token ids that `model` can read, and the mask of those that are no padding.
    ///
    /// # Errors
    /// If there are none, one is not in the vocabulary, the mask is of another shape or hides a
    /// whole row, or a row is too long.
    pub(crate) fn tokens(&self, ids: &str, mask: &str, model: &Flamingo) -> Result<(Rows, Rows)> {
        let wrong = |what: String| Err(Error::case(&self.directory, what));
        let (rows, masks) = (self.integers(ids)?, self.integers(mask)?);
        let [of_rows, of_masks] = [&rows, &masks].map(|rows| [rows.rows().len(), rows.width]);
        if of_rows != of_masks {
            return wrong(format!("`{ids}` is {of_rows:?}, `{mask}` {of_masks:?}"));
        }
        self.check_tokens(ids, &rows, model)?;
        let lengths = masks
            .rows()
            .map(|row| row.iter().filter(|&&m| m != 0).count());
        for (row, length) in lengths.enumerate() {
            if length == 0 {
                return wrong(format!("row {row} of `{mask}` hides all of its tokens"));
            }
            self.check_length(length, model)?;
        }
        Ok((rows, masks))
    }

    /// # Errors
    /// If there are none, or one is not in the vocabulary.
    pub(crate) fn check_tokens(&self, name: &str, rows: &Rows, model: &Flamingo) -> Result<()> {
        let ids = 0..model.config().language.vocabulary as i64;
        if rows.values.is_empty() {
            return Err(Error::case(&self.directory, format!("`{name}` is empty")));
        }
        match rows.values.iter().find(|id| !ids.contains(id)) {
            None => Ok(()),
            Some(id) => Err(Error::case(
                &self.directory,
                format!(
                    "`{name}` has token {id}, the model knows 0 to {}",
                    ids.end - 1
                ),
            )),
        }
    }

    /// # Errors
    /// If a text of that many tokens is longer than the model can read.
    pub(crate) fn check_length(&self, tokens: usize, model: &Flamingo) -> Result<()> {
        let most = model.language.max_length();
        if tokens <= most {
            return Ok(());
        }
        Err(Error::case(
            &self.directory,
            format!("it has a text of {tokens} tokens, the model reads at most {most}"),
        ))
    }

    /// # Errors
    /// If `shape`, that of pictures `[B, ..., 3, h, w]`, is not of `rows` texts, or they are not
    /// `size` wide and high.
    pub(crate) fn check_pictures(
        &self,
        name: &str,
        shape: &[usize],
        rows: usize,
        size: usize,
    ) -> Result<()> {
        let fits = shape.first() == Some(&rows) && shape.ends_with(&[3, size, size]);
        if fits && !shape.contains(&0) {
            return Ok(());
        }
        Err(Error::case(
            &self.directory,
            format!(
                "`{name}` is {shape:?}, not pictures of {size}x{size} for {rows} rows of tokens"
            ),
        ))
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
        flamingo_image::Image::new(width as u32, height as u32, rgb)
            .map_err(|error| Error::case(&self.directory, format!("`{name}`: {error}")))
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
        version_of("transformers", self.said("peer")?.as_str()?)
    }

    /// Major version of the Pillow that the case was made with, if it tells.
    pub(crate) fn pillow(&self) -> Option<u32> {
        Some(version_of("pillow", self.said("peer")?.as_str()?)?.0)
    }
}

/// Major and minor version of a library in the name of a peer.
fn version_of(library: &str, peer: &str) -> Option<(u32, u32)> {
    let mut words = peer.split([' ', ',']);
    words.find(|word| *word == library)?;
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
        assert_eq!(found.map(|peer| version_of("transformers", peer)), versions);
    }
}
