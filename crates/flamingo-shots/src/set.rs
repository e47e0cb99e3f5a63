//! A set of shots from a folder or a file.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use flamingo_data::{Format, MediaBase, Source};
use flamingo_engine::MediaSource;
use flamingo_film::Reader;
use flamingo_image::{Media, Wanted};
use flamingo_sequence::{Document, MediaKind, Part};
use serde_json::Value;

/// Files of a folder that say what its pictures show.
const CAPTIONS: [&str; 2] = ["captions.jsonl", "metadata.jsonl"];
/// Keys of their lines that name the picture.
const NAMES: [&str; 3] = ["file_name", "image", "file"];
/// Keys of their lines that say what it shows.
const TEXTS: [&str; 3] = ["text", "caption", "label"];

/// Finished examples, whose media are named so that no request can name others.
#[derive(Debug, Clone, Default)]
pub struct ShotSet {
    documents: Vec<Document>,
    places: HashMap<String, Place>,
    /// What was left out, and why.
    pub left_out: Vec<String>,
}

#[derive(Debug, Clone)]
struct Place {
    base: MediaBase,
    name: String,
    kind: MediaKind,
}

/// Why a set cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ShotsError {
    /// The folder or file, or one in it, cannot be read.
    #[error("cannot read the shots in {path}: {reason}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// There are none.
    #[error(
        "there are no shots in {path}: give a folder of pictures with {names}, a folder with a folder for each class, or \
         a file of documents (.jsonl)",
        names = CAPTIONS.join(" or ")
    )]
    Nothing {
        /// Where.
        path: PathBuf,
    },
}

impl ShotSet {
    /// A folder of pictures with `captions.jsonl` or `metadata.jsonl`, a folder with a folder for each class, or a file
    /// of documents, one a line. `name` is the set's; `before` stands between a picture and what it shows.
    ///
    /// # Errors
    /// If nothing can be read there.
    pub fn read(name: &str, path: &Path, before: &str) -> Result<Self, ShotsError> {
        let mut set = Self::default();
        let captions = CAPTIONS.map(|file| path.join(file));
        if let Some(file) = captions.iter().find(|file| file.is_file()) {
            set.captions(name, path, file, before)?;
        } else {
            let format = if path.is_dir() {
                Format::Folders
            } else {
                Format::Jsonl
            };
            let source = Source::read(format, path).map_err(|error| unreadable(path, error))?;
            for (reason, count) in &source.report.left_out {
                set.left_out.push(format!("{count} x {reason}"));
            }
            for sample in source.samples {
                let document = match format {
                    Format::Folders => shot(&sample.document, before),
                    _ => sample.document,
                };
                set.push(name, document, &sample.base);
            }
        }
        match set.documents.is_empty() {
            true => Err(ShotsError::Nothing {
                path: path.to_path_buf(),
            }),
            false => Ok(set),
        }
    }

    /// Documents whose media are found elsewhere by their names.
    pub fn of_documents(documents: Vec<Document>) -> Self {
        Self {
            documents,
            ..Self::default()
        }
    }

    /// A picture and its caption a line.
    fn captions(
        &mut self,
        name: &str,
        folder: &Path,
        file: &Path,
        before: &str,
    ) -> Result<(), ShotsError> {
        let base = MediaBase::Folder(folder.to_path_buf());
        let lines = BufReader::new(File::open(file).map_err(|error| unreadable(file, error))?);
        for (number, line) in lines.lines().enumerate() {
            let line = line.map_err(|error| unreadable(file, error))?;
            if line.trim().is_empty() {
                continue;
            }
            match caption(line.trim_start_matches('\u{feff}')) {
                Some((picture, text)) => {
                    let pair = Document::new([Part::Image(picture), Part::Text(text)]);
                    self.push(name, shot(&pair, before), &base);
                }
                None => self.left_out.push(format!(
                    "{}:{}: no `file_name` with a `text`",
                    file.display(),
                    number + 1
                )),
            }
        }
        Ok(())
    }

    fn push(&mut self, name: &str, mut document: Document, base: &MediaBase) {
        let shot = self.documents.len();
        for (i, part) in document.parts.iter_mut().enumerate() {
            let (kind, place) = match part {
                Part::Image(place) => (MediaKind::Image, place),
                Part::Video(place) => (MediaKind::Video, place),
                Part::Text(_) | Part::End | Part::Token(_) => continue,
            };
            let reference = format!("shots:{name}/{shot}/{i}");
            let name = std::mem::replace(place, reference.clone());
            let base = base.clone();
            self.places.insert(reference, Place { base, name, kind });
        }
        self.documents.push(document);
    }

    /// How many shots there are.
    pub fn len(&self) -> usize {
        self.documents.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// Shot `i`.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn document(&self, i: usize) -> &Document {
        &self.documents[i]
    }

    /// All of them.
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// Whether it has a medium of this name.
    pub fn has(&self, reference: &str) -> bool {
        self.places.contains_key(reference)
    }

