//! OpenFlamingo 2.x and 1.x: `checkpoint.pt` with the trained parts, over a language model's
//! directory and an image tower.
//!
//! The checkpoint is laid over the other two as `load_state_dict(strict=False)` does it. Its names
//! come in several spellings (the same module hangs in three places of the original, and training
//! wraps it); all are read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use flamingo_checkpoint::{Checkpoint, HfTokenizer};
use flamingo_model::vision::VisionConfig;
use flamingo_model::{FlamingoConfig, GatedConfig, LanguageConfig, PerceiverResamplerConfig};
use flamingo_sequence::{SpecialTokenNames, Visibility};

use super::language::Family;
use super::names::Names;
use super::open_clip::{Tower, open_clip_links};
use super::words::{self, Words};
use super::{Opened, lm};
use crate::{Error, FORMAT_VERSION, Link, ModelConfig, ModelFile, Result};

pub(crate) const IMAGE: &str = "<image>";
pub(crate) const END_OF_CHUNK: &str = "<|endofchunk|>";
pub(crate) const PAD: &str = "<PAD>";
/// Width of a head of the resampler and the gated blocks, in all models.
pub(crate) const HEAD_DIM: usize = 64;

/// The names of the trained part: OpenFlamingo's own, and Med-Flamingo's.
pub const CHECKPOINTS: [&str; 2] = ["checkpoint.pt", "model.pt"];

/// The three parts on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenFlamingoFiles {
    /// The trained part, one of [`CHECKPOINTS`].
    pub checkpoint: PathBuf,
    /// The language model's directory.
    pub language: PathBuf,
    /// The image tower's file or directory.
    pub vision: PathBuf,
}

impl OpenFlamingoFiles {
    /// A directory that holds all three: `checkpoint.pt` or `model.pt`, `lm/`, and `clip/` or
    /// `open_clip_pytorch_model.bin`.
    pub(crate) fn within(directory: &Path) -> Option<Self> {
        let vision = ["clip", "open_clip_pytorch_model.bin"].map(|name| directory.join(name));
        let checkpoint = CHECKPOINTS.map(|name| directory.join(name));
        let files = Self {
            checkpoint: checkpoint.into_iter().find(|path| path.is_file())?,
            language: directory.join("lm"),
            vision: vision.into_iter().find(|path| path.exists())?,
        };
        files.language.is_dir().then_some(files)
    }
}

/// Opens the parts as one model.
///
/// # Errors
/// If a part is damaged or is no such part, or the parts do not belong together.
pub(crate) fn open(files: &OpenFlamingoFiles, words: Words) -> Result<Opened> {
    let directory = lm::directory(&files.language)?;
    let part = lm::Lm::open(&directory)?;
    let tower = Tower::open(&files.vision)?;
    let checkpoint = Arc::new(Checkpoint::open(std::slice::from_ref(&files.checkpoint))?);
    let mut names = Names::default();
    part.names("lang_encoder.", &mut names);
    tower.names("vision_encoder.", &mut names);
    let family = part.family;
    let spelt = |name: &str| canonical(name, family);
    add_trained(
        &checkpoint,
        family,
        part.config.tied_head,
        &spelt,
        &mut names,
    );

    let (tokenizer, tokens, least) = match words {
        Words::OfModel => {
            let (tokenizer, tokens) = tokenizer(part.tokenizer()?, &[])?;
            (tokenizer.to_json()?, tokens, tokenizer.len())
        }
        Words::Numbers => {
            let rows = embedding_rows(&names, family).unwrap_or(part.config.vocabulary);
            let (tokenizer, tokens) = words::numbers(rows)?;
            (tokenizer, tokens, rows)
        }
    };
    let config = config(&names, &part, &tower, least, &files.checkpoint)?;
    let links = links(family, &config);
    // A tower under Hugging Face's names has links of its own.
    let links = links
        .into_iter()
        .filter(|link| !link.ours[0].starts_with("vision."))
        .chain(
            tower
                .links()
                .into_iter()
                .map(|l| l.under("vision_encoder.", "vision.vit.")),
        );
    let file = ModelFile {
        version: FORMAT_VERSION,
        preprocess: Some(tower.preprocess.clone()),
        tokens,
        sees: Visibility::Last,
        parts: Default::default(),
        template: None,
        model: ModelConfig::Flamingo(config),
    };
    Opened::link(file, tokenizer, &names, &links.collect::<Vec<_>>(), &|_| {
        false
    })
}

