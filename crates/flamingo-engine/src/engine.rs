//! A model with its tokenizer, its device and its cache of pictures.

use flamingo_image::Preprocess;
use flamingo_kernels::{Device, Matrices, Precision, WeightType};
use flamingo_model::{Flamingo, describe};
use flamingo_sequence::{Tokenizer, Visibility};
use flamingo_weights::{Loaded, ModelFile, Source, Weighed};

use crate::Result;
use crate::latents::LatentCache;

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
    /// Prompts that are read together.
    pub batch: usize,
    /// Pictures whose latents are kept.
    pub cached_media: usize,
    /// Frames a second taken from a film (paper, 3.1: 1 in training).
    pub frames_per_second: f32,
    /// Most frames of a film.
    pub max_frames: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            precision: Precision::F32,
            matrices: Matrices::AsStored,
            quantise_resampler: false,
            max_media: 256,
            batch: 32,
            cached_media: 4096,
            frames_per_second: 1.0,
            max_frames: 30,
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
    pub(crate) latents: LatentCache,
    pub(crate) sees: Visibility,
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
        Ok(Self::new(loaded, device, options))
    }

    /// An engine of a model that is loaded; `options.precision` is that of its weights.
    pub fn new(loaded: Loaded, device: &Device, options: EngineOptions) -> Self {
        Self {
            model: loaded.model,
            tokenizer: loaded.tokenizer,
            preprocess: loaded.preprocess,
            device: device.clone(),
            latents: LatentCache::new(options.cached_media),
            options,
            sees: loaded.file.sees,
            file: loaded.file,
            weighed: loaded.weighed,
        }
    }

    /// What the model weighs and costs.
    pub fn describe(&self) -> flamingo_model::Description {
        describe(self.model.config())
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