    /// The picture of this name, or what is wanted of the film.
    ///
    /// # Errors
    /// If there is none, or it cannot be read; the message says so.
    pub fn load(&self, reference: &str, reader: &Reader, wanted: &Wanted) -> Result<Media, String> {
        let place = self.places.get(reference);
        let place = place.ok_or_else(|| format!("there is no picture {reference}"))?;
        let media = place.base.load(&place.name, place.kind, reader, wanted);
        media.map_err(|error| error.to_string())
    }

    /// Something that changes with the file of this medium; none if there is no such thing.
    pub fn version(&self, reference: &str) -> Option<String> {
        let place = self.places.get(reference)?;
        let MediaBase::Folder(folder) = &place.base else {
            return None;
        };
        let path = folder.join(&place.name);
        let file = std::fs::metadata(&path)
            .ok()
            .filter(|file| file.is_file())?;
        let changed = file.modified().ok()?;
        Some(format!(
            "{path:?} {} {changed:?} {:?}",
            file.len(),
            place.kind
        ))
    }
}

/// The media of a set, and others.
pub struct ShotMedia<'a> {
    /// The set.
    pub set: &'a ShotSet,
    /// What its media are opened with.
    pub reader: &'a Reader,
    /// Where all others are.
    pub others: &'a dyn MediaSource,
}

impl MediaSource for ShotMedia<'_> {
    fn media(&self, reference: &str, wanted: &Wanted) -> flamingo_engine::Result<Media> {
        match self.set.has(reference) {
            true => {
                let media = self.set.load(reference, self.reader, wanted);
                media.map_err(flamingo_engine::Error::Media)
            }
            false => self.others.media(reference, wanted),
        }
    }

    fn version(&self, reference: &str) -> Option<String> {
        match self.set.has(reference) {
            true => self.set.version(reference),
            false => self.others.version(reference),
        }
    }
}

fn unreadable(path: &Path, reason: impl std::fmt::Display) -> ShotsError {
    ShotsError::Unreadable {
        path: path.to_path_buf(),
        reason: reason.to_string(),
    }
}

/// The picture and the text of a line.
fn caption(line: &str) -> Option<(String, String)> {
    let line: Value = serde_json::from_str(line).ok()?;
    let first = |keys: &[&str]| {
        let text = keys.iter().find_map(|key| line[*key].as_str())?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    Some((first(&NAMES)?, first(&TEXTS)?))
}

/// A picture with what it shows as an example: `<image>Output: a cat<EOC>`.
fn shot(pair: &Document, before: &str) -> Document {
    let part = |part: &Part| match part {
        Part::Text(text) => Part::Text(format!("{before} {}", text.trim_start())),
        other => other.clone(),
    };
    Document {
        id: pair.id.clone(),
        parts: pair.parts.iter().map(part).chain([Part::End]).collect(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use flamingo_image::Image;

    use super::*;

    fn write(path: &Path, bytes: &[u8]) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn texts(set: &ShotSet) -> Vec<&str> {
        let parts = set.documents().iter().flat_map(|d| &d.parts);
        parts
            .filter_map(|part| match part {
                Part::Text(text) => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn folders_of_all_three_forms_become_shots_and_bad_lines_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let png = Image::solid(3, 2, [1, 2, 3]).to_png();
        let classes = folder.path().join("classes");
        write(&classes.join("sea_horse/1.png"), &png);
        write(&classes.join("cat/1.png"), &png);
        let captioned = folder.path().join("captioned");
        write(&captioned.join("a.png"), &png);
        write(
            &captioned.join("metadata.jsonl"),
            b"{\"file_name\": \"a.png\", \"text\": \" a cat\"}\n{\"file\": 3}\n\n",
        );
        let lines = folder.path().join("shots.jsonl");
        write(
            &lines,
            br#"{"parts":[{"image":"captioned/a.png"},{"text":"Output: b"},{"end":true}]}"#,
        );

        let read = |path: &Path| ShotSet::read("s", path, "Output:").unwrap();
        let (classes, captioned) = (read(&classes), read(&captioned));
        assert_eq!(texts(&classes), ["Output: cat", "Output: sea horse"]);
        assert_eq!(texts(&captioned), ["Output: a cat"]);
        assert_eq!(captioned.left_out.len(), 1);
        let lines = read(&lines);
        assert_eq!(texts(&lines), ["Output: b"]);
        let (reader, wanted) = (Reader::default(), Wanted::default());
        for set in [&classes, &captioned, &lines] {
            let document = set.document(0);
            assert_eq!(document.parts.last(), Some(&Part::End));
            let (_, _, reference) = document.media().next().unwrap();
            assert!(set.load(reference, &reader, &wanted).is_ok());
            assert!(set.version(reference).is_some());
        }
        assert!(classes.load("shots:s/7/0", &reader, &wanted).is_err());
    }

    #[test]
    fn where_there_are_no_shots_the_forms_are_told() {
        let folder = tempfile::tempdir().unwrap();
        assert!(ShotSet::read("s", folder.path(), "").is_err());
        write(&folder.path().join("captions.jsonl"), b"{}\n");
        let told = ShotSet::read("s", folder.path(), "")
            .unwrap_err()
            .to_string();
        assert!(told.contains("a folder for each class"), "{told}");
    }
}
