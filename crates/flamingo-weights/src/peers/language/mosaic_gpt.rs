//! MPT-1B ("mosaic_gpt"): ALiBi, a normalisation over all queries and all keys, no biases, tied.

use flamingo_kernels::Activation;
use flamingo_model::LanguageConfig;
use flamingo_model::language::{AlibiSlopes, Positions, QueryKeyNorm};
use serde_json::{Value, json};

use super::heads::head_dim;
use super::mpt::{self, Names};
use crate::peers::json::Json;
use crate::{Link, Result};

const NAMES: Names = Names {
    norm_attention: "ln_1",
    norm_ffw: "ln_2",
    norm: "ln_f",
    ffw_input: "mlp.mlp_up",
    ffw_output: "mlp.mlp_down",
};

pub(super) fn config(json: &Json) -> Result<LanguageConfig> {
    json.only("prefix_lm", &[json!(false)])?;
    let (width, heads) = (
        json.count_or("d_model", 2048)?,
        json.count_or("n_heads", 16)?,
    );
    let bias = !json.flag_or("no_bias", true)?;
    let ratio = json.count_or("mlp_ratio", 4)?;
    Ok(LanguageConfig {
        vocabulary: json.count_or("vocab_size", 50_368)?,
        head_dim: head_dim(json, width, heads)?,
        ffw_width: ratio * width,
        positions: mpt::positions(json, json.flag_or("alibi", false)?, AlibiSlopes::Even)?,
        norm: mpt::norm(bias),
        activation: Activation::Gelu,
        attention_bias: bias,
        ffw_bias: bias,
        query_key_norm: mpt::query_key_norm(json.flag_or("attn_qk_ln", false)?),
        clip_qkv: json.number("attn_clip_qkv")?,
        attention_scale: json.number("softmax_scale")?,
        logit_scale: mpt::logit_scale(json, width)?,
        ..LanguageConfig::mpt(
            width,
            json.count_or("n_layers", 24)?,
            heads,
            QueryKeyNorm::None,
        )
    })
}

pub(super) fn links(config: &LanguageConfig) -> Vec<Link> {
    mpt::links_with(config, &NAMES)
}

pub(super) fn to_json(config: &LanguageConfig) -> Value {
    let (alibi, max_seq_len) = mpt::positions_to_json(config);
    let bias_max = match config.positions {
        Positions::Alibi { max, .. } => max,
        _ => 8.0,
    };
    json!({
        "architectures": ["MosaicGPT"],
        "model_type": "mosaic_gpt",
        "vocab_size": config.vocabulary,
        "d_model": config.width,
        "n_layers": config.layers,
        "n_heads": config.heads,
        "mlp_ratio": config.ffw_width / config.width.max(1),
        "max_seq_len": max_seq_len,
        "alibi": alibi,
        "alibi_bias_max": bias_max,
        "attn_qk_ln": config.query_key_norm == QueryKeyNorm::Whole,
        "attn_clip_qkv": config.clip_qkv,
        "softmax_scale": config.attention_scale,
        "logit_scale": config.logit_scale,
        "no_bias": !config.attention_bias,
        "attn_impl": "torch",
        "embedding_fraction": 1.0,
        "tie_word_embeddings": true,
    })
}
