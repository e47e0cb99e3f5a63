//! Pictures and films read: each goes through the encoder, the resampler and the gated blocks' projections
//! once while it stays in the cache.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use flamingo_image::{Image, Media, Sampling, Wanted};
use flamingo_kernels::{Tensor, floats};
use flamingo_model::Medium;
use flamingo_model::vision::Tiling;

use crate::looked::{Hash, Looked, hash};
use crate::rows::rows;
use crate::{Engine, Error, MediaSource, Result};

/// Frames encoded in one pass: enough to keep the processor at large products, few enough that what
/// lies between the layers is small beside the weights, and is not given back to the system in between.
pub(crate) const FRAMES_AT_ONCE: usize = 8;

impl Engine {
    /// Which frames of a film the model sees. Without a resampler there is no room for a second one.
    fn sampling(&self) -> Sampling {
        match self.model.resampler {
            Some(_) => self.options.films,
            None => Sampling {
                most: 1,
                ..self.options.films
            },
        }
    }

    /// What the model sees of a medium: what a source need not drop and not keep more of.
    pub fn wanted(&self) -> Wanted {
        Wanted::of(self.sampling(), &self.preprocess)
    }

    /// The frames of a medium that the model sees.
    ///
    /// # Errors
    /// If it cannot be had.
    pub(crate) fn frames(&self, reference: &str, source: &dyn MediaSource) -> Result<Vec<Image>> {
        Ok(match source.media(reference, &self.wanted())? {
            Media::Image(image) => vec![image],
            Media::Film(film) => film.sampled(self.sampling()).frames,
        })
    }

    /// The medium called `reference`, number `place` in its document. One whose version was seen before
    /// is not loaded.
    ///
    /// # Errors
    /// If it cannot be had.
    pub(crate) fn looked(
        &mut self,
        reference: &str,
        place: usize,
        source: &dyn MediaSource,
    ) -> Result<Looked> {
        let resampler = self.model.resampler.as_ref();
        let counts = resampler.is_some_and(|r| r.media_embeddings.is_some());
        let place = if counts { place } else { 0 };
        let version = source.version(reference).map(|v| format!("{place} {v}"));
        let known = version.as_ref().and_then(|v| self.versions.get(v)).copied();
        let (hash, frames) = match known {
            Some(hash) => (hash, None),
            None => {
                let frames = self.frames(reference, source)?;
                let hash = hash(&frames, place);
                if let Some(version) = version {
                    self.versions.put(version, hash);
                }
                (hash, (!self.media.contains(&hash)).then_some(frames))
            }
        };
        Ok(Looked {
            hash,
            reference: reference.to_owned(),
            frames,
            place,
        })
    }

    /// Whether a medium can be had. One whose version was seen before is not loaded.
    ///
    /// # Errors
    /// Why not, as a prompt that shows it would be told.
    pub fn check_medium(&mut self, reference: &str, source: &dyn MediaSource) -> Result<()> {
        self.looked(reference, 0, source).map(|_| ())
    }

    /// What a medium is encoded in: its frames, or the tiles of a picture.
    pub(crate) fn pieces(&self, frames: &[Image]) -> usize {
        let tiles = |frame: &Image| self.preprocess.tiling(frame).into_iter().product::<usize>();
        frames.iter().map(tiles).sum()
    }

    /// Keys and values of media, in order. Those that are in no cache are encoded, media of equally
    /// many frames or tiles together.
    ///
    /// # Errors
    /// If a medium cannot be had any more, or the folder of latents cannot be written.
    pub(crate) fn media(
        &mut self,
        wanted: &[&Looked],
        source: &dyn MediaSource,
    ) -> Result<Vec<Medium>> {
        let mut found: HashMap<Hash, Medium> = HashMap::new();
        let mut read: BTreeMap<usize, Vec<(Hash, Tensor<3>)>> = BTreeMap::new();
        let mut missing: BTreeMap<usize, Vec<_>> = BTreeMap::new();
        let mut seen = HashSet::new();
        for looked in wanted.iter().filter(|looked| seen.insert(looked.hash)) {
            if let Some(known) = self.media.get(&looked.hash) {
                self.counts.media_known += 1;
                found.insert(looked.hash, known);
            } else if let Some(latents) = self.stored_latents(&looked.hash) {
                let alike = read.entry(latents.dims()[1]).or_default();
                alike.push((looked.hash, latents));
            } else {
                let frames = self.loaded(looked, source)?;
                let alike = missing.entry(self.pieces(&frames)).or_default();
                alike.push((*looked, frames));
            }
        }
        for chunk in read.values().flat_map(|alike| alike.chunks(FRAMES_AT_ONCE)) {
            let latents = Tensor::cat(chunk.iter().map(|(_, l)| l.clone()).collect(), 0);
            self.keep(chunk.iter().map(|(hash, _)| *hash), latents, &mut found);
        }
        for (pieces, alike) in missing {
            for chunk in alike.chunks((FRAMES_AT_ONCE / pieces.max(1)).max(1)) {
                let pictures = chunk.iter().flat_map(|(_, frames)| frames.iter());
                let features = self.features(pictures, pieces);
                self.counts.media_encoded += chunk.len() as u64;
                let places: Vec<usize> = chunk.iter().map(|(looked, _)| looked.place).collect();
                let latents = self.model.resample(features, &places);
                if let Some(folder) = &self.latents {
                    for (i, (looked, _)) in chunk.iter().enumerate() {
                        folder.write(&looked.hash, latents.clone().narrow(0, i, 1))?;
                    }
                }
                let hashes = chunk.iter().map(|(looked, _)| looked.hash);
                self.keep(hashes, latents, &mut found);
            }
        }
        Ok(wanted.iter().map(|m| found[&m.hash].clone()).collect())
    }

