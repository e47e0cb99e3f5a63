//! The image towers of CLIP: open_clip's names (`visual.*`), which OpenAI's files have too, and
//! Hugging Face's (`vision_model.*`), which IDEFICS has too.
//!
//! Sizes are read off the tensors; only the number of heads and the activation are not in them:
//! they come from the configuration beside the weights, else from what OpenAI's models have.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use flamingo_checkpoint::Checkpoint;
use flamingo_image::{Fit, Preprocess};
use flamingo_kernels::Activation;
use flamingo_model::vision::{VitConfig, VitPool};
use serde_json::json;

use super::json::Json;
use super::names::Names;
use crate::{Error, Layout, Link, Result};

/// Width of a head where no configuration tells.
const HEAD_WIDTH: usize = 64;

/// An image tower on disk.
pub(crate) struct Tower {
    pub(crate) checkpoint: Arc<Checkpoint>,
    pub(crate) config: VitConfig,
    pub(crate) preprocess: Preprocess,
    names: Naming,
}

/// Whose names the tensors have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Naming {
    OpenClip,
    HuggingFace,
}

impl Tower {
    /// A file of weights, or a directory that has one.
    ///
    /// # Errors
    /// If there is none, it cannot be read, or it is no image tower that OpenFlamingo can have.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let (weights, configs) = files(path)?;
        let checkpoint = Arc::new(Checkpoint::open(&weights)?);
        let mut names = Names::default();
        names.add(&checkpoint, |name| Some(visual(name)?.to_owned()));
        let config = configs.iter().find(|json| {
            let whole = ["vision_cfg", "model_cfg", "vision_config"];
            whole.iter().any(|key| json.has(key)) || is_tower_alone(json)
        });
        let scripted = checkpoint.is_torchscript();
        let (config, naming) = match (names.has("conv1.weight"), config) {
            (true, config) => (open_clip(&names, config, scripted, path)?, Naming::OpenClip),
            (false, config) if names.has("embeddings.patch_embedding.weight") => {
                let config = match config {
                    Some(json) if is_tower_alone(json) => json.clone(),
                    Some(json) => json.object("vision_config")?,
                    None => Json::made(json!({})),
                };
                (
                    hugging_face(&names, &config, "quick_gelu", path)?,
                    Naming::HuggingFace,
                )
            }
            _ => return Err(not_a_tower(path, &checkpoint)),
        };
        Ok(Self {
            checkpoint,
            preprocess: preprocess(&configs, config.image_size)?,
            config,
            names: naming,
        })
    }

    /// Their names after `vision_encoder.`, and ours.
    pub(crate) fn links(&self) -> Vec<Link> {
        match self.names {
            Naming::OpenClip => open_clip_links(&self.config),
            Naming::HuggingFace => hugging_face_links(&self.config),
        }
    }

    /// Adds the tower's tensors under `prefix`.
    pub(crate) fn names(&self, prefix: &str, names: &mut Names) {
        names.add(&self.checkpoint, |name| {
            Some(format!("{prefix}{}", visual(name)?))
        });
    }
}

/// A configuration of Hugging Face's of an image tower without its text tower.
fn is_tower_alone(json: &Json) -> bool {
    json.text("model_type")
        .is_ok_and(|kind| kind == Some("clip_vision_model"))
}

/// A tensor's name inside the image tower; none if it is of something else.
fn visual(name: &str) -> Option<&str> {
    let name = name.strip_prefix("module.").unwrap_or(name);
    let inside = name
        .strip_prefix("visual.")
        .or_else(|| name.strip_prefix("vision_model."))
        .or_else(|| (name == "visual_projection.weight").then_some(name))?;
    (!inside.ends_with("position_ids")).then_some(inside)
}

fn not_a_tower(path: &Path, checkpoint: &Checkpoint) -> Error {
    let some: Vec<&str> = checkpoint.names().take(3).collect();
    Error::malformed(
        path,
        format!(
            "it holds no image tower (`visual.conv1.weight` or `vision_model.embeddings...`), but {}, ...: \
             was the language model given in its place?",
            some.join(", ")
        ),
    )
}

/// The files of weights and the configurations of a tower.
fn files(path: &Path) -> Result<(Vec<PathBuf>, Vec<Json>)> {
    let folder = match path.is_dir() {
        true => path,
        false => path
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new(".")),
    };
    let listed = super::files::list(folder)?;
    let mut configs = Vec::new();
    for file in listed
        .iter()
        .filter(|file| file.extension().is_some_and(|e| e == "json"))
    {
        // A tokenizer's tables lie there, too, and may be large: they are not asked.
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if !["tokenizer.json", "vocab.json", "added_tokens.json"].contains(&&*name)
            && let Ok(json) = Json::read(file)
        {
            configs.push(json);
        }
    }
    if !path.is_dir() {
        return Ok((vec![path.to_path_buf()], configs));
    }
    let weights = super::files::weights(folder, &listed)?;
    if weights.is_empty() {
        return Err(Error::malformed(
            path,
            "it holds no weights of an image tower (.safetensors, .bin or .pt)",
        ));
    }
    Ok((weights, configs))
}

