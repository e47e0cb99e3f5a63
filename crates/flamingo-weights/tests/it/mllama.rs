//! A small random Llama-3.2-Vision under the names of the published ones, in shards.

use std::path::Path;

use flamingo_image::{Filter, Fit, Preprocess, Transparency};
use flamingo_kernels::{Activation, Device, Init, NormKind, Precision, Tensor};
use flamingo_model::language::{Positions, RotaryScaling};
use flamingo_model::vision::{TilesConfig, Tiling, VisionConfig, VitConfig, VitTokens};
use flamingo_model::{
    Flamingo, FlamingoConfig, GatedConfig, LanguageConfig, Looking, Media, Placement, TextInput,
};
use flamingo_sequence::Visibility;
use flamingo_weights::{
    Loaded, ModelConfig, NamedTensor, Source, load, named_tensors, open, write_tensors,
};
use serde_json::{Value, json};

/// Of six layers these are blocks, the others the language model's own.
const BLOCKS: [usize; 3] = [1, 3, 4];
const OWN: [usize; 3] = [0, 2, 5];
const WORDS: usize = 60;

fn config() -> FlamingoConfig {
    FlamingoConfig {
        vision: VisionConfig::Vit(VitConfig {
            image_size: 12,
            patch: 4,
            width: 6,
            layers: 3,
            heads: 2,
            ffw_width: Some(10),
            activation: Activation::Gelu,
            tokens: VitTokens::AfterNorm,
            projection: None,
            class_token_in_features: true,
            attention_bias: false,
            tiles: Some(TilesConfig {
                most: 3,
                global_layers: 2,
                intermediate: vec![2, 0],
                multiple: 8,
            }),
            ..VitConfig::vit_l_14()
        }),
        resampler: None,
        gated: GatedConfig {
            layers: BLOCKS.to_vec(),
            placement: Placement::Instead,
            key_value_heads: Some(2),
            head_dim: 4,
            activation: Activation::Silu,
            norm: NormKind::RmsNorm,
            query_key_norm: true,
            ffw_width: Some(20),
            gated_ffw: true,
            seeing_only: true,
            ..GatedConfig::paper(1, 4)
        },
        language: LanguageConfig {
            vocabulary: WORDS + 8,
            head_rows: Some(WORDS),
            key_value_heads: 2,
            positions: Positions::Rotary {
                fraction: 1.0,
                base: 500_000.0,
                scaling: Some(RotaryScaling {
                    factor: 8.0,
                    low: 1.0,
                    high: 4.0,
                    original_length: 64,
                }),
            },
            norm_epsilon: 1e-5,
            ..LanguageConfig::llama(16, OWN.len(), 4, 20)
        },
        project_media: true,
        media_projection_bias: true,
    }
}

fn model() -> Flamingo {
    let mut init = Init::new(7, &Device::flex());
    let mut model = Flamingo::new(&config(), &mut init).unwrap();
    for block in &mut model.gated {
        block.alpha_xattn = Some(init.full([1], 0.7));
        block.alpha_dense = Some(init.full([1], -0.4));
    }
    let tiles = model.vision.vit.as_mut().and_then(|vit| vit.tiles.as_mut());
    let tiles = tiles.unwrap();
    for table in [&mut tiles.before, &mut tiles.places, &mut tiles.between] {
        table.alpha = init.full([1], 0.5);
    }
    for block in &mut tiles.global.resblocks {
        block.alpha_attn = Some(init.full([1], 0.3));
        block.alpha_mlp = Some(init.full([1], 0.9));
    }
    model
}

/// The first pair's second for the first of which `name` begins.
fn replaced(name: &str, pairs: &[(&str, &str)]) -> String {
    let found = pairs.iter().find_map(|(ours, theirs)| {
        let rest = name.strip_prefix(ours)?;
        Some(format!("{theirs}{rest}"))
    });
    found.unwrap_or_else(|| panic!("{name} has no name of theirs"))
}

fn numbered<'a>(name: &'a str, prefix: &str) -> Option<(usize, &'a str)> {
    let (number, rest) = name.strip_prefix(prefix)?.split_once('.')?;
    Some((number.parse().ok()?, rest))
}