    /// Makes keys and values of latents, `[M, R, media width]`, and keeps them.
    pub(crate) fn keep(
        &mut self,
        hashes: impl Iterator<Item = Hash>,
        latents: Tensor<3>,
        found: &mut HashMap<Hash, Medium>,
    ) {
        let media = self.model.media(latents).each();
        for (hash, medium) in hashes.zip(media) {
            self.media.insert(hash, medium.clone());
            found.insert(hash, medium);
        }
    }

    /// Latents that another run left, `[1, R, media width]`.
    fn stored_latents(&self, hash: &Hash) -> Option<Tensor<3>> {
        let latents = self.latents.as_ref()?.read(hash, &self.device)?;
        Some(latents.cast(self.options.precision.dtype()))
    }

    /// The frames of a medium, loaded again if they are not there.
    fn loaded<'a>(&self, looked: &'a Looked, source: &dyn MediaSource) -> Result<Cow<'a, [Image]>> {
        if let Some(frames) = &looked.frames {
            return Ok(Cow::Borrowed(frames));
        }
        let frames = self.frames(&looked.reference, source)?;
        match hash(&frames, looked.place) == looked.hash {
            true => Ok(Cow::Owned(frames)),
            false => Err(Error::Media(format!(
                "{} changed while prompts with it were read: ask again",
                looked.reference
            ))),
        }
    }

    /// One vector for each picture, of the frozen encoder alone: the mean over its positions, or CLIP's
    /// projected class token. For comparisons; nothing of it is kept.
    pub fn pooled(&self, pictures: &[Image]) -> Vec<Vec<f32>> {
        if pictures.is_empty() {
            return Vec::new();
        }
        let pooled = match self.preprocess.is_tiled() {
            true => {
                // The class tokens of a picture's tiles.
                let of_tiles = pictures.iter().map(|picture| {
                    let features = self.features(
                        std::iter::once(picture),
                        self.pieces(std::slice::from_ref(picture)),
                    );
                    features
                        .squeeze_dim::<3>(0)
                        .narrow(1, 0, 1)
                        .mean_dim(0)
                        .squeeze_dim::<2>(0)
                });
                Tensor::cat(of_tiles.collect(), 0)
            }
            false => self.model.vision.pooled(self.pixels(pictures.iter())),
        };
        rows(pooled)
    }

    /// `[F, 3, h, w]`, with all tiles of the pictures.
    pub(crate) fn pixels<'a>(&self, pictures: impl Iterator<Item = &'a Image>) -> Tensor<4> {
        let pixels: Vec<f32> = pictures.flat_map(|p| self.preprocess.pixels(p)).collect();
        let size = self.preprocess.size;
        let count = pixels.len() / (3 * size * size);
        let pixels = floats(pixels, [count, 3, size, size], &self.device);
        pixels.cast(self.options.precision.dtype())
    }

    /// Features of pictures, `pieces` of them or of their tiles a medium: `[M, T, S, Dv]`.
    pub(crate) fn features<'a>(
        &self,
        pictures: impl Iterator<Item = &'a Image>,
        pieces: usize,
    ) -> Tensor<4> {
        let features = match self.preprocess.is_tiled() {
            true => {
                let of_tiles = pictures.map(|picture| {
                    let [rows, columns] = self.preprocess.tiling(picture);
                    let pixels = self.pixels(std::iter::once(picture));
                    self.model.encode_tiles(pixels, Tiling { rows, columns })
                });
                Tensor::cat(of_tiles.collect(), 0)
            }
            false => self.model.encode(self.pixels(pictures)),
        };
        let [count, positions, width] = features.dims();
        features.reshape([count / pieces, pieces, positions, width])
    }
}
