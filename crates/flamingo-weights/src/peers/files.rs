//! What lies in a folder of a published model.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flamingo_checkpoint::{Checkpoint, check_folder};
use serde::Deserialize;

use crate::{Error, Result};

/// The files of a folder, in order of the alphabet.
///
/// # Errors
/// If it cannot be read, or is a distributed checkpoint.
pub(crate) fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    check_folder(folder)?;
    let entries = std::fs::read_dir(folder).map_err(Error::io("list", folder))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(Error::io("list", folder))?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The files of weights among `listed`: the one with a name that says so, or the shards that an
/// index names; without either all of the first kind that there is: safetensors, `.bin`, `.pt`.
///
/// # Errors
/// If an index names a file that is not there.
pub(crate) fn weights(folder: &Path, listed: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let named = |name: &str| {
        listed
            .iter()
            .find(|path| path.file_name().is_some_and(|n| n == name))
    };
    for (whole, index) in [
        ("model.safetensors", "model.safetensors.index.json"),
        (
            "open_clip_model.safetensors",
            "open_clip_model.safetensors.index.json",
        ),
        ("pytorch_model.bin", "pytorch_model.bin.index.json"),
        (
            "open_clip_pytorch_model.bin",
            "open_clip_pytorch_model.bin.index.json",
        ),
    ] {
        if let Some(file) = named(whole) {
            return Ok(vec![file.clone()]);
        }
        if let Some(index) = named(index) {
            return shards(folder, index);
        }
    }
    for kind in ["safetensors", "bin", "pt"] {
        let of_kind = |path: &&PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            path.extension().is_some_and(|e| e == kind) && !is_no_model(&name)
        };
        let files: Vec<PathBuf> = listed.iter().filter(of_kind).cloned().collect();
        if !files.is_empty() {
            return Ok(files);
        }
    }
    Ok(Vec::new())
}

/// The weights of a folder.
///
/// # Errors
/// If there are none, or they cannot be read.
pub(crate) fn checkpoint(folder: &Path) -> Result<Arc<Checkpoint>> {
    let weights = weights(folder, &list(folder)?)?;
    if weights.is_empty() {
        return Err(Error::malformed(
            folder,
            "it has no weights (model*.safetensors or pytorch_model*.bin)",
        ));
    }
    Ok(Arc::new(Checkpoint::open(&weights)?))
}

/// Files that lie beside weights and are none: of a training, of other frameworks.
fn is_no_model(name: &str) -> bool {
    const STARTS: [&str; 7] = [
        "training_args",
        "optimizer",
        "scheduler",
        "flax_",
        "tf_",
        "rng_state",
        "adapter_",
    ];
    STARTS.iter().any(|start| name.starts_with(start))
}

#[derive(Deserialize)]
struct Index {
    weight_map: std::collections::BTreeMap<String, String>,
}

/// The largest index that is read, in bytes.
const MOST: u64 = 64 << 20;

fn shards(folder: &Path, index: &Path) -> Result<Vec<PathBuf>> {
    let size = std::fs::metadata(index)
        .map_err(Error::io("read", index))?
        .len();
    if size > MOST {
        return Err(Error::malformed(
            index,
            format!("it has {size} bytes, an index at most {MOST}"),
        ));
    }
    let bytes = std::fs::read(index).map_err(Error::io("read", index))?;
    let index_of: Index = serde_json::from_slice(&bytes).map_err(|e| Error::malformed(index, e))?;
    let names: BTreeSet<&String> = index_of.weight_map.values().collect();
    let mut files = Vec::new();
    for name in &names {
        let plain = Path::new(name)
            .file_name()
            .is_some_and(|n| n == name.as_str());
        if !plain {
            return Err(Error::malformed(
                index,
                format!("{name:?} is no name of a file beside it"),
            ));
        }
        let path = folder.join(name);
        if !path.is_file() {
            return Err(Error::malformed(
                index,
                format!(
                    "it names {} files of weights, {name} is not there: copy it, too",
                    names.len()
                ),
            ));
        }
        files.push(path);
    }
    if files.is_empty() {
        return Err(Error::malformed(index, "it names no files of weights"));
    }
    Ok(files)
}

/// One or several files of weights, by their content.
pub(crate) fn open(paths: &[PathBuf]) -> Result<Arc<Checkpoint>> {
    Ok(Arc::new(Checkpoint::open(paths)?))
}
