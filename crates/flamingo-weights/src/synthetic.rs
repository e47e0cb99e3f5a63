//! Models of random weights that are made when they are read: to measure a machine without any files.

use std::str::FromStr;

use flamingo_image::{Fit, Preprocess};
use flamingo_model::language::QueryKeyNorm;
use flamingo_model::vision::{VisionConfig, VitConfig};
use flamingo_model::{FlamingoConfig, GatedConfig, LanguageConfig, PerceiverResamplerConfig};
use flamingo_sequence::{Tokenizer, Visibility};

use crate::peers::{Opened, flamingo_shapes, numbers};
use crate::tensors::Float;
use crate::{FORMAT_VERSION, LoadReport, ModelConfig, ModelFile, Result, Tensors};

/// The sizes of published OpenFlamingos.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synthetic {
    /// ViT-L/14 and OPT-1.3B with a gated block before every layer.
    Size3B,
    /// ViT-L/14 and MPT-7B with a gated block before every fourth layer.
    Size9B,
}

impl Synthetic {
    /// All of them, as they are named.
    pub const NAMES: [&str; 2] = ["3b", "9b"];

    /// The model.
    pub fn config(self) -> FlamingoConfig {
        let vit = VitConfig::vit_l_14();
        let (every, language) = match self {
            Synthetic::Size3B => (1, LanguageConfig::opt(2048, 24, 32)),
            Synthetic::Size9B => (4, LanguageConfig::mpt(4096, 32, 32, QueryKeyNorm::None)),
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
        let [small, large] = Self::NAMES;
        match text {
            _ if text.eq_ignore_ascii_case(small) => Ok(Synthetic::Size3B),
            _ if text.eq_ignore_ascii_case(large) => Ok(Synthetic::Size9B),
            _ => Err(format!(
                "there is no size `{text}`: give {small} or {large}"
            )),
        }
    }
}

/// A model whose weights are random numbers, the same ones whenever they are read.
fn random(config: &FlamingoConfig) -> Result<Opened> {
    let (json, tokens) = numbers(config.language.vocabulary)?;
    let tokenizer = Tokenizer::from_bytes(json.as_bytes(), &tokens)?;
    let file = ModelFile {
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
        links: Vec::new(),
    })
}

/// Numbers that are made when they are read.
#[derive(Debug, Clone)]
pub(crate) enum Made {
    /// All the same.
    Constant(f32),
    /// Evenly from minus `most` to `most`, each a function of its place.
    Random { seed: u64, most: f32 },
}

impl Made {
    /// As an untrained model has them, with gates half open.
    fn of(name: &str, shape: &[usize], seed: u64) -> Self {
        match shape {
            _ if name.contains(".alpha_") => Made::Constant(0.5),
            [_] if name.ends_with(".weight") => Made::Constant(1.0),
            [_] => Made::Constant(0.0),
            [.., _] => {
                let inputs: usize = shape[1..].iter().product();
                // The variance of even numbers up to 1 is a third.
                let most = (3.0 / inputs.max(1) as f32).sqrt();
                Made::Random { seed, most }
            }
            [] => Made::Constant(0.0),
        }
    }

    /// Fills `values` with the elements from `start` on.
    pub(crate) fn fill<T: Float>(&self, start: usize, values: &mut [T]) {
        match *self {
            Made::Constant(value) => values.fill(T::of(value)),
            Made::Random { seed, most } => {
                for (place, value) in (start as u64..).zip(values) {
                    let bits = mixed(seed.wrapping_shl(40).wrapping_add(place)) >> 40;
                    let even = bits as f32 / (1u32 << 23) as f32 - 1.0;
                    *value = T::of(even * most);
                }
            }
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
fn mixed(number: u64) -> u64 {
    let x = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
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
            [256, 814]
        );
        let error = "4b".parse::<Synthetic>().expect_err("none");
        assert!(error.contains("`4b`") && error.contains("9b"), "{error}");
    }

    #[test]
    fn numbers_are_the_same_in_whatever_pieces_they_are_read() {
        let made = Made::of("language.head.weight", &[7, 5, 2], 3);
        let mut whole = [0f32; 70];
        made.fill(0, &mut whole);
        for start in [0, 13, 69] {
            let mut part = vec![0f32; 70 - start];
            made.fill(start, &mut part);
            assert_eq!(part, whole[start..]);
        }
        let mean = whole.iter().sum::<f32>() / 70.0;
        let variance = whole.iter().map(|v| v * v).sum::<f32>() / 70.0;
        assert!(
            mean.abs() < 0.1 && (variance - 0.1).abs() < 0.04,
            "{mean} {variance}"
        );
        assert!(matches!(
            Made::of("gated.0.alpha_xattn", &[1], 0),
            Made::Constant(0.5)
        ));
        assert!(matches!(
            Made::of("a.norm.weight", &[4], 0),
            Made::Constant(1.0)
        ));
        assert!(matches!(Made::of("a.q.bias", &[4], 0), Made::Constant(0.0)));
    }
}
