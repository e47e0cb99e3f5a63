//! A model with its tokenizer, its device, its caches and its queue.

use std::path::PathBuf;

use flamingo_image::{Image, Preprocess, Sampling, Stored};
use flamingo_kernels::{Device, Matrices, Precision, Tensor, WeightType};
use flamingo_model::{Flamingo, describe};
use flamingo_sequence::{Tokenizer, Visibility};
use flamingo_weights::{Loaded, ModelFile, Source, Weighed};
use lru::LruCache;

use crate::latents_folder::LatentsFolder;
use crate::looked::Hash;
use crate::media_cache::{MediaCache, versions};
use crate::prefix_cache::PrefixCache;
use crate::queue::Queue;
use crate::{Counts, Result};

/// How an engine uses its machine.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Precision of weights and products.
    pub precision: Precision,
    /// What becomes of the matrices of linear layers.
    pub matrices: Matrices,
    /// Whether the resampler's are quantised, too, if the others are.
    pub quantise_resampler: bool,
    /// Most images and films in one prompt (the paper goes to 32 shots and the query).
    pub max_media: usize,
    /// Rows that are written together: answers and beams of all prompts.
    pub batch: usize,
    /// Tokens of prompts that are read together at most, unless one prompt has more.
    pub prefill_tokens: usize,
    /// Bytes of pictures' keys and values that a pass over prompts holds at most, unless one prompt has more: those of 33
    /// pictures may be more than all else that the pass needs.
    pub prefill_media_bytes: usize,
    /// Bytes of pictures' keys and values that are kept.
    pub media_bytes: usize,
    /// Bytes of prompts' keys and values that are kept.
    pub prefix_bytes: usize,
    /// Where latents of pictures are kept for other runs.
    pub latents: Option<PathBuf>,
    /// Which frames of a film are seen (paper, 3.1: 3 a second and 30 at most).
    pub films: Sampling,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            precision: Precision::F32,
            matrices: Matrices::AsStored,
            quantise_resampler: false,
            max_media: 256,
            batch: 32,
            prefill_tokens: 4096,
            prefill_media_bytes: 128 << 20,
            media_bytes: 512 << 20,
            prefix_bytes: 512 << 20,
            latents: None,
            films: Sampling::ASKING,
        }
    }
}

/// Answers prompts with one model.
pub struct Engine {
    pub(crate) model: Flamingo,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) preprocess: Preprocess,
    pub(crate) device: Device,
    pub(crate) options: EngineOptions,
    pub(crate) media: MediaCache,
    pub(crate) versions: LruCache<String, Hash>,
    pub(crate) prefixes: PrefixCache,
    pub(crate) latents: Option<LatentsFolder>,
    pub(crate) queue: Queue,
    pub(crate) sees: Visibility,
    pub(crate) counts: Counts,
    file: ModelFile,
    weighed: Weighed,
}

impl Engine {
    /// Loads a model.
    ///
    /// # Errors
    /// If a file is missing, malformed or of a newer version, or if the weights do not fit.
    pub fn open(source: &Source, device: &Device, options: EngineOptions) -> Result<Self> {
        let weights = WeightType {
            precision: options.precision,
            matrices: options.matrices,
            resampler: options.quantise_resampler,
        };
        let loaded = flamingo_weights::load(source, device, weights)?;
        Self::new(loaded, device, options)
    }

    /// An engine of a model that is loaded; `options.precision` is that of its weights.
    ///
    /// # Errors
    /// If the folder of latents cannot be made.
    pub fn new(loaded: Loaded, device: &Device, options: EngineOptions) -> Result<Self> {
        let mut engine = Self {
            model: loaded.model,
            tokenizer: loaded.tokenizer,
            preprocess: loaded.preprocess,
            device: device.clone(),
            media: MediaCache::new(options.media_bytes),
            versions: versions(),
            prefixes: PrefixCache::new(options.prefix_bytes),
            latents: None,
            queue: Queue::default(),
            options,
            sees: loaded.file.sees,
            counts: Counts::default(),
            file: loaded.file,
            weighed: loaded.weighed,
        };
        if let Some(folder) = engine.options.latents.clone() {
            let probe = probe();
            let pieces = engine.pieces(std::slice::from_ref(&probe));
            let probe = engine.features(std::iter::once(&probe), pieces);
            let probe = engine.model.resample(probe, &[0]);
            let config = engine.model.config();
            let (latents, tiles) = (config.latents(), config.vision.most_tiles());
            engine.latents = Some(LatentsFolder::open(folder, probe, latents, tiles)?);
        }
        Ok(engine)
    }

