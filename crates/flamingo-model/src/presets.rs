//! Models that have a name: the paper's, and the published OpenFlamingos. Recipes and `flamingo describe` take their shapes
//! from here.

use flamingo_kernels::Activation;

use crate::contrastive::ContrastiveConfig;
use crate::language::QueryKeyNorm;
use crate::text_tower::{TextPool, TextTowerConfig};
use crate::vision::{NfnetConfig, NormPlace, VisionConfig, VitConfig};
use crate::{ConfigError, FlamingoConfig, GatedConfig, LanguageConfig, PerceiverResamplerConfig};

/// The names that [`FlamingoConfig::preset`] knows.
pub const PRESETS: [&str; 6] = [
    "flamingo-3b",
    "flamingo-9b",
    "flamingo-80b",
    "openflamingo-3b",
    "openflamingo-4b",
    "openflamingo-9b",
];

/// The names that [`ContrastiveConfig::preset`] knows.
pub const CONTRASTIVE_PRESETS: [&str; 1] = ["contrastive-nfnet-f6"];

/// Rows of OpenFlamingo's tables: the 50,277 words of the GPT-NeoX tokenizer and three new ones.
const OPEN_FLAMINGO_ROWS: usize = 50_280;

fn unknown(name: &str, known: &[&str]) -> ConfigError {
    ConfigError::UnknownPreset {
        name: name.to_owned(),
        known: known.join(", "),
    }
}

impl FlamingoConfig {
    /// The paper's models (its table of sizes), and OpenFlamingo's three sizes with the language models MPT-1B,
    /// RedPajama-INCITE-3B and MPT-7B.
    ///
    /// The table of the paper's 9B says 40 layers with a gated block before every 4th, but its counts (7.1B and
    /// 1.6B) are those of 32 layers and 8 blocks of that width: we follow the counts.
    ///
    /// # Errors
    /// If there is no preset of that name.
    pub fn preset(name: &str) -> Result<Self, ConfigError> {
        match name {
            "flamingo-3b" => Ok(Self::paper(2048, 24, 16, 1)),
            "flamingo-9b" => Ok(Self::paper(4096, 32, 32, 4)),
            "flamingo-80b" => Ok(Self::paper(8192, 80, 64, 7)),
            "openflamingo-3b" => {
                let mpt = LanguageConfig::mpt(2048, 24, 16, QueryKeyNorm::Whole);
                Ok(Self::open_flamingo(mpt, 1))
            }
            "openflamingo-4b" => {
                let redpajama = LanguageConfig::gpt_neox(2560, 32, 32, 1.0, false);
                Ok(Self::open_flamingo(redpajama, 2))
            }
            "openflamingo-9b" => {
                let mpt = LanguageConfig::mpt(4096, 32, 32, QueryKeyNorm::None);
                Ok(Self::open_flamingo(mpt, 4))
            }
            _ => Err(unknown(name, &PRESETS)),
        }
    }

    fn paper(width: usize, layers: usize, heads: usize, every: usize) -> Self {
        Self {
            vision: VisionConfig::Nfnet(NfnetConfig::f6()),
            resampler: Some(PerceiverResamplerConfig::paper()),
            gated: GatedConfig::paper(every, heads),
            language: LanguageConfig::chinchilla(width, layers, heads),
            project_media: true,
            media_projection_bias: false,
        }
    }

    fn open_flamingo(language: LanguageConfig, every: usize) -> Self {
        let vit = VitConfig::vit_l_14();
        Self {
            resampler: Some(PerceiverResamplerConfig::open_flamingo(vit.width)),
            vision: VisionConfig::Vit(vit),
            gated: GatedConfig::open_flamingo(every),
            language: LanguageConfig {
                vocabulary: OPEN_FLAMINGO_ROWS,
                ..language
            },
            project_media: false,
            media_projection_bias: false,
        }
    }
}

