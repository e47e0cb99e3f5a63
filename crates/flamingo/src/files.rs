//! Pictures and films of prompts, from files and `data:` URLs.

use std::collections::HashMap;
use std::path::Path;
use std::time::UNIX_EPOCH;

use flamingo_data::MediaBase;
use flamingo_engine::MediaSource;
use flamingo_film::Reader;
use flamingo_image::{Media, Wanted};
use flamingo_sequence::{Document, MediaKind, Part};

/// Finds the pictures and films that documents name. Relative paths start at the working directory;
/// [`beside`] makes those of a file start at its folder.
#[derive(Clone, Debug)]
pub struct Files {
    kinds: HashMap<String, MediaKind>,
    base: MediaBase,
    reader: Reader,
}

impl Files {
    /// The same, opened otherwise: with other bounds, or with what decodes film files.
    pub fn read_with(self, reader: Reader) -> Self {
        Self { reader, ..self }
    }

    /// For these documents: a part that says `image` is never given a film.
    pub fn of<'a>(documents: impl IntoIterator<Item = &'a Document>) -> Self {
        let media = documents.into_iter().flat_map(Document::media);
        Self {
            kinds: media
                .map(|(_, kind, place)| (place.to_owned(), kind))
                .collect(),
            base: MediaBase::Folder("".into()),
            reader: Reader::default(),
        }
    }
}

impl MediaSource for Files {
    fn media(&self, place: &str, wanted: &Wanted) -> flamingo_engine::Result<Media> {
        let kind = self.kinds.get(place).copied().unwrap_or(MediaKind::Image);
        let media = self.base.load(place, kind, &self.reader, wanted);
        media.map_err(|error| flamingo_engine::Error::Media(error.to_string()))
    }

    /// Of a file: where it is, how large, and when it was changed.
    fn version(&self, place: &str) -> Option<String> {
        let path = Path::new(place);
        let file = std::fs::metadata(path).ok().filter(|file| file.is_file())?;
        let changed = file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        let path = std::fs::canonicalize(path).ok()?;
        let kind = self.kinds.get(place);
        Some(format!("{path:?} {} {changed:?} {kind:?}", file.len()))
    }
}

/// The document with its relative paths starting at the folder of `file`, where it was read.
pub fn beside(mut document: Document, file: &Path) -> Document {
    let folder = file.parent().unwrap_or(Path::new(""));
    for part in &mut document.parts {
        if let Part::Image(place) | Part::Video(place) = part
            && !is_url(place)
        {
            *place = folder.join(&*place).display().to_string();
        }
    }
    document
}

fn is_url(place: &str) -> bool {
    let scheme = |scheme: &str| {
        place
            .get(..scheme.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(scheme))
    };
    ["data:", "http://", "https://"].into_iter().any(scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_file_changes_with_it_and_other_places_have_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.png");
        let place = path.display().to_string();
        let document = Document::new([Part::Image(place.clone())]);
        let files = Files::of([&document]);
        assert_eq!(files.version(&place), None, "it is not there");
        std::fs::write(&path, b"one").expect("written");
        let first = files.version(&place);
        assert!(first.is_some() && first == files.version(&place));
        std::fs::write(&path, b"another").expect("written");
        assert_ne!(first, files.version(&place));
        assert_eq!(files.version("data:image/png;base64,AA=="), None);
        assert_eq!(files.version(&folder.path().display().to_string()), None);
    }

    #[test]
    fn relative_paths_start_at_the_file_and_others_stay() {
        let places = [
            "cat.png",
            "/a/cat.png",
            "data:image/png;base64,AA==",
            "HTTPS://a.b/c.png",
        ];
        let document = Document::new(places.map(|place| Part::Image(place.to_owned())));
        let moved = beside(document, Path::new("prompts/some.jsonl"));
        let moved: Vec<&str> = moved.media().map(|(_, _, place)| place).collect();
        assert_eq!(moved[0], "prompts/cat.png");
        assert_eq!(moved[1..], places[1..]);
    }
}