    /// Forgets what was computed of earlier pictures and prompts.
    pub fn clear_caches(&mut self) {
        self.media.clear();
        self.prefixes.clear();
    }

    /// Bytes that the caches of pictures and of prompts hold.
    pub fn cached_bytes(&self) -> [usize; 2] {
        [self.media.bytes(), self.prefixes.bytes()]
    }

    /// What it did since it was opened.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The model.
    pub fn model(&self) -> &Flamingo {
        &self.model
    }

    /// What the model weighs and costs.
    pub fn describe(&self) -> flamingo_model::Description {
        describe(self.model.config())
    }

    /// How far each gated block is open, from the first: the mean of `tanh(alpha)` of its attention and
    /// of its feed-forward. 0 is closed; blocks without gates are at 1.
    pub fn gates(&self) -> Vec<[f32; 2]> {
        let open = |alpha: Tensor<1>| {
            let mean = alpha.tanh().mean().into_data().convert::<f32>();
            mean.try_to_vec::<f32>().expect("converted to f32")[0]
        };
        let blocks = self.model.gated.iter();
        let gates = blocks.map(|block| [&block.alpha_xattn, &block.alpha_dense]);
        gates
            .map(|gates| gates.map(|gate| gate.as_ref().map_or(1.0, |gate| open(gate.val()))))
            .collect()
    }

    /// The model's configuration file.
    pub fn model_file(&self) -> &ModelFile {
        &self.file
    }

    /// What the model's weights take in memory, and which could not be quantised.
    pub fn weighed(&self) -> &Weighed {
        &self.weighed
    }

    /// The model's tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// How pictures become what the encoder sees.
    pub fn preprocess(&self) -> &Preprocess {
        &self.preprocess
    }
}

/// A picture that has something everywhere, lets its background through, is tall and was turned: no
/// setting of the preprocessing leaves it as it is.
fn probe() -> Image {
    const SIDES: [u32; 2] = [64, 160];
    let value = |i: u32| (i % 251 * 31 + i / SIDES[0] * 7) as u8 ^ (i % 7 * 37) as u8;
    let area = SIDES[0] * SIDES[1];
    let rgb = (0..area * 3).map(value).collect();
    let image = Image::new(SIDES[0], SIDES[1], rgb).expect("its pixels fill its sides");
    Image {
        alpha: Some((0..area).map(|i| value(i * 5)).collect()),
        stored: Stored {
            orientation: 3,
            ..Stored::default()
        },
        ..image
    }
}

#[cfg(test)]
mod tests {
    use flamingo_image::{Conversion, Fit, PassOrder, Transparency};

    use super::*;

    #[test]
    fn every_setting_of_the_preprocessing_shows_in_the_probe() {
        let plain = Preprocess::clip(16, Fit::Squash);
        let all = [
            plain.clone(),
            Preprocess::clip(16, Fit::Pad),
            Preprocess::clip(16, Fit::CenterCrop),
            Preprocess {
                transparency: Transparency::White,
                ..plain.clone()
            },
            Preprocess {
                pass_order: PassOrder::Cheaper,
                ..plain.clone()
            },
            Preprocess {
                conversion: Conversion::AfterResize,
                ..plain
            },
        ]
        .map(|preprocess| preprocess.pixels(&probe()));
        for (k, one) in all.iter().enumerate() {
            assert!(!all[..k].contains(one), "setting {k}");
        }
    }
}
