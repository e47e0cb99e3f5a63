//! A JSON value of a file, with the line in the message where it is wrong.

use serde::de::DeserializeOwned;

use crate::{Error, Result};

/// Reads one JSON value that begins at line `line` (from 1) of the file `name`.
pub(crate) fn parse<T: DeserializeOwned>(json: &[u8], name: &str, line: usize) -> Result<T> {
    serde_json::from_slice(json).map_err(|error| {
        let message = error.to_string();
        // serde_json counts from the record's first line; 0 stands for the record as a whole.
        let suffix = format!(" at line {} column {}", error.line(), error.column());
        let message = message.strip_suffix(&suffix).unwrap_or(&message);
        Error::Json {
            place: format!("{name}:{}", line + error.line().saturating_sub(1)),
            message: message.to_string(),
        }
    })
}
