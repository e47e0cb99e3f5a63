//! Files and folders to pictures and films.

use std::cmp::Ordering;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::decode::{Media, decode, decode_wanted, timeline};
use crate::error::{Error, Result};
use crate::film::{Film, same_size};
use crate::limits::Limits;
use crate::picture::Image;
use crate::rate::Rate;
use crate::timeline::Timeline;
use crate::wanted::Wanted;

/// Reads a picture or an animation, or a folder of frames whose times are not known (see
/// [`load_frames`]).
///
/// # Errors
///
/// [`Error::Read`] if the path cannot be read, otherwise those of [`decode`] and [`load_frames`].
pub fn load(path: impl AsRef<Path>, limits: &Limits) -> Result<Media> {
    load_wanted(path, &Wanted::default(), limits)
}

/// Reads a picture, or what is wanted of an animation or of a folder of frames.
///
/// # Errors
///
/// Those of [`load`] and [`decode_wanted`].
pub fn load_wanted(path: impl AsRef<Path>, wanted: &Wanted, limits: &Limits) -> Result<Media> {
    let path = path.as_ref();
    if path.is_dir() {
        return load_frames(path, None, wanted, limits).map(Media::Film);
    }
    let name = path.display().to_string();
    decode_wanted(&read(path, &name, limits)?, &name, wanted, limits)
}

/// When the frames of an animation in a file are shown ([`timeline`]).
///
/// # Errors
///
/// [`Error::Read`] and those of [`timeline`].
pub fn load_timeline(path: impl AsRef<Path>, limits: &Limits) -> Result<Option<Timeline>> {
    let path = path.as_ref();
    let name = path.display().to_string();
    timeline(&read(path, &name, limits)?, &name, limits)
}

/// Reads what is wanted of a folder of frames, in natural order of their names (`frame2.png` before
/// `frame10.png`). `rate` says how many were taken a second; without it they count as taken at the
/// rate that is wanted. Only `.jpg`, `.jpeg`, `.png`, `.webp` and `.gif` files count, and only those
/// wanted are opened; these must be still pictures of one size.
///
/// # Errors
///
/// [`Error::Read`], [`Error::NoFrames`], [`Error::AnimatedFrame`], [`Error::FrameSize`] naming two
/// files that differ, [`Error::TooLarge`], and those of [`decode`].
pub fn load_frames(
    folder: impl AsRef<Path>,
    rate: Option<Rate>,
    wanted: &Wanted,
    limits: &Limits,
) -> Result<Film> {
    let folder = folder.as_ref();
    let name = folder.display().to_string();
    let mut paths = frame_paths(folder, &name)?;
    let mut timeline = rate.and_then(|rate| Timeline::steady(rate, paths.len()));
    if !wanted.is_all() {
        let numbers = wanted.numbers(timeline.as_ref(), paths.len(), &name)?;
        paths = numbers.iter().map(|&k| paths[k].clone()).collect();
        timeline = None;
    }
    let mut frames: Vec<Image> = Vec::new();
    let mut first: Option<Image> = None;
    for (at, path) in paths.iter().enumerate() {
        if at > 0 && paths[at - 1] == *path {
            frames.extend(frames.last().cloned());
            continue;
        }
        let frame = still_frame(path, limits)?;
        // The number of files bounds the frames, so that a folder too large fails at its first.
        let first = first.get_or_insert_with(|| frame.clone());
        limits.check_film(&name, paths.len(), first.width, first.height)?;
        let shown = |at: usize| paths[at].display().to_string();
        same_size(first, || shown(0), &frame, || shown(at))?;
        frames.push(wanted.frame(frame));
    }
    Film::new(frames, timeline, &name)
}

fn still_frame(path: &Path, limits: &Limits) -> Result<Image> {
    let name = path.display().to_string();
    match decode(&read(path, &name, limits)?, &name, limits)? {
        Media::Image(frame) => Ok(frame),
        Media::Film(_) => Err(Error::AnimatedFrame { name }),
    }
}

/// A file's bytes, never more than the limit, whatever its metadata says.
fn read(path: &Path, name: &str, limits: &Limits) -> Result<Vec<u8>> {
    let failed = |source| Error::Read {
        name: name.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    limits.check_bytes(name, size)?;
    let mut bytes = Vec::with_capacity(size as usize);
    file.take(limits.max_bytes.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(bytes)
}

fn frame_paths(folder: &Path, name: &str) -> Result<Vec<PathBuf>> {
    let failed = |source| Error::Read {
        name: name.to_owned(),
        source,
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if is_picture_name(&path) && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort_by_cached_key(|path| NaturalKey::new(path));
    Ok(paths)
}

fn is_picture_name(path: &Path) -> bool {
    let hidden = path
        .file_name()
        .is_none_or(|name| name.to_string_lossy().starts_with('.'));
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_lowercase());
    !hidden
        && matches!(
            extension.as_deref(),
            Some("jpg" | "jpeg" | "png" | "webp" | "gif")
        )
}

/// A file name's order: runs of digits compare as numbers, all else by character; equal values
/// (`1.png`, `01.png`) by the name itself.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct NaturalKey {
    runs: Vec<Run>,
    name: String,
}

#[derive(PartialEq, Eq)]
enum Run {
    /// Digits without leading zeros, of any length.
    Number(String),
    Other(char),
}

impl NaturalKey {
    fn new(path: &Path) -> Self {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let mut runs = Vec::new();
        let mut rest = name.as_str();
        while let Some(first) = rest.chars().next() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let length = digits.max(first.len_utf8());
            runs.push(if digits > 0 {
                Run::Number(rest[..digits].trim_start_matches('0').to_owned())
            } else {
                Run::Other(first)
            });
            rest = &rest[length..];
        }
        Self { runs, name }
    }
}

impl Ord for Run {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
            (Self::Other(a), Self::Other(b)) => a.cmp(b),
            (Self::Number(_), Self::Other(_)) => Ordering::Less,
            (Self::Other(_), Self::Number(_)) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Run {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_people_count() {
        let mut names = vec![
            "f10.png", "f2.png", "f1b.png", "f1.png", "f01.png", "2.png", "f.png", "é3.png",
        ];
        names.sort_by_cached_key(|name| NaturalKey::new(Path::new(name)));
        assert_eq!(
            names,
            [
                "2.png", "f01.png", "f1.png", "f1b.png", "f2.png", "f10.png", "f.png", "é3.png"
            ]
        );
    }

    #[test]
    fn only_visible_picture_files_are_frames() {
        for (name, is) in [
            ("a.JPG", true),
            ("a.webp", true),
            (".a.png", false),
            ("a.txt", false),
            ("png", false),
        ] {
            assert_eq!(is_picture_name(Path::new(name)), is, "{name}");
        }
    }
}
