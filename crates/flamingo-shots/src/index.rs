//! What the model's own encoder makes of the pictures of a set: one vector each, kept on disk for other runs.

use std::path::{Path, PathBuf};

use flamingo_engine::{Engine, MediaSource};
use flamingo_film::Reader;
use flamingo_image::{Image, Media, Sampling, Wanted};
use flamingo_sequence::{Document, Part};
use sha2::{Digest, Sha256};

use crate::ShotSet;

/// Begins each file; another one is of another form.
const MAGIC: &[u8; 8] = b"shots\0\x001";
/// Of a film, what is shown in its middle.
const ONE_FRAME: Wanted = Wanted {
    sampling: Some(Sampling {
        most: 1,
        ..Sampling::ASKING
    }),
    seconds: None,
    preprocess: None,
};
/// Pictures that are encoded together.
const AT_ONCE: usize = 16;

/// The vectors of a set's shots, each of length 1; those of shots without a picture are NaN.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorIndex {
    width: usize,
    /// `[n, width]`, row-major.
    vectors: Vec<f32>,
}

impl VectorIndex {
    /// The vectors of a set: those in `folder` if they are of these files and this model, else made and kept there.
    /// `others` knows the media that the set does not hold itself.
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
        let path = folder.and_then(|folder| Some(folder.join(name(set, engine, others)?)));
        if let Some(index) = path.as_deref().and_then(|path| Self::read(path, set.len())) {
            return Ok(index);
        }
        let mut rows: Vec<Option<Vec<f32>>> = Vec::with_capacity(set.len());
        for chunk in set.documents().chunks(AT_ONCE) {
            let mut pictures = Vec::new();
            let mut has = Vec::new();
            for document in chunk {
                let picture = match last_medium(document) {
                    None => None,
                    Some(reference) if set.has(reference) => {
                        let media = set.load(reference, reader, &ONE_FRAME);
                        Some(still(media.map_err(flamingo_engine::Error::Media)?))
                    }
                    Some(reference) => Some(still(others.media(reference, &ONE_FRAME)?)),
                };
                has.push(picture.is_some());
                pictures.extend(picture);
            }
            let mut made = engine.pooled(&pictures).into_iter();
            rows.extend(
                has.into_iter()
                    .map(|has| if has { made.next() } else { None }),
            );
        }
        let index = Self::of_rows(rows);
        if let Some(path) = path {
            index.write(&path)?;
        }
        Ok(index)
    }

    fn of_rows(rows: Vec<Option<Vec<f32>>>) -> Self {
        let width = rows.iter().flatten().map(Vec::len).next().unwrap_or(0);
        let mut vectors = Vec::with_capacity(rows.len() * width);
        for row in rows {
            match row {
                Some(row) => vectors.extend(unit(&row)),
                None => vectors.extend(std::iter::repeat_n(f32::NAN, width)),
            }
        }
        Self { width, vectors }
    }

    /// The cosine of each shot's vector with another.
    pub fn similarities(&self, vector: &[f32]) -> Vec<f32> {
        let vector = unit(vector);
        let cosine = |row: &[f32]| row.iter().zip(&vector).map(|(a, b)| a * b).sum();
        self.vectors.chunks(self.width.max(1)).map(cosine).collect()
    }

    /// None if it is not there, or damaged.
    fn read(path: &Path, count: usize) -> Option<Self> {
        let bytes = std::fs::read(path).ok()?;
        let (body, checksum) = bytes.split_last_chunk::<32>()?;
        let whole: [u8; 32] = Sha256::digest(body).into();
        let body = body.strip_prefix(MAGIC).filter(|_| whole == *checksum)?;
        let (width, body) = body.split_first_chunk::<8>()?;
        let width = usize::try_from(u64::from_le_bytes(*width)).ok()?;
        let vectors: Vec<f32> = body
            .as_chunks()
            .0
            .iter()
            .map(|v| f32::from_le_bytes(*v))
            .collect();
        (vectors.len() == width.checked_mul(count)?).then_some(Self { width, vectors })
    }

    fn write(&self, path: &Path) -> flamingo_engine::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| {
                flamingo_engine::Error::Media(format!(
                    "cannot create {}: {error}",
                    folder.display()
                ))
            })?;
        }
        let mut bytes = MAGIC.to_vec();
        bytes.extend((self.width as u64).to_le_bytes());
        bytes.extend(self.vectors.iter().flat_map(|v| v.to_le_bytes()));
        let checksum: [u8; 32] = Sha256::digest(&bytes).into();
        bytes.extend(checksum);
        Ok(flamingo_files::write(path, &bytes)?)
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
    Ok(vector_of(engine, source.media(reference, &ONE_FRAME)?))
}

/// The vector of a medium that is loaded, as of [`own_vector`].
pub fn vector_of(engine: &Engine, media: Media) -> Vec<f32> {
    engine.pooled(&[still(media)]).swap_remove(0)
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

/// A vector of length 1.
fn unit(vector: &[f32]) -> Vec<f32> {
    let length = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
    let length = length.max(f32::MIN_POSITIVE);
    vector.iter().map(|v| v / length).collect()
}

/// What the file of a set is called: by its media's files, and by what the encoder makes of a fixed picture. None if a
/// medium may change unseen.
fn name(set: &ShotSet, engine: &Engine, others: &dyn MediaSource) -> Option<PathBuf> {
    let mut hasher = Sha256::new();
    let probe = Image::from_fn(64, 48, |x, y| [(x * 4) as u8, (y * 5) as u8, (x * y) as u8]);
    for value in engine.pooled(&[probe]).concat() {
        hasher.update(value.to_le_bytes());
    }
    for document in set.documents() {
        match last_medium(document) {
            Some(reference) if set.has(reference) => hasher.update(set.version(reference)?),
            Some(reference) => hasher.update(others.version(reference)?),
            None => hasher.update([0]),
        }
        hasher.update([0]);
    }
    let name: String = hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Some(format!("{name}.shots").into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn vectors_are_read_back_and_damage_is_as_if_there_were_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.shots");
        let index = VectorIndex::of_rows(vec![
            Some(vec![3.0, 0.0]),
            Some(vec![0.0, 0.5]),
            Some(vec![1.0, 1.0]),
        ]);
        index.write(&path).unwrap();
        assert_eq!(VectorIndex::read(&path, 3), Some(index.clone()));
        assert_eq!(VectorIndex::read(&path, 2), None);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[20] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(VectorIndex::read(&path, 3), None);
        let similar = index.similarities(&[7.0, 0.0]);
        assert!((similar[0] - 1.0).abs() < 1e-6 && similar[1].abs() < 1e-6);
    }

    #[test]
    fn a_shot_without_a_picture_is_like_nothing() {
        let index = VectorIndex::of_rows(vec![None, Some(vec![2.0, 0.0])]);
        let similar = index.similarities(&[1.0, 0.0]);
        assert!(similar[0].is_nan());
        assert_eq!(similar[1], 1.0);
    }
}
