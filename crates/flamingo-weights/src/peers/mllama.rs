//! Llama-3.2-Vision (11B and 90B, base and instructed): Llama 3 with gated blocks in place of some of its
//! layers, which look at the tiles of a picture without a resampler between.
//!
//! It is read by Meta's rule, with which its weights were trained: the encoder's features are what
//! enters its layers, and a token that sees no picture gets nothing from a gated block. Releases of
//! transformers from 4.55 on take what leaves those layers, and all of them let such a token attend
//! to every picture of its row.

mod config;
mod links;

use std::path::Path;

use flamingo_checkpoint::HfTokenizer;
use flamingo_image::{Filter, Fit, Preprocess, Transparency};
use flamingo_sequence::{SpecialTokenNames, Visibility};
use serde_json::json;

use super::json::Json;
use super::names::Names;
use super::{Opened, files};
use crate::{ModelConfig, ModelFile, PARTS_FORMAT_VERSION, Result};

const IMAGE: &str = "<|image|>";
/// Ends a turn.
const END_OF_TURN: &str = "<|eot_id|>";
/// Ends a text.
const END_OF_TEXT: &str = "<|end_of_text|>";
const PAD: &str = "<|finetune_right_pad_id|>";

/// Opens a directory whose `config.json` says `mllama`.
///
/// # Errors
/// If a file is missing or damaged, or an option is one that is not supported.
pub(crate) fn open(directory: &Path, json: &Json) -> Result<Opened> {
    let checkpoint = files::checkpoint(directory)?;
    let mut names = Names::default();
    names.add(&checkpoint, links::spelt);
    let layers = config::Layers::of(json)?;
    let config = config::config(json, &layers, &names)?;
    config.check().map_err(|what| json.wrong(what))?;
    let (tokenizer, tokens) = tokenizer(HfTokenizer::read(directory)?)?;
    let image = tokenizer.tokenizer().token_to_id(IMAGE);
    if let (Some(said), Some(found)) = (json.count_or_none("image_token_index")?, image)
        && said != found as usize
    {
        return Err(json.wrong(format!(
            "`image_token_index` is {said}, the tokenizer's {IMAGE} is {found}: they belong to different models"
        )));
    }
    let most = config.vision.most_tiles();
    let file = ModelFile {
        template: None,
        version: PARTS_FORMAT_VERSION,
        preprocess: Some(preprocess(directory, config.vision.image_size(), most)?),
        tokens,
        sees: Visibility::LastRow,
        parts: Default::default(),
        model: ModelConfig::Flamingo(config.clone()),
    };
    let links = links::links(&config, &layers);
    Opened::link(file, tokenizer.to_json()?, &names, &links, &|_| false)
}

/// A text ends as the tokenizer says: in base models the text, in instructed ones the turn.
fn tokenizer(mut tokenizer: HfTokenizer) -> Result<(HfTokenizer, SpecialTokenNames)> {
    tokenizer.add_special(IMAGE)?;
    let is_known = |token: &str| tokenizer.tokenizer().token_to_id(token).is_some();
    let first = |tokens: &[&str]| {
        tokens
            .iter()
            .find(|token| is_known(token))
            .map(|t| t.to_string())
    };
    let end = tokenizer.eos().unwrap_or(END_OF_TURN);
    let padding = [tokenizer.pad().unwrap_or(PAD), PAD, END_OF_TEXT];
    let tokens = SpecialTokenNames {
        bos: Some(tokenizer.bos().unwrap_or("<|begin_of_text|>").to_owned()),
        eos: first(&[END_OF_TEXT, end]),
        pad: first(&padding).unwrap_or_else(|| PAD.to_owned()),
        image: IMAGE.to_owned(),
        end_of_chunk: end.to_owned(),
        image_border: None,
    };
    Ok((tokenizer, tokens))
}

/// The image processor's: laid on white, on a canvas of tiles, resized along straight lines.
fn preprocess(directory: &Path, size: usize, most: usize) -> Result<Preprocess> {
    let json = processor(directory)?;
    let side = json.object("size")?;
    for key in ["height", "width"] {
        let found = side.count_or(key, size)?;
        if found != size {
            return Err(json.wrong(format!(
                "`size.{key}` is {found}, the image tower's tiles are {size} wide and high"
            )));
        }
    }
    let tiles = json.count_or("max_image_tiles", most)?;
    if tiles != most {
        return Err(json.wrong(format!(
            "`max_image_tiles` is {tiles}, the image tower's `max_num_tiles` is {most}"
        )));
    }
    json.only("resample", &[json!(2)])?;
    for step in [
        "do_resize",
        "do_rescale",
        "do_normalize",
        "do_pad",
        "do_convert_rgb",
    ] {
        json.only(step, &[json!(true)])?;
    }
    let clip = Preprocess::clip(size, Fit::Tiles { most });
    Ok(Preprocess {
        transparency: Transparency::White,
        filter: Filter::Bilinear,
        mean: json.colours("image_mean")?.unwrap_or(clip.mean),
        std: json.colours("image_std")?.unwrap_or(clip.std),
        ..clip
    })
}

/// The image processor's settings, in a file of their own or inside the processor's.
fn processor(directory: &Path) -> Result<Json> {
    let path = directory.join("preprocessor_config.json");
    if path.is_file() {
        return Json::read(&path);
    }
    let path = directory.join("processor_config.json");
    match path.is_file() {
        true => Json::read(&path)?.object("image_processor"),
        false => Ok(Json::made(json!({}))),
    }
}
