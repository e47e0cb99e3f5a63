//! Units of work: a WARC file, or so many pages of a folder or list, in an order that does not depend on the
//! disk.

use serde::{Deserialize, Serialize};

use crate::{Items, ReadOptions, Result};

/// A part of the inputs that is read by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A WARC file.
    Warc {
        /// Its path or URL.
        file: String,
    },
    /// Saved pages of a folder.
    Pages {
        /// The folder's path or URL.
        folder: String,
        /// Where the folder lies on the web, for pages that do not say themselves.
        base_url: Option<String>,
        /// The pages' paths below the folder, with `/` between names.
        pages: Vec<String>,
    },
    /// Lines of JSON with `url` and `html`: those that begin in a range of bytes of the decompressed file.
    Lines {
        /// Its path or URL.
        file: String,
        /// Where the range begins.
        start: u64,
        /// Where it ends; `None` for the end of the file.
        end: Option<u64>,
    },
    /// URLs that are to be fetched.
    Urls {
        /// The URLs.
        urls: Vec<String>,
    },
}

impl Unit {
    /// Reads the unit.
    ///
    /// # Errors
    /// If its file cannot be opened.
    pub fn open(&self, options: &ReadOptions) -> Result<Items> {
        let _ = options;
        todo!()
    }
}

/// Splits inputs into units: in the inputs' order, and in order of name within each. An input is a path
/// or URL, also with `*` and `?`, of a WARC, a page, a file of JSON lines, a list of URLs, or a folder of these.
///
/// # Errors
/// If an input cannot be found or is of no known kind.
pub fn list_units(
    inputs: &[String],
    base_url: Option<&str>,
    options: &ReadOptions,
) -> Result<Vec<Unit>> {
    let _ = (inputs, base_url, options);
    todo!()
}
