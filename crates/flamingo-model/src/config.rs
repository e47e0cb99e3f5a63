//! The whole model's configuration, and the paper's three sizes.

use serde::{Deserialize, Serialize};

use crate::vision::{NfnetConfig, VisionConfig};
use crate::{GatedConfig, LanguageConfig, PerceiverResamplerConfig};

/// A Flamingo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlamingoConfig {
    /// The frozen vision encoder.
    pub vision: VisionConfig,
    /// The Perceiver Resampler.
    pub resampler: PerceiverResamplerConfig,
    /// The gated cross-attention blocks.
    pub gated: GatedConfig,
    /// The frozen language model.
    pub language: LanguageConfig,
}

/// What a configuration cannot be.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// Two values that contradict each other.
    #[error("{0}")]
    Contradiction(String),
    /// No preset of that name.
    #[error("there is no preset `{0}`: use one of {all}", all = PRESETS.join(", "))]
    UnknownPreset(String),
}

/// The names that [`FlamingoConfig::preset`] knows.
pub const PRESETS: [&str; 3] = ["flamingo-3b", "flamingo-9b", "flamingo-80b"];

impl FlamingoConfig {
    /// The paper's models (its table of sizes).
    ///
    /// The 9B's table says 40 layers with a gated block before every 4th, but its counts (7.1B and
    /// 1.6B) are those of 32 layers and 8 blocks of that width: we follow the counts.
    ///
    /// # Errors
    /// If there is no preset of that name.
    pub fn preset(name: &str) -> Result<Self, ConfigError> {
        let (width, layers, heads, every) = match name {
            "flamingo-3b" => (2048, 24, 16, 1),
            "flamingo-9b" => (4096, 32, 32, 4),
            "flamingo-80b" => (8192, 80, 64, 7),
            _ => return Err(ConfigError::UnknownPreset(name.to_owned())),
        };
        Ok(Self {
            vision: VisionConfig::Nfnet(NfnetConfig::f6()),
            resampler: PerceiverResamplerConfig::paper(),
            gated: GatedConfig::paper(every, heads),
            language: LanguageConfig::chinchilla(width, layers, heads),
        })
    }

    /// How many gated blocks there are.
    pub fn gated_blocks(&self) -> usize {
        (0..self.language.layers)
            .filter(|&layer| self.gated.stands_before(layer))
            .count()
    }

    /// # Errors
    /// If the configuration describes no model: the message names the keys and both values.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.vision.check().map_err(ConfigError::Contradiction)?;
        self.language.check().map_err(ConfigError::Contradiction)?;
        if self.gated.every == 0 {
            return Err(ConfigError::Contradiction(
                "gated.every is 0: give 1 for a block before every layer".into(),
            ));
        }
        if self.gated_blocks() == 0 {
            return Err(ConfigError::Contradiction(format!(
                "gated.first {} leaves no gated block in language.layers {}: give a smaller one",
                self.gated.first, self.language.layers
            )));
        }
        Ok(())
    }
}
