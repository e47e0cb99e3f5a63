//! Pictures to latents, each once: by the hash of their pixels (and of their place in the document,
//! for the few models that look at it), least recently used ones dropped.

use std::collections::HashMap;

use flamingo_image::{Image, Media, sample_frames};
use flamingo_kernels::{Tensor, floats};
use sha2::{Digest, Sha256};

use crate::Engine;

type Hash = [u8; 32];

/// Latents by content, `[1, R, D]` each.
pub(crate) struct LatentCache {
    capacity: usize,
    clock: u64,
    entries: HashMap<Hash, (u64, Tensor<3>)>,
}

impl LatentCache {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            clock: 0,
            entries: HashMap::new(),
        }
    }

    fn get(&mut self, hash: &Hash) -> Option<Tensor<3>> {
        self.clock += 1;
        let (used, latents) = self.entries.get_mut(hash)?;
        *used = self.clock;
        Some(latents.clone())
    }

    fn insert(&mut self, hash: Hash, latents: Tensor<3>) {
        if self.entries.len() >= self.capacity.max(1) {
            self.drop_older_half();
        }
        self.clock += 1;
        self.entries.insert(hash, (self.clock, latents));
    }

    /// Dropping half at once keeps the cost of an insertion constant on average.
    fn drop_older_half(&mut self) {
        let mut ages: Vec<u64> = self.entries.values().map(|(used, _)| *used).collect();
        ages.sort_unstable();
        let middle = ages[ages.len() / 2];
        self.entries.retain(|_, (used, _)| *used > middle);
    }
}

/// Frames encoded in one pass.
const FRAMES_AT_ONCE: usize = 64;

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

    /// Latents of media, in order, `[M, R, media width]`; none for no media. `places[i]` is that of
    /// medium `i` in its document. Those not in the cache are encoded together, media of equal frame
    /// counts in one pass.
    pub(crate) fn latents(&mut self, media: Vec<Media>, places: &[usize]) -> Option<Tensor<3>> {
        let media: Vec<Looked> = media
            .into_iter()
            .zip(places)
            .map(|(medium, &place)| self.looked(medium, place))
            .collect();
        let mut found: HashMap<Hash, Tensor<3>> = HashMap::new();
        let mut wanted: HashMap<usize, Vec<&Looked>> = HashMap::new();
        for medium in &media {
            if found.contains_key(&medium.hash) {
                continue;
            }
            match self.latents.get(&medium.hash) {
                Some(latents) => drop(found.insert(medium.hash, latents)),
                None => {
                    let alike = wanted.entry(medium.frames.len()).or_default();
                    if alike.iter().all(|other| other.hash != medium.hash) {
                        alike.push(medium);
                    }
                }
            }
        }
        for (frames, alike) in wanted {
            for chunk in alike.chunks((FRAMES_AT_ONCE / frames).max(1)) {
                let latents = self.encode(chunk, frames);
                for (i, medium) in chunk.iter().enumerate() {
                    let one = latents.clone().narrow(0, i, 1);
                    self.latents.insert(medium.hash, one.clone());
                    found.insert(medium.hash, one);
                }
            }
        }
        let all: Vec<Tensor<3>> = media.iter().map(|m| found[&m.hash].clone()).collect();
        (!all.is_empty()).then(|| Tensor::cat(all, 0))
    }

    fn looked(&self, medium: Media, place: usize) -> Looked {
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

/// A medium as the model sees it.
struct Looked {
    hash: Hash,
    frames: Vec<Image>,
    place: usize,
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
