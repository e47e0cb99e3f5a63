//! Pictures to latents, each once: by the hash of their pixels, least recently used ones dropped.

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
    /// The frames of a medium that the model sees.
    pub(crate) fn frames(&self, medium: Media) -> Vec<Image> {
        match medium {
            Media::Image(image) => vec![image],
            Media::Film(film) => sample_frames(
                &film,
                self.options.frames_per_second,
                self.options.max_frames,
            ),
        }
    }

    /// Latents of media, in order, `[M, R, D]`; none for no media. Those not in the cache are
    /// encoded together, media of equal frame counts in one pass.
    pub(crate) fn latents(&mut self, media: Vec<Media>) -> Option<Tensor<3>> {
        let media: Vec<(Hash, Vec<Image>)> = media
            .into_iter()
            .map(|medium| {
                let frames = self.frames(medium);
                (hash(&frames), frames)
            })
            .collect();
        let mut found: HashMap<Hash, Tensor<3>> = HashMap::new();
        let mut wanted: HashMap<usize, Vec<&(Hash, Vec<Image>)>> = HashMap::new();
        for medium in &media {
            let (hash, frames) = medium;
            if found.contains_key(hash) {
                continue;
            }
            match self.latents.get(hash) {
                Some(latents) => drop(found.insert(*hash, latents)),
                None => {
                    let alike = wanted.entry(frames.len()).or_default();
                    if alike.iter().all(|(other, _)| other != hash) {
                        alike.push(medium);
                    }
                }
            }
        }
        for (frames, alike) in wanted {
            for chunk in alike.chunks((FRAMES_AT_ONCE / frames).max(1)) {
                let latents = self.encode(chunk, frames);
                for (i, (hash, _)) in chunk.iter().enumerate() {
                    let one = latents.clone().narrow(0, i, 1);
                    self.latents.insert(*hash, one.clone());
                    found.insert(*hash, one);
                }
            }
        }
        let all: Vec<Tensor<3>> = media.iter().map(|(hash, _)| found[hash].clone()).collect();
        (!all.is_empty()).then(|| Tensor::cat(all, 0))
    }

    fn encode(&self, media: &[&(Hash, Vec<Image>)], frames: usize) -> Tensor<3> {
        self.model
            .resample(self.features(media.iter().flat_map(|(_, f)| f), frames))
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

fn hash(frames: &[Image]) -> Hash {
    let mut hasher = Sha256::new();
    for frame in frames {
        hasher.update(frame.width.to_le_bytes());
        hasher.update(&frame.rgb);
    }
    hasher.finalize().into()
}
