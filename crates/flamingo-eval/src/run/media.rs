//! The pictures and films of a task.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use flamingo_data::MediaBase;
use flamingo_engine::{Error, MediaSource};
use flamingo_image::{Film, Limits, Media};
use flamingo_sequence::{MediaKind, Part};
use flamingo_tasks::Span;

use super::example::{Example, Suite};

/// Finds what the examples of a task show: files, `data:` URLs, and seconds of films (`film.mp4#t=3,7`).
#[derive(Clone, Debug)]
pub struct TaskMedia {
    films: HashSet<String>,
    base: MediaBase,
    limits: Limits,
}

impl TaskMedia {
    /// For the examples of a task.
    pub fn of(suite: &Suite<'_>, limits: Limits) -> Self {
        let films = shown(suite).into_iter().filter_map(|part| match part {
            Part::Video(place) => Some(place.clone()),
            _ => None,
        });
        Self {
            films: films.collect(),
            base: MediaBase::Folder("".into()),
            limits,
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
    fn media(&self, place: &str) -> flamingo_engine::Result<Media> {
        let kind = self.kind(place);
        let (path, span) = match kind {
            MediaKind::Video => Span::split(place),
            MediaKind::Image => (place, None),
        };
        let media = self.base.load(path, kind, &self.limits);
        let media = media.map_err(|error| Error::Media(error.to_string()))?;
        match (media, span) {
            (Media::Film(film), Some(span)) => Ok(Media::Film(cut(film, span, place)?)),
            (media, _) => Ok(media),
        }
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

/// The frames that are shown between two moments; at least one.
fn cut(film: Film, span: Span, name: &str) -> flamingo_engine::Result<Film> {
    let fps = f64::from(film.fps);
    let count = film.frames.len();
    let start = (span.start * fps).floor() as usize;
    let end = ((span.end * fps).ceil() as usize).min(count);
    if start >= count {
        return Err(Error::Media(format!(
            "{name} begins behind the film's end at {:.1} s: look whether it is the right film",
            count as f64 / fps
        )));
    }
    let frames = film.frames[start..end.max(start + 1)].to_vec();
    Film::new(frames, film.fps, name).map_err(|error| Error::Media(error.to_string()))
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
            Part::Text(_) | Part::End => false,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use flamingo_image::Image;

    use super::*;

    #[test]
    fn seconds_of_a_film_are_its_frames_in_them() {
        let frames: Vec<Image> = (0..23).map(|at| Image::solid(2, 3, [at; 3])).collect();
        let film = Film::new(frames, 2.0, "film").unwrap();
        let shades = |start, end| -> Vec<u8> {
            let part = cut(film.clone(), Span { start, end }, "part").unwrap();
            part.frames.iter().map(|frame| frame.rgb[0]).collect()
        };
        assert_eq!(shades(1.0, 3.0), [2, 3, 4, 5]);
        assert_eq!(shades(0.2, 0.3), [0]);
        assert_eq!(shades(10.9, 99.0), [21, 22]);
        let behind = Span {
            start: 11.6,
            end: 12.0,
        };
        assert!(cut(film, behind, "part").is_err());
    }
}
