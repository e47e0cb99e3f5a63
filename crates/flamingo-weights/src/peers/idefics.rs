//! IDEFICS (Hugging Face's open Flamingo, 9B and 80B): LLaMA with two tables of tokens, ViT-H/14
//! whose class token is a feature like the others, gated blocks with LLaMA's parts.
//!
//! Its class token and features come from before the last normalisation; a text that `</s>` ended
//! sees no picture until the next one.

use std::path::Path;

use flamingo_checkpoint::HfTokenizer;
use flamingo_image::{Fit, Preprocess, Transparency};
use flamingo_kernels::{Activation, NormKind};
use flamingo_model::vision::{VisionConfig, VitConfig, VitTokens};
use flamingo_model::{
    FlamingoConfig, Gate, GatedConfig, LanguageConfig, PerceiverResamplerConfig, ResamplerKind,
};
use flamingo_sequence::{SpecialTokenNames, Visibility};
use serde_json::json;

use super::json::Json;
use super::language::{Family, llama_layers};
use super::names::Names;
use super::open_clip::{hugging_face, hugging_face_links};
use super::{Opened, files};
use crate::{FORMAT_VERSION, Layout, Link, ModelConfig, ModelFile, Result};

/// Before and behind a picture, or a row of pictures.
const BORDER: &str = "<fake_token_around_image>";
const IMAGE: &str = "<image>";
/// Ends a turn in the instructed models.
const END_OF_UTTERANCE: &str = "<end_of_utterance>";

/// Opens a directory whose `config.json` says `idefics`.
///
/// # Errors
/// If a file is missing or damaged, or an option is one that is not supported.
pub(crate) fn open(directory: &Path, json: &Json) -> Result<Opened> {
    let checkpoint = files::checkpoint(directory)?;
    let tied = language(json)?.tied_head;
    let mut names = Names::default();
    names.add(&checkpoint, |name| {
        spelt(name, tied, &|name| {
            checkpoint.names().any(|other| bare(other) == name)
        })
    });
    let config = config(json, &names, directory)?;
    config.check().map_err(|what| json.wrong(what))?;
    let (tokenizer, tokens) = tokenizer(HfTokenizer::read(directory)?)?;
    let file = ModelFile {
        version: FORMAT_VERSION,
        preprocess: Some(preprocess(directory, config.vision.image_size())?),
        tokens,
        sees: Visibility::LastInText,
        parts: Default::default(),
        template: None,
        model: ModelConfig::Flamingo(config.clone()),
    };
    let links = links(&config, json)?;
    Opened::link(file, tokenizer.to_json()?, &names, &links, &|_| false)
}

/// The heads of the first and of the added tokens, and the embeddings that they are where they are tied.
const HEADS: [(&str, &str); 2] = [
    ("lm_head.weight", "model.embed_tokens.weight"),
    (
        "lm_head.additional_fc.weight",
        "model.embed_tokens.additional_embedding.weight",
    ),
];

/// The name that links use; none to leave a tensor out. A head that is the embedding is its second name, or its only
/// one.
fn spelt(name: &str, tied: bool, has: &dyn Fn(&str) -> bool) -> Option<String> {
    let name = bare(name);
    if Family::is_buffer(name) {
        return None;
    }
    let head = HEADS.iter().find(|(head, _)| tied && name == *head);
    match head {
        Some((_, embedding)) => (!has(embedding)).then(|| (*embedding).to_owned()),
        None => Some(name.to_owned()),
    }
}

fn bare(name: &str) -> &str {
    name.strip_prefix("module.").unwrap_or(name)
}

fn tokenizer(mut tokenizer: HfTokenizer) -> Result<(HfTokenizer, SpecialTokenNames)> {
    tokenizer.add_special(BORDER)?;
    tokenizer.add_special(IMAGE)?;
    let text = |token: Option<&str>, or: &str| token.unwrap_or(or).to_owned();
    let eos = text(tokenizer.eos(), "</s>");
    let spoken = tokenizer
        .tokenizer()
        .token_to_id(END_OF_UTTERANCE)
        .is_some();
    let tokens = SpecialTokenNames {
        bos: Some(text(tokenizer.bos(), "<s>")),
        pad: text(tokenizer.pad(), &text(tokenizer.unk(), "<unk>")),
        end_of_chunk: if spoken {
            END_OF_UTTERANCE.to_owned()
        } else {
            eos.clone()
        },
        eos: Some(eos),
        image: IMAGE.to_owned(),
        image_border: Some(BORDER.to_owned()),
    };
    Ok((tokenizer, tokens))
}

