//! A published `config.json`, read key by key with errors that name the file and the key.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{Error, Result};

/// The largest configuration that is read, in bytes.
const MOST: u64 = 4 << 20;

/// A JSON object and the file that it came from.
#[derive(Debug, Clone)]
pub(crate) struct Json {
    pub(crate) path: PathBuf,
    /// Where the object is inside the file, for messages: `vision_config.` or nothing.
    place: String,
    value: Value,
}

impl Json {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let size = std::fs::metadata(path)
            .map_err(Error::io("read", path))?
            .len();
        if size > MOST {
            return Err(Error::malformed(
                path,
                format!("it has {size} bytes, a configuration at most {MOST}: is it another file?"),
            ));
        }
        let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|e| Error::malformed(path, e))?;
        if !value.is_object() {
            return Err(Error::malformed(path, "it holds no JSON object"));
        }
        Ok(Self {
            path: path.to_path_buf(),
            place: String::new(),
            value,
        })
    }

    /// An object that was made here.
    pub(crate) fn made(value: Value) -> Self {
        Self {
            path: "config.json".into(),
            place: String::new(),
            value,
        }
    }

    /// An error about this file.
    pub(crate) fn wrong(&self, what: impl std::fmt::Display) -> Error {
        Error::malformed(&self.path, what)
    }

    fn found(&self, key: &str) -> Option<&Value> {
        self.value.get(key).filter(|value| !value.is_null())
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.found(key).is_some()
    }

    /// An object inside this one; an empty one if it is not there.
    pub(crate) fn object(&self, key: &str) -> Result<Self> {
        let value = match self.found(key) {
            None => Value::Object(serde_json::Map::new()),
            Some(value) if value.is_object() => value.clone(),
            Some(other) => return Err(self.unfit(key, other, "an object")),
        };
        Ok(Self {
            path: self.path.clone(),
            place: format!("{}{key}.", self.place),
            value,
        })
    }

    fn unfit(&self, key: &str, found: &Value, wanted: &str) -> Error {
        let mut found = found.to_string();
        if found.len() > 60 {
            found = format!("{}...", found.chars().take(60).collect::<String>());
        }
        self.wrong(format!("`{}{key}` is {found}, not {wanted}", self.place))
    }

    /// A whole number of at least 1 that fits a model.
    pub(crate) fn count(&self, key: &str) -> Result<usize> {
        match self.count_or_none(key)? {
            Some(count) => Ok(count),
            None => Err(self.wrong(format!("`{}{key}` is missing", self.place))),
        }
    }

    pub(crate) fn count_or(&self, key: &str, default: usize) -> Result<usize> {
        Ok(self.count_or_none(key)?.unwrap_or(default))
    }

    pub(crate) fn count_or_none(&self, key: &str) -> Result<Option<usize>> {
        let Some(value) = self.found(key) else {
            return Ok(None);
        };
        match value.as_u64() {
            Some(count @ 1..=0x7fff_ffff) => Ok(Some(count as usize)),
            _ => Err(self.unfit(key, value, "a whole number from 1 to 2^31 - 1")),
        }
    }

    /// Whole numbers from 0 on that fit a model.
    pub(crate) fn counts(&self, key: &str) -> Result<Option<Vec<usize>>> {
        let Some(value) = self.found(key) else {
            return Ok(None);
        };
        let count = |value: &Value| match value.as_u64() {
            Some(count @ 0..=0x7fff_ffff) => Some(count as usize),
            _ => None,
        };
        let counts: Option<Vec<usize>> = value
            .as_array()
            .and_then(|list| list.iter().map(count).collect());
        match counts {
            Some(counts) => Ok(Some(counts)),
            None => Err(self.unfit(key, value, "a list of whole numbers from 0 to 2^31 - 1")),
        }
    }

    pub(crate) fn number_or(&self, key: &str, default: f64) -> Result<f64> {
        Ok(self.number(key)?.unwrap_or(default))
    }

    pub(crate) fn number(&self, key: &str) -> Result<Option<f64>> {
        let Some(value) = self.found(key) else {
            return Ok(None);
        };
        match value.as_f64() {
            Some(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(self.unfit(key, value, "a number")),
        }
    }

    pub(crate) fn flag_or(&self, key: &str, default: bool) -> Result<bool> {
        match self.found(key) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(self.unfit(key, other, "true or false")),
        }
    }

    pub(crate) fn text(&self, key: &str) -> Result<Option<&str>> {
        match self.found(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.unfit(key, other, "a text")),
        }
    }

    /// Three numbers, one for each colour channel.
    pub(crate) fn colours(&self, key: &str) -> Result<Option<[f32; 3]>> {
        let Some(value) = self.found(key) else {
            return Ok(None);
        };
        let numbers: Option<Vec<f32>> = value.as_array().map(|list| {
            list.iter()
                .filter_map(|n| n.as_f64().map(|n| n as f32))
                .collect()
        });
        match numbers.as_deref() {
            Some(&[r, g, b]) => Ok(Some([r, g, b])),
            _ => Err(self.unfit(key, value, "three numbers")),
        }
    }

    /// Refuses an option that would change what the model computes and is not supported.
    pub(crate) fn only(&self, key: &str, supported: &[Value]) -> Result<()> {
        match self.found(key) {
            Some(value) if !supported.contains(value) => {
                let list: Vec<String> = supported.iter().map(Value::to_string).collect();
                let wanted = match list.is_empty() {
                    true => "left out: this option is not supported".to_owned(),
                    false => format!("{}: other values are not supported", list.join(" or ")),
                };
                Err(self.unfit(key, value, &wanted))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wrong_value_is_named_with_its_key_and_what_is_wanted() {
        let json = Json::made(json!({"a": {"layers": -3}, "b": 1.5}));
        let inner = json.object("a").expect("an object");
        let error = inner.count("layers").expect_err("negative").to_string();
        assert!(
            error.contains("`a.layers` is -3, not a whole number"),
            "{error}"
        );
        let error = inner.count("width").expect_err("missing").to_string();
        assert!(error.contains("`a.width` is missing"), "{error}");
        assert!(json.object("b").is_err() && json.object("c").is_ok());
        let error = json.only("b", &[json!(1)]).expect_err("other").to_string();
        assert!(error.contains("`b` is 1.5, not 1: other values"), "{error}");
    }
}
