//! What the frozen encoder and the resampler make of pictures, for those who compare pictures; the
//! pictures are in the cache for prompts that follow.

use flamingo_image::Image;

use crate::look::{Look, Map};
use crate::looked::{Hash, Looked};
use crate::media_reading::FRAMES_AT_ONCE;
use crate::rows::rows;
use crate::{Engine, Error, MediaSource, Result};

/// A picture or film as the model sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    /// Its reference.
    pub reference: String,
    /// Of the frozen encoder: the mean over its positions, or CLIP's projected class token; the mean over
    /// frames.
    pub pooled: Vec<f32>,
    /// What the gated blocks read of it, `[R, media width]`, row by row.
    pub latents: Vec<f32>,
    pub(crate) map: Map,
}

impl Embedding {
    /// Where a token looks in the picture that has this attention on its latents, `[R]`
    /// ([`Engine::attention`]).
    pub fn look(&self, on_latents: &[f32]) -> Look {
        self.map.look(self.reference.clone(), on_latents)
    }
}

impl Engine {
    /// What the model makes of media, one by one; each is encoded once, and prompts with them find them in
    /// the cache. One that cannot be had is an error of its own.
    pub fn embed(
        &mut self,
        references: &[&str],
        source: &dyn MediaSource,
    ) -> Vec<Result<Embedding>> {
        let mut embeddings = Vec::with_capacity(references.len());
        for chunk in references.chunks(FRAMES_AT_ONCE) {
            let loaded = chunk
                .iter()
                .map(|reference| self.loaded_anew(reference, source));
            let mut loaded: Vec<Result<(Looked, Vec<Image>)>> = loaded.collect();
            let stills = loaded
                .iter()
                .flatten()
                .filter(|(_, frames)| frames.len() == 1);
            let stills: Vec<&(Looked, Vec<Image>)> = stills.collect();
            let mut together = self.embed_all(&stills).into_iter();
            for medium in loaded.drain(..) {
                embeddings.push(medium.map(|medium| match medium.1.len() {
                    1 => together.next().expect("one for each still picture"),
                    _ => self.embed_all(&[&medium]).remove(0),
                }));
            }
        }
        embeddings
    }

    fn loaded_anew(
        &mut self,
        reference: &str,
        source: &dyn MediaSource,
    ) -> Result<(Looked, Vec<Image>)> {
        if self.preprocess.is_tiled() {
            return Err(Error::Media(format!(
                "{reference}: this model cuts pictures into tiles, so it has no one embedding of a picture"
            )));
        }
        let mut looked = self.looked(reference, 0, source)?;
        let frames = match looked.frames.take() {
            Some(frames) => frames,
            None => self.frames(reference, source)?,
        };
        Ok((looked, frames))
    }

    /// Media of as many frames, encoded together.
    fn embed_all(&mut self, media: &[&(Looked, Vec<Image>)]) -> Vec<Embedding> {
        let Some((_, frames)) = media.first() else {
            return Vec::new();
        };
        let frames = frames.len();
        let pixels = self.pixels(media.iter().flat_map(|(_, frames)| frames));
        let encoded = self.model.vision.encode(pixels);
        let [count, positions, width] = encoded.features.dims();
        let features = encoded
            .features
            .reshape([count / frames, frames, positions, width]);
        let pooled = encoded
            .pooled
            .reshape([(count / frames) as i32, frames as i32, -1]);
        let pooled = rows(pooled.mean_dim(1).squeeze_dim(1));
        let places: Vec<usize> = media.iter().map(|(looked, _)| looked.place).collect();
        let latents = self.model.resample(features.clone(), &places);
        let [_, count, width] = latents.dims();
        let hashes: Vec<Hash> = media.iter().map(|(looked, _)| looked.hash).collect();
        self.keep(hashes.into_iter(), latents.clone(), &mut Default::default());
        let latents = rows(latents.reshape([media.len(), count * width]));
        let all = media.iter().zip(pooled).zip(latents).enumerate();
        all.map(|(i, (((looked, _), pooled), latents))| Embedding {
            reference: looked.reference.clone(),
            pooled,
            latents,
            map: self.map(features.clone().narrow(0, i, 1), looked.place, count),
        })
        .collect()
    }
}
