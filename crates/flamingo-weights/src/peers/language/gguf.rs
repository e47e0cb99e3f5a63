//! LLaMA as llama.cpp keeps it in a GGUF file: the configuration in its metadata, names of its own,
//! and the rows of queries and keys in pairs.

use flamingo_checkpoint::{Checkpoint, GgufMetadata};
use flamingo_model::LanguageConfig;
use flamingo_model::language::Positions;

use super::llama;
use crate::{Layout, Link, Result};

/// Names of modules behind a layer's number, theirs and those of [`llama::links`].
const MODULES: [(&str, &str); 9] = [
    ("attn_norm", "input_layernorm"),
    ("ffn_norm", "post_attention_layernorm"),
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_output", "self_attn.o_proj"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"),
];

/// The configuration in our terms.
///
/// # Errors
/// If the model is no LLaMA, or a kind of LLaMA that is not known; a message names the key and its value.
pub(in crate::peers) fn config(
    metadata: &GgufMetadata,
    checkpoint: &Checkpoint,
) -> Result<LanguageConfig> {
    let architecture = metadata.text("general.architecture")?.unwrap_or("missing");
    if architecture != "llama" {
        return Err(metadata
            .wrong(format!(
                "`general.architecture` is {architecture}, of GGUF files llama can be read: take the model as safetensors"
            ))
            .into());
    }
    let count = |name: &str| -> Result<usize> {
        let key = format!("llama.{name}");
        let missing = || metadata.wrong(format!("`{key}` is missing: make the file again"));
        Ok(metadata.count(&key)?.ok_or_else(missing)?)
    };
    let optional = |name: &str| metadata.count(&format!("llama.{name}"));
    let number = |name: &str| metadata.number(&format!("llama.{name}"));
    let (width, heads) = (count("embedding_length")?, count("attention.head_count")?);
    if heads == 0 || !width.is_multiple_of(heads) {
        return Err(metadata
            .wrong(format!(
                "the width {width} cannot be divided among {heads} heads"
            ))
            .into());
    }
    let head_dim = optional("attention.key_length")?.unwrap_or(width / heads);
    let turned = optional("rope.dimension_count")?.unwrap_or(head_dim);
    refuse_others(metadata, checkpoint, head_dim, turned)?;
    Ok(LanguageConfig {
        vocabulary: vocabulary(metadata, checkpoint)?,
        key_value_heads: optional("attention.head_count_kv")?.unwrap_or(heads),
        head_dim,
        positions: Positions::Rotary {
            fraction: 1.0,
            base: number("rope.freq_base")?.unwrap_or(10_000.0),
            scaling: None,
        },
        norm_epsilon: number("attention.layer_norm_rms_epsilon")?.unwrap_or(1e-5),
        attention_bias: has(checkpoint, "blk.0.attn_q.bias"),
        ffw_bias: has(checkpoint, "blk.0.ffn_up.bias"),
        tied_head: !has(checkpoint, "output.weight"),
        ..LanguageConfig::llama(
            width,
            count("block_count")?,
            heads,
            count("feed_forward_length")?,
        )
    })
}

/// What a LLaMA may have that is not computed here.
fn refuse_others(
    metadata: &GgufMetadata,
    checkpoint: &Checkpoint,
    head_dim: usize,
    turned: usize,
) -> Result<()> {
    let refused = |what: String| Err(metadata.wrong(what).into());
    if turned != head_dim {
        return refused(format!(
            "`llama.rope.dimension_count` is {turned}, heads of {head_dim} are turned whole here: take another model"
        ));
    }
    let scaling = metadata.text("llama.rope.scaling.type")?.unwrap_or("none");
    if scaling != "none" || has(checkpoint, "rope_freqs.weight") {
        return refused(format!(
            "its rotary positions are scaled (`llama.rope.scaling.type` {scaling}, or `rope_freqs.weight`), which is not computed here: take another model"
        ));
    }
    match metadata.count("llama.expert_count")?.unwrap_or(0) {
        0 => Ok(()),
        experts => refused(format!(
            "`llama.expert_count` is {experts}: mixtures of experts are not computed here, take another model"
        )),
    }
}

/// Rows of the embedding.
fn vocabulary(metadata: &GgufMetadata, checkpoint: &Checkpoint) -> Result<usize> {
    let shape = checkpoint.names().find_map(|name| {
        let rest = name.strip_prefix("token_embd.weight")?;
        let whole = rest.is_empty() || rest.starts_with('.');
        whole.then(|| checkpoint.info(name).map(|info| info.shape.clone()))?
    });
    match shape.as_deref() {
        Some([rows, _]) => Ok(*rows),
        _ => Err(metadata
            .wrong("it has no matrix `token_embd.weight`: is it a whole language model?")
            .into()),
    }
}

/// Whether there is a tensor, quantised or not.
fn has(checkpoint: &Checkpoint, wanted: &str) -> bool {
    checkpoint.names().any(|name| {
        name.strip_prefix(wanted)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// The name of one of their tensors as Hugging Face has it; none if LLaMA has no such tensor.
pub(in crate::peers) fn name(theirs: &str) -> Option<String> {
    match theirs {
        "token_embd.weight" => return Some("model.embed_tokens.weight".to_owned()),
        "output_norm.weight" => return Some("model.norm.weight".to_owned()),
        "output.weight" => return Some("lm_head.weight".to_owned()),
        _ => {}
    }
    let (layer, rest) = theirs.strip_prefix("blk.")?.split_once('.')?;
    let (module, end) = rest.rsplit_once('.')?;
    let (_, ours) = MODULES.iter().find(|(theirs, _)| *theirs == module)?;
    Some(format!("model.layers.{layer}.{ours}.{end}"))
}

/// As [`llama::links`], queries and keys in pairs.
pub(in crate::peers) fn links(config: &LanguageConfig) -> Vec<Link> {
    let mut links = llama::links(config);
    for link in &mut links {
        let ours = &link.ours[0];
        if ours.contains(".attention.q.") {
            link.layout = Layout::RotaryPairs {
                heads: config.heads,
            };
        } else if ours.contains(".attention.k.") {
            link.layout = Layout::RotaryPairs {
                heads: config.key_value_heads,
            };
        }
    }
    links
}
