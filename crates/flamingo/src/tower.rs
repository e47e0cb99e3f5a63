//! The image towers by which a corpus is filtered: any that a Flamingo can be built on.

use std::collections::BTreeMap;
use std::path::Path;

use flamingo_corpus::towers::{Tower, TowerFailure};
use flamingo_image::{Image, Preprocess};
use flamingo_kernels::{Device, Init, Module, Tensor, floats};
use flamingo_model::contrastive::Contrastive;
use flamingo_model::vision::{VisionConfig, VisionEncoder};
use flamingo_sequence::Tokenizer;
use flamingo_weights::{ModelConfig, Source, Tensors, apply_tensors, load_part, open_vision};

/// Texts that go through a tower at once.
const AT_ONCE: usize = 64;

/// An image tower, with a text tower where the model has one.
pub struct ImageTower {
    towers: Towers,
    preprocess: Preprocess,
    device: Device,
}

#[allow(clippy::large_enum_variant)] // there is one in a program
enum Towers {
    /// Pictures only.
    Vision(VisionEncoder),
    /// Pictures and texts in one space; the longest text that is taken.
    Both(Contrastive, Tokenizer, Option<usize>),
}

impl ImageTower {
    /// The tower of a model of ours: both towers of a contrastive model, the vision encoder of a Flamingo.
    ///
    /// # Errors
    /// If the model cannot be read, or has no image tower.
    pub fn of_model(source: &Source, device: &Device) -> Result<Self, TowerFailure> {
        let (file, tokenizer, tensors) = load_part(source)?;
        let preprocess = file
            .preprocess
            .ok_or("the model does not say how pictures become pixels")?;
        let towers = match &file.model {
            ModelConfig::Contrastive(config) => {
                let model = Contrastive::new(config, &mut Init::new(0, device))?;
                let model = apply_tensors(model, &tensors, "")?.no_grad();
                Towers::Both(model, tokenizer, config.text.longest())
            }
            ModelConfig::Flamingo(config) => {
                Towers::Vision(encoder(&config.vision, &tensors, "vision.", device)?)
            }
            other => return Err(format!("a {} model has no image tower", other.kind()).into()),
        };
        Ok(Self {
            towers,
            preprocess,
            device: device.clone(),
        })
    }

    /// A published image tower: CLIP's (a directory, OpenCLIP's checkpoint), or an NFNet of timm's.
    ///
    /// # Errors
    /// If its files cannot be read.
    pub fn of_vision(path: &Path, device: &Device) -> Result<Self, TowerFailure> {
        let part = open_vision(path)?;
        Ok(Self {
            towers: Towers::Vision(encoder(&part.config, &part.tensors, "", device)?),
            preprocess: part.preprocess,
            device: device.clone(),
        })
    }
}

fn encoder(
    config: &VisionConfig,
    tensors: &Tensors,
    prefix: &str,
    device: &Device,
) -> Result<VisionEncoder, TowerFailure> {
    let encoder = VisionEncoder::new(config, &mut Init::new(0, device));
    Ok(apply_tensors(encoder, tensors, prefix)?.no_grad())
}

impl Tower for ImageTower {
    fn embed_images(&mut self, images: &[Image]) -> Result<Vec<Vec<f32>>, TowerFailure> {
        if images.is_empty() {
            return Ok(Vec::new());
        }
        let pixels: Vec<f32> = images
            .iter()
            .flat_map(|image| self.preprocess.pixels(image))
            .collect();
        let (n, size) = (images.len(), self.preprocess.size);
        let pixels: Tensor<4> = floats(pixels, [n, 3, size, size], &self.device);
        Ok(rows(match &self.towers {
            Towers::Vision(encoder) => encoder.pooled(pixels),
            Towers::Both(model, ..) => model.images(pixels),
        }))
    }