/// Sizes that the tensors tell, by open_clip's names.
fn open_clip(
    names: &Names,
    config: Option<&Json>,
    scripted: bool,
    path: &Path,
) -> Result<VitConfig> {
    for (part, what) in [
        ("attn_pool.", "an attentional pooling"),
        ("patchnorm_pre_ln.", "patch normalisation"),
    ] {
        if names.iter().any(|name| name.starts_with(part)) {
            return Err(Error::malformed(
                path,
                format!(
                    "the image tower has {what}, with which no Flamingo was built: it is not supported"
                ),
            ));
        }
    }
    let made = Json::made(json!({}));
    let config = config.unwrap_or(&made);
    let whole = if config.has("model_cfg") {
        config.object("model_cfg")?
    } else {
        config.clone()
    };
    let vision = whole.object("vision_cfg")?;
    let shapes = Shapes { names, path };
    let [width, _, patch, _] = shapes.of("conv1.weight")?;
    let [places, _] = shapes.of("positional_embedding")?;
    let layers = names.count("transformer.resblocks.");
    let hidden = match layers {
        0 => 4 * width,
        _ => shapes.of::<2>("transformer.resblocks.0.mlp.c_fc.weight")?[0],
    };
    let head_width = vision.count_or("head_width", HEAD_WIDTH)?;
    let quick = whole.flag_or("quick_gelu", scripted && !config.has("vision_cfg"))?;
    let pooled_mean = vision.flag_or("global_average_pool", false)?;
    let projection = match names.has("proj") {
        true => Some(shapes.of::<2>("proj")?[1]),
        false => None,
    };
    Ok(VitConfig {
        image_size: side(
            places - usize::from(names.has("class_embedding")).min(places),
            path,
        )? * patch,
        patch,
        width,
        layers,
        heads: heads(width, head_width, path)?,
        ffw_width: (hidden != 4 * width).then_some(hidden),
        activation: if quick {
            Activation::QuickGelu
        } else {
            Activation::Gelu
        },
        projection,
        class_token: names.has("class_embedding"),
        pre_norm: names.has("ln_pre.weight"),
        layer_scale: names.has("transformer.resblocks.0.ls_1.gamma"),
        // With a mean over all tokens open_clip counts the class token among them.
        class_token_in_features: pooled_mean,
        pool: if pooled_mean {
            VitPool::Mean
        } else {
            VitPool::ClassToken
        },
        ..VitConfig::vit_l_14()
    })
}

/// Sizes that the tensors tell, by Hugging Face's names; `config` is `vision_config`.
pub(crate) fn hugging_face(
    names: &Names,
    config: &Json,
    default_activation: &str,
    path: &Path,
) -> Result<VitConfig> {
    let shapes = Shapes { names, path };
    let [width, _, patch, _] = shapes.of("embeddings.patch_embedding.weight")?;
    let [places, _] = shapes.of("embeddings.position_embedding.weight")?;
    let layers = names.count("encoder.layers.");
    let hidden = match layers {
        0 => 4 * width,
        _ => shapes.of::<2>("encoder.layers.0.mlp.fc1.weight")?[0],
    };
    let projection = match names.has("visual_projection.weight") {
        true => Some(shapes.of::<2>("visual_projection.weight")?[0]),
        false => None,
    };
    let heads = match config.count_or_none("num_attention_heads")? {
        Some(heads) if width.is_multiple_of(heads) => heads,
        Some(heads) => {
            return Err(Error::malformed(
                path,
                format!("the image tower's width {width} cannot be divided among {heads} heads"),
            ));
        }
        None => heads(width, HEAD_WIDTH, path)?,
    };
    let activation = match config.text("hidden_act")?.unwrap_or(default_activation) {
        "gelu" => Activation::Gelu,
        "quick_gelu" => Activation::QuickGelu,
        other => {
            return Err(config.wrong(format!(
                "`vision_config.hidden_act` is {other}, not gelu or quick_gelu"
            )));
        }
    };
    Ok(VitConfig {
        image_size: side(places.saturating_sub(1), path)? * patch,
        patch,
        width,
        layers,
        heads,
        ffw_width: (hidden != 4 * width).then_some(hidden),
        activation,
        projection,
        norm_epsilon: config.number_or("layer_norm_eps", 1e-5)?,
        ..VitConfig::vit_l_14()
    })
}

/// Shapes with a known number of axes.
struct Shapes<'a> {
    names: &'a Names,
    path: &'a Path,
}

impl Shapes<'_> {
    fn of<const D: usize>(&self, name: &str) -> Result<[usize; D]> {
        let wrong = |what: String| Error::malformed(self.path, what);
        let shape = self
            .names
            .shape(name)
            .ok_or_else(|| wrong(format!("the image tower has no `{name}`")))?;
        let axes = shape.len();
        shape.try_into().map_err(|_| {
            wrong(format!(
                "`{name}` has {axes} axes, an image tower's has {D}"
            ))
        })
    }
}

