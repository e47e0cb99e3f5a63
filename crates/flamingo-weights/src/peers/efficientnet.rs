//! EfficientNets as TensorFlow trained them, in PyTorch: Lite0 to Lite4 and B0, under timm's names
//! (`tf_efficientnet_lite0`) or those of lukemelas' package.
//!
//! Both number the parts of a block by what stands in it: timm's `bn1` of a block that does not widen belongs to
//! the depthwise convolution, and of any other to the one that widens.

use std::path::{Path, PathBuf};

use flamingo_image::{Fit, Preprocess};
use flamingo_model::vision::{EfficientNetConfig, EfficientNetStage, VisionConfig};

use super::files;
use super::json::Json;
use super::names::Names;
use super::vision_part::{VisionPart, vision_part};
use crate::{Error, Link, Result};

/// Opens a file or directory; none if it holds no EfficientNet.
///
/// # Errors
/// If a file cannot be read, or it is an EfficientNet of another kind.
pub(crate) fn open(path: &Path) -> Result<Option<VisionPart>> {
    let weights = match path.is_dir() {
        true => files::weights(path, &files::list(path)?)?,
        false => vec![path.to_path_buf()],
    };
    if weights.is_empty() {
        return Ok(None);
    }
    let checkpoint = files::open(&weights)?;
    let mut names = Names::default();
    // The classifier is no part of an encoder, and the number of batches says nothing.
    names.add(&checkpoint, |name| {
        let left_out = ["classifier.", "_fc."]
            .iter()
            .any(|part| name.starts_with(part))
            || name.ends_with(".num_batches_tracked");
        (!left_out).then(|| name.to_owned())
    });
    let Some(spelling) = Spelling::of(&names) else {
        return Ok(None);
    };
    refuse_retrained(&weights)?;
    let (config, kind) = config(&names, spelling, path)?;
    let preprocess = preprocess(config.image_size, kind);
    let links: Vec<Link> = links(&config, spelling)
        .into_iter()
        .map(|link| link.under("", "efficientnet."))
        .collect();
    let config = VisionConfig::EfficientNet(config);
    vision_part(config, &names, &links, preprocess).map(Some)
}

/// Whose names they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Timm,
    Lukemelas,
}

/// Which pictures a model was trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lite,
    B0,
}

impl Spelling {
    fn of(names: &Names) -> Option<Self> {
        match (
            names.has("conv_stem.weight"),
            names.has("_conv_stem.weight"),
        ) {
            (true, _) => Some(Self::Timm),
            (_, true) => Some(Self::Lukemelas),
            _ => None,
        }
    }

    /// What their blocks' names begin with. timm numbers the blocks of each stage.
    fn blocks(self, stages: &[EfficientNetStage]) -> Vec<String> {
        match self {
            Self::Timm => stages
                .iter()
                .enumerate()
                .flat_map(|(s, stage)| (0..stage.depth).map(move |b| format!("blocks.{s}.{b}")))
                .collect(),
            Self::Lukemelas => (0..stages.iter().map(|stage| stage.depth).sum())
                .map(|i| format!("_blocks.{i}"))
                .collect(),
        }
    }

    /// Of a block that widens or not: each convolution with its normalisation.
    fn block(self, expands: bool) -> Block {
        match (self, expands) {
            (Self::Timm, true) => Block {
                expand: Some(("conv_pw", "bn1")),
                depthwise: ("conv_dw", "bn2"),
                squeeze: ["se.conv_reduce", "se.conv_expand"],
                project: ("conv_pwl", "bn3"),
            },
            (Self::Timm, false) => Block {
                expand: None,
                depthwise: ("conv_dw", "bn1"),
                squeeze: ["se.conv_reduce", "se.conv_expand"],
                project: ("conv_pw", "bn2"),
            },
            (Self::Lukemelas, expands) => Block {
                expand: expands.then_some(("_expand_conv", "_bn0")),
                depthwise: ("_depthwise_conv", "_bn1"),
                squeeze: ["_se_reduce", "_se_expand"],
                project: ("_project_conv", "_bn2"),
            },
        }
    }

    /// The first and the last convolution, with their normalisations.
    fn ends(self) -> [(&'static str, &'static str); 2] {
        match self {
            Self::Timm => [("conv_stem", "bn1"), ("conv_head", "bn2")],
            Self::Lukemelas => [("_conv_stem", "_bn0"), ("_conv_head", "_bn1")],
        }
    }
}

