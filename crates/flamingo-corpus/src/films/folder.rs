//! Folders of films: `NAME.mp4` (or another film file, or a folder of frames) beside `NAME.txt` or
//! `NAME.json`.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flamingo_film::Reader;
use serde::Deserialize;

use super::{FilmConfig, against_length, judged, seconds_of};
use crate::measures::Lexicon;
use crate::pairs::{Candidate, PairReason, PairSource, squeeze};

/// A film of a folder and where its text may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderFilm {
    /// The film file, or the folder of its frames.
    pub path: PathBuf,
    /// The file of its text.
    pub text: Option<PathBuf>,
}

/// Endings of film files.
const FILMS: &[&str] = &[
    "avi", "flv", "gif", "m4v", "mkv", "mov", "mp4", "mpg", "png", "ts", "webm", "webp", "wmv",
];

/// Bytes of a text file that are read; no caption is longer.
const MOST_TEXT: u64 = 64 * 1024;

/// The films of a folder in the order of their names; hidden files are left out.
///
/// # Errors
///
/// If the folder cannot be listed.
pub fn folder_films(folder: &Path) -> io::Result<Vec<FolderFilm>> {
    let entries = std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = entries.collect::<io::Result<Vec<PathBuf>>>()?;
    paths.sort();
    let films = paths.into_iter().filter(|path| is_film(path));
    Ok(films.map(FolderFilm::at).collect())
}

fn is_film(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.starts_with('.') {
        return false;
    }
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    path.is_dir()
        || ending
            .to_str()
            .is_some_and(|ending| FILMS.contains(&ending))
}

fn text_beside(film: &Path) -> Option<PathBuf> {
    // The name of a folder of frames may have a dot in it.
    let stem = if film.is_dir() {
        film.file_name()
    } else {
        film.file_stem()
    };
    let stem = stem?.to_os_string();
    let named = |ending: &str| {
        let mut name = stem.clone();
        name.push(ending);
        film.with_file_name(name)
    };
    [".txt", ".json"]
        .map(named)
        .into_iter()
        .find(|path| path.is_file())
}

impl FolderFilm {
    /// The film at this path.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self {
            text: text_beside(&path),
            path,
        }
    }

    /// The film with its text and all reasons against the two; `part` is 0.
    pub fn candidate(&self, config: &FilmConfig, lexicon: &Lexicon, reader: &Reader) -> Candidate {
        let mut candidate = match self.read_text() {
            Ok(text) => {
                let name = self.path.to_string_lossy();
                let candidate = Candidate::new(0, PairSource::File, text);
                judged(candidate, None, &[&name], config, lexicon)
            }
            Err(reason) => Candidate::without_text(0, reason),
        };
        let length = seconds_of(&self.path, reader);
        let reason = length.map_or_else(Some, |seconds| against_length(seconds, config));
        candidate.reasons.extend(reason);
        candidate.reasons.sort_unstable();
        candidate.reasons.dedup();
        candidate
    }

    pub(crate) fn read_text(&self) -> Result<String, PairReason> {
        let path = self.text.as_deref().ok_or(PairReason::NoText)?;
        let text = read_bounded(path).map_err(|_| PairReason::Unreadable)?;
        let text = if path.extension().is_some_and(|ending| ending == "json") {
            let caption = serde_json::from_str(&text).map(Described::text);
            caption.map_err(|_| PairReason::Unreadable)?
        } else {
            text
        };
        Some(squeeze(&text))
            .filter(|text| !text.is_empty())
            .ok_or(PairReason::NoText)
    }
}

fn read_bounded(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_TEXT).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A JSON file about a film; the first of these that is there is its text.
#[derive(Deserialize)]
struct Described {
    caption: Option<String>,
    text: Option<String>,
    description: Option<String>,
    title: Option<String>,
}

impl Described {
    fn text(self) -> String {
        let first = self.caption.or(self.text).or(self.description);
        first.or(self.title).unwrap_or_default()
    }
}
