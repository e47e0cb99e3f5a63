//! MPT-7B ("mpt"): ALiBi, no biases, tied; and what it shares with its forerunner.

use flamingo_kernels::{Activation, NormKind};
use flamingo_model::LanguageConfig;
use flamingo_model::language::{AlibiSlopes, Positions, QueryKeyNorm};
use serde_json::{Value, json};

use super::heads::head_dim;
use crate::peers::json::Json;
use crate::{Layout, Link, Result};

const NAMES: Names = Names {
    norm_attention: "norm_1",
    norm_ffw: "norm_2",
    norm: "norm_f",
    ffw_input: "ffn.up_proj",
    ffw_output: "ffn.down_proj",
};

/// What MPT-1B and MPT-7B call differently.
pub(super) struct Names {
    pub(super) norm_attention: &'static str,
    pub(super) norm_ffw: &'static str,
    pub(super) norm: &'static str,
    pub(super) ffw_input: &'static str,
    pub(super) ffw_output: &'static str,
}

pub(super) fn config(json: &Json) -> Result<LanguageConfig> {
    let attention = json.object("attn_config")?;
    attention.only("attn_type", &[json!("multihead_attention")])?;
    attention.only("prefix_lm", &[json!(false)])?;
    attention.only("attn_uses_sequence_id", &[json!(false)])?;
    attention.only("rope", &[json!(false)])?;
    json.only(
        "norm_type",
        &[json!("low_precision_layernorm"), json!("layernorm")],
    )?;
    let (width, heads) = (
        json.count_or("d_model", 2048)?,
        json.count_or("n_heads", 16)?,
    );
    let bias = !json.flag_or("no_bias", true)?;
    let alibi = attention.flag_or("alibi", true)?;
    if !alibi {
        json.only("learned_pos_emb", &[json!(true)])?;
    }
    let positions = match positions(json, alibi, AlibiSlopes::Interleaved)? {
        Positions::Alibi { slopes, .. } => Positions::Alibi {
            max: attention.number_or("alibi_bias_max", 8.0)?,
            slopes,
        },
        other => other,
    };
    let scale = attention
        .number("softmax_scale")?
        .filter(|&scale| scale != 0.0);
    Ok(LanguageConfig {
        vocabulary: json.count_or("vocab_size", 50_368)?,
        head_dim: head_dim(json, width, heads)?,
        ffw_width: json.count_or("expansion_ratio", 4)? * width,
        positions,
        norm: norm(bias),
        norm_epsilon: json.number_or("layer_norm_epsilon", 1e-5)?,
        activation: Activation::Gelu,
        attention_bias: bias,
        ffw_bias: bias,
        query_key_norm: query_key_norm(attention.flag_or("qk_ln", false)?),
        tied_head: json.flag_or("tie_word_embeddings", true)?,
        clip_qkv: attention.number("clip_qkv")?,
        attention_scale: scale,
        logit_scale: logit_scale(json, width)?,
        ..LanguageConfig::mpt(
            width,
            json.count_or("n_layers", 24)?,
            heads,
            QueryKeyNorm::None,
        )
    })
}

/// ALiBi, or a learnt table of `max_seq_len` rows.
pub(super) fn positions(json: &Json, alibi: bool, slopes: AlibiSlopes) -> Result<Positions> {
    Ok(match alibi {
        true => Positions::Alibi {
            max: json.number_or("alibi_bias_max", 8.0)?,
            slopes,
        },
        false => Positions::Learnt {
            max: json.count_or("max_seq_len", 2048)?,
            offset: 0,
        },
    })
}

/// A number, or `inv_sqrt_d_model`.
pub(super) fn logit_scale(json: &Json, width: usize) -> Result<Option<f64>> {
    if json
        .text("logit_scale")
        .is_ok_and(|text| text == Some("inv_sqrt_d_model"))
    {
        return Ok(Some((width as f64).powf(-0.5)));
    }
    json.number("logit_scale")
}

