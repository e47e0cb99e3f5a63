//! Each distinct picture or film, loaded once.

use std::collections::HashMap;
use std::path::Path;

use flamingo_film::Reader;
use flamingo_image::{Media, Wanted};
use flamingo_sequence::MediaKind;
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::{MediaBase, Result, Source};

/// What was made of each distinct picture or film of some sources: its pixels, or its features.
///
/// Two files with the same pixels are one item.
#[derive(Debug)]
pub struct Library<T> {
    /// One for each distinct picture or film.
    pub items: Vec<T>,
    by_place: HashMap<(String, bool), Option<usize>>,
    by_content: HashMap<[u8; 32], usize>,
}

impl<T> Default for Library<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            by_place: HashMap::new(),
            by_content: HashMap::new(),
        }
    }
}

/// How media are opened.
#[derive(Clone, Copy, Debug)]
pub struct Opened<'a> {
    /// What they are opened with.
    pub reader: &'a Reader,
    /// What of films is kept.
    pub wanted: &'a Wanted,
}

impl Opened<'_> {
    /// What is the same for media that are the same: a film is another one with other frames.
    fn key(&self, base: &MediaBase, place: &str, kind: MediaKind) -> (String, bool) {
        match kind {
            MediaKind::Image => (base.key(place), false),
            MediaKind::Video => {
                let (sampling, seconds) = (self.wanted.sampling, &self.wanted.seconds);
                let rate = self.reader.frame_rate;
                let frames = format!("{sampling:?} {seconds:?} {rate:?}");
                (format!("{}\0{frames}", base.key(place)), true)
            }
        }
    }
}

/// A medium to be loaded: where, and what it must be.
struct ToLoad {
    key: (String, bool),
    base: MediaBase,
    place: String,
    kind: MediaKind,
}

impl<T> Library<T> {
    /// Loads what the source shows, `chunk` media at a time (decoded on all threads), and lets
    /// `make` turn those that are new into items; `make` gets how many of the source's media are
    /// loaded so far and how many there are. Returns for each sample of the source the items of its
    /// media, in order.
    ///
    /// Samples with a medium that cannot be had are left out of the source and counted in its
    /// report. `path` is the source's, for messages.
    ///
    /// # Errors
    /// [`crate::Error::Nothing`] if no sample is left, and those of `make`.
    pub fn load<E: From<crate::Error>>(
        &mut self,
        source: &mut Source,
        path: &Path,
        opened: Opened<'_>,
        chunk: usize,
        mut make: impl FnMut(Vec<Media>, usize, usize) -> Result<Vec<T>, E>,
    ) -> Result<Vec<Vec<usize>>, E> {
        let wanted = self.wanted(source, opened);
        let mut failures: HashMap<(String, bool), (String, String)> = HashMap::new();
        let mut done = 0;
        for wanted_now in wanted.chunks(chunk.max(1)) {
            let loaded: Vec<_> = wanted_now
                .par_iter()
                .map(|w| {
                    let media = w
                        .base
                        .load(&w.place, w.kind, opened.reader, opened.wanted)?;
                    Ok::<_, crate::Error>((content(&media), media))
                })
                .collect();
            let mut new = Vec::new();
            for (wanted, loaded) in wanted_now.iter().zip(loaded) {
                let item = match loaded {
                    Ok((content, media)) => {
                        let next = self.items.len() + new.len();
                        let item = *self.by_content.entry(content).or_insert(next);
                        if item == next {
                            new.push(media);
                        }
                        Some(item)
                    }
                    Err(error) => {
                        let failure = (error.reason().to_owned(), error.to_string());
                        failures.insert(wanted.key.clone(), failure);
                        None
                    }
                };
                self.by_place.insert(wanted.key.clone(), item);
            }
            done += wanted_now.len();
            let expected = new.len();
            let items = make(new, done, wanted.len())?;
            assert_eq!(items.len(), expected, "one item for each new medium");
            self.items.extend(items);
        }
        self.assign(source, path, opened, &failures)
            .map_err(E::from)
    }

