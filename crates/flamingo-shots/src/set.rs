//! A set of shots from a folder or a file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use flamingo_data::{CAPTION_FILES, MediaBase};
use flamingo_engine::MediaSource;
use flamingo_film::Reader;
use flamingo_image::{Media, Sampling, Wanted};
use flamingo_sequence::{Document, MediaKind, Part};
use rayon::prelude::*;

use crate::samples;

/// Of a film, what is shown in its middle.
pub(crate) const ONE_FRAME: Wanted = Wanted {
    sampling: Some(Sampling {
        most: 1,
        ..Sampling::ASKING
    }),
    seconds: None,
    preprocess: None,
};
/// Pictures that cannot be read and are told by name.
const MOST_TOLD: usize = 10;

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
    #[error(transparent)]
    Unreadable(flamingo_data::Error),
    /// There are none.
    #[error(
        "there are no shots in {path}: {problem}; give a folder of pictures with {names}, a folder with a folder for each \
         class, or a file of documents (.jsonl)",
        names = CAPTION_FILES.join(" or ")
    )]
    Nothing {
        /// Where.
        path: PathBuf,
        /// What was found instead.
        problem: String,
    },
}

impl ShotSet {
    /// The finished examples in a folder or file ([`samples`]). `name` is the set's; `before` stands between a picture and
    /// what it shows, where a sample is just these.
    ///
    /// # Errors
    /// If nothing can be read there.
    pub fn read(name: &str, path: &Path, before: &str) -> Result<Self, ShotsError> {
        let source = samples(path).map_err(|error| match error {
            flamingo_data::Error::Nothing { problem, .. }
            | flamingo_data::Error::Unrecognised { problem, .. } => ShotsError::Nothing {
                path: path.to_path_buf(),
                problem,
            },
            error => ShotsError::Unreadable(error),
        })?;
        let mut set = Self::default();
        for (reason, count) in &source.report.left_out {
            set.left_out.push(format!("{count} x {reason}"));
        }
        for sample in source.samples {
            set.push(name, finished(sample.document, before), &sample.base);
        }
        Ok(set)
    }

    /// Opens every medium once, and leaves out the shots of which one cannot be read: `left_out` says which, and why.
    #[must_use]
    pub fn checked(mut self, reader: &Reader) -> Self {
        let broken = |document: &Document| {
            let mut media = document.media().map(|(_, _, reference)| reference);
            media.find_map(|reference| self.load(reference, reader, &ONE_FRAME).err())
        };
        let reasons: Vec<Option<String>> = self.documents.par_iter().map(broken).collect();
        let count = reasons.iter().flatten().count();
        let told = reasons.iter().flatten().take(MOST_TOLD).cloned();
        self.left_out.extend(told);
        if count > MOST_TOLD {
            let more = count - MOST_TOLD;
            self.left_out
                .push(format!("{more} more that cannot be read"));
        }
        let mut reasons = reasons.into_iter();
        self.documents
            .retain(|_| reasons.next().is_some_and(|reason| reason.is_none()));
        self
    }

    /// Documents whose media are found elsewhere by their names.
    pub fn of_documents(documents: Vec<Document>) -> Self {
        Self {
            documents,
            ..Self::default()
        }
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

/// A picture with what it shows as an example, `<image>Output: a cat<EOC>`; any other document as it stands.
fn finished(document: Document, before: &str) -> Document {
    let Document { id, parts } = document;
    let parts = match <[Part; 2]>::try_from(parts) {
        Ok(
            [
                picture @ (Part::Image(_) | Part::Video(_)),
                Part::Text(text),
            ],
        ) => {
            let text = match text.trim_start() {
                text if text.starts_with(before) => text.to_owned(),
                text => format!("{before} {text}"),
            };
            vec![picture, Part::Text(text), Part::End]
        }
        Ok(other) => other.to_vec(),
        Err(other) => other,
    };
    Document { id, parts }
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
    fn shots_whose_picture_cannot_be_read_are_left_out_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let png = Image::solid(3, 2, [1, 2, 3]).to_png();
        write(&folder.path().join("cat/1.png"), &png);
        write(&folder.path().join("dog/2.png"), &png[..40]);
        write(&folder.path().join("eel/3.png"), &png);
        let set = ShotSet::read("s", folder.path(), "Output:").unwrap();
        assert_eq!(set.len(), 3);
        let set = set.checked(&Reader::default());
        assert_eq!(texts(&set), ["Output: cat", "Output: eel"]);
        let [reason] = &set.left_out[..] else {
            panic!("{:?}", set.left_out)
        };
        assert!(reason.contains("2.png"), "{reason}");
        for document in set.documents() {
            let (_, _, reference) = document.media().next().unwrap();
            let media = set.load(reference, &Reader::default(), &Wanted::default());
            assert!(media.is_ok(), "{reference}");
        }
        for dog in 0..2 * MOST_TOLD {
            write(&folder.path().join(format!("dog/{dog}.png")), &png[..40]);
        }
        let set = ShotSet::read("s", folder.path(), "").unwrap();
        let set = set.checked(&Reader::default());
        assert_eq!((set.len(), set.left_out.len()), (2, MOST_TOLD + 1));
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