/// The language model's tokenizer with the tokens that OpenFlamingo adds, and `more` behind them.
pub(crate) fn tokenizer(
    mut tokenizer: HfTokenizer,
    more: &[&str],
) -> Result<(HfTokenizer, SpecialTokenNames)> {
    for token in [END_OF_CHUNK, IMAGE].iter().chain(more) {
        tokenizer.add_special(token)?;
    }
    let pad = match tokenizer.pad().map(str::to_owned) {
        Some(pad) => pad,
        None => {
            tokenizer.set_pad(PAD)?;
            PAD.to_owned()
        }
    };
    let first = tokenizer.prefix().first().copied();
    let tokens = SpecialTokenNames {
        bos: first.and_then(|id| tokenizer.tokenizer().id_to_token(id)),
        eos: tokenizer.eos().map(str::to_owned),
        pad,
        image: IMAGE.to_owned(),
        end_of_chunk: END_OF_CHUNK.to_owned(),
        image_border: None,
    };
    Ok((tokenizer, tokens))
}

/// Adds a checkpoint's tensors by the names that `spelt` gives them.
pub(crate) fn add_trained(
    checkpoint: &Arc<Checkpoint>,
    family: Family,
    tied: bool,
    spelt: &dyn Fn(&str) -> Option<String>,
    names: &mut Names,
) {
    let head = family.head().filter(|_| tied);
    let head = head.map(|head| format!("lang_encoder.{head}"));
    let embedding = format!("lang_encoder.{}", family.embedding());
    let has_embedding = checkpoint
        .names()
        .any(|name| spelt(name).as_ref() == Some(&embedding));
    // A head that is the embedding is its second name, or its only one.
    names.add(checkpoint, |name| match spelt(name) {
        found if found.is_some() && found == head => (!has_embedding).then(|| embedding.clone()),
        found => found,
    });
}

/// The one spelling of a name in a checkpoint; none for a table that is computed.
pub(crate) fn canonical(name: &str, family: Family) -> Option<String> {
    const WRAPPERS: [&str; 3] = [
        "_fsdp_wrapped_module.",
        "_checkpoint_wrapped_module.",
        "_orig_mod.",
    ];
    let mut name = name.strip_prefix("module.").unwrap_or(name).to_owned();
    for wrapper in WRAPPERS {
        name = name.replace(wrapper, "");
    }
    let Some(inner) = name.strip_prefix("lang_encoder.") else {
        return Some(name);
    };
    if Family::is_buffer(inner) {
        return None;
    }
    let layers = family.layers();
    let numbered = |rest: &str, module: &str| {
        let (number, rest) = rest.split_once('.')?;
        Some(format!("lang_encoder.{layers}.{number}.{module}{rest}"))
    };
    if let Some(rest) = inner.strip_prefix("gated_cross_attn_layers.") {
        return numbered(rest, "gated_cross_attn_layer.");
    }
    if let Some(rest) = inner.strip_prefix("old_decoder_blocks.") {
        return numbered(rest, "");
    }
    Some(name.replace(".decoder_layer.", "."))
}

/// The whole configuration, from the parts' and the shapes of the checkpoint's tensors.
fn config(
    names: &Names,
    part: &lm::Lm,
    tower: &Tower,
    tokens: usize,
    path: &Path,
) -> Result<FlamingoConfig> {
    let trained = embedding_rows(names, part.family).filter(|rows| *rows >= tokens);
    // A checkpoint without the embedding leaves the language model's, resized to the tokenizer.
    let vocabulary = trained.unwrap_or(tokens);
    let vision = VisionConfig::Vit(tower.config.clone());
    Ok(FlamingoConfig {
        resampler: Some(resampler(names, vision.width(), path)?),
        gated: gated(names, part.family, part.config.layers, path)?,
        vision,
        language: LanguageConfig {
            vocabulary,
            ..part.config.clone()
        },
        project_media: false,
        media_projection_bias: false,
    })
}