    /// The media of the source that were never asked for before, each once.
    fn wanted(&self, source: &Source, opened: Opened<'_>) -> Vec<ToLoad> {
        let mut seen = std::collections::HashSet::new();
        let mut wanted = Vec::new();
        for sample in &source.samples {
            for (_, kind, place) in sample.document.media() {
                let key = opened.key(&sample.base, place, kind);
                if !self.by_place.contains_key(&key) && seen.insert(key.clone()) {
                    wanted.push(ToLoad {
                        key,
                        base: sample.base.clone(),
                        place: place.to_owned(),
                        kind,
                    });
                }
            }
        }
        wanted
    }

    fn assign(
        &self,
        source: &mut Source,
        path: &Path,
        opened: Opened<'_>,
        failures: &HashMap<(String, bool), (String, String)>,
    ) -> Result<Vec<Vec<usize>>> {
        let mut assigned = Vec::new();
        source.retain(path, |_, sample| {
            let mut items = Vec::new();
            for (_, kind, place) in sample.document.media() {
                let key = opened.key(&sample.base, place, kind);
                match self.by_place.get(&key) {
                    Some(Some(item)) => items.push(*item),
                    _ => {
                        let unknown = ("unreadable medium".to_owned(), place.to_owned());
                        return Some(failures.get(&key).cloned().unwrap_or(unknown));
                    }
                }
            }
            assigned.push(items);
            None
        })?;
        Ok(assigned)
    }
}

/// SHA-256 of the sizes and pixels.
fn content(media: &Media) -> [u8; 32] {
    let (frames, is_film) = match media {
        Media::Image(image) => (std::slice::from_ref(image), false),
        Media::Film(film) => (film.frames.as_slice(), true),
    };
    let mut hash = Sha256::new();
    hash.update([u8::from(is_film)]);
    for frame in frames {
        hash.update(frame.height.to_le_bytes());
        frame.identity(|piece| hash.update(piece));
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use flamingo_image::Image;

    use super::*;
    use crate::{Error, Format};

    #[test]
    fn each_distinct_picture_is_made_once_and_samples_with_broken_ones_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, image: Image| {
            std::fs::write(folder.path().join(name), image.to_png()).unwrap();
        };
        write("a.png", Image::solid(3, 5, [1; 3]));
        write("same.png", Image::solid(3, 5, [1; 3]));
        write("b.png", Image::solid(3, 5, [2; 3]));
        std::fs::write(folder.path().join("broken.png"), b"no").unwrap();
        let lines = [
            r#"{"parts": [{"image": "a.png"}, {"image": "b.png"}, {"image": "same.png"}]}"#,
            r#"{"parts": [{"image": "b.png"}, {"image": "broken.png"}]}"#,
            r#"{"parts": [{"text": "none"}]}"#,
            r#"{"parts": [{"image": "./b.png"}, {"image": "missing.png"}]}"#,
            r#"{"parts": [{"video": "b.png"}]}"#,
        ];
        let path = folder.path().join("s.jsonl");
        std::fs::write(&path, lines.join("\n")).unwrap();
        let mut source = Source::read(Format::Jsonl, &path).unwrap();
        let mut library = Library::default();
        let mut made = 0;
        let opened = Opened {
            reader: &Reader::default(),
            wanted: &Wanted::default(),
        };
        let items = library.load(&mut source, &path, opened, 2, |media, _, all| {
            assert_eq!(all, 6);
            made += media.len();
            Ok::<_, Error>(media)
        });
        assert_eq!(items.unwrap(), [vec![0, 1, 0], vec![], vec![2]]);
        assert_eq!((made, library.items.len(), source.samples.len()), (3, 3, 3));
        assert_eq!(source.report.left_out["broken picture or film"], 1);
        assert_eq!(source.report.left_out["file missing or unreadable"], 1);
    }
}
