//! Folders of example pictures as unit vectors, a batch of pictures in memory at a time.

use std::path::{Path, PathBuf};

use flamingo_image::{Limits, Media, load};

use super::{Tower, TowerError, vectors};

/// Pictures embedded at a time.
const BATCH: usize = 32;

/// The vectors of all pictures of a folder and its subfolders that can be read, by path.
pub(super) fn embed(
    tower: &mut impl Tower,
    folder: &Path,
    section: &'static str,
) -> Result<Vec<Vec<f32>>, TowerError> {
    let shown = || folder.display().to_string();
    let paths = files(folder).map_err(|source| TowerError::Folder {
        folder: shown(),
        section,
        source,
    })?;
    let mut all = Vec::new();
    for batch in paths.chunks(BATCH) {
        let pictures: Vec<_> = batch.iter().filter_map(|path| picture(path)).collect();
        all.extend(vectors::images(tower, &pictures)?);
    }
    if all.is_empty() {
        let folder = shown();
        return Err(TowerError::NoExamples { folder, section });
    }
    Ok(all)
}

/// A file as a picture, a film by its first frame; none if it is neither.
fn picture(path: &Path) -> Option<flamingo_image::Image> {
    match load(path, &Limits::default()).ok()? {
        Media::Image(image) => Some(image),
        Media::Film(film) => film.frames.into_iter().next(),
    }
}

fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            // Links are not followed, so that one to a folder above cannot turn in a circle.
            match entry.file_type()? {
                kind if kind.is_dir() => folders.push(entry.path()),
                kind if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
        }
    }
    files.sort();
    Ok(files)
}
