//! Object stores, in a program that was built without them.

use std::path::Path;

use super::address::shown;
use super::answer::{Answer, Failure};
use super::settings::StoreSettings;
use crate::{Error, Result};

/// There is none.
pub(super) enum Objects {}

impl Objects {
    pub(super) fn new(address: &str, _settings: &StoreSettings) -> Result<Self> {
        Err(Error::Nothing {
            path: Path::new(shown(address)).to_path_buf(),
            problem: "this program was built without the feature `stores`; add it (cargo build --features stores), or \
                      download the files and give their folder"
                .to_owned(),
        })
    }

    pub(super) fn ask(
        &self,
        _address: &str,
        _from: u64,
        _mark: Option<&str>,
    ) -> Result<Answer, Failure> {
        match *self {}
    }
}
