//! What a recipe trains: `[model.contrastive]`, `[model.language]`, `[model.flamingo]` or `[model.fine_tune]`.
//!
//! Sizes may be those of a model that has a name (`preset = "flamingo-3b"`); what else is said takes the place of the
//! preset's. A recipe is written with all of them.

use flamingo_model::contrastive::ContrastiveConfig;
use flamingo_model::text_tower::TextTowerConfig;
use flamingo_model::vision::VisionConfig;
use flamingo_model::{FlamingoConfig, GatedConfig, LanguageConfig, PerceiverResamplerConfig};
use flamingo_sequence::Visibility;
use serde::{Deserialize, Serialize};

use crate::{FineTuneSpec, LanguageStart};

/// `[model.contrastive]`, `[model.language]`, `[model.flamingo]` or `[model.fine_tune]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelSpec {
    /// An image tower against a text tower.
    Contrastive(ContrastiveSpec),
    /// A language model.
    Language(LanguageConfig),
    /// The resampler and gated blocks between finished parts.
    Flamingo(FlamingoSpec),
    /// A finished Flamingo that learns more.
    FineTune(FineTuneSpec),
}

/// The towers of a contrastive training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ContrastiveKeys")]
pub struct ContrastiveSpec {
    /// The model ([`ContrastiveConfig::preset`]) whose sizes are those that are not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// The towers.
    #[serde(flatten)]
    pub config: ContrastiveConfig,
}

/// The parts of a Flamingo that are trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "FlamingoKeys")]
pub struct FlamingoSpec {
    /// The model ([`FlamingoConfig::preset`]) whose sizes are those that are not said. Encoder and language model are those
    /// of `init`: the preset's tell only what a training would take where these are not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// The Perceiver Resampler.
    pub resampler: PerceiverResamplerConfig,
    /// The gated cross-attention blocks.
    pub gated: GatedConfig,
    /// Whether latents of another width than the text's are first mapped to it (the paper; the open
    /// models do not).
    pub project_media: bool,
    /// Which pictures a token of the text sees, where it is not bound to the next one.
    #[serde(skip_serializing_if = "is_default")]
    pub sees: Visibility,
    /// What becomes of the language model.
    #[serde(skip_serializing_if = "is_default")]
    pub language: LanguageStart,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// As a recipe says it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContrastiveKeys {
    preset: Option<String>,
    vision: Option<VisionConfig>,
    text: Option<TextTowerConfig>,
    joint_width: Option<usize>,
    label_smoothing: Option<f64>,
}

impl TryFrom<ContrastiveKeys> for ContrastiveSpec {
    type Error = String;

    fn try_from(keys: ContrastiveKeys) -> Result<Self, String> {
        let preset = keys.preset.as_deref().map(ContrastiveConfig::preset);
        let preset = preset.transpose().map_err(|error| error.to_string())?;
        let of = preset.as_ref();
        let config = ContrastiveConfig {
            vision: said("vision", keys.vision, of.map(|of| of.vision.clone()))?,
            text: said("text", keys.text, of.map(|of| of.text.clone()))?,
            joint_width: said("joint_width", keys.joint_width, of.map(|of| of.joint_width))?,
            label_smoothing: said(
                "label_smoothing",
                keys.label_smoothing,
                of.map(|of| of.label_smoothing),
            )?,
        };
        Ok(Self {
            preset: keys.preset,
            config,
        })
    }
}

/// As a recipe says it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FlamingoKeys {
    preset: Option<String>,
    resampler: Option<PerceiverResamplerConfig>,
    gated: Option<GatedConfig>,
    project_media: Option<bool>,
    #[serde(default)]
    sees: Visibility,
    #[serde(default)]
    language: LanguageStart,
}

impl TryFrom<FlamingoKeys> for FlamingoSpec {
    type Error = String;

    fn try_from(keys: FlamingoKeys) -> Result<Self, String> {
        let preset = keys.preset.as_deref().map(FlamingoConfig::preset);
        let preset = preset.transpose().map_err(|error| error.to_string())?;
        let of = preset.as_ref();
        Ok(Self {
            resampler: said(
                "resampler",
                keys.resampler,
                of.and_then(|of| of.resampler.clone()),
            )?,
            gated: said("gated", keys.gated, of.map(|of| of.gated.clone()))?,
            project_media: keys
                .project_media
                .unwrap_or(of.is_none_or(|of| of.project_media)),
            sees: keys.sees,
            language: keys.language,
            preset: keys.preset,
        })
    }
}

/// What the recipe says, or the preset's.
fn said<T>(key: &str, own: Option<T>, preset: Option<T>) -> Result<T, String> {
    own.or(preset)
        .ok_or_else(|| format!("missing field `{key}`: say it, or name a `preset` that has it"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read(text: &str) -> Result<ModelSpec, String> {
        toml::from_str(text).map_err(|error: toml::de::Error| error.message().to_owned())
    }

    #[test]
    fn a_preset_gives_the_sizes_that_are_not_said_and_is_written_with_them() {
        let text = "flamingo = { preset = \"openflamingo-3b\", gated = { heads = 3, head_dim = 5, ffw_multiple = 2, activation = \"gelu\" } }";
        let spec = read(text).unwrap();
        let ModelSpec::Flamingo(flamingo) = &spec else {
            unreachable!();
        };
        let preset = FlamingoConfig::preset("openflamingo-3b").unwrap();
        assert_eq!(flamingo.gated.heads, 3);
        assert_eq!(Some(&flamingo.resampler), preset.resampler.as_ref());
        assert!(!flamingo.project_media);
        let written = toml::to_string(&spec).unwrap();
        assert_eq!(read(&written).unwrap(), spec);

        let spec =
            read("contrastive = { preset = \"contrastive-nfnet-f6\", joint_width = 7 }").unwrap();
        let ModelSpec::Contrastive(contrastive) = &spec else {
            unreachable!();
        };
        assert_eq!(contrastive.config.joint_width, 7);
        assert_eq!(contrastive.config.vision.image_size(), 288);
        assert_eq!(read(&toml::to_string(&spec).unwrap()).unwrap(), spec);
    }

    #[test]
    fn a_size_that_neither_recipe_nor_preset_says_and_an_unknown_preset_are_named() {
        let told = read("flamingo = {}").unwrap_err();
        assert!(
            told.contains("`resampler`") && told.contains("`preset`"),
            "{told}"
        );
        let told = read("flamingo = { preset = \"flamingo-1b\" }").unwrap_err();
        assert!(
            told.contains("flamingo-1b") && told.contains("flamingo-80b"),
            "{told}"
        );
        let told = read("contrastive = { joint_with = 3 }").unwrap_err();
        assert!(
            told.contains("`joint_with`") && told.contains("`joint_width`"),
            "{told}"
        );
    }
}
