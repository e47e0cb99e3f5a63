//! Which words a model is opened with.

use std::path::Path;

use flamingo_sequence::{SpecialTokenNames, numbers_tokenizer};

use crate::{Error, Result};

/// Which words a model is opened with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Words {
    /// Its own tokenizer's.
    #[default]
    OfModel,
    /// The numbers of its ids ([`numbers_tokenizer`]), to measure it: no tokenizer need be there.
    Numbers,
}

/// The tokenizer of numbers for a vocabulary of `rows`.
pub(crate) fn numbers(rows: usize) -> Result<(String, SpecialTokenNames)> {
    let (json, names) = numbers_tokenizer(rows).ok_or_else(|| {
        Error::malformed(
            Path::new("the vocabulary"),
            format!("it has {rows} rows: at least 3 are needed"),
        )
    })?;
    let json = String::from_utf8(json).map_err(|e| Error::malformed(Path::new("numbers"), e))?;
    Ok((json, names))
}
