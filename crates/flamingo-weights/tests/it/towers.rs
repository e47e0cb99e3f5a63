//! Parts alone: a language model and an image tower for training.

use std::path::Path;

use flamingo_kernels::{Device, Init, Module, Precision};
use flamingo_model::LanguageModel;
use flamingo_model::vision::{EfficientNetConfig, EfficientNetStage, VisionConfig, VisionEncoder};
use flamingo_weights::{
    NamedTensor, apply_tensors, named_tensors, open_language, open_vision, write_tensors,
};

use crate::support::{config, exported, languages, tower};

#[test]
fn a_tower_is_read_as_a_part_whatever_its_sizes() {
    let folder = tempfile::tempdir().unwrap();
    let (_, language) = languages().remove(0);
    let model = exported(&config(language, 1), folder.path());
    let part = open_vision(&folder.path().join("theirs/clip")).unwrap();
    assert_eq!(part.config, VisionConfig::Vit(tower()));
    let encoder = VisionEncoder::new(&part.config, &mut Init::new(0, &Device::flex()));
    let encoder = apply_tensors(encoder, &part.tensors, "").unwrap().no_grad();
    for (a, b) in named_tensors(&encoder)
        .iter()
        .zip(named_tensors(&model.vision))
    {
        assert_eq!(a.values, b.values, "{}", a.name);
    }
}

#[test]
fn a_language_model_is_read_as_a_part_with_the_tokens_that_a_flamingo_needs() {
    let folder = tempfile::tempdir().unwrap();
    let (_, language) = languages().remove(4);
    let model = exported(&config(language, 1), folder.path());
    let part = open_language(&folder.path().join("theirs/lm")).unwrap();
    assert_eq!(part.tokens.end_of_chunk, "<|endofchunk|>");
    assert!(part.new_tokens.is_empty(), "its tokenizer has them already");
    let language = LanguageModel::new(&part.config, &mut Init::new(0, &Device::flex()));
    let language = apply_tensors(language, &part.tensors, "")
        .unwrap()
        .no_grad();
    for (a, b) in named_tensors(&language)
        .iter()
        .zip(named_tensors(&model.language))
    {
        assert_eq!(a.values, b.values, "{}", a.name);
    }
}

/// The name that timm or lukemelas' package has for a tensor of an EfficientNet whose `blocks` widen from the
/// second on.
fn theirs(ours: &str, timm: bool, stages: &[EfficientNetStage]) -> String {
    let name = ours.strip_prefix("efficientnet.").unwrap();
    let ends = [
        (".norm.mean", ".running_mean"),
        (".norm.variance", ".running_var"),
        (".norm.weight", ".weight"),
        (".norm.bias", ".bias"),
    ];
    let end = ends.into_iter().find(|(end, _)| name.ends_with(end));
    let (part, end, norm) = match end {
        Some((ours, theirs)) => (name.strip_suffix(ours).unwrap(), theirs, true),
        None => match name.rsplit_once('.').unwrap() {
            (part, "bias") => (part, ".bias", false),
            (part, _) => (part, ".weight", false),
        },
    };
    let choose = |conv: &str, of_norm: &str| if norm { of_norm } else { conv }.to_owned();
    let Some(rest) = part.strip_prefix("blocks.") else {
        let part = match (part, timm) {
            ("stem", true) => choose("conv_stem", "bn1"),
            ("stem", false) => choose("_conv_stem", "_bn0"),
            ("head", true) => choose("conv_head", "bn2"),
            (_, true) => unreachable!("{part}"),
            (_, false) => choose("_conv_head", "_bn1"),
        };
        return part + end;
    };
    let (number, part) = rest.split_once('.').unwrap();
    let mut number: usize = number.parse().unwrap();
    if !timm {
        let part = match part {
            "expand" => choose("_expand_conv", "_bn0"),
            "depthwise" => choose("_depthwise_conv", "_bn1"),
            "project" => choose("_project_conv", "_bn2"),
            "squeeze" => "_se_reduce".to_owned(),
            _ => "_se_expand".to_owned(),
        };
        return format!("_blocks.{number}.{part}{end}");
    }
    let stage = stages.iter().position(|stage| {
        let inside = number < stage.depth;
        number -= if inside { 0 } else { stage.depth };
        inside
    });
    let stage = stage.unwrap();
    let part = match (part, stage) {
        ("expand", _) => choose("conv_pw", "bn1"),
        ("depthwise", 0) => choose("conv_dw", "bn1"),
        ("depthwise", _) => choose("conv_dw", "bn2"),
        ("project", 0) => choose("conv_pw", "bn2"),
        ("project", _) => choose("conv_pwl", "bn3"),
        ("squeeze", _) => "se.conv_reduce".to_owned(),
        _ => "se.conv_expand".to_owned(),
    };
    format!("blocks.{stage}.{number}.{part}{end}")
}

/// Writes an EfficientNet under the names of timm or of lukemelas' package.
fn write(encoder: &VisionEncoder, timm: bool, stages: &[EfficientNetStage], path: &Path) {
    let mut tensors: Vec<NamedTensor> = named_tensors(encoder)
        .into_iter()
        .map(|tensor| NamedTensor {
            name: theirs(&tensor.name, timm, stages),
            // Linear layers are 1x1 convolutions there.
            shape: match tensor.shape[..] {
                [rows, columns] => vec![rows, columns, 1, 1],
                _ => tensor.shape.clone(),
            },
            values: tensor.values,
        })
        .collect();
    let classifier = if timm {
        "classifier.weight"
    } else {
        "_fc.weight"
    };
    tensors.push(NamedTensor {
        name: classifier.into(),
        shape: vec![3, 1280],
        values: vec![0.0; 3 * 1280],
    });
    write_tensors(path, &tensors, Precision::F32).unwrap();
}

/// Writes an EfficientNet-Lite0.
pub(crate) fn write_efficientnet(path: &Path) {
    let config = EfficientNetConfig::lite(0);
    let stages = config.stages.clone();
    let config = VisionConfig::EfficientNet(config);
    let encoder = VisionEncoder::new(&config, &mut Init::new(7, &Device::flex()));
    write(&encoder, false, &stages, path);
}

#[test]
fn an_efficientnet_is_read_under_the_names_of_both_packages() {
    let folder = tempfile::tempdir().unwrap();
    for (config, timm) in [
        (EfficientNetConfig::lite(0), true),
        (EfficientNetConfig::b0(), true),
        (EfficientNetConfig::lite(0), false),
        (EfficientNetConfig::b0(), false),
    ] {
        let stages = config.stages.clone();
        let config = VisionConfig::EfficientNet(config);
        let encoder = VisionEncoder::new(&config, &mut Init::new(7, &Device::flex()));
        let path = folder.path().join("model.safetensors");
        write(&encoder, timm, &stages, &path);
        let part = open_vision(&path).unwrap();
        assert_eq!(part.config, config);
        let read = VisionEncoder::new(&part.config, &mut Init::new(0, &Device::flex()));
        let read = apply_tensors(read, &part.tensors, "").unwrap().no_grad();
        for (a, b) in named_tensors(&read).iter().zip(named_tensors(&encoder)) {
            assert_eq!((&a.name, &a.values), (&b.name, &b.values));
        }
    }
}
