//! LLaMA: RMSNorm, rotary positions, SwiGLU, no biases, an untied head.

use flamingo_model::LanguageConfig;
use flamingo_model::language::{Positions, RotaryScaling};
use serde_json::{Value, json};

use super::activation::{activation, activation_name};
use super::heads::head_dim;
use super::links::modules;
use crate::peers::json::Json;
use crate::{Layout, Link, Result};

pub(super) fn config(json: &Json) -> Result<LanguageConfig> {
    let (base, scaling) = rotary(json, 10_000.0)?;
    let width = json.count_or("hidden_size", 4096)?;
    let heads = json.count_or("num_attention_heads", 32)?;
    let layers = json.count_or("num_hidden_layers", 32)?;
    let ffw = json.count_or("intermediate_size", 11_008)?;
    Ok(LanguageConfig {
        vocabulary: json.count_or("vocab_size", 32_000)?,
        key_value_heads: json.count_or("num_key_value_heads", heads)?,
        head_dim: match json.count_or_none("head_dim")? {
            Some(head_dim) => head_dim,
            None => head_dim(json, width, heads)?,
        },
        positions: Positions::Rotary {
            fraction: 1.0,
            base,
            scaling,
        },
        norm_epsilon: json.number_or("rms_norm_eps", 1e-6)?,
        activation: activation(json, "hidden_act", "silu")?,
        attention_bias: json.flag_or("attention_bias", false)?,
        ffw_bias: json.flag_or("mlp_bias", false)?,
        tied_head: json.flag_or("tie_word_embeddings", false)?,
        ..LanguageConfig::llama(width, layers, heads, ffw)
    })
}

/// Base and scaling of the rotations: beside the other options, or since transformers 5 in an object of
/// their own.
///
/// # Errors
/// If the scaling is another one than Llama 3's.
pub(in crate::peers) fn rotary(json: &Json, base: f64) -> Result<(f64, Option<RotaryScaling>)> {
    let place = match json.has("rope_parameters") {
        true => json.object("rope_parameters")?,
        false => json.object("rope_scaling")?,
    };
    let base = place.number_or("rope_theta", json.number_or("rope_theta", base)?)?;
    let key = match place.has("rope_type") {
        true => "rope_type",
        false => "type",
    };
    place.only(key, &[json!("default"), json!("llama3")])?;
    let scaling = match place.text(key)? {
        Some("llama3") => Some(RotaryScaling {
            factor: place.number_or("factor", 8.0)?,
            low: place.number_or("low_freq_factor", 1.0)?,
            high: place.number_or("high_freq_factor", 4.0)?,
            original_length: place.count_or("original_max_position_embeddings", 8192)?,
        }),
        _ => None,
    };
    Ok((base, scaling))
}

pub(super) fn links(config: &LanguageConfig) -> Vec<Link> {
    let mut links = layers(config, "model.layers");
    let vocabulary = |theirs: &str, ours: &str| Link::new([theirs], [ours], Layout::Vocabulary);
    links.push(vocabulary("model.embed_tokens.weight", "embed.weight"));
    links.push(Link::same("model.norm.weight", "norm.weight"));
    if !config.tied_head {
        links.push(vocabulary("lm_head.weight", "head.weight"));
    }
    links
}

/// The layers' links; IDEFICS has them, too.
pub(in crate::peers) fn layers(config: &LanguageConfig, layers: &str) -> Vec<Link> {
    let links = |i: usize| {
        let (theirs, ours) = (format!("{layers}.{i}."), format!("layers.{i}."));
        let of_layer = layer(config).into_iter();
        of_layer.map(move |link| link.under(&theirs, &ours))
    };
    (0..config.layers).flat_map(links).collect()
}

/// The links of one layer, behind its number.
pub(in crate::peers) fn layer(config: &LanguageConfig) -> Vec<Link> {
    let norms = modules(
        &[
            ("input_layernorm", "norm_attention"),
            ("post_attention_layernorm", "norm_ffw"),
        ],
        false,
    );
    let attention = modules(
        &[
            ("self_attn.q_proj", "attention.q"),
            ("self_attn.k_proj", "attention.k"),
            ("self_attn.v_proj", "attention.v"),
            ("self_attn.o_proj", "attention.out"),
        ],
        config.attention_bias,
    );
    let ffw = modules(
        &[
            ("mlp.gate_proj", "ffw.gate"),
            ("mlp.up_proj", "ffw.input"),
            ("mlp.down_proj", "ffw.output"),
        ],
        config.ffw_bias,
    );
    let pairs = [norms, attention, ffw].into_iter().flatten();
    pairs
        .map(|(theirs, ours)| Link::same(theirs, ours))
        .collect()
}

pub(super) fn to_json(config: &LanguageConfig) -> Value {
    let (base, scaling) = match config.positions {
        Positions::Rotary { base, scaling, .. } => (base, scaling),
        _ => (10_000.0, None),
    };
    let mut json = json!({
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": config.vocabulary,
        "hidden_size": config.width,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.key_value_heads,
        "head_dim": config.head_dim,
        "intermediate_size": config.ffw_width,
        "hidden_act": activation_name(config.activation),
        "rms_norm_eps": config.norm_epsilon,
        "rope_theta": base,
        "max_position_embeddings": 2048,
        "attention_bias": config.attention_bias,
        "mlp_bias": config.ffw_bias,
        "tie_word_embeddings": config.tied_head,
    });
    if let Some(scaling) = scaling {
        json["rope_scaling"] = json!({
            "rope_type": "llama3",
            "factor": scaling.factor,
            "low_freq_factor": scaling.low,
            "high_freq_factor": scaling.high,
            "original_max_position_embeddings": scaling.original_length,
        });
    }
    json
}