impl ContrastiveConfig {
    /// The paper's encoder and its text tower (paper, B.1.3): NFNet-F6 at 288 pixels, and for the BERT whose size it does
    /// not say, that of BERT base over its 30,522 words.
    ///
    /// # Errors
    /// If there is no preset of that name.
    pub fn preset(name: &str) -> Result<Self, ConfigError> {
        let [nfnet_f6] = CONTRASTIVE_PRESETS;
        if name != nfnet_f6 {
            return Err(unknown(name, &CONTRASTIVE_PRESETS));
        }
        Ok(Self {
            vision: VisionConfig::Nfnet(NfnetConfig {
                image_size: 288,
                ..NfnetConfig::f6()
            }),
            text: TextTowerConfig {
                vocabulary: 30_522,
                width: 768,
                layers: 12,
                heads: 12,
                ffw_multiple: 4,
                activation: Activation::Gelu,
                positions: 64,
                norm: NormPlace::Last,
                pool: TextPool::Mean,
            },
            joint_width: 1376,
            label_smoothing: 0.1,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What OpenFlamingo's own code counts as trained: resampler, blocks, and the table of tokens.
    #[test]
    fn what_learns_of_an_openflamingo_is_as_many_numbers_as_published() {
        let trained = |name: &str| {
            let config = FlamingoConfig::preset(name).expect("preset");
            let resampler = config.resampler.as_ref().map_or(0, |r| r.parameters(1024));
            let block = config.gated.parameters(config.language.width, 1024);
            let tables = OPEN_FLAMINGO_ROWS * config.language.width;
            resampler + config.gated_blocks() as u64 * block + tables as u64
        };
        assert_eq!(trained("openflamingo-3b"), 1_046_992_944);
        assert_eq!(trained("openflamingo-9b"), 1_384_781_840);
    }

    #[test]
    fn a_size_of_0_is_named_whatever_part_has_it() {
        type Change = fn(&mut FlamingoConfig);
        fn resampler(config: &mut FlamingoConfig) -> &mut PerceiverResamplerConfig {
            config.resampler.as_mut().expect("there is one")
        }
        fn vit(config: &mut FlamingoConfig) -> &mut VitConfig {
            match &mut config.vision {
                VisionConfig::Vit(vit) => vit,
                other => panic!("{other:?}"),
            }
        }
        let changes: [(&str, Change); 14] = [
            ("resampler.width", |c| resampler(c).width = 0),
            ("resampler.latents", |c| resampler(c).latents = 0),
            ("resampler.heads", |c| resampler(c).heads = 0),
            ("resampler.head_dim", |c| resampler(c).head_dim = 0),
            ("resampler.ffw_multiple", |c| resampler(c).ffw_multiple = 0),
            ("gated.heads", |c| c.gated.heads = 0),
            ("gated.head_dim", |c| c.gated.head_dim = 0),
            ("gated.ffw_multiple", |c| c.gated.ffw_multiple = 0),
            ("language.width", |c| c.language.width = 0),
            ("language.heads", |c| c.language.heads = 0),
            ("language.head_dim", |c| c.language.head_dim = 0),
            ("language.ffw_width", |c| c.language.ffw_width = 0),
            ("vision.width", |c| vit(c).width = 0),
            ("vision.ffw_multiple", |c| vit(c).ffw_multiple = 0),
        ];
        for (name, change) in changes {
            let mut config = FlamingoConfig::preset("openflamingo-3b").expect("preset");
            change(&mut config);
            let told = config.check().expect_err(name).to_string();
            assert!(told.contains(&format!("{name} is 0: ")), "{told}");
        }
        let mut config = FlamingoConfig::preset("openflamingo-3b").expect("preset");
        (config.gated.dense, config.gated.ffw_multiple) = (false, 0);
        assert_eq!(config.check(), Ok(()));
    }

    #[test]
    fn every_preset_is_a_model_and_an_unknown_one_names_those_that_exist() {
        for name in PRESETS {
            assert_eq!(
                FlamingoConfig::preset(name).expect("preset").check(),
                Ok(())
            );
        }
        for name in CONTRASTIVE_PRESETS {
            assert_eq!(
                ContrastiveConfig::preset(name).expect("preset").check(),
                Ok(())
            );
        }
        let error = FlamingoConfig::preset("flamingo-1b").expect_err("none");
        let error = error.to_string();
        assert!(
            error.contains("flamingo-1b") && error.contains("openflamingo-9b"),
            "{error}"
        );
    }
}