/// Names of a block's parts.
struct Block {
    expand: Option<(&'static str, &'static str)>,
    depthwise: (&'static str, &'static str),
    squeeze: [&'static str; 2],
    project: (&'static str, &'static str),
}

/// timm has models of these shapes that were trained in PyTorch, which pads in another way.
fn refuse_retrained(weights: &[PathBuf]) -> Result<()> {
    let path = weights[0].with_file_name("config.json");
    if !path.is_file() {
        return Ok(());
    }
    let json = Json::read(&path)?;
    match json.text("architecture")? {
        Some(name) if !name.starts_with("tf_") => Err(json.wrong(format!(
            "`architecture` is {name}: of timm's EfficientNets those that begin with tf_ can be read, which pad as TensorFlow does"
        ))),
        _ => Ok(()),
    }
}

/// Which of the six it is, by the widths of its blocks.
fn config(names: &Names, spelling: Spelling, path: &Path) -> Result<(EfficientNetConfig, Kind)> {
    let known = (0..5)
        .map(|n| (EfficientNetConfig::lite(n), Kind::Lite))
        .chain([(EfficientNetConfig::b0(), Kind::B0)]);
    let width = |block: &str, expands: bool| {
        let project = spelling.block(expands).project.0;
        let shape = names.shape(&format!("{block}.{project}.weight"))?;
        shape.first().copied()
    };
    let squeezes = names
        .iter()
        .any(|name| name.contains(".se.") || name.contains("._se_"));
    for (config, kind) in known {
        let blocks = spelling.blocks(&config.stages);
        let stages = config.stages.iter();
        let stages: Vec<_> = stages.flat_map(|stage| vec![stage; stage.depth]).collect();
        let fits = blocks
            .iter()
            .zip(&stages)
            .all(|(block, stage)| width(block, stage.expansion > 1) == Some(stage.width));
        let count: usize = match spelling {
            Spelling::Timm => (0..names.count("blocks."))
                .map(|stage| names.count(&format!("blocks.{stage}.")))
                .sum(),
            Spelling::Lukemelas => names.count("_blocks."),
        };
        if fits && count == blocks.len() && squeezes == config.squeeze.is_some() {
            return Ok((config, kind));
        }
    }
    Err(Error::malformed(
        path,
        "it is an EfficientNet of other widths or depths: those that can be read are Lite0 to Lite4 and B0",
    ))
}

/// The whole picture, what is beside it being grey, which is 0 behind the normalisation.
fn preprocess(size: usize, kind: Kind) -> Preprocess {
    let (mean, std) = match kind {
        Kind::Lite => ([127.0 / 255.0; 3], [128.0 / 255.0; 3]),
        Kind::B0 => ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    };
    Preprocess {
        mean,
        std,
        ..Preprocess::clip(size, Fit::Pad)
    }
}

/// A convolution and its normalisation; both are named with what stands before them.
fn normed(theirs: &str, (conv, norm): (&str, &str), ours: &str) -> Vec<Link> {
    let ends = [
        ("weight", "weight"),
        ("bias", "bias"),
        ("running_mean", "mean"),
        ("running_var", "variance"),
    ];
    let norm = ends.map(|(end, of_ours)| {
        Link::same(
            format!("{theirs}{norm}.{end}"),
            format!("{ours}.norm.{of_ours}"),
        )
    });
    let weight = Link::same(format!("{theirs}{conv}.weight"), format!("{ours}.weight"));
    std::iter::once(weight).chain(norm).collect()
}

fn links(config: &EfficientNetConfig, spelling: Spelling) -> Vec<Link> {
    let [stem, head] = spelling.ends();
    let mut links = normed("", stem, "stem");
    links.extend(normed("", head, "head"));
    let stages = config.stages.iter();
    let stages = stages.flat_map(|stage| vec![stage; stage.depth]);
    let blocks = spelling.blocks(&config.stages);
    for (i, (stage, theirs)) in stages.zip(blocks).enumerate() {
        let (theirs, ours) = (format!("{theirs}."), format!("blocks.{i}"));
        let block = spelling.block(stage.expansion > 1);
        if let Some(expand) = block.expand {
            links.extend(normed(&theirs, expand, &format!("{ours}.expand")));
        }
        links.extend(normed(
            &theirs,
            block.depthwise,
            &format!("{ours}.depthwise"),
        ));
        links.extend(normed(&theirs, block.project, &format!("{ours}.project")));
        if config.squeeze.is_some() {
            for (conv, ours_end) in block.squeeze.into_iter().zip(["squeeze", "excite"]) {
                for end in ["weight", "bias"] {
                    links.push(Link::same(
                        format!("{theirs}{conv}.{end}"),
                        format!("{ours}.{ours_end}.{end}"),
                    ));
                }
            }
        }
    }
    links
}