/// The image processor's: laid on white, resized to a square without regard to the aspect, CLIP's
/// colours.
fn preprocess(directory: &Path, size: usize) -> Result<Preprocess> {
    let path = directory.join("preprocessor_config.json");
    let json = match path.is_file() {
        true => Json::read(&path)?,
        false => Json::made(json!({})),
    };
    let mut preprocess = Preprocess::clip(json.count_or("image_size", size)?, Fit::Squash);
    if preprocess.size != size {
        return Err(json.wrong(format!(
            "`image_size` is {}, the image tower's pictures are {size} wide: interpolated positions are not supported",
            preprocess.size
        )));
    }
    preprocess.transparency = Transparency::White;
    preprocess.mean = json.colours("image_mean")?.unwrap_or(preprocess.mean);
    preprocess.std = json.colours("image_std")?.unwrap_or(preprocess.std);
    Ok(preprocess)
}

fn config(json: &Json, names: &Names, directory: &Path) -> Result<FlamingoConfig> {
    let vision = vision(json, names, directory)?;
    let language = language(json)?;
    let d = language.width;
    let gate = match json.text("alpha_type")?.unwrap_or("float") {
        "float" => Gate::Scalar,
        "vector" => Gate::Vector,
        other => return Err(json.wrong(format!("`alpha_type` is {other}, not float or vector"))),
    };
    let gated = GatedConfig {
        head_dim: language.head_dim,
        activation: language.activation,
        gate,
        norm: NormKind::RmsNorm,
        norm_epsilon: language.norm_epsilon,
        query_key_norm: json.flag_or("qk_layer_norms", false)?,
        ffw_width: Some(language.ffw_width),
        gated_ffw: true,
        ..GatedConfig::paper(json.count_or("cross_layer_interval", 1)?, language.heads)
    };
    if !language.layers.is_multiple_of(gated.every) {
        return Err(json.wrong(format!(
            "`num_hidden_layers` {} is no multiple of `cross_layer_interval` {}",
            language.layers, gated.every
        )));
    }
    let config = FlamingoConfig {
        resampler: resampler(json, vision.width)?,
        vision: VisionConfig::Vit(vision),
        gated,
        language,
        project_media: false,
        media_projection_bias: false,
    };
    debug_assert_eq!(config.language.width, d);
    Ok(config)
}

fn vision(json: &Json, names: &Names, directory: &Path) -> Result<VitConfig> {
    let mut inside = Names::default();
    names.copy_under("model.vision_model.", &mut inside);
    let config = hugging_face(&inside, &json.object("vision_config")?, "gelu", directory)?;
    Ok(VitConfig {
        tokens: VitTokens::BeforeNorm,
        class_token_in_features: true,
        projection: None,
        ..config
    })
}

fn language(json: &Json) -> Result<LanguageConfig> {
    let (width, layers, heads, ffw) = (
        json.count_or("hidden_size", 4096)?,
        json.count_or("num_hidden_layers", 32)?,
        json.count_or("num_attention_heads", 32)?,
        json.count_or("intermediate_size", 11_008)?,
    );
    if !width.is_multiple_of(heads) {
        return Err(json.wrong(format!(
            "`hidden_size` {width} cannot be divided among {heads} heads"
        )));
    }
    json.only("hidden_act", &[json!("silu")])?;
    let (base, more) = vocabulary(json)?;
    Ok(LanguageConfig {
        vocabulary: base + more,
        norm_epsilon: json.number_or("rms_norm_eps", 1e-6)?,
        activation: Activation::Silu,
        tied_head: json.flag_or("tie_word_embeddings", false)?,
        ..LanguageConfig::llama(width, layers, heads, ffw)
    })
}

/// Rows of the two tables of tokens.
fn vocabulary(json: &Json) -> Result<(usize, usize)> {
    let more = match json.number_or("additional_vocab_size", 0.0)? {
        0.0 => 0,
        _ => json.count("additional_vocab_size")?,
    };
    Ok((json.count_or("vocab_size", 32_000)?, more))
}

fn resampler(json: &Json, width: usize) -> Result<Option<PerceiverResamplerConfig>> {
    let inner = json.object("perceiver_config")?;
    if !json.flag_or("use_resampler", inner.flag_or("use_resampler", false)?)? {
        return Ok(None);
    }
    Ok(Some(PerceiverResamplerConfig {
        width,
        latents: inner.count_or("resampler_n_latents", 64)?,
        layers: inner.count_or("resampler_depth", 6)?,
        heads: inner.count_or("resampler_n_heads", 16)?,
        head_dim: inner.count_or("resampler_head_dim", 96)?,
        ffw_multiple: 4,
        activation: Activation::Relu,
        time_embeddings: 0,
        final_norm: true,
        query_key_norm: inner.flag_or("qk_layer_norms_perceiver", false)?,
        media_embeddings: 0,
        kind: ResamplerKind::Perceiver,
    }))
}