pub(crate) fn embedding_rows(names: &Names, family: Family) -> Option<usize> {
    let embedding = format!("lang_encoder.{}", family.embedding());
    names.shape(&embedding)?.first().copied()
}

fn shape<const D: usize>(names: &Names, name: &str, path: &Path) -> Result<[usize; D]> {
    let wrong = |what: String| Error::malformed(path, what);
    let shape = names.shape(name).ok_or_else(|| {
        wrong(format!(
            "it has no `{name}`: it is no checkpoint of an OpenFlamingo"
        ))
    })?;
    let axes = shape.len();
    shape
        .try_into()
        .map_err(|_| wrong(format!("`{name}` has {axes} axes, not {D}")))
}

pub(crate) fn resampler(
    names: &Names,
    width: usize,
    path: &Path,
) -> Result<PerceiverResamplerConfig> {
    let [latents, _] = shape(names, "perceiver.latents", path)?;
    let [inner, _] = shape(names, "perceiver.layers.0.0.to_q.weight", path)?;
    let [hidden, d] = shape(names, "perceiver.layers.0.1.1.weight", path)?;
    let rows = |name: &str| {
        names
            .shape(name)
            .and_then(|s| s.first().copied())
            .unwrap_or(0)
    };
    Ok(PerceiverResamplerConfig {
        latents,
        layers: names.count("perceiver.layers."),
        heads: inner / HEAD_DIM,
        ffw_multiple: hidden / d.max(1),
        time_embeddings: rows("perceiver.frame_embs"),
        media_embeddings: rows("perceiver.media_time_embs"),
        ..PerceiverResamplerConfig::open_flamingo(width)
    })
}

/// Where the blocks stand is read off the numbers of the layers that have one.
pub(crate) fn gated(
    names: &Names,
    family: Family,
    layers: usize,
    path: &Path,
) -> Result<GatedConfig> {
    let prefix = format!("lang_encoder.{}.", family.layers());
    let block = |layer: usize| format!("{prefix}{layer}.gated_cross_attn_layer.");
    let numbers = names.numbers(&prefix);
    let has_block = |layer: &usize| names.has(&format!("{}attn_gate", block(*layer)));
    let found: Vec<usize> = numbers.into_iter().filter(has_block).collect();
    let Some(&first) = found.first() else {
        return Err(Error::malformed(
            path,
            format!(
                "it has no gated blocks for a language model of the family {} (`{}attn_gate`): it is a checkpoint \
                 of another family, or none of an OpenFlamingo",
                family.model_type(),
                block(0),
            ),
        ));
    };
    let every = first + 1;
    let wanted: Vec<usize> = (first..layers).step_by(every).collect();
    if found != wanted {
        return Err(Error::Mismatch(format!(
            "{} has gated blocks at the layers {found:?}, a language model of {layers} layers with one at every \
             {every}th has them at {wanted:?}: the language model is of another size than the checkpoint's",
            path.display()
        )));
    }
    let [inner, _] = shape(names, &format!("{}attn.to_q.weight", block(first)), path)?;
    let [hidden, d] = shape(names, &format!("{}ff.1.weight", block(first)), path)?;
    Ok(GatedConfig {
        heads: inner / HEAD_DIM,
        ffw_multiple: hidden / d.max(1),
        ..GatedConfig::open_flamingo(every)
    })
}

/// Their names and ours of the whole model.
pub(crate) fn links(family: Family, config: &FlamingoConfig) -> Vec<Link> {
    let mut links: Vec<Link> = family
        .links(&config.language)
        .into_iter()
        .map(|link| link.under("lang_encoder.", "language."))
        .collect();
    if let VisionConfig::Vit(vit) = &config.vision {
        let tower = open_clip_links(vit).into_iter();
        links.extend(tower.map(|link| link.under("vision_encoder.", "vision.vit.")));
    }
    if let Some(resampler) = &config.resampler {
        let inside = resampler_links(resampler).into_iter();
        links.extend(inside.map(|link| link.under("perceiver.", "resampler.")));
    }
    let layers = config.language.layers;
    let points = (0..=layers).filter(|&point| config.gated.stands_at(point, layers));
    for (i, point) in points.enumerate() {
        let theirs = format!(
            "lang_encoder.{}.{point}.gated_cross_attn_layer.",
            family.layers()
        );
        let ours = format!("gated.{i}.");
        links.extend(
            block_links()
                .into_iter()
                .map(|link| link.under(&theirs, &ours)),
        );
    }
    links
}

