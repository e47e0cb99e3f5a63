//! The whole model's configuration.

use serde::{Deserialize, Serialize};

use crate::language::Point;
use crate::vision::VisionConfig;
use crate::{GatedConfig, LanguageConfig, PerceiverResamplerConfig, Placement};

/// A Flamingo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlamingoConfig {
    /// The frozen vision encoder.
    pub vision: VisionConfig,
    /// The Perceiver Resampler; without one the text looks at the encoder's features themselves
    /// (an IDEFICS option), and media are pictures only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resampler: Option<PerceiverResamplerConfig>,
    /// The gated cross-attention blocks.
    pub gated: GatedConfig,
    /// The frozen language model.
    pub language: LanguageConfig,
    /// Whether latents of another width than the text's are first mapped to it by one linear layer
    /// for all blocks, as the paper's parameter counts have it; the open models do not.
    #[serde(default = "yes")]
    pub project_media: bool,
    /// A bias in that map, which is then there whatever the widths (Llama-3.2-Vision).
    #[serde(default, skip_serializing_if = "is_false")]
    pub media_projection_bias: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

fn yes() -> bool {
    true
}

/// What a configuration cannot be.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// Two values that contradict each other.
    #[error("{0}")]
    Contradiction(String),
    /// No preset of that name.
    #[error("there is no preset `{name}`: use one of {known}")]
    UnknownPreset {
        /// What was asked for.
        name: String,
        /// Those that there are.
        known: String,
    },
}

impl FlamingoConfig {
    /// How many gated blocks there are.
    pub fn gated_blocks(&self) -> usize {
        let layers = self.language.layers;
        let at = |point| self.gated.blocks_at(point, layers);
        (0..=layers)
            .map(|layer| at(Point::Before(layer)) + at(Point::Within(layer)))
            .sum()
    }

    /// Parameters of one gated block, and of the layer before it that blocks on top have.
    pub fn block_parameters(&self) -> u64 {
        let own = self
            .gated
            .parameters(self.language.width, self.media_width());
        match self.gated.placement {
            Placement::OnTop => own + self.language.layer_parameters() as u64,
            _ => own,
        }
    }

    /// Operations (2 a multiply-add) of one gated block, and of the layer before it that blocks on top
    /// have, for one token that looks back on `seen` tokens and at one picture whose keys and values are
    /// there.
    pub fn block_flops_per_token(&self, seen: usize) -> u64 {
        let own = self
            .gated
            .flops_per_token(self.language.width, self.latents());
        match self.gated.placement {
            Placement::OnTop => own + self.language.layer_flops_per_token(seen),
            _ => own,
        }
    }

    /// Numbers that a medium's keys and values are, in all gated blocks; of one of a single tile where pictures have
    /// several.
    pub fn medium_numbers(&self) -> usize {
        let width = self.gated.of_keys() * self.gated.head_dim;
        2 * self.latents() * width * self.gated_blocks()
    }

    /// Width of a medium's latents before the map to the text's.
    pub fn latent_width(&self) -> usize {
        match &self.resampler {
            Some(resampler) => resampler.width,
            None => self.vision.width(),
        }
    }

    /// Latents of a medium, `R`; of one of a single tile where pictures have several.
    pub fn latents(&self) -> usize {
        match &self.resampler {
            Some(resampler) => resampler.latents,
            None => self.vision.positions(),
        }
    }

    /// Most frames of a film that the model tells apart; at least 1.
    pub fn frames(&self) -> usize {
        let learnt = self.resampler.as_ref().map(|r| r.time_embeddings);
        learnt.unwrap_or(1).max(1)
    }

    /// Width of the latents that the gated blocks read.
    pub fn media_width(&self) -> usize {
        match self.project_media {
            true => self.language.width,
            false => self.latent_width(),
        }
    }

    /// Whether there is a map from the latents' width to the text's.
    pub(crate) fn projects_media(&self) -> bool {
        self.latent_width() != self.media_width()
            || (self.project_media && self.media_projection_bias)
    }

    /// # Errors
    /// If the configuration describes no model: the message names the keys and both values.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.vision.check().map_err(ConfigError::Contradiction)?;
        self.language.check().map_err(ConfigError::Contradiction)?;
        if let Some(resampler) = &self.resampler {
            resampler.check().map_err(ConfigError::Contradiction)?;
        }
        let layers = self.language.layers;
        self.gated
            .check(layers)
            .map_err(ConfigError::Contradiction)?;
        if self.gated.placement == Placement::Inside && !self.language.residual.has_within() {
            return Err(ConfigError::Contradiction(format!(
                "gated.placement is inside, between attention and feed-forward, which language.residual {:?} does at \
                 once: give before",
                self.language.residual
            )));
        }
        if self.vision.has_tiles() && self.resampler.is_some() {
            return Err(ConfigError::Contradiction(
                "vision.vit.tiles and resampler: pictures of several tiles go to the text as they are, leave one out"
                    .into(),
            ));
        }
        Ok(())
    }
}