pub(super) fn positions_to_json(config: &LanguageConfig) -> (bool, usize) {
    match config.positions {
        Positions::Learnt { max, .. } => (false, max),
        _ => (true, 2048),
    }
}

pub(super) fn norm(bias: bool) -> NormKind {
    match bias {
        true => NormKind::LayerNorm,
        false => NormKind::LayerNormNoBias,
    }
}

pub(super) fn query_key_norm(on: bool) -> QueryKeyNorm {
    match on {
        true => QueryKeyNorm::Whole,
        false => QueryKeyNorm::None,
    }
}

pub(super) fn links(config: &LanguageConfig) -> Vec<Link> {
    links_with(config, &NAMES)
}

pub(super) fn links_with(config: &LanguageConfig, names: &Names) -> Vec<Link> {
    let ends: &[&str] = match config.attention_bias {
        true => &["weight", "bias"],
        false => &["weight"],
    };
    let mut modules = vec![
        (names.norm_attention, "norm_attention"),
        (names.norm_ffw, "norm_ffw"),
        ("attn.out_proj", "attention.out"),
        (names.ffw_input, "ffw.input"),
        (names.ffw_output, "ffw.output"),
    ];
    if config.query_key_norm == QueryKeyNorm::Whole {
        modules.extend([
            ("attn.q_ln", "attention.norm_q"),
            ("attn.k_ln", "attention.norm_k"),
        ]);
    }
    let mut links = Vec::new();
    for end in ends {
        for i in 0..config.layers {
            let (theirs, ours) = (format!("transformer.blocks.{i}"), format!("layers.{i}"));
            let same = |(a, b): &(&str, &str)| {
                Link::same(format!("{theirs}.{a}.{end}"), format!("{ours}.{b}.{end}"))
            };
            links.extend(modules.iter().map(same));
            let parts = ["q", "k", "v"].map(|part| format!("{ours}.attention.{part}.{end}"));
            links.push(Link::rows([format!("{theirs}.attn.Wqkv.{end}")], parts));
        }
        links.push(Link::same(
            format!("transformer.{}.{end}", names.norm),
            format!("norm.{end}"),
        ));
    }
    let vocabulary = |theirs: &str, ours: &str| Link::new([theirs], [ours], Layout::Vocabulary);
    links.push(vocabulary("transformer.wte.weight", "embed.weight"));
    if matches!(config.positions, Positions::Learnt { .. }) {
        links.push(Link::same(
            "transformer.wpe.weight",
            "embed_positions.weight",
        ));
    }
    if !config.tied_head {
        links.push(vocabulary("lm_head.weight", "head.weight"));
    }
    links
}

pub(super) fn to_json(config: &LanguageConfig) -> Value {
    let (alibi, max_seq_len) = positions_to_json(config);
    let bias_max = match config.positions {
        Positions::Alibi { max, .. } => max,
        _ => 8.0,
    };
    json!({
        "architectures": ["MptForCausalLM"],
        "model_type": "mpt",
        "vocab_size": config.vocabulary,
        "d_model": config.width,
        "n_layers": config.layers,
        "n_heads": config.heads,
        "expansion_ratio": config.ffw_width / config.width.max(1),
        "max_seq_len": max_seq_len,
        "layer_norm_epsilon": config.norm_epsilon,
        "attn_config": {
            "attn_type": "multihead_attention",
            "attn_impl": "torch",
            "alibi": alibi,
            "alibi_bias_max": bias_max,
            "qk_ln": config.query_key_norm == QueryKeyNorm::Whole,
            "clip_qkv": config.clip_qkv,
            "softmax_scale": config.attention_scale,
        },
        "learned_pos_emb": true,
        "logit_scale": config.logit_scale,
        "no_bias": !config.attention_bias,
        "use_cache": true,
        "tie_word_embeddings": config.tied_head,
    })
}
