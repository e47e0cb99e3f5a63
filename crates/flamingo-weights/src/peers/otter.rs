//! Otter (9B, over LLaMA and MPT) and OpenFlamingo as its authors save it: OpenFlamingo whole in one
//! Hugging Face directory, with the image tower of Hugging Face's CLIP.

use std::path::Path;

use flamingo_checkpoint::HfTokenizer;
use flamingo_image::{Fit, Preprocess};
use flamingo_model::vision::{VisionConfig, VitConfig};
use flamingo_model::{FlamingoConfig, LanguageConfig};
use flamingo_sequence::Visibility;

use super::json::Json;
use super::language::Family;
use super::names::Names;
use super::open_clip::{hugging_face, hugging_face_links};
use super::{Opened, files, open_flamingo};
use crate::{FORMAT_VERSION, Link, ModelConfig, ModelFile, Result};

/// The kinds of such directories in their `config.json`.
pub(crate) const KINDS: [&str; 2] = ["otter", "flamingo"];

/// Stands before an answer in Otter's prompts.
const ANSWER: &str = "<answer>";

/// The image tower in their names.
const TOWER: &str = "vision_encoder.vision_model.";

/// Opens a directory whose `config.json` says one of [`KINDS`].
///
/// # Errors
/// If a file is missing or damaged, or an option is one that is not supported.
pub(crate) fn open(directory: &Path, json: &Json) -> Result<Opened> {
    let text = json.object("text_config")?;
    let family = Family::of(&text)?;
    let language = family.config(&text)?;
    json.only("only_attend_previous", &[true.into()])?;
    let checkpoint = files::checkpoint(directory)?;
    let mut names = Names::default();
    let spelt = |name: &str| open_flamingo::canonical(&bare(name), family);
    open_flamingo::add_trained(&checkpoint, family, language.tied_head, &spelt, &mut names);
    let more: &[&str] = match json.text("model_type")? {
        Some("otter") => &[ANSWER],
        _ => &[],
    };
    let (tokenizer, tokens) = open_flamingo::tokenizer(HfTokenizer::read(directory)?, more)?;
    let vit = tower(&names, json, directory)?;
    let layers = language.layers;
    let rows = open_flamingo::embedding_rows(&names, family);
    let config = FlamingoConfig {
        resampler: Some(open_flamingo::resampler(&names, vit.width, directory)?),
        gated: open_flamingo::gated(&names, family, layers, directory)?,
        language: LanguageConfig {
            vocabulary: rows.unwrap_or(language.vocabulary).max(tokenizer.len()),
            ..language
        },
        vision: VisionConfig::Vit(vit.clone()),
        project_media: false,
        media_projection_bias: false,
    };
    config.check().map_err(|what| json.wrong(what))?;
    let links: Vec<Link> = open_flamingo::links(family, &config)
        .into_iter()
        .filter(|link| !link.ours[0].starts_with("vision."))
        .chain(
            hugging_face_links(&vit)
                .into_iter()
                .map(|link| link.under(TOWER, "vision.vit.")),
        )
        .collect();
    let file = ModelFile {
        template: None,
        version: FORMAT_VERSION,
        preprocess: Some(Preprocess::clip(vit.image_size, Fit::CenterCrop)),
        tokens,
        sees: Visibility::Last,
        parts: Default::default(),
        model: ModelConfig::Flamingo(config),
    };
    Opened::link(file, tokenizer.to_json()?, &names, &links, &|_| false)
}

fn tower(names: &Names, json: &Json, directory: &Path) -> Result<VitConfig> {
    let mut inside = Names::default();
    names.copy_under(TOWER, &mut inside);
    let vision = json.object("vision_config")?;
    let config = hugging_face(&inside, &vision, "quick_gelu", directory)?;
    Ok(VitConfig {
        projection: None,
        ..config
    })
}

/// OpenFlamingo's name of a tensor: there the feed-forward is a list of its own in each layer of the
/// resampler.
fn bare(name: &str) -> String {
    let name = name.strip_prefix("module.").unwrap_or(name);
    let of_block = || name.contains("gated_cross_attn_layer");
    if let Some(rest) = name.strip_prefix("perceiver.layers.")
        && let Some((number, inner)) = rest.split_once('.')
        && !inner.starts_with(|c: char| c.is_ascii_digit())
    {
        return match inner.strip_prefix("feed_forward.") {
            Some(inner) => format!("perceiver.layers.{number}.1.{inner}"),
            None => format!("perceiver.layers.{number}.0.{inner}"),
        };
    }
    match name.contains(".feed_forward.") && of_block() {
        true => name.replace(".feed_forward.", ".ff."),
        false => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn their_names_become_open_flamingos() {
        let pairs = [
            (
                "perceiver.layers.2.norm_media.bias",
                "perceiver.layers.2.0.norm_media.bias",
            ),
            (
                "perceiver.layers.2.feed_forward.3.weight",
                "perceiver.layers.2.1.3.weight",
            ),
            (
                "perceiver.layers.2.1.3.weight",
                "perceiver.layers.2.1.3.weight",
            ),
            ("perceiver.latents", "perceiver.latents"),
            (
                "lang_encoder.model.layers.3.gated_cross_attn_layer.feed_forward.0.bias",
                "lang_encoder.model.layers.3.gated_cross_attn_layer.ff.0.bias",
            ),
            (
                "lang_encoder.model.layers.3.decoder_layer.mlp.up_proj.weight",
                "lang_encoder.model.layers.3.decoder_layer.mlp.up_proj.weight",
            ),
        ];
        for (theirs, expected) in pairs {
            assert_eq!(bare(theirs), expected);
        }
    }
}
