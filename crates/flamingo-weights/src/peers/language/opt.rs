//! OPT: learnt positions behind an offset of 2, ReLU, biases everywhere, tied head.

use flamingo_model::LanguageConfig;
use flamingo_model::language::{Positions, Residual};
use serde_json::{Value, json};

use super::activation::{activation, activation_name};
use super::heads::head_dim;
use super::links::{as_str, layer_links, modules};
use crate::peers::json::Json;
use crate::{Layout, Link, Result};

/// Rows of the table of positions before the first position.
const OFFSET: usize = 2;

pub(super) fn config(json: &Json) -> Result<LanguageConfig> {
    json.only("_remove_final_layer_norm", &[json!(false)])?;
    let residual = match json.flag_or("do_layer_norm_before", true)? {
        true => Residual::Sequential,
        false => Residual::SequentialPostNorm,
    };
    json.only("layer_norm_elementwise_affine", &[json!(true)])?;
    let width = json.count_or("hidden_size", 768)?;
    let table = json.count_or("word_embed_proj_dim", width)?;
    let heads = json.count_or("num_attention_heads", 12)?;
    let bias = json.flag_or("enable_bias", true)?;
    Ok(LanguageConfig {
        vocabulary: json.count_or("vocab_size", 50_272)?,
        head_dim: head_dim(json, width, heads)?,
        ffw_width: json.count_or("ffn_dim", 3072)?,
        positions: Positions::Learnt {
            max: json.count_or("max_position_embeddings", 2048)?,
            offset: OFFSET,
        },
        activation: activation(json, "activation_function", "relu")?,
        attention_bias: bias,
        ffw_bias: bias,
        residual,
        tied_head: json.flag_or("tie_word_embeddings", true)?,
        embed_width: (table != width).then_some(table),
        ..LanguageConfig::opt(width, json.count_or("num_hidden_layers", 12)?, heads)
    })
}

pub(super) fn links(config: &LanguageConfig) -> Vec<Link> {
    let norms = modules(
        &[
            ("self_attn_layer_norm", "norm_attention"),
            ("final_layer_norm", "norm_ffw"),
        ],
        true,
    );
    let linears = modules(
        &[
            ("self_attn.q_proj", "attention.q"),
            ("self_attn.k_proj", "attention.k"),
            ("self_attn.v_proj", "attention.v"),
            ("self_attn.out_proj", "attention.out"),
            ("fc1", "ffw.input"),
            ("fc2", "ffw.output"),
        ],
        config.attention_bias,
    );
    let base = "model.decoder";
    let mut links = layer_links("model.decoder.layers", config.layers, &as_str(&norms));
    links.extend(layer_links(
        "model.decoder.layers",
        config.layers,
        &as_str(&linears),
    ));
    links.push(Link::new(
        [format!("{base}.embed_tokens.weight")],
        ["embed.weight"],
        Layout::Vocabulary,
    ));
    links.push(Link::same(
        format!("{base}.embed_positions.weight"),
        "embed_positions.weight",
    ));
    if config.residual == Residual::Sequential {
        let norm = modules(&[("final_layer_norm", "norm")], true).into_iter();
        links.extend(norm.map(|(a, b)| Link::same(format!("{base}.{a}"), b)));
    }
    if config.embed_width.is_some() {
        for end in ["in", "out"] {
            let name = format!("project_{end}.weight");
            links.push(Link::same(format!("{base}.{name}"), name));
        }
    }
    if !config.tied_head {
        links.push(Link::new(
            ["lm_head.weight"],
            ["head.weight"],
            Layout::Vocabulary,
        ));
    }
    links
}

pub(super) fn to_json(config: &LanguageConfig) -> Value {
    let max = match config.positions {
        Positions::Learnt { max, .. } => max,
        _ => 0,
    };
    json!({
        "architectures": ["OPTForCausalLM"],
        "model_type": "opt",
        "vocab_size": config.vocabulary,
        "hidden_size": config.width,
        "word_embed_proj_dim": config.embed_width.unwrap_or(config.width),
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "ffn_dim": config.ffw_width,
        "max_position_embeddings": max,
        "activation_function": activation_name(config.activation),
        "do_layer_norm_before": config.residual == Residual::Sequential,
        "enable_bias": config.attention_bias,
        "tie_word_embeddings": config.tied_head,
        "dropout": 0.0,
        "attention_dropout": 0.0,
    })
}