    fn embed_texts(&mut self, texts: &[String]) -> Result<Option<Vec<Vec<f32>>>, TowerFailure> {
        let Towers::Both(model, tokenizer, longest) = &self.towers else {
            return Ok(None);
        };
        // Texts of one length need no padding, so that a text has the same vector alone and among others.
        let mut of_lengths: BTreeMap<usize, Vec<(usize, Vec<u32>)>> = BTreeMap::new();
        for (place, text) in texts.iter().enumerate() {
            let mut ids = tokenizer.encode(text)?;
            if let Some(longest) = longest {
                ids.truncate(*longest);
            }
            if ids.is_empty() {
                ids.push(tokenizer.specials().pad);
            }
            of_lengths.entry(ids.len()).or_default().push((place, ids));
        }
        let mut vectors = vec![Vec::new(); texts.len()];
        for (length, alike) in of_lengths {
            for some in alike.chunks(AT_ONCE) {
                let ids: Vec<u32> = some.iter().flat_map(|(_, ids)| ids).copied().collect();
                let made = rows(model.texts(&ids, &vec![length; some.len()]));
                for ((place, _), vector) in some.iter().zip(made) {
                    vectors[*place] = vector;
                }
            }
        }
        Ok(Some(vectors))
    }
}

/// # Shapes
/// - `vectors`: `[n, width]`
fn rows(vectors: Tensor<2>) -> Vec<Vec<f32>> {
    let [_, width] = vectors.dims();
    let values = vectors
        .into_data()
        .convert::<f32>()
        .try_to_vec::<f32>()
        .expect("numbers are f32");
    values.chunks(width.max(1)).map(<[f32]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::PathBuf;

    use flamingo_kernels::{Activation, Device};
    use flamingo_model::contrastive::ContrastiveConfig;
    use flamingo_model::text_tower::{TextPool, TextTowerConfig};
    use flamingo_model::vision::NormPlace;

    use super::*;

    /// Both towers, untrained, with the demo model's words.
    fn towers(norm: NormPlace, pool: TextPool) -> ImageTower {
        let demo = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../models/demo");
        let (file, tokenizer, _) = load_part(&Source::Directory(demo)).unwrap();
        let ModelConfig::Flamingo(flamingo) = file.model else {
            unreachable!("the demo model is a Flamingo");
        };
        let config = ContrastiveConfig {
            vision: flamingo.vision,
            text: TextTowerConfig {
                vocabulary: flamingo.language.vocabulary,
                width: 22,
                layers: 2,
                heads: 2,
                ffw_multiple: 3,
                activation: Activation::Gelu,
                positions: 7,
                norm,
                pool,
            },
            joint_width: 13,
            label_smoothing: 0.0,
        };
        let device = Device::flex();
        let model = Contrastive::new(&config, &mut Init::new(1, &device)).unwrap();
        let longest = config.text.longest();
        ImageTower {
            towers: Towers::Both(model, tokenizer, longest),
            preprocess: file.preprocess.unwrap(),
            device,
        }
    }

    #[test]
    fn a_text_has_the_same_vector_alone_and_among_others_of_all_lengths() {
        let words = [
            "a red apple",
            "",
            "blue",
            "a",
            "one two three four five six seven",
            "a dog",
        ];
        let texts: Vec<String> = (0..200)
            .map(|at| format!("{} {}", words[at % 6], words[at / 6 % 6]))
            .collect();
        for (norm, pool) in [
            (NormPlace::First, TextPool::Mean),
            (NormPlace::Last, TextPool::ClassToken),
        ] {
            let mut tower = towers(norm, pool);
            let together = tower.embed_texts(&texts).unwrap().unwrap();
            assert_eq!(together.len(), texts.len());
            for (text, vector) in texts.iter().zip(&together) {
                let alone = tower
                    .embed_texts(std::slice::from_ref(text))
                    .unwrap()
                    .unwrap();
                assert_eq!(&alone[0], vector, "{text:?}");
            }
        }
    }
}
