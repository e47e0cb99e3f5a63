//! Models of random weights that are made when they are read: to measure a machine without any files.

use std::str::FromStr;

use flamingo_image::{Fit, Preprocess};
use flamingo_model::language::QueryKeyNorm;
use flamingo_model::vision::{VisionConfig, VitConfig};
use flamingo_model::{FlamingoConfig, GatedConfig, LanguageConfig, PerceiverResamplerConfig};
use flamingo_sequence::{Tokenizer, Visibility};

use crate::made::Made;
use crate::peers::{Opened, flamingo_shapes, numbers};
use crate::{FORMAT_VERSION, LoadReport, ModelConfig, ModelFile, Result, Tensors};

/// The sizes of OpenFlamingos, two of them published ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synthetic {
    /// ViT-B/32 and OPT-125M with a gated block before every layer: small enough for a training on any machine.
    Mid,
    /// ViT-L/14 and OPT-1.3B with a gated block before every layer.
    Size3B,
    /// ViT-L/14 and MPT-7B with a gated block before every fourth layer.
    Size9B,
}

impl Synthetic {
    /// All of them, as they are named.
    pub const NAMES: [&str; 3] = ["mid", "3b", "9b"];

    /// The model.
    pub fn config(self) -> FlamingoConfig {
        let large = VitConfig::vit_l_14();
        let mpt = LanguageConfig::mpt(4096, 32, 32, QueryKeyNorm::None);
        let (vit, every, language) = match self {
            Synthetic::Mid => (VitConfig::vit_b_32(), 1, LanguageConfig::opt(768, 12, 12)),
            Synthetic::Size3B => (large, 1, LanguageConfig::opt(2048, 24, 32)),
            Synthetic::Size9B => (large, 4, mpt),
        };
        FlamingoConfig {
            resampler: Some(PerceiverResamplerConfig::open_flamingo(vit.width)),
            vision: VisionConfig::Vit(vit),
            gated: GatedConfig::open_flamingo(every),
            language,
            project_media: false,
            media_projection_bias: false,
        }
    }

    /// The model with random weights, and numbers for words.
    ///
    /// # Errors
    /// None that is known of.
    pub fn open(self) -> Result<Opened> {
        random(&self.config())
    }
}

impl FromStr for Synthetic {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let [mid, small, large] = Self::NAMES;
        match text {
            _ if text.eq_ignore_ascii_case(mid) => Ok(Synthetic::Mid),
            _ if text.eq_ignore_ascii_case(small) => Ok(Synthetic::Size3B),
            _ if text.eq_ignore_ascii_case(large) => Ok(Synthetic::Size9B),
            _ => Err(format!(
                "there is no size `{text}`: give {mid}, {small} or {large}"
            )),
        }
    }
}

/// A model whose weights are random numbers, the same ones whenever they are read.
fn random(config: &FlamingoConfig) -> Result<Opened> {
    let (json, tokens) = numbers(config.language.vocabulary)?;
    let tokenizer = Tokenizer::from_bytes(json.as_bytes(), &tokens)?;
    let file = ModelFile {
        template: None,
        version: FORMAT_VERSION,
        preprocess: Some(Preprocess::clip(
            config.vision.image_size(),
            Fit::CenterCrop,
        )),
        tokens,
        sees: Visibility::Last,
        parts: Default::default(),
        model: ModelConfig::Flamingo(config.clone()),
    };
    let mut tensors = Tensors::default();
    for (seed, (name, shape)) in flamingo_shapes(&file)?.into_iter().enumerate() {
        let made = Made::of(&name, &shape, seed as u64);
        tensors.add_made(name, shape, made);
    }
    Ok(Opened {
        report: LoadReport::of_ours(&tensors),
        file,
        tokenizer,
        tensors,
        lora: None,
        links: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use flamingo_model::describe;

    use super::*;

    #[test]
    fn sizes_are_those_of_the_published_models() {
        let total =
            |name: &str| describe(&name.parse::<Synthetic>().expect("a size").config()).total;
        assert_eq!(
            [total("3b") / 10_000_000, total("9B") / 10_000_000],
            [256, 813]
        );
        let error = "4b".parse::<Synthetic>().expect_err("none");
        assert!(error.contains("`4b`") && error.contains("9b"), "{error}");
    }
}
