//! What the model's own encoder makes of the pictures of a set: one vector each, kept on disk for other runs.
//!
//! An index is made piece by piece ([`Making`]), so that whoever has the engine can answer others between two pieces.

use std::path::Path;

use flamingo_engine::{Engine, MediaSource};
use flamingo_film::Reader;
use flamingo_image::{Image, Media};
use flamingo_kernels::Device;
use flamingo_sequence::{Document, Part};
use sha2::{Digest, Sha256};

use crate::set::ONE_FRAME;
use crate::{ShotSet, VectorFile, Vectors, nearest};

/// Pictures that are encoded together where nobody else waits.
const AT_ONCE: usize = 16;

/// The vectors of a set's shots.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorIndex {
    /// The shots that have a picture, by their number in the set.
    shots: Vec<usize>,
    /// A vector for each of them.
    vectors: Vectors,
}

/// An index on its way: [`Making::pictures`] are loaded, [`Engine::pooled`] makes vectors of them, and
/// [`Making::take`] takes these, until there are no more pictures; then [`Making::finish`] keeps them.
pub struct Making {
    /// The shots that have a picture, and how it is called.
    pictures: Vec<(usize, String)>,
    vectors: Vectors,
    /// Where they are kept; none if a picture may change unseen.
    file: Option<VectorFile>,
}

/// What an encoder makes of a fixed picture, as numbers: another encoder makes another thing of it.
pub fn encoder_probe(engine: &Engine) -> String {
    let probe = Image::from_fn(64, 48, |x, y| [(x * 4) as u8, (y * 5) as u8, (x * y) as u8]);
    let bits = |vector: Vec<f32>| vector.into_iter().map(f32::to_bits).collect::<Vec<u32>>();
    format!(
        "{:?}",
        engine
            .pooled(&[probe])
            .into_iter()
            .map(bits)
            .collect::<Vec<_>>()
    )
}

impl Making {
    /// The beginning of an index of `set`, which is whole already if `folder` has it for these files and the encoder of
    /// `probe`. `others` knows the media that the set does not hold itself.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn new(
        set: &ShotSet,
        probe: &str,
        others: &dyn MediaSource,
        folder: Option<&Path>,
    ) -> flamingo_engine::Result<Self> {
        let pictures: Vec<(usize, String)> = (0..set.len())
            .filter_map(|shot| Some((shot, last_medium(set.document(shot))?.to_owned())))
            .collect();
        let file = match (folder, fingerprint(set, &pictures, others)) {
            (Some(folder), Some(fingerprint)) => {
                make_folder(folder)?;
                Some(VectorFile::new(folder, "shots", probe, &fingerprint))
            }
            _ => None,
        };
        let kept = file.as_ref().and_then(VectorFile::read);
        let kept = kept.filter(|vectors| vectors.len() == pictures.len());
        Ok(Self {
            pictures,
            vectors: kept.unwrap_or_default(),
            file,
        })
    }

    /// The next pictures that are to be encoded, at most `most`; none once the index is whole.
    ///
    /// # Errors
    /// If one cannot be had.
    pub fn pictures(
        &self,
        set: &ShotSet,
        others: &dyn MediaSource,
        reader: &Reader,
        most: usize,
    ) -> flamingo_engine::Result<Vec<Image>> {
        let left = &self.pictures[self.vectors.len()..];
        let load = |(_, reference): &(usize, String)| {
            let media = match set.has(reference) {
                true => {
                    let media = set.load(reference, reader, &ONE_FRAME);
                    media.map_err(flamingo_engine::Error::Media)
                }
                false => others.media(reference, &ONE_FRAME),
            };
            media.map(still)
        };
        left.iter().take(most).map(load).collect()
    }

    /// Takes what the encoder made of the pictures that were told last.
    pub fn take(&mut self, vectors: &[Vec<f32>]) {
        for vector in vectors {
            let taken = self.vectors.push(vector);
            taken.expect("an encoder has vectors of one width");
        }
    }

    /// The whole index, kept on disk.
    ///
    /// # Errors
    /// If it cannot be written.
    ///
    /// # Panics
    /// If pictures are left.
    pub fn finish(self) -> flamingo_engine::Result<VectorIndex> {
        assert_eq!(self.vectors.len(), self.pictures.len(), "all are encoded");
        if let Some(file) = self.file.filter(|file| file.read().is_none()) {
            file.write(&self.vectors)?;
        }
        Ok(VectorIndex {
            shots: self.pictures.into_iter().map(|(shot, _)| shot).collect(),
            vectors: self.vectors,
        })
    }
}

impl VectorIndex {
    /// The vectors of a set, made in one go: those in `folder` if they are of these files and this model, else made and
    /// kept there. `others` knows the media that the set does not hold itself.
    ///
    /// # Errors
    /// If a picture cannot be had, or the folder cannot be written.
    pub fn of(
        set: &ShotSet,
        engine: &Engine,
        others: &dyn MediaSource,
        folder: Option<&Path>,
        reader: &Reader,
    ) -> flamingo_engine::Result<Self> {
        let mut making = Making::new(set, &encoder_probe(engine), others, folder)?;
        loop {
            let pictures = making.pictures(set, others, reader, AT_ONCE)?;
            if pictures.is_empty() {
                return making.finish();
            }
            making.take(&engine.pooled(&pictures));
        }
    }

