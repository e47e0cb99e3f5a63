//! Which photos are meant.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};

/// So many of the endings are those of pictures that can be read.
const READ: usize = 5;
/// How the names of pictures end, in any case of letters; what cannot be read is tried and told by name.
const ENDINGS: [&str; 13] = [
    "jpg", "jpeg", "png", "webp", "gif", "heic", "heif", "avif", "bmp", "tif", "tiff", "jxl", "jp2",
];

/// The photos, each once, in the order given; those anywhere below a folder in the order of their paths.
pub(super) fn photos(given: &[PathBuf]) -> Result<Vec<String>> {
    let (mut photos, mut seen) = (Vec::new(), BTreeSet::new());
    for path in given {
        let some = match path.is_dir() {
            true => below(path)?,
            false if path.exists() => vec![path.clone()],
            false => {
                return Err(Failure::new(format!(
                    "there is no photo or folder {}",
                    path.display()
                )));
            }
        };
        for photo in some {
            let photo = photo.display().to_string();
            if seen.insert(photo.clone()) {
                photos.push(photo);
            }
        }
    }
    Ok(photos)
}

fn below(root: &Path) -> Result<Vec<PathBuf>> {
    let (mut photos, mut folders) = (Vec::new(), vec![root.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        let failed = |error: std::io::Error| {
            Failure::new(format!("cannot list {}: {error}", folder.display()))
        };
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
            if kind.is_dir() {
                folders.push(path);
            } else if is_picture(&path) {
                photos.push(path);
            }
        }
    }
    if photos.is_empty() {
        return Err(Failure::new(format!(
            "the folder {} holds no picture: none of its files ends in .{}",
            root.display(),
            ENDINGS[..READ].join(", .")
        )));
    }
    photos.sort();
    Ok(photos)
}

/// By its name; hidden files are none.
fn is_picture(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    !hidden
        && ENDINGS
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
}
