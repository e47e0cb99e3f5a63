//! The model that is called `photos`: what was trained of it is part of the program (docs/photos-model.md); its
//! frozen parts are files elsewhere.

use std::fs;
use std::path::PathBuf;

use crate::failure::{Hint, Result};
use crate::part_files;

/// What it is called where a model is asked for.
pub(crate) const NAME: &str = "photos";

/// Its files; the one that makes a folder a model is last.
const FILES: [(&str, &[u8]); 3] = [
    ("NOTICE", include_bytes!("../../../models/photos/NOTICE")),
    (
        "model.safetensors",
        include_bytes!("../../../models/photos/model.safetensors"),
    ),
    (
        "flamingo.json",
        include_bytes!("../../../models/photos/flamingo.json"),
    ),
];

/// A folder beside the cache of parts that holds the model: written where it is not there, or of another
/// version of the program.
pub(crate) fn directory() -> Result<PathBuf> {
    let store = part_files::store();
    let folder = store.folder().with_file_name("models").join(NAME);
    let full = "make room, or set FLAMINGO_CACHE to a folder with room";
    for (name, bytes) in FILES {
        let path = folder.join(name);
        if !fs::read(&path).is_ok_and(|there| there == bytes) {
            fs::create_dir_all(&folder).hint(full)?;
            flamingo_files::write(&path, bytes).hint_if_full(full)?;
        }
    }
    Ok(folder)
}
