//! Pictures of evaluation sets, so that none of them is trained on.

use std::path::PathBuf;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::perceptual::distance;
use super::{ImagesConfig, Inspected, inspect, pictures};
use crate::Result;

/// The section `[evaluation]`: sets whose pictures may not be in the corpus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationConfig {
    /// Folders of pictures, shards (`.tar`) and documents (`.jsonl`).
    pub paths: Vec<PathBuf>,
    /// In how many bits of the perceptual hash a picture may differ and still be the same: 0 to 8.
    pub distance: u32,
}

impl Default for EvaluationConfig {
    fn default() -> Self {
        Self {
            paths: Vec::new(),
            distance: 4,
        }
    }
}

/// The pictures of evaluation sets, to be asked for one.
#[derive(Clone, Debug, Default)]
pub struct EvaluationIndex {
    names: Vec<String>,
    /// SHA-256 and picture, sorted.
    exact: Vec<(String, u32)>,
    hashes: Vec<u64>,
    /// For each band of bits: its value and the picture, sorted.
    bands: Vec<Vec<(u64, u32)>>,
    distance: u32,
}

/// A picture of an evaluation set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match<'a> {
    /// Its file, member or document.
    pub name: &'a str,
    /// Bits of the perceptual hash that differ; `None` if the bytes are equal.
    pub distance: Option<u32>,
}

impl EvaluationIndex {
    /// The farthest that is searched for; beyond it, different pictures meet.
    pub const MAX_DISTANCE: u32 = 8;

    /// Reads all pictures of the sets.
    ///
    /// What is no picture is passed over: it cannot be met in a corpus either.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) if a file or folder cannot be read.
    pub fn read(config: &EvaluationConfig) -> Result<Self> {
        // Any size and shape: the corpus may hold a larger copy.
        let any = ImagesConfig {
            min_side: 0,
            max_aspect: 0.0,
            drop_single_colour: false,
            animated: super::Animated::FirstFrame,
            ..ImagesConfig::default()
        };
        let mut found = Vec::new();
        for path in &config.paths {
            pictures::each_batch(path, &any.limits(), |batch| {
                let measured = batch.into_par_iter().map(|(name, bytes)| {
                    let inspected = inspect(&bytes, &any);
                    (name, inspected)
                });
                found.par_extend(measured);
            })?;
        }
        Ok(Self::new(config.distance, found))
    }

    /// An index of pictures that have been inspected, searched up to `distance` bits.
    pub fn new(distance: u32, pictures: impl IntoIterator<Item = (String, Inspected)>) -> Self {
        let distance = distance.min(Self::MAX_DISTANCE);
        let mut index = Self {
            bands: vec![Vec::new(); distance as usize + 1],
            distance,
            ..Self::default()
        };
        for (name, inspected) in pictures {
            index.add(name, inspected);
        }
        index.exact.sort_unstable();
        index.bands.iter_mut().for_each(|band| band.sort_unstable());
        index
    }

    fn add(&mut self, name: String, inspected: Inspected) {
        let picture = self.names.len() as u32;
        let (Some(sha256), Some(hash)) = (inspected.sha256, inspected.perceptual) else {
            return;
        };
        self.names.push(name);
        self.exact.push((sha256, picture));
        self.hashes.push(hash);
        // The hash of a picture of one colour is that of noise.
        if inspected.single_colour == Some(true) {
            return;
        }
        let count = self.bands.len();
        for (band, known) in self.bands.iter_mut().enumerate() {
            known.push((bits_of(hash, band, count), picture));
        }
    }

    /// How many pictures are known.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no picture is known.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The picture that has these bytes, else the one that looks most like it and is near enough.
    ///
    /// All pairs within the distance are found: of d + 1 bands of bits, d differing bits leave one
    /// untouched, and every band is looked up.
    pub fn matches(&self, sha256: &str, perceptual: Option<u64>) -> Option<Match<'_>> {
        let at = self
            .exact
            .partition_point(|(known, _)| known.as_str() < sha256);
        if let Some((known, picture)) = self.exact.get(at)
            && known == sha256
        {
            let name = &self.names[*picture as usize];
            return Some(Match {
                name,
                distance: None,
            });
        }
        let (distance, picture) = self.nearest(perceptual?)?;
        Some(Match {
            name: &self.names[picture as usize],
            distance: Some(distance),
        })
    }

    fn nearest(&self, hash: u64) -> Option<(u32, u32)> {
        let in_band = |(band, known): (usize, &Vec<(u64, u32)>)| {
            let value = bits_of(hash, band, self.bands.len());
            let start = known.partition_point(|(bits, _)| *bits < value);
            let same = known[start..]
                .iter()
                .take_while(move |(bits, _)| *bits == value);
            let near = same.filter_map(|&(_, picture)| {
                let distance = distance(hash, self.hashes[picture as usize]);
                (distance <= self.distance).then_some((distance, picture))
            });
            near.min()
        };
        self.bands.iter().enumerate().filter_map(in_band).min()
    }
}

