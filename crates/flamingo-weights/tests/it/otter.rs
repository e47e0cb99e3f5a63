//! Models that are OpenFlamingo's under other names: Otter's directories and Med-Flamingo's checkpoint.

use std::collections::BTreeMap;
use std::path::Path;

use flamingo_kernels::{Device, Precision};
use flamingo_model::vision::{VisionConfig, VitConfig};
use flamingo_model::{Flamingo, FlamingoConfig};
use flamingo_weights::{Checkpoint, NamedTensor, Source, load, write_tensors};
use serde_json::{Value, json};

use crate::support::{config, exported, languages, logits, tower};

type Tensors = BTreeMap<String, NamedTensor>;

/// All tensors of a file.
fn tensors(path: &Path) -> Tensors {
    let file = Checkpoint::open(&[path.to_path_buf()]).unwrap();
    let named = |name: &str| {
        let shape = file.info(name).unwrap().shape.clone();
        let mut values = vec![0f32; shape.iter().product()];
        file.read(name, 0..values.len(), &mut values).unwrap();
        let name = name.to_owned();
        (
            name.clone(),
            NamedTensor {
                name,
                shape,
                values,
            },
        )
    };
    file.names().map(named).collect()
}

/// A model as OpenFlamingo's files, whose tower Hugging Face's CLIP can have.
fn theirs(language: &str, folder: &Path) -> Flamingo {
    let mut all = languages().into_iter();
    let (_, language) = all.find(|(name, _)| *name == language).unwrap();
    let tower = VitConfig {
        layer_scale: false,
        ..tower()
    };
    let config = FlamingoConfig {
        vision: VisionConfig::Vit(tower),
        ..config(language, 2)
    };
    exported(&config, folder)
}

/// The name of a tensor of the language model or the trained part in an Otter.
fn of_otter(name: &str) -> String {
    let of_layer = || {
        let (number, rest) = name.strip_prefix("perceiver.layers.")?.split_once('.')?;
        let inner = match rest.strip_prefix("1.") {
            Some(inner) => format!("feed_forward.{inner}"),
            None => rest.strip_prefix("0.")?.to_owned(),
        };
        Some(format!("perceiver.layers.{number}.{inner}"))
    };
    let name = of_layer().unwrap_or_else(|| name.replace(".ff.", ".feed_forward."));
    let Some(at) = ["layers.", "blocks."]
        .iter()
        .find_map(|word| Some(name.find(word)? + word.len()))
    else {
        return name;
    };
    let (before, behind) = name.split_at(at);
    match behind.split_once('.') {
        Some((number, rest))
            if before.starts_with("lang_encoder.") && !rest.starts_with("gated") =>
        {
            format!("{before}{number}.decoder_layer.{rest}")
        }
        _ => name,
    }
}

/// The tensors of an `open_clip` tower under the names of Hugging Face's CLIP.
fn of_hugging_face(tower: &Tensors) -> Vec<NamedTensor> {
    let pairs = [
        ("visual.", "vision_encoder.vision_model."),
        ("conv1.", "embeddings.patch_embedding."),
        ("class_embedding", "embeddings.class_embedding"),
        (
            "positional_embedding",
            "embeddings.position_embedding.weight",
        ),
        ("ln_pre.", "pre_layrnorm."),
        ("ln_post.", "post_layernorm."),
        ("transformer.resblocks.", "encoder.layers."),
        ("ln_1.", "layer_norm1."),
        ("ln_2.", "layer_norm2."),
        ("attn.out_proj.", "self_attn.out_proj."),
        ("mlp.c_fc.", "mlp.fc1."),
        ("mlp.c_proj.", "mlp.fc2."),
    ];
    let mut found = Vec::new();
    for (name, tensor) in tower.iter().filter(|(name, _)| *name != "visual.proj") {
        let renamed = pairs
            .iter()
            .fold(name.clone(), |name, (a, b)| name.replacen(a, b, 1));
        let Some((layer, end)) = renamed.split_once("attn.in_proj_") else {
            let name = renamed;
            found.push(NamedTensor {
                name,
                ..tensor.clone()
            });
            continue;
        };
        let third = tensor.values.len() / 3;
        for (part, values) in ["q", "k", "v"].iter().zip(tensor.values.chunks(third)) {
            let mut shape = tensor.shape.clone();
            shape[0] /= 3;
            let name = format!("{layer}self_attn.{part}_proj.{end}");
            found.push(NamedTensor {
                name,
                shape,
                values: values.to_vec(),
            });
        }
    }
    found
}

fn written_as_otter(theirs: &Path, kind: &str, out: &Path) {
    std::fs::create_dir_all(out).unwrap();
    let lm = tensors(&theirs.join("lm/pytorch_model.bin"));
    let trained = tensors(&theirs.join("checkpoint.pt"));
    let mut all: Tensors = lm
        .into_iter()
        .map(|(name, tensor)| (format!("lang_encoder.{name}"), tensor))
        .collect();
    all.extend(trained);
    let mut all: Vec<NamedTensor> = all
        .into_iter()
        .map(|(name, tensor)| NamedTensor {
            name: of_otter(&name),
            ..tensor
        })
        .collect();
    let clip = theirs.join("clip/open_clip_pytorch_model.bin");
    all.extend(of_hugging_face(&tensors(&clip)));
    write_tensors(&out.join("model.safetensors"), &all, Precision::F32).unwrap();
    let text = std::fs::read(theirs.join("lm/config.json")).unwrap();
    let text: Value = serde_json::from_slice(&text).unwrap();
    let config = json!({
        "model_type": kind,
        "text_config": text,
        "vision_config": {"model_type": "clip_vision_model", "num_attention_heads": 3},
        "cross_attn_every_n_layers": 2,
        "only_attend_previous": true,
    });
    std::fs::write(out.join("config.json"), config.to_string()).unwrap();
    for name in ["tokenizer.json", "tokenizer_config.json"] {
        let from = theirs.join("lm").join(name);
        if from.is_file() {
            std::fs::copy(from, out.join(name)).unwrap();
        }
    }
}

fn loaded(directory: &Path) -> flamingo_weights::Loaded {
    let source = Source::Directory(directory.to_path_buf());
    load(&source, &Device::flex(), Precision::F32).unwrap()
}

/// Of the tokens that both know.
fn common(model: &Flamingo, vocabulary: usize) -> Vec<f32> {
    let rows = model.config().language.vocabulary;
    let all = logits(model);
    all.chunks(rows)
        .flat_map(|row| row[..vocabulary].to_vec())
        .collect()
}

#[test]
fn an_otter_over_each_of_its_language_models_gives_the_same_logits() {
    for (language, kind) in [
        ("llama", "otter"),
        ("mpt-7b", "otter"),
        ("llama", "flamingo"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let model = theirs(language, folder.path());
        let otter = folder.path().join("otter");
        written_as_otter(&folder.path().join("theirs"), kind, &otter);
        let loaded = loaded(&otter);
        let known = model.config().language.vocabulary;
        assert_eq!(
            common(&model, known),
            common(&loaded.model, known),
            "{language} {kind}"
        );
        assert_eq!(loaded.tokenizer.id("<answer>").is_some(), kind == "otter");
    }
}

#[test]
fn med_flamingos_checkpoint_has_a_name_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let model = theirs("llama", folder.path());
    let theirs = folder.path().join("theirs");
    std::fs::rename(theirs.join("checkpoint.pt"), theirs.join("model.pt")).unwrap();
    assert_eq!(logits(&model), logits(&loaded(&theirs).model));
}
