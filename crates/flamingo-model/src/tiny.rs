//! Models of the same form with small sizes: the same parts and kinds of parts in the same places, to see in seconds that a
//! training of the large one would go.

use crate::contrastive::ContrastiveConfig;
use crate::language::{LanguageConfig, Positions};
use crate::text_tower::TextTowerConfig;
use crate::vision::{
    EfficientNetConfig, EfficientNetStage, NfnetBlockKind, NfnetConfig, NfnetStage, NfnetStem,
    VisionConfig, VitConfig,
};
use crate::{FlamingoConfig, GatedConfig, PerceiverResamplerConfig};

/// Heads of every attention.
const HEADS: usize = 2;

/// Hidden widths of feed-forwards, as multiples.
const FFW: usize = 2;

impl FlamingoConfig {
    /// A small one of the same form with so many tokens: two gated blocks where the large one has several, widths that
    /// differ where its widths do.
    pub fn tiny(&self, vocabulary: usize) -> Self {
        let gated = &self.gated;
        let layers = match gated.layers.last() {
            Some(last) => last + 1,
            None => (gated.first + gated.every + 1).min(self.language.layers),
        };
        let vision = self.vision.tiny();
        let same = self.latent_width() == self.vision.width();
        Self {
            resampler: self.resampler.as_ref().map(|resampler| {
                let width = if same { vision.width() } else { 24 };
                resampler.tiny(width)
            }),
            vision,
            gated: GatedConfig {
                heads: HEADS,
                key_value_heads: gated.key_value_heads.map(|_| 1),
                head_dim: 8,
                ffw_multiple: FFW,
                ffw_width: gated.ffw_width.map(|_| 56),
                ..gated.clone()
            },
            language: self.language.tiny(vocabulary, layers),
            ..self.clone()
        }
    }
}

impl PerceiverResamplerConfig {
    fn tiny(&self, width: usize) -> Self {
        Self {
            width,
            latents: self.latents.min(4),
            layers: self.layers.min(2),
            heads: HEADS,
            head_dim: 8,
            ffw_multiple: FFW,
            ..self.clone()
        }
    }
}

impl LanguageConfig {
    /// A small one of the same form with so many tokens and layers.
    pub fn tiny(&self, vocabulary: usize, layers: usize) -> Self {
        let width = 40;
        Self {
            vocabulary,
            width,
            layers,
            heads: HEADS,
            key_value_heads: match self.key_value_heads == self.heads {
                true => HEADS,
                false => 1,
            },
            head_dim: width / HEADS,
            ffw_width: FFW * width,
            positions: match self.positions {
                Positions::Learnt { offset, .. } => Positions::Learnt { max: 256, offset },
                other => other,
            },
            embed_width: self.embed_width.map(|_| width / 2),
            head_rows: None,
            ..self.clone()
        }
    }
}

impl VisionConfig {
    /// A small one of the same form.
    pub fn tiny(&self) -> Self {
        match self {
            VisionConfig::Nfnet(config) => VisionConfig::Nfnet(config.tiny()),
            VisionConfig::Vit(config) => VisionConfig::Vit(config.tiny()),
            VisionConfig::EfficientNet(config) => VisionConfig::EfficientNet(config.tiny()),
        }
    }
}

impl NfnetConfig {
    fn tiny(&self) -> Self {
        let width = 32;
        Self {
            image_size: 64,
            stem: self
                .stem
                .iter()
                .map(|stem| NfnetStem { width: 8, ..*stem })
                .collect(),
            stages: self
                .stages
                .iter()
                .map(|stage| NfnetStage {
                    width,
                    depth: 1,
                    ..*stage
                })
                .collect(),
            block: match self.block {
                NfnetBlockKind::Bottleneck { reduction, .. } => NfnetBlockKind::Bottleneck {
                    reduction,
                    group_size: (width / reduction / 2).max(1),
                },
                NfnetBlockKind::Plain => NfnetBlockKind::Plain,
            },
            final_width: self.final_width.map(|_| 48),
            ..self.clone()
        }
    }
}

impl VitConfig {
    fn tiny(&self) -> Self {
        Self {
            image_size: 2 * self.patch,
            width: 32,
            layers: 2,
            heads: HEADS,
            ffw_multiple: FFW,
            ffw_width: self.ffw_width.map(|_| 72),
            projection: self.projection.map(|_| 16),
            ..self.clone()
        }
    }
}

impl EfficientNetConfig {
    fn tiny(&self) -> Self {
        Self {
            image_size: 64,
            stem_width: 8,
            stages: self
                .stages
                .iter()
                .map(|stage| EfficientNetStage {
                    width: 8,
                    depth: 1,
                    ..*stage
                })
                .collect(),
            final_width: 48,
            ..self.clone()
        }
    }
}

impl ContrastiveConfig {
    /// Small towers of the same form with so many tokens.
    pub fn tiny(&self, vocabulary: usize) -> Self {
        let text = &self.text;
        Self {
            vision: self.vision.tiny(),
            text: TextTowerConfig {
                vocabulary,
                width: 32,
                layers: text.layers.min(2),
                heads: HEADS,
                ffw_multiple: FFW,
                ..text.clone()
            },
            joint_width: 16,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CONTRASTIVE_PRESETS, PRESETS};

    #[test]
    fn presets_become_small_models_with_the_same_parts_and_two_blocks() {
        for name in PRESETS {
            let large = FlamingoConfig::preset(name).expect("preset");
            let tiny = large.tiny(301);
            assert_eq!(tiny.check(), Ok(()), "{name}");
            assert_eq!(tiny.gated_blocks(), 2, "{name}");
            assert_eq!(tiny.projects_media(), large.projects_media(), "{name}");
            assert_eq!(tiny.language.positions, large.language.positions, "{name}");
            let parameters = crate::describe(&tiny).total;
            assert!(parameters < 300_000, "{name}: {parameters}");
        }
        for name in CONTRASTIVE_PRESETS {
            let tiny = ContrastiveConfig::preset(name).expect("preset").tiny(301);
            assert_eq!(tiny.check(), Ok(()), "{name}");
            assert!(tiny.parameters() < 300_000, "{name}: {}", tiny.parameters());
        }
    }
}
