//! GPT-NeoX, Pythia and RedPajama-INCITE: rotary positions of a share of each head, biases, queries
//! and keys and values fused head by head, an untied head.

use flamingo_model::LanguageConfig;
use flamingo_model::language::{Positions, Residual};
use serde_json::{Value, json};

use super::activation::{activation, activation_name};
use super::heads::head_dim;
use super::links::{as_str, layer_links, modules};
use crate::peers::json::Json;
use crate::{Layout, Link, Result};

pub(super) fn config(json: &Json) -> Result<LanguageConfig> {
    json.only("rope_scaling", &[])?;
    let width = json.count_or("hidden_size", 6144)?;
    let heads = json.count_or("num_attention_heads", 64)?;
    let layers = json.count_or("num_hidden_layers", 44)?;
    let fraction = json.number_or("rotary_pct", 0.25)?;
    let parallel = json.flag_or("use_parallel_residual", true)?;
    Ok(LanguageConfig {
        vocabulary: json.count_or("vocab_size", 50_432)?,
        head_dim: head_dim(json, width, heads)?,
        ffw_width: json.count_or("intermediate_size", 24_576)?,
        positions: Positions::Rotary {
            fraction,
            base: json.number_or("rotary_emb_base", 10_000.0)?,
            scaling: None,
        },
        norm_epsilon: json.number_or("layer_norm_eps", 1e-5)?,
        activation: activation(json, "hidden_act", "gelu")?,
        attention_bias: json.flag_or("attention_bias", true)?,
        tied_head: json.flag_or("tie_word_embeddings", false)?,
        ..LanguageConfig::gpt_neox(width, layers, heads, fraction, parallel)
    })
}

pub(super) fn links(config: &LanguageConfig) -> Vec<Link> {
    let layers = "gpt_neox.layers";
    let mut pairs = modules(
        &[
            ("input_layernorm", "norm_attention"),
            ("post_attention_layernorm", "norm_ffw"),
            ("mlp.dense_h_to_4h", "ffw.input"),
            ("mlp.dense_4h_to_h", "ffw.output"),
        ],
        true,
    );
    pairs.extend(modules(
        &[("attention.dense", "attention.out")],
        config.attention_bias,
    ));
    let mut links = layer_links(layers, config.layers, &as_str(&pairs));
    let ends: &[&str] = match config.attention_bias {
        true => &["weight", "bias"],
        false => &["weight"],
    };
    for (i, end) in (0..config.layers).flat_map(|i| ends.iter().map(move |end| (i, end))) {
        let ours = ["q", "k", "v"].map(|part| format!("layers.{i}.attention.{part}.{end}"));
        let theirs = [format!("{layers}.{i}.attention.query_key_value.{end}")];
        let layout = Layout::ByHead {
            heads: config.heads,
        };
        links.push(Link::new(theirs, ours, layout));
    }
    let vocabulary = |theirs: &str, ours: &str| Link::new([theirs], [ours], Layout::Vocabulary);
    links.push(vocabulary("gpt_neox.embed_in.weight", "embed.weight"));
    links.push(Link::same(
        "gpt_neox.final_layer_norm.weight",
        "norm.weight",
    ));
    links.push(Link::same("gpt_neox.final_layer_norm.bias", "norm.bias"));
    if !config.tied_head {
        links.push(vocabulary("embed_out.weight", "head.weight"));
    }
    links
}

pub(super) fn to_json(config: &LanguageConfig) -> Value {
    let (fraction, base) = match config.positions {
        Positions::Rotary { fraction, base, .. } => (fraction, base),
        _ => (1.0, 10_000.0),
    };
    json!({
        "architectures": ["GPTNeoXForCausalLM"],
        "model_type": "gpt_neox",
        "vocab_size": config.vocabulary,
        "hidden_size": config.width,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "intermediate_size": config.ffw_width,
        "hidden_act": activation_name(config.activation),
        "layer_norm_eps": config.norm_epsilon,
        "rotary_pct": fraction,
        "rotary_emb_base": base,
        "max_position_embeddings": 2048,
        "use_parallel_residual": config.residual == Residual::Parallel,
        "attention_bias": config.attention_bias,
        "tie_word_embeddings": config.tied_head,
    })
}
