//! `flamingo.json`: everything about a model but its weights and its tokenizer.

use std::path::Path;

use flamingo_image::Preprocess;
use flamingo_model::contrastive::ContrastiveConfig;
use flamingo_model::language::Positions;
use flamingo_model::vision::VisionConfig;
use flamingo_model::{FlamingoConfig, Gate, LanguageConfig, Placement, ResamplerKind};
use flamingo_sequence::{SpecialTokenNames, Visibility};
use serde::{Deserialize, Serialize};

use crate::part_files::PartFiles;
use crate::{Error, Result};

/// The name of the file in a model's directory.
pub(crate) const MODEL_FILE: &str = "flamingo.json";

/// The format that this program writes; it reads this one, all before it, and that of quantised
/// models. Version 2 added what the
/// open models have and ours had not (norms, gates and places of blocks, borders of images, ...).
pub const FORMAT_VERSION: u32 = 2;

/// The format of models with quantised matrices, which earlier programs cannot read; all others are
/// still written in [`FORMAT_VERSION`].
pub const QUANTISED_FORMAT_VERSION: u32 = 3;

/// The format of models with matrices of formats that only GGUF files had before (q5_1, q5_0, q4_1,
/// q3_k, q2_k).
pub const GGUF_FORMAT_VERSION: u32 = 4;

/// The format of models that name files elsewhere, list the layers that have gated blocks, have no gates or another
/// resampler than the Perceiver, have blocks without a feed-forward, inside of layers or on top of all, have what
/// Llama-3.2-Vision brought (tiles, scaled rotations, blocks in place of layers) or a text tower with norms or a token as BERT
/// has them, or whose pictures are
/// prepared in ways that could not be set before (transparency, conversion, order of the passes,
/// filter); only they are written in it.
pub const PARTS_FORMAT_VERSION: u32 = 5;

/// The contents of `flamingo.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// [`FORMAT_VERSION`] of the program that wrote it, [`QUANTISED_FORMAT_VERSION`],
    /// [`GGUF_FORMAT_VERSION`] or [`PARTS_FORMAT_VERSION`].
    pub version: u32,
    /// How pictures become pixels; none for a language model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preprocess: Option<Preprocess>,
    /// The tokenizer's special tokens.
    pub tokens: SpecialTokenNames,
    /// Which image a token of a prompt sees.
    #[serde(default)]
    pub sees: Visibility,
    /// Parts whose tensors are in files elsewhere.
    #[serde(default, skip_serializing_if = "PartFiles::is_empty")]
    pub parts: PartFiles,
    /// How a chat becomes a prompt, for servers: docs/serving.md has the form. Programs that know none
    /// refuse the key by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<serde_json::Value>,
    /// The model.
    pub model: ModelConfig,
}

/// A model of one of the three kinds that are trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::large_enum_variant)] // there is one in a program
pub enum ModelConfig {
    /// A whole Flamingo.
    Flamingo(FlamingoConfig),
    /// An image tower and a text tower.
    Contrastive(ContrastiveConfig),
    /// A language model.
    Language(LanguageConfig),
}

impl ModelConfig {
    /// The kind, as in messages.
    pub fn kind(&self) -> &'static str {
        match self {
            ModelConfig::Flamingo(_) => "flamingo",
            ModelConfig::Contrastive(_) => "contrastive",
            ModelConfig::Language(_) => "language",
        }
    }

    /// Whether it has anything that only [`PARTS_FORMAT_VERSION`] knows.
    fn is_newer(&self) -> bool {
        let of_language = |config: &LanguageConfig| {
            let scaled = matches!(
                config.positions,
                Positions::Rotary {
                    scaling: Some(_),
                    ..
                }
            );
            scaled || config.head_rows.is_some()
        };
        let of_vision = |config: &VisionConfig| match config {
            VisionConfig::Vit(vit) => vit.tiles.is_some() || !vit.attention_bias,
            VisionConfig::Nfnet(_) | VisionConfig::EfficientNet(_) => false,
        };
        match self {
            ModelConfig::Language(config) => of_language(config),
            ModelConfig::Contrastive(config) => {
                of_vision(&config.vision) || !config.text.is_plain()
            }
            ModelConfig::Flamingo(config) => {
                let gated = &config.gated;
                let resampler = config.resampler.as_ref();
                let newer = resampler.is_some_and(|r| r.kind != ResamplerKind::Perceiver)
                    || gated.gate == Gate::Open
                    || !matches!(gated.placement, Placement::Before | Placement::After)
                    || !gated.dense
                    || gated.key_value_heads.is_some()
                    || gated.seeing_only
                    || !gated.layers.is_empty()
                    || config.media_projection_bias;
                newer || of_language(&config.language) || of_vision(&config.vision)
            }
        }
    }

    /// How many tokens it knows.
    pub(crate) fn vocabulary(&self) -> usize {
        match self {
            ModelConfig::Flamingo(config) => config.language.vocabulary,
            ModelConfig::Contrastive(config) => config.text.vocabulary,
            ModelConfig::Language(config) => config.vocabulary,
        }
    }
}

impl ModelFile {
    /// The format in which a Flamingo of dense weights is written.
    pub fn least_version(parts: &PartFiles, config: &FlamingoConfig) -> u32 {
        match parts.is_empty() && config.gated.layers.is_empty() {
            true => FORMAT_VERSION,
            false => PARTS_FORMAT_VERSION,
        }
    }

    /// Reads `flamingo.json` of a directory; none if it has none.
    ///
    /// # Errors
    /// As [`ModelFile::from_json`], or if it cannot be read.
    pub fn read(directory: &Path) -> Result<Option<Self>> {
        let path = directory.join(MODEL_FILE);
        if !path.is_file() {
            return Ok(None);
        }
        let json = std::fs::read(&path).map_err(Error::io("read", &path))?;
        Self::from_json(&json, &path).map(Some)
    }

    /// Reads the JSON; `path` is for messages.
    ///
    /// # Errors
    /// If the JSON is malformed, has unknown keys, or is of a newer version.
    pub fn from_json(json: &[u8], path: &Path) -> Result<Self> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } =
            serde_json::from_slice(json).map_err(|e| Error::malformed(path, e))?;
        if version > PARTS_FORMAT_VERSION {
            let (path, known) = (path.to_path_buf(), PARTS_FORMAT_VERSION);
            return Err(Error::Version {
                path,
                found: version,
                known,
            });
        }
        serde_json::from_slice(json).map_err(|e| Error::malformed(path, e))
    }

    /// The JSON, indented; in the least version that knows all of it.
    pub fn to_json(&self) -> String {
        let is_plain = self.preprocess.as_ref().is_none_or(Preprocess::is_plain)
            && self.sees != Visibility::LastRow
            && !self.model.is_newer();
        let file = Self {
            version: match is_plain {
                true => self.version,
                false => self.version.max(PARTS_FORMAT_VERSION),
            },
            ..self.clone()
        };
        serde_json::to_string_pretty(&file).expect("a configuration is plain data") + "\n"
    }
}