fn theirs(name: &str) -> String {
    if let Some((number, rest)) = numbered(name, "language.layers.") {
        let pairs = [
            ("norm_attention", "input_layernorm"),
            ("norm_ffw", "post_attention_layernorm"),
            ("attention.q", "self_attn.q_proj"),
            ("attention.k", "self_attn.k_proj"),
            ("attention.v", "self_attn.v_proj"),
            ("attention.out", "self_attn.o_proj"),
            ("ffw.gate", "mlp.gate_proj"),
            ("ffw.input", "mlp.up_proj"),
            ("ffw.output", "mlp.down_proj"),
        ];
        let layer = OWN[number];
        return format!(
            "language_model.model.layers.{layer}.{}",
            replaced(rest, &pairs)
        );
    }
    if let Some((number, rest)) = numbered(name, "gated.") {
        let pairs = [
            ("norm_dense", "post_attention_layernorm"),
            ("norm_q", "cross_attn.q_norm"),
            ("norm_k", "cross_attn.k_norm"),
            ("norm", "input_layernorm"),
            ("q", "cross_attn.q_proj"),
            ("k", "cross_attn.k_proj"),
            ("v", "cross_attn.v_proj"),
            ("out", "cross_attn.o_proj"),
            ("alpha_xattn", "cross_attn_attn_gate"),
            ("alpha_dense", "cross_attn_mlp_gate"),
            ("dense_gate", "mlp.gate_proj"),
            ("dense_in", "mlp.up_proj"),
            ("dense_out", "mlp.down_proj"),
        ];
        let layer = BLOCKS[number];
        return format!(
            "language_model.model.layers.{layer}.{}",
            replaced(rest, &pairs)
        );
    }
    for (ours, theirs) in [
        ("vision.vit.transformer.resblocks.", "transformer"),
        ("vision.vit.tiles.global.resblocks.", "global_transformer"),
    ] {
        if let Some((number, rest)) = numbered(name, ours) {
            let pairs = [
                ("ln_1", "input_layernorm"),
                ("ln_2", "post_attention_layernorm"),
                ("attn.out_proj", "self_attn.o_proj"),
                ("attn.in_proj_weight", "self_attn.in_proj"),
                ("mlp.c_fc", "mlp.fc1"),
                ("mlp.c_proj", "mlp.fc2"),
                ("alpha_attn", "gate_attn"),
                ("alpha_mlp", "gate_ffn"),
            ];
            return format!(
                "vision_model.{theirs}.layers.{number}.{}",
                replaced(rest, &pairs)
            );
        }
    }
    let pairs = [
        ("language.embed", "language_model.model.embed_tokens"),
        ("language.norm", "language_model.model.norm"),
        ("language.head", "language_model.lm_head"),
        ("media_projection", "multi_modal_projector"),
        ("vision.vit.conv1", "vision_model.patch_embedding"),
        ("vision.vit.class_embedding", "vision_model.class_embedding"),
        (
            "vision.vit.positional_embedding",
            "vision_model.gated_positional_embedding.embedding",
        ),
        ("vision.vit.ln_pre", "vision_model.layernorm_pre"),
        ("vision.vit.ln_post", "vision_model.layernorm_post"),
        (
            "vision.vit.tiles.places.alpha",
            "vision_model.gated_positional_embedding.gate",
        ),
        (
            "vision.vit.tiles.places.embedding",
            "vision_model.gated_positional_embedding.tile_embedding.weight",
        ),
        (
            "vision.vit.tiles.before.alpha",
            "vision_model.pre_tile_positional_embedding.gate",
        ),
        (
            "vision.vit.tiles.before.embedding",
            "vision_model.pre_tile_positional_embedding.embedding.weight",
        ),
        (
            "vision.vit.tiles.between.alpha",
            "vision_model.post_tile_positional_embedding.gate",
        ),
        (
            "vision.vit.tiles.between.embedding",
            "vision_model.post_tile_positional_embedding.embedding.weight",
        ),
    ];
    replaced(name, &pairs)
}