/// A resampler's names after `perceiver.`; flamingo-pytorch has them, too.
pub fn resampler_links(config: &PerceiverResamplerConfig) -> Vec<Link> {
    let mut links = vec![
        Link::same("latents", "latents"),
        Link::same("norm.weight", "norm.weight"),
        Link::same("norm.bias", "norm.bias"),
    ];
    if config.time_embeddings > 0 {
        links.push(Link::same("frame_embs", "time_embeddings"));
    }
    if config.media_embeddings > 0 {
        links.push(Link::same("media_time_embs", "media_embeddings"));
    }
    let layer = || {
        vec![
            Link::same("0.norm_media.weight", "norm_media.weight"),
            Link::same("0.norm_media.bias", "norm_media.bias"),
            Link::same("0.norm_latents.weight", "norm_latents.weight"),
            Link::same("0.norm_latents.bias", "norm_latents.bias"),
            Link::same("0.to_q.weight", "q.weight"),
            Link::rows(["0.to_kv.weight"], ["k.weight", "v.weight"]),
            Link::same("0.to_out.weight", "out.weight"),
            Link::same("1.0.weight", "norm_ffw.weight"),
            Link::same("1.0.bias", "norm_ffw.bias"),
            Link::same("1.1.weight", "ffw_in.weight"),
            Link::same("1.3.weight", "ffw_out.weight"),
        ]
    };
    for i in 0..config.layers {
        let prefix = format!("layers.{i}.");
        links.extend(layer().into_iter().map(|link| link.under(&prefix, &prefix)));
    }
    links
}

/// A gated block's names; flamingo-pytorch has them, too.
pub fn block_links() -> Vec<Link> {
    vec![
        Link::same("attn_gate", "alpha_xattn"),
        Link::same("ff_gate", "alpha_dense"),
        Link::same("attn.norm.weight", "norm.weight"),
        Link::same("attn.norm.bias", "norm.bias"),
        Link::same("attn.to_q.weight", "q.weight"),
        Link::rows(["attn.to_kv.weight"], ["k.weight", "v.weight"]),
        Link::same("attn.to_out.weight", "out.weight"),
        Link::same("ff.0.weight", "norm_dense.weight"),
        Link::same("ff.0.bias", "norm_dense.bias"),
        Link::same("ff.1.weight", "dense_in.weight"),
        Link::same("ff.3.weight", "dense_out.weight"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_name_becomes_one() {
        let one = "lang_encoder.transformer.blocks.3.gated_cross_attn_layer.attn.to_q.weight";
        let spelt = [
            one.to_owned(),
            format!("module.{one}"),
            "lang_encoder.gated_cross_attn_layers.3.attn.to_q.weight".to_owned(),
            "module.lang_encoder._fsdp_wrapped_module.gated_cross_attn_layers.3.\
             _checkpoint_wrapped_module.attn.to_q.weight"
                .to_owned(),
        ];
        for name in spelt {
            assert_eq!(
                canonical(&name, Family::Mpt).as_deref(),
                Some(one),
                "{name}"
            );
        }
        let frozen = "lang_encoder.transformer.blocks.3.norm_1.weight";
        for name in [
            "lang_encoder.old_decoder_blocks.3.norm_1.weight",
            "lang_encoder.transformer.blocks.3.decoder_layer.norm_1.weight",
        ] {
            assert_eq!(
                canonical(name, Family::Mpt).as_deref(),
                Some(frozen),
                "{name}"
            );
        }
        let buffer = "lang_encoder.transformer.blocks.3.attn.masked_bias";
        assert_eq!(canonical(buffer, Family::Mpt), None);
    }
}