fn side(places: usize, path: &Path) -> Result<usize> {
    let side = places.isqrt();
    if side * side == places && side > 0 {
        return Ok(side);
    }
    Err(Error::malformed(
        path,
        format!("the image tower has {places} positions, which is no square: it is not supported"),
    ))
}

fn heads(width: usize, head_width: usize, path: &Path) -> Result<usize> {
    if width.is_multiple_of(head_width) && width > 0 {
        return Ok(width / head_width);
    }
    Err(Error::malformed(
        path,
        format!(
            "the image tower is {width} wide, which heads of {head_width} do not divide: put its \
             open_clip configuration (a JSON file with `vision_cfg.head_width`) beside the weights"
        ),
    ))
}

/// open_clip's: the shorter side resized, the centre cut out, CLIP's colours unless told otherwise.
fn preprocess(configs: &[Json], size: usize) -> Result<Preprocess> {
    let mut preprocess = Preprocess::clip(size, Fit::CenterCrop);
    for json in configs {
        let inner = json.object("preprocess_cfg")?;
        let (mean, std) = match inner.has("mean") {
            true => (inner.colours("mean")?, inner.colours("std")?),
            false => (json.colours("image_mean")?, json.colours("image_std")?),
        };
        preprocess.mean = mean.unwrap_or(preprocess.mean);
        preprocess.std = std.unwrap_or(preprocess.std);
    }
    Ok(preprocess)
}

/// open_clip's names after `visual.`, and ours after `vision.vit.`.
pub(crate) fn open_clip_links(config: &VitConfig) -> Vec<Link> {
    let mut names = vec!["conv1.weight".to_owned(), "positional_embedding".to_owned()];
    names.extend(config.class_token.then(|| "class_embedding".to_owned()));
    let pre_norm = config.pre_norm.then_some("ln_pre");
    for norm in pre_norm.into_iter().chain(["ln_post"]) {
        names.extend(["weight", "bias"].map(|end| format!("{norm}.{end}")));
    }
    names.extend(config.projection.map(|_| "proj".to_owned()));
    let mut links: Vec<Link> = names.iter().map(|name| Link::same(name, name)).collect();
    let modules = [
        "ln_1.weight",
        "ln_1.bias",
        "ln_2.weight",
        "ln_2.bias",
        "attn.in_proj_weight",
        "attn.in_proj_bias",
        "attn.out_proj.weight",
        "attn.out_proj.bias",
        "mlp.c_fc.weight",
        "mlp.c_fc.bias",
        "mlp.c_proj.weight",
        "mlp.c_proj.bias",
    ];
    for i in 0..config.layers {
        let block = format!("transformer.resblocks.{i}.");
        links.extend(modules.map(|name| Link::same(name, name).under(&block, &block)));
        if config.layer_scale {
            let scales = [("ls_1.gamma", "ls_1"), ("ls_2.gamma", "ls_2")];
            links.extend(scales.map(|(a, b)| Link::same(a, b).under(&block, &block)));
        }
    }
    links
}

/// Hugging Face's names after `vision_model.`, and ours after `vision.vit.`.
pub(crate) fn hugging_face_links(config: &VitConfig) -> Vec<Link> {
    let mut links = vec![
        Link::same("embeddings.patch_embedding.weight", "conv1.weight"),
        Link::same("embeddings.class_embedding", "class_embedding"),
        Link::same(
            "embeddings.position_embedding.weight",
            "positional_embedding",
        ),
    ];
    if config.projection.is_some() {
        links.push(Link::new(
            ["visual_projection.weight"],
            ["proj"],
            Layout::Transposed,
        ));
    }
    for end in ["weight", "bias"] {
        let same = |a: &str, b: &str| Link::same(format!("{a}.{end}"), format!("{b}.{end}"));
        // The misspelling is in the published files.
        links.push(same("pre_layrnorm", "ln_pre"));
        links.push(same("post_layernorm", "ln_post"));
        for i in 0..config.layers {
            let (theirs, ours) = (
                format!("encoder.layers.{i}."),
                format!("transformer.resblocks.{i}."),
            );
            let modules = [
                ("layer_norm1", "ln_1"),
                ("layer_norm2", "ln_2"),
                ("self_attn.out_proj", "attn.out_proj"),
                ("mlp.fc1", "mlp.c_fc"),
                ("mlp.fc2", "mlp.c_proj"),
            ];
            links.extend(modules.map(|(a, b)| same(a, b).under(&theirs, &ours)));
            let parts = ["q", "k", "v"].map(|part| format!("self_attn.{part}_proj.{end}"));
            let joint = Link::rows(parts, [format!("attn.in_proj_{end}")]);
            links.push(joint.under(&theirs, &ours));
        }
    }
    links
}
