//! timm's `dm_nfnet_f0` to `dm_nfnet_f6`: the NFNets of DeepMind in PyTorch.
//!
//! Where timm differs from DeepMind's code, and so these models from [`NfnetConfig::f0`]: GELU is
//! exact, and the variance of weights gets 1e-5 added instead of a floor.

use std::path::{Path, PathBuf};

use flamingo_image::{Fit, Preprocess};
use flamingo_kernels::Activation;
use flamingo_model::vision::{NfnetBlockKind, NfnetConfig, NfnetVariance, VisionConfig};

use super::files;
use super::json::Json;
use super::names::Names;
use super::vision_part::{VisionPart, vision_part};
use crate::{Error, Link, Result};

/// Depths of the stages of F0; those of F`n` are `n + 1` times as deep.
const DEPTHS: [usize; 4] = [1, 2, 6, 3];

/// Opens a file or directory; none if it holds no NFNet.
///
/// # Errors
/// If a file cannot be read, or it is an NFNet of another kind.
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
    // The classifier is no part of an encoder.
    names.add(&checkpoint, |name| {
        (!name.starts_with("head.")).then(|| name.to_owned())
    });
    if !names.has("stem.conv1.gain") || !names.has("final_conv.gain") {
        return Ok(None);
    }
    let config = config(&names, path)?;
    let preprocess = preprocess(&weights, config.image_size)?;
    let links: Vec<Link> = links(&config)
        .into_iter()
        .map(|link| link.under("", "nfnet."))
        .collect();
    vision_part(VisionConfig::Nfnet(config), &names, &links, preprocess).map(Some)
}

/// Which of the seven it is, by its depths and widths.
fn config(names: &Names, path: &Path) -> Result<NfnetConfig> {
    let depths: Vec<usize> = (0..4)
        .map(|stage| names.count(&format!("stages.{stage}.")))
        .collect();
    let factor = depths[0];
    let known = (1..=7).contains(&factor)
        && depths
            .iter()
            .zip(DEPTHS)
            .all(|(found, depth)| *found == depth * factor)
        && names.has("stages.0.0.skipinit_gain");
    if !known {
        return Err(Error::malformed(
            path,
            format!(
                "its stages are {depths:?} blocks deep: the NFNets that can be read are timm's dm_nfnet_f0 to f6, \
                 whose stages are {DEPTHS:?} deep, times 1 to 7"
            ),
        ));
    }
    let f0 = match factor {
        1 => NfnetConfig::f0(),
        2 => NfnetConfig::f1(),
        3 => NfnetConfig::f2(),
        4 => NfnetConfig::f3(),
        5 => NfnetConfig::f4(),
        6 => NfnetConfig::f5(),
        _ => NfnetConfig::f6(),
    };
    // Widths are read off the tensors: timm has narrower ones, too.
    let rows = |name: &str| names.shape(name).and_then(|shape| shape.first().copied());
    let (mut stem, mut stages) = (f0.stem.clone(), f0.stages.clone());
    for (i, conv) in stem.iter_mut().enumerate() {
        conv.width = rows(&format!("stem.conv{}.gain", i + 1)).unwrap_or(conv.width);
    }
    for (i, stage) in stages.iter_mut().enumerate() {
        stage.width = rows(&format!("stages.{i}.0.conv3.gain")).unwrap_or(stage.width);
    }
    let width = stages.first().map_or(1, |stage| stage.width);
    let middle = names.shape("stages.0.0.conv2.weight").unwrap_or_default();
    let [middle, group_size] = [0, 1].map(|axis| middle.get(axis).copied().unwrap_or(1).max(1));
    let squeezed = rows("stages.0.0.attn_last.fc1.weight").unwrap_or(1).max(1);
    let config = NfnetConfig {
        stem,
        stages,
        block: NfnetBlockKind::Bottleneck {
            reduction: width / middle,
            group_size,
        },
        squeeze: Some(width / squeezed),
        final_width: rows("final_conv.gain"),
        activation: Activation::Gelu,
        variance: NfnetVariance::Added,
        ..f0
    };
    VisionConfig::Nfnet(config.clone())
        .check()
        .map_err(|what| Error::malformed(path, what))?;
    Ok(config)
}

/// timm's `config.json` beside the weights, else ImageNet's colours, as timm has for these models.
fn preprocess(weights: &[PathBuf], size: usize) -> Result<Preprocess> {
    let mut preprocess = Preprocess {
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
        ..Preprocess::clip(size, Fit::CenterCrop)
    };
    let config = weights[0].with_file_name("config.json");
    if config.is_file() {
        let json = Json::read(&config)?.object("pretrained_cfg")?;
        preprocess.mean = json.colours("mean")?.unwrap_or(preprocess.mean);
        preprocess.std = json.colours("std")?.unwrap_or(preprocess.std);
    }
    Ok(preprocess)
}

fn conv(theirs: &str, ours: &str) -> [Link; 3] {
    ["weight", "gain", "bias"]
        .map(|end| Link::same(format!("{theirs}.{end}"), format!("{ours}.{end}")))
}

fn links(config: &NfnetConfig) -> Vec<Link> {
    let mut links: Vec<Link> = (0..config.stem.len())
        .flat_map(|i| conv(&format!("stem.conv{}", i + 1), &format!("stem.{i}")))
        .collect();
    let mut input = config.stem.last().map_or(3, |stem| stem.width);
    for (s, stage) in config.stages.iter().enumerate() {
        for b in 0..stage.depth {
            let block = format!("stages.{s}.{b}");
            let same = |name: String| conv(&name.clone(), &name);
            for name in ["conv1", "conv2", "conv2b", "conv3"] {
                links.extend(same(format!("{block}.{name}")));
            }
            if b == 0 && (input != stage.width || stage.stride != 1) {
                links.extend(same(format!("{block}.downsample.conv")));
            }
            for name in ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"] {
                let name = format!("{block}.attn_last.{name}");
                links.push(Link::same(name.clone(), name));
            }
            let gain = format!("{block}.skipinit_gain");
            links.push(Link::same(gain.clone(), gain));
        }
        input = stage.width;
    }
    links.extend(conv("final_conv", "final_conv"));
    links
}