/// The bits of one band of `bands` as even as can be.
fn bits_of(hash: u64, band: usize, bands: usize) -> u64 {
    let (start, end) = (band * 64 / bands, (band + 1) * 64 / bands);
    let mask = u64::MAX >> (64 - (end - start));
    (hash >> start) & mask
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs::{self, File};

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::super::testing::{half, jpeg, photo};
    use super::*;

    fn known(number: usize, perceptual: u64) -> (String, Inspected) {
        let inspected = Inspected {
            sha256: Some(format!("{number:064}")),
            perceptual: Some(perceptual),
            ..Inspected::default()
        };
        (number.to_string(), inspected)
    }

    proptest! {
        #[test]
        fn every_picture_within_the_distance_is_found(
            hashes in prop::collection::vec(any::<u64>(), 1..40),
            of in any::<prop::sample::Index>(),
            flips in prop::collection::vec(0_u32..64, 0..12),
            limit in 0_u32..=8,
        ) {
            let index = EvaluationIndex::new(limit, hashes.iter().copied().enumerate().map(|(n, hash)| known(n, hash)));
            let asked = flips.iter().fold(*of.get(&hashes), |hash, bit| hash ^ (1 << bit));
            let nearest = hashes.iter().map(|&hash| distance(hash, asked)).min().filter(|&bits| bits <= limit);
            let found = index.matches("none", Some(asked)).and_then(|found| found.distance);
            prop_assert_eq!(found, nearest);
        }
    }

    #[test]
    fn equal_bytes_come_before_equal_looks() {
        let index = EvaluationIndex::new(4, [known(3, 7), known(5, 7)]);
        let found = index.matches(&format!("{:064}", 5), Some(7)).unwrap();
        assert_eq!((found.name, found.distance), ("5", None));
        let found = index.matches("none", Some(6)).unwrap();
        assert_eq!((found.name, found.distance), ("3", Some(1)));
        assert_eq!(index.matches("none", None), None);
    }

    #[test]
    fn sets_are_read_from_folders_shards_and_documents() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("set/deep")).unwrap();
        fs::write(path("set/deep/1.png"), photo(1, 97, 89).to_png()).unwrap();
        fs::write(path("set/notes.txt"), "no picture").unwrap();
        let mut shard = tar::Builder::new(File::create(path("set/a.tar")).unwrap());
        let file = jpeg(&photo(2, 97, 89), 90);
        let mut header = tar::Header::new_gnu();
        header.set_size(file.len() as u64);
        shard
            .append_data(&mut header, "7.jpg", file.as_slice())
            .unwrap();
        shard.finish().unwrap();
        fs::write(path("3.png"), photo(3, 97, 89).to_png()).unwrap();
        let url = format!(
            "data:image/png;base64,{}",
            STANDARD.encode(photo(4, 97, 89).to_png())
        );
        let lines = format!(
            "{{\"parts\":[{{\"image\":\"3.png\"}},{{\"image\":\"gone.png\"}}]}}\nbad\n{{\"parts\":[{{\"image\":\"{url}\"}}]}}\n"
        );
        fs::write(path("questions.jsonl"), lines).unwrap();
        let config = EvaluationConfig {
            paths: vec![path("set"), path("questions.jsonl")],
            distance: 6,
        };
        let index = EvaluationIndex::read(&config).unwrap();
        assert_eq!((index.len(), index.is_empty()), (4, false));
        for (seed, name) in [
            (1, "1.png"),
            (2, "7.jpg"),
            (3, "3.png"),
            (4, "data:image/png"),
        ] {
            let copy = inspect(
                &jpeg(&half(&photo(seed, 388, 356)), 80),
                &ImagesConfig::default(),
            );
            let found = index
                .matches(&copy.sha256.unwrap(), copy.perceptual)
                .unwrap();
            assert!(found.name.contains(name), "{}", found.name);
        }
        let other = inspect(&photo(5, 97, 89).to_png(), &ImagesConfig::default());
        assert_eq!(
            index.matches(&other.sha256.unwrap(), other.perceptual),
            None
        );
        let missing = EvaluationConfig {
            paths: vec![path("gone")],
            ..config
        };
        let message = EvaluationIndex::read(&missing).unwrap_err().to_string();
        assert!(message.contains("gone"), "{message}");
    }

    #[test]
    fn pictures_of_one_colour_look_like_no_other() {
        let flat = flamingo_image::Image::solid(97, 89, [7; 3]).to_png();
        let keep = ImagesConfig {
            drop_single_colour: false,
            ..ImagesConfig::default()
        };
        let inspected = inspect(&flat, &keep);
        let index = EvaluationIndex::new(4, [("flat".to_owned(), inspected.clone())]);
        assert_eq!(index.matches("none", inspected.perceptual), None);
        assert!(index.matches(&inspected.sha256.unwrap(), None).is_some());
    }
}