/// The model's tensors under their names.
fn tensors(model: &Flamingo) -> Vec<NamedTensor> {
    let mut all = Vec::new();
    for tensor in named_tensors(model) {
        let name = theirs(&tensor.name);
        let Some(layer) = name.strip_suffix("in_proj") else {
            all.push(NamedTensor { name, ..tensor });
            continue;
        };
        let (third, rows) = (tensor.values.len() / 3, tensor.shape[0] / 3);
        for (part, values) in ["q", "k", "v"].iter().zip(tensor.values.chunks(third)) {
            all.push(NamedTensor {
                name: format!("{layer}{part}_proj.weight"),
                shape: vec![rows, tensor.shape[1]],
                values: values.to_vec(),
            });
        }
    }
    all
}

fn config_json() -> Value {
    json!({
        "model_type": "mllama",
        "image_token_index": WORDS,
        "text_config": {
            "model_type": "mllama_text_model",
            "vocab_size": WORDS,
            "hidden_size": 16,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "num_hidden_layers": 6,
            "intermediate_size": 20,
            "cross_attention_layers": BLOCKS,
            "rms_norm_eps": 1e-5,
            "rope_theta": 500_000.0,
            "rope_scaling": {
                "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                "high_freq_factor": 4.0, "original_max_position_embeddings": 64
            },
        },
        "vision_config": {
            "model_type": "mllama_vision_model",
            "hidden_size": 6,
            "attention_heads": 2,
            "num_hidden_layers": 3,
            "num_global_layers": 2,
            "intermediate_size": 10,
            "intermediate_layers_indices": [2, 0],
            "vision_output_dim": 18,
            "image_size": 12,
            "patch_size": 4,
            "max_num_tiles": 3,
            "supported_aspect_ratios": [[1, 1], [1, 2], [1, 3], [2, 1], [3, 1]],
        }
    })
}

/// Words and Llama 3's special tokens.
fn tokenizer_json() -> Value {
    let special = [
        "<|begin_of_text|>",
        "<|end_of_text|>",
        "<|finetune_right_pad_id|>",
        "<|eot_id|>",
    ];
    let first = WORDS - special.len();
    let words = (0..first).map(|id| (format!("w{id}"), id.into()));
    let token = |(place, content): (usize, &str)| {
        json!({
            "id": first + place, "content": content, "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true
        })
    };
    let with_image = special.iter().copied().chain(["<|image|>"]).enumerate();
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": with_image.map(token).collect::<Vec<_>>(),
        "normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": null, "decoder": null,
        "model": {"type": "WordLevel", "vocab": words.collect::<serde_json::Map<_, _>>(), "unk_token": "w0"}
    })
}

