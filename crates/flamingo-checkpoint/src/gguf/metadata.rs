//! What a file says about its model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{GgufValue, MAGIC, header};
use crate::mapped::Bytes;
use crate::{Error, Result};

/// The metadata of a GGUF file: values by keys such as `general.architecture`.
#[derive(Debug, Clone)]
pub struct GgufMetadata {
    path: PathBuf,
    values: BTreeMap<String, GgufValue>,
}

impl GgufMetadata {
    /// Reads the metadata of a file; none if it is no GGUF file.
    ///
    /// # Errors
    /// If the file cannot be opened, or is a GGUF file that is damaged or of another version.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        let bytes = Bytes::open(path)?;
        if !bytes.starts_with(MAGIC) {
            return Ok(None);
        }
        let (values, _, input) = header::metadata(&bytes).map_err(|fault| fault.in_file(path))?;
        bytes.release(0..input.at);
        Ok(Some(Self {
            path: path.to_path_buf(),
            values,
        }))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A value by its key.
    pub fn get(&self, key: &str) -> Option<&GgufValue> {
        self.values.get(key)
    }

    /// All keys with their values, in order of the alphabet.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &GgufValue)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// A text; none if the key is not there.
    ///
    /// # Errors
    /// If its value is no text.
    pub fn text(&self, key: &str) -> Result<Option<&str>> {
        self.typed(key, "a text", GgufValue::as_text)
    }

    /// A whole number that is not negative; none if the key is not there.
    ///
    /// # Errors
    /// If its value is something else.
    pub fn count(&self, key: &str) -> Result<Option<usize>> {
        self.typed(key, "a whole number", GgufValue::as_count)
    }

    /// A number; none if the key is not there.
    ///
    /// # Errors
    /// If its value is no number.
    pub fn number(&self, key: &str) -> Result<Option<f64>> {
        self.typed(key, "a number", GgufValue::as_number)
    }

    /// True or false; none if the key is not there.
    ///
    /// # Errors
    /// If its value is something else.
    pub fn flag(&self, key: &str) -> Result<Option<bool>> {
        self.typed(key, "true or false", GgufValue::as_flag)
    }

    /// The texts of an array; none if the key is not there.
    ///
    /// # Errors
    /// If its value is no array of texts.
    pub fn texts(&self, key: &str) -> Result<Option<Vec<&str>>> {
        self.typed(key, "an array of texts", |value| {
            value.as_array()?.iter().map(GgufValue::as_text).collect()
        })
    }

    /// The numbers of an array; none if the key is not there.
    ///
    /// # Errors
    /// If its value is no array of numbers.
    pub fn numbers(&self, key: &str) -> Result<Option<Vec<f64>>> {
        self.typed(key, "an array of numbers", |value| {
            value.as_array()?.iter().map(GgufValue::as_number).collect()
        })
    }

    /// An error that names the file.
    pub fn wrong(&self, reason: impl ToString) -> Error {
        Error::malformed(&self.path, reason)
    }

    fn typed<'a, T>(
        &'a self,
        key: &str,
        wanted: &str,
        read: impl FnOnce(&'a GgufValue) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let read = read(value);
        if read.is_some() {
            return Ok(read);
        }
        let shown: String = format!("{value:?}").chars().take(60).collect();
        Err(self.wrong(format!(
            "`{key}` is {shown}, it must be {wanted}: make the file again"
        )))
    }
}
