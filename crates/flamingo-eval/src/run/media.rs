//! The pictures and films of a task.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use flamingo_data::MediaBase;
use flamingo_engine::{Error, MediaSource};
use flamingo_film::Reader;
use flamingo_image::{Media, Wanted};
use flamingo_sequence::{MediaKind, Part};
use flamingo_tasks::Span;

use super::example::{Example, Suite};

/// Finds what the examples of a task show: files, `data:` URLs, and seconds of films (`film.mp4#t=3,7`).
#[derive(Clone, Debug)]
pub struct TaskMedia {
    films: HashSet<String>,
    base: MediaBase,
    reader: Reader,
}

impl TaskMedia {
    /// For the examples of a task.
    pub fn of(suite: &Suite<'_>, reader: Reader) -> Self {
        let films = shown(suite).into_iter().filter_map(|part| match part {
            Part::Video(place) => Some(place.clone()),
            _ => None,
        });
        Self {
            films: films.collect(),
            base: MediaBase::Folder("".into()),
            reader,
        }
    }

    fn kind(&self, place: &str) -> MediaKind {
        match self.films.contains(place) {
            true => MediaKind::Video,
            false => MediaKind::Image,
        }
    }
}

impl MediaSource for TaskMedia {
    fn media(&self, place: &str, wanted: &Wanted) -> flamingo_engine::Result<Media> {
        let media = load(&self.base, place, self.kind(place), &self.reader, wanted);
        media.map_err(|error| Error::Media(error.to_string()))
    }

    /// Of a file: where it is, how large, and when it was changed.
    fn version(&self, place: &str) -> Option<String> {
        let (path, span) = Span::split(place);
        let file = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        let changed = file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        let path = fs::canonicalize(Path::new(path)).ok()?;
        let kind = self.kind(place);
        Some(format!(
            "{path:?} {} {changed:?} {kind:?} {span:?}",
            file.len()
        ))
    }
}

/// A picture, or what is wanted of a film or of a part of it.
pub(crate) fn load(
    base: &MediaBase,
    place: &str,
    kind: MediaKind,
    reader: &Reader,
    wanted: &Wanted,
) -> flamingo_data::Result<Media> {
    let (path, span) = match kind {
        MediaKind::Video => Span::split(place),
        MediaKind::Image => (place, None),
    };
    let wanted = Wanted {
        seconds: span.map(|span| span.start..span.end),
        ..wanted.clone()
    };
    base.load(path, kind, reader, &wanted)
}

/// The pictures and films that a task's examples show, each once, in order: queries first.
pub fn shown<'a>(suite: &'a Suite<'_>) -> Vec<&'a Part> {
    let own = suite
        .queries
        .iter()
        .flat_map(|query| query.supports.iter().flatten());
    let all: Vec<&Example> = suite
        .queries
        .iter()
        .chain(&suite.supports)
        .chain(own)
        .collect();
    let mut seen = HashMap::new();
    let parts = all.into_iter().flat_map(|example| &example.question);
    parts
        .filter(|part| match part {
            Part::Image(place) | Part::Video(place) => seen.insert(place.as_str(), ()).is_none(),
            Part::Text(_) | Part::End | Part::Token(_) => false,
        })
        .collect()
}