/// Their names and ours.
fn links(config: &FlamingoConfig, json: &Json) -> Result<Vec<Link>> {
    let language = &config.language;
    let mut links: Vec<Link> = llama_layers(language, "model.layers")
        .into_iter()
        .map(|link| link.under("", "language."))
        .collect();
    let (_, more) = vocabulary(json)?;
    let [(head, embedding), (added_head, added_embedding)] = HEADS;
    links.push(Link::same("model.norm.weight", "language.norm.weight"));
    links.push(table(embedding, added_embedding, more, "embed"));
    if !language.tied_head {
        links.push(table(head, added_head, more, "head"));
    }
    if let VisionConfig::Vit(vit) = &config.vision {
        let tower = hugging_face_links(vit).into_iter();
        links.extend(tower.map(|link| link.under("model.vision_model.", "vision.vit.")));
    }
    if let Some(resampler) = &config.resampler {
        links.extend(resampler_links(resampler));
    }
    for i in 0..config.gated_blocks() {
        let theirs = format!("model.gated_cross_attn_layers.{i}.");
        let block = block_links(config.gated.query_key_norm).into_iter();
        links.extend(block.map(|link| link.under(&theirs, &format!("gated.{i}."))));
    }
    Ok(links)
}

/// The tables of the first and of the added tokens are one of ours.
fn table(first: &str, added: &str, more: usize, ours: &str) -> Link {
    let theirs = match more {
        0 => vec![first.to_owned()],
        _ => vec![first.to_owned(), added.to_owned()],
    };
    Link::new(theirs, [format!("language.{ours}.weight")], Layout::Rows)
}

fn resampler_links(config: &PerceiverResamplerConfig) -> Vec<Link> {
    let mut links = vec![
        Link::same("latents", "latents"),
        Link::same("layer_norm.weight", "norm.weight"),
        Link::same("layer_norm.bias", "norm.bias"),
    ];
    let mut norms = vec![
        ("0.context_layer_norm", "norm_media"),
        ("0.latents_layer_norm", "norm_latents"),
        ("1.ln", "norm_ffw"),
    ];
    if config.query_key_norm {
        norms.extend([("0.q_layer_norm", "norm_q"), ("0.k_layer_norm", "norm_k")]);
    }
    let linears = [
        ("0.q_proj", "q"),
        ("0.k_proj", "k"),
        ("0.v_proj", "v"),
        ("0.output_proj", "out"),
        ("1.fc", "ffw_in"),
        ("1.c_proj", "ffw_out"),
    ];
    for i in 0..config.layers {
        let (theirs, ours) = (format!("blocks.{i}."), format!("layers.{i}."));
        let mut layer = Vec::new();
        for end in ["weight", "bias"] {
            layer.extend(
                norms
                    .iter()
                    .map(|(a, b)| Link::same(format!("{a}.{end}"), format!("{b}.{end}"))),
            );
        }
        layer
            .extend(linears.map(|(a, b)| Link::same(format!("{a}.weight"), format!("{b}.weight"))));
        links.extend(layer.into_iter().map(|link| link.under(&theirs, &ours)));
    }
    links
        .into_iter()
        .map(|link| link.under("model.perceiver_resampler.", "resampler."))
        .collect()
}

fn block_links(query_key_norm: bool) -> Vec<Link> {
    let mut pairs = vec![
        ("alpha_cross_attn", "alpha_xattn"),
        ("alpha_dense", "alpha_dense"),
        ("input_layernorm.weight", "norm.weight"),
        ("cross_attn.q_proj.weight", "q.weight"),
        ("cross_attn.k_proj.weight", "k.weight"),
        ("cross_attn.v_proj.weight", "v.weight"),
        ("cross_attn.o_proj.weight", "out.weight"),
        ("post_attention_layernorm.weight", "norm_dense.weight"),
        ("mlp.gate_proj.weight", "dense_gate.weight"),
        ("mlp.up_proj.weight", "dense_in.weight"),
        ("mlp.down_proj.weight", "dense_out.weight"),
    ];
    if query_key_norm {
        pairs.push(("cross_attn.q_layer_norm.weight", "norm_q.weight"));
        pairs.push(("cross_attn.k_layer_norm.weight", "norm_k.weight"));
    }
    pairs
        .into_iter()
        .map(|(theirs, ours)| Link::same(theirs, ours))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the names of a file become.
    fn spelt_all(names: &[&str], tied: bool) -> Vec<Option<String>> {
        let has = |name: &str| names.iter().any(|other| bare(other) == name);
        names.iter().map(|name| spelt(name, tied, &has)).collect()
    }

    #[test]
    fn tied_weights_are_found_under_the_heads_name_alone() {
        let names = ["module.lm_head.weight", "lm_head.additional_fc.weight"];
        let embeddings = HEADS.map(|(_, embedding)| Some(embedding.to_owned()));
        assert_eq!(spelt_all(&names, true), embeddings);
        let heads = HEADS.map(|(head, _)| Some(head.to_owned()));
        assert_eq!(spelt_all(&names, false), heads);
    }

    #[test]
    fn a_tied_head_beside_its_embedding_is_left_out() {
        let names = ["lm_head.weight", "model.embed_tokens.weight"];
        assert_eq!(
            spelt_all(&names, true),
            [None, Some("model.embed_tokens.weight".to_owned())]
        );
        assert_eq!(
            spelt_all(&["model.layers.0.self_attn.rotary_emb.inv_freq"], true),
            [None]
        );
    }
}