/// Writes the files of a published directory, the weights in two shards.
fn written(model: &Flamingo, folder: &Path) {
    let all = tensors(model);
    let half = all.len() / 2;
    let names = [
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
    ];
    let mut map = serde_json::Map::new();
    for (name, shard) in names.iter().zip([&all[..half], &all[half..]]) {
        write_tensors(&folder.join(name), shard, Precision::F32).unwrap();
        map.extend(
            shard
                .iter()
                .map(|tensor| (tensor.name.clone(), json!(name))),
        );
    }
    let said = |name: &str, value: Value| {
        std::fs::write(folder.join(name), value.to_string()).unwrap();
    };
    said("model.safetensors.index.json", json!({ "weight_map": map }));
    said("config.json", config_json());
    said("tokenizer.json", tokenizer_json());
    said(
        "tokenizer_config.json",
        json!({"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>", "pad_token": "<|finetune_right_pad_id|>"}),
    );
    said(
        "preprocessor_config.json",
        json!({"size": {"height": 12, "width": 12}, "max_image_tiles": 3, "resample": 2,
               "image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25]}),
    );
}

fn loaded(folder: &Path) -> Loaded {
    let source = Source::Directory(folder.to_path_buf());
    load(&source, &Device::flex(), Precision::F32).unwrap()
}

fn logits(model: &Flamingo) -> Vec<f32> {
    let pixels = Init::new(1, &Device::flex())
        .normal([2, 3, 12, 12], 1.0)
        .val();
    let tiling = Tiling {
        rows: 2,
        columns: 1,
    };
    let features = model.encode_tiles(pixels, tiling);
    let latents = model.resample(features.unsqueeze::<4>(), &[0]);
    let media = Media::Each(model.media(latents).each());
    let image = WORDS as u32;
    let input = TextInput::ragged(&[3, image, 30, 31], 4, &[4]);
    let looking = Looking::new(&[0..0, 0..1, 0..1, 0..1], 1, &Device::flex());
    let stream: Tensor<3> = model.hidden(&input, &media, &looking);
    let logits = model.logits(stream.squeeze_dim::<2>(0));
    assert_eq!(logits.dims(), [4, WORDS]);
    logits.into_data().try_into_vec().unwrap()
}

#[test]
fn a_published_directory_in_shards_is_the_same_model() {
    let (folder, model) = (tempfile::tempdir().unwrap(), model());
    written(&model, folder.path());
    let loaded = loaded(folder.path());
    assert_eq!(loaded.model.config(), &config());
    assert_eq!(logits(&model), logits(&loaded.model));
    assert_eq!(loaded.file.sees, Visibility::LastRow);
    let specials = loaded.tokenizer.specials();
    assert_eq!(specials.image, WORDS as u32);
    assert_eq!(
        loaded.tokenizer.token(specials.end_of_chunk).as_deref(),
        Some("<|eot_id|>")
    );
    let eos = specials.eos.and_then(|id| loaded.tokenizer.token(id));
    assert_eq!(eos.as_deref(), Some("<|end_of_text|>"));
    let preprocess = Preprocess {
        transparency: Transparency::White,
        filter: Filter::Bilinear,
        mean: [0.5; 3],
        std: [0.25; 3],
        ..Preprocess::clip(12, Fit::Tiles { most: 3 })
    };
    assert_eq!(loaded.preprocess, preprocess);
}

#[test]
fn names_as_transformers_5_has_them_in_memory_are_read_too() {
    let (folder, model) = (tempfile::tempdir().unwrap(), model());
    written(&model, folder.path());
    let mut all = tensors(&model);
    for tensor in &mut all {
        let name = &tensor.name;
        tensor.name = match name.strip_prefix("language_model.") {
            Some("lm_head.weight") => "lm_head.weight".to_owned(),
            Some(rest) => rest.replacen("model.", "model.language_model.", 1),
            None => format!("model.{name}"),
        };
    }
    for shard in [
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
    ] {
        std::fs::remove_file(folder.path().join(shard)).unwrap();
    }
    std::fs::remove_file(folder.path().join("model.safetensors.index.json")).unwrap();
    write_tensors(
        &folder.path().join("model.safetensors"),
        &all,
        Precision::F32,
    )
    .unwrap();
    assert_eq!(logits(&model), logits(&loaded(folder.path()).model));
}

#[test]
fn options_that_would_change_what_is_computed_are_refused_by_name() {
    let (folder, model) = (tempfile::tempdir().unwrap(), model());
    written(&model, folder.path());
    let error = |file: &str, change: &dyn Fn(&mut Value)| {
        let path = folder.path().join(file);
        let before = std::fs::read(&path).unwrap();
        let mut json: Value = serde_json::from_slice(&before).unwrap();
        change(&mut json);
        std::fs::write(&path, json.to_string()).unwrap();
        let source = Source::Directory(folder.path().to_path_buf());
        let said = open(&source).err().map(|error| error.to_string());
        std::fs::write(&path, before).unwrap();
        said.unwrap_or_default()
    };
    let text = error("config.json", &|json| {
        json["text_config"]["hidden_act"] = "gelu".into()
    });
    assert!(text.contains("`text_config.hidden_act`"), "{text}");
    let text = error("config.json", &|json| {
        json["vision_config"]["max_num_tiles"] = 4.into()
    });
    assert!(text.contains("supported_aspect_ratios"), "{text}");
    let text = error("config.json", &|json| json["image_token_index"] = 3.into());
    assert!(text.contains("`image_token_index` is 3"), "{text}");
    let text = error("config.json", &|json| {
        json["text_config"]["cross_attention_layers"] = json!([1, 6]);
    });
    assert!(text.contains("[1, 6]"), "{text}");
    let text = error("preprocessor_config.json", &|json| {
        json["resample"] = 3.into()
    });
    assert!(text.contains("`resample` is 3"), "{text}");
    let text = error("preprocessor_config.json", &|json| {
        json["size"]["width"] = 14.into()
    });
    assert!(text.contains("`size.width` is 14"), "{text}");
    let opened = open(&Source::Directory(folder.path().to_path_buf())).unwrap();
    assert!(matches!(opened.file.model, ModelConfig::Flamingo(_)));
}