    /// The shots whose picture is most like one of this vector, at most `count`, the most similar last; of equals the
    /// first stands last. Those without a picture are never among them.
    ///
    /// # Panics
    /// If the vector has another width.
    pub fn nearest(&self, vector: &[f32], count: usize, device: &Device) -> Vec<usize> {
        let mut query = Vectors::default();
        query.push(vector).expect("the first has any width");
        if !self.vectors.is_empty() {
            assert_eq!(query.width, self.vectors.width, "vectors of one encoder");
        }
        let found = nearest(&query, &self.vectors, count, device);
        let found = found.into_iter().flatten();
        let mut shots: Vec<usize> = found.map(|at| self.shots[at]).collect();
        shots.reverse();
        shots
    }
}

/// The vector of a picture, by the model's own encoder; of a film, of its middle frame.
///
/// # Errors
/// If it cannot be had.
pub fn own_vector(
    engine: &Engine,
    source: &dyn MediaSource,
    reference: &str,
) -> flamingo_engine::Result<Vec<f32>> {
    let picture = still(source.media(reference, &ONE_FRAME)?);
    Ok(engine.pooled(&[picture]).swap_remove(0))
}

fn still(media: Media) -> Image {
    match media {
        Media::Image(image) => image,
        Media::Film(mut film) => film.frames.swap_remove(film.frames.len() / 2),
    }
}

/// The picture that a shot is about: its last.
fn last_medium(document: &Document) -> Option<&str> {
    document.parts.iter().rev().find_map(|part| match part {
        Part::Image(place) | Part::Video(place) => Some(place.as_str()),
        Part::Text(_) | Part::End | Part::Token(_) => None,
    })
}

/// What changes with the files of these pictures; none if one may change unseen.
fn fingerprint(
    set: &ShotSet,
    pictures: &[(usize, String)],
    others: &dyn MediaSource,
) -> Option<String> {
    let mut hasher = Sha256::new();
    for (_, reference) in pictures {
        let version = match set.has(reference) {
            true => set.version(reference),
            false => others.version(reference),
        };
        hasher.update(version?);
        hasher.update([0]);
    }
    Some(format!("{:x}", hasher.finalize()))
}

fn make_folder(folder: &Path) -> flamingo_engine::Result<()> {
    std::fs::create_dir_all(folder).map_err(|error| {
        let message = format!("cannot create {}: {error}", folder.display());
        flamingo_engine::Error::Media(message)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashMap;

    use flamingo_image::Wanted;
    use flamingo_kernels::{Backend, open_device};

    use super::*;

    /// Media that are all there and never change.
    struct Fixed(HashMap<String, Media>);

    impl MediaSource for Fixed {
        fn media(&self, reference: &str, wanted: &Wanted) -> flamingo_engine::Result<Media> {
            self.0.media(reference, wanted)
        }

        fn version(&self, reference: &str) -> Option<String> {
            Some(reference.to_owned())
        }
    }

    fn set(names: &[&str]) -> (ShotSet, Fixed) {
        let shot = |name: &&str| match name.is_empty() {
            true => Document::new([Part::Text("no picture".into()), Part::End]),
            false => Document::new([Part::Image((*name).into()), Part::End]),
        };
        let picture = |name: &&str| {
            let image = Image::solid(3, 2, [name.len() as u8; 3]);
            ((*name).to_owned(), Media::Image(image))
        };
        let set = ShotSet::of_documents(names.iter().map(shot).collect());
        (set, Fixed(names.iter().map(picture).collect()))
    }

    /// As many pictures at once as told, and what stands for their vectors.
    fn made(folder: &Path, names: &[&str], most: usize) -> (VectorIndex, usize) {
        let (set, media) = set(names);
        let mut making = Making::new(&set, "encoder", &media, Some(folder)).unwrap();
        let mut encoded = 0;
        loop {
            let pictures = making
                .pictures(&set, &media, &Reader::default(), most)
                .unwrap();
            if pictures.is_empty() {
                return (making.finish().unwrap(), encoded);
            }
            assert!(pictures.len() <= most);
            encoded += pictures.len();
            let vector = |image: &Image| vec![f32::from(image.rgb[0]), 2.0];
            making.take(&pictures.iter().map(vector).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_index_is_the_same_in_pieces_of_any_size_and_read_back_afterwards() {
        let names = ["a", "", "bbb", "cc", "ddddd"];
        let folder = tempfile::tempdir().unwrap();
        let whole = made(&folder.path().join("16"), &names, 16);
        assert_eq!(whole.1, 4);
        assert_eq!(made(&folder.path().join("1"), &names, 1), whole);
        assert_eq!(
            made(&folder.path().join("16"), &names, 16),
            (whole.0.clone(), 0)
        );
        // Another set has another file.
        assert_eq!(made(&folder.path().join("16"), &["a", "cc"], 16).1, 2);
    }

    #[test]
    fn the_most_similar_stands_last_and_what_has_no_picture_is_left_out() {
        let device = open_device(Backend::Cpu).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (index, _) = made(folder.path(), &["a", "", "bbb", "ccc", "ddddd"], 2);
        assert_eq!(index.nearest(&[30.0, 20.0], 3, &device), [4, 3, 2]);
        assert_eq!(index.nearest(&[30.0, 20.0], 9, &device), [0, 4, 3, 2]);
        assert!(index.nearest(&[1.0, 1.0], 0, &device).is_empty());
        let (none, _) = made(folder.path(), &["", ""], 2);
        assert!(none.nearest(&[1.0, 1.0], 3, &device).is_empty());
    }
}
