//! What was computed of pictures and films, by their content: each goes through the encoder, the
//! resampler and the gated blocks' projections once while it stays in the cache.

use std::collections::HashMap;

use flamingo_image::{Image, Media, sample_frames};
use flamingo_kernels::{Tensor, floats};
use flamingo_model::Medium;
use lru::LruCache;
use sha2::{Digest, Sha256};

use crate::{Engine, Result};

/// The content of a medium, and its place in the document for the few models that look at it.
pub(crate) type Hash = [u8; 32];

/// Keys and values of media by content; the least recently used ones go when there are too many.
pub(crate) struct MediaCache {
    budget: usize,
    bytes: usize,
    media: LruCache<Hash, Medium>,
}

impl MediaCache {
    /// A cache of at most `budget` bytes.
    pub(crate) fn new(budget: usize) -> Self {
        Self {
            budget,
            bytes: 0,
            media: LruCache::unbounded(),
        }
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.budget);
    }

    fn get(&mut self, hash: &Hash) -> Option<Medium> {
        self.media.get(hash).cloned()
    }

    fn insert(&mut self, hash: Hash, medium: Medium) {
        self.bytes += medium.bytes();
        if let Some(old) = self.media.put(hash, medium) {
            self.bytes -= old.bytes();
        }
        while self.bytes > self.budget {
            let Some((_, oldest)) = self.media.pop_lru() else {
                break;
            };
            self.bytes -= oldest.bytes();
        }
    }
}

/// A medium as the model sees it.
pub(crate) struct Looked {
    pub(crate) hash: Hash,
    frames: Vec<Image>,
    place: usize,
}

/// Frames encoded in one pass: enough to keep the processor at large products, few enough that what
/// lies between the layers is small beside the weights.
const FRAMES_AT_ONCE: usize = 16;

impl Engine {
    /// Without a resampler there is no room for a second frame.
    fn most_frames(&self) -> usize {
        match self.model.resampler {
            Some(_) => self.options.max_frames,
            None => 1,
        }
    }

    /// The frames of a medium that the model sees.
    pub(crate) fn frames(&self, medium: Media) -> Vec<Image> {
        match medium {
            Media::Image(image) => vec![image],
            Media::Film(film) => {
                sample_frames(&film, self.options.frames_per_second, self.most_frames())
            }
        }
    }

    /// A medium that is number `place` in its document.
    pub(crate) fn looked(&self, medium: Media, place: usize) -> Looked {
        let frames = self.frames(medium);
        let resampler = self.model.resampler.as_ref();
        let counts = resampler.is_some_and(|r| r.media_embeddings.is_some());
        let place = if counts { place } else { 0 };
        Looked {
            hash: hash(&frames, place),
            frames,
            place,
        }
    }

    /// Keys and values of media, in order. Those that are in no cache are encoded, media of equal
    /// frame counts together.
    ///
    /// # Errors
    /// If the folder of latents cannot be written.
    pub(crate) fn media(&mut self, wanted: &[&Looked]) -> Result<Vec<Medium>> {
        let mut found: HashMap<Hash, Medium> = HashMap::new();
        let mut missing: HashMap<usize, Vec<&Looked>> = HashMap::new();
        for medium in wanted {
            if found.contains_key(&medium.hash) {
                continue;
            }
            match self.media.get(&medium.hash) {
                Some(known) => drop(found.insert(medium.hash, known)),
                None => {
                    let alike = missing.entry(medium.frames.len()).or_default();
                    if alike.iter().all(|other| other.hash != medium.hash) {
                        alike.push(medium);
                    }
                }
            }
        }
        for (frames, alike) in missing {
            for chunk in alike.chunks((FRAMES_AT_ONCE / frames.max(1)).max(1)) {
                let latents = self.latents(chunk, frames)?;
                let media = self.model.media(latents).each();
                for (looked, medium) in chunk.iter().zip(media) {
                    self.media.insert(looked.hash, medium.clone());
                    found.insert(looked.hash, medium);
                }
            }
        }
        Ok(wanted.iter().map(|m| found[&m.hash].clone()).collect())
    }

    /// Latents of media of `frames` frames each, `[M, R, media width]`: from the folder those that
    /// are there, by the model the others, which then are.
    fn latents(&mut self, media: &[&Looked], frames: usize) -> Result<Tensor<3>> {
        let Some(folder) = &self.latents else {
            return Ok(self.encode(media, frames));
        };
        let mut all: Vec<Option<Tensor<3>>> = media
            .iter()
            .map(|medium| folder.read(&medium.hash, &self.device))
            .collect();
        let places: Vec<usize> = (0..all.len()).filter(|&i| all[i].is_none()).collect();
        if !places.is_empty() {
            let missing: Vec<&Looked> = places.iter().map(|&i| media[i]).collect();
            let latents = self.encode(&missing, frames);
            for (i, place) in places.into_iter().enumerate() {
                let one = latents.clone().narrow(0, i, 1);
                folder.write(&media[place].hash, one.clone())?;
                all[place] = Some(one);
            }
        }
        let all = all.into_iter().flatten();
        let dtype = self.options.precision.dtype();
        Ok(Tensor::cat(all.map(|one| one.cast(dtype)).collect(), 0))
    }

    fn encode(&self, media: &[&Looked], frames: usize) -> Tensor<3> {
        let features = self.features(media.iter().flat_map(|m| &m.frames), frames);
        let places: Vec<usize> = media.iter().map(|m| m.place).collect();
        self.model.resample(features, &places)
    }

    /// Features of pictures, `frames` a medium: `[M, T, S, Dv]`.
    pub(crate) fn features<'a>(
        &self,
        pictures: impl Iterator<Item = &'a Image>,
        frames: usize,
    ) -> Tensor<4> {
        let pixels: Vec<Vec<f32>> = pictures.map(|p| self.preprocess.pixels(p)).collect();
        let (count, size) = (pixels.len(), self.preprocess.size);
        let pixels = floats(pixels.concat(), [count, 3, size, size], &self.device);
        let pixels = pixels.cast(self.options.precision.dtype());
        let features = self.model.encode(pixels);
        let [_, positions, width] = features.dims();
        features.reshape([count / frames, frames, positions, width])
    }
}

fn hash(frames: &[Image], place: usize) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(place.to_le_bytes());
    for frame in frames {
        hasher.update(frame.width.to_le_bytes());
        hasher.update(&frame.rgb);
    }
    hasher.finalize().into()
}
