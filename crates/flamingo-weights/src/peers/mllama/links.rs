//! Their names and ours.

use flamingo_model::FlamingoConfig;
use flamingo_model::vision::{VisionConfig, VitConfig};

use super::config::Layers;
use crate::Link;
use crate::peers::language::{Family, llama_layer};

/// The one spelling of a name: that of the published files. In the modules of transformers 5 the
/// same parts hang in a model of their own.
pub(super) fn spelt(name: &str) -> Option<String> {
    let name = name.strip_prefix("module.").unwrap_or(name);
    if Family::is_buffer(name) {
        return None;
    }
    if name == "lm_head.weight" {
        return Some("language_model.lm_head.weight".to_owned());
    }
    let Some(inner) = name.strip_prefix("model.") else {
        return Some(name.to_owned());
    };
    Some(match inner.strip_prefix("language_model.") {
        Some(rest) => format!("language_model.model.{rest}"),
        None => inner.to_owned(),
    })
}

pub(super) fn links(config: &FlamingoConfig, layers: &Layers) -> Vec<Link> {
    let mut links: Vec<Link> = [
        (
            "language_model.model.embed_tokens.weight",
            "language.embed.weight",
        ),
        ("language_model.model.norm.weight", "language.norm.weight"),
        ("language_model.lm_head.weight", "language.head.weight"),
        ("multi_modal_projector.weight", "media_projection.weight"),
        ("multi_modal_projector.bias", "media_projection.bias"),
    ]
    .map(|(theirs, ours)| Link::same(theirs, ours))
    .to_vec();
    let [blocks, own] = layers.numbers();
    let mut add = |number: usize, ours: String, layer: Vec<Link>| {
        let theirs = format!("language_model.model.layers.{number}.");
        links.extend(layer.into_iter().map(|link| link.under(&theirs, &ours)));
    };
    for (place, number) in own.into_iter().enumerate() {
        add(
            number,
            format!("language.layers.{place}."),
            llama_layer(&config.language),
        );
    }
    for (place, number) in blocks.into_iter().enumerate() {
        add(number, format!("gated.{place}."), block());
    }
    if let VisionConfig::Vit(vit) = &config.vision {
        let tower = tower(vit).into_iter();
        links.extend(tower.map(|link| link.under("vision_model.", "vision.vit.")));
    }
    links
}

fn block() -> Vec<Link> {
    let pairs = [
        ("cross_attn_attn_gate", "alpha_xattn"),
        ("cross_attn_mlp_gate", "alpha_dense"),
        ("input_layernorm.weight", "norm.weight"),
        ("cross_attn.q_proj.weight", "q.weight"),
        ("cross_attn.k_proj.weight", "k.weight"),
        ("cross_attn.v_proj.weight", "v.weight"),
        ("cross_attn.o_proj.weight", "out.weight"),
        ("cross_attn.q_norm.weight", "norm_q.weight"),
        ("cross_attn.k_norm.weight", "norm_k.weight"),
        ("post_attention_layernorm.weight", "norm_dense.weight"),
        ("mlp.gate_proj.weight", "dense_gate.weight"),
        ("mlp.up_proj.weight", "dense_in.weight"),
        ("mlp.down_proj.weight", "dense_out.weight"),
    ];
    pairs
        .map(|(theirs, ours)| Link::same(theirs, ours))
        .to_vec()
}

/// After `vision_model.` and `vision.vit.`.
fn tower(config: &VitConfig) -> Vec<Link> {
    let mut links: Vec<Link> = [
        ("patch_embedding.weight", "conv1.weight"),
        ("class_embedding", "class_embedding"),
        (
            "gated_positional_embedding.embedding",
            "positional_embedding",
        ),
        ("gated_positional_embedding.gate", "tiles.places.alpha"),
        (
            "gated_positional_embedding.tile_embedding.weight",
            "tiles.places.embedding",
        ),
        ("pre_tile_positional_embedding.gate", "tiles.before.alpha"),
        (
            "pre_tile_positional_embedding.embedding.weight",
            "tiles.before.embedding",
        ),
        ("post_tile_positional_embedding.gate", "tiles.between.alpha"),
        (
            "post_tile_positional_embedding.embedding.weight",
            "tiles.between.embedding",
        ),
        ("layernorm_pre.weight", "ln_pre.weight"),
        ("layernorm_pre.bias", "ln_pre.bias"),
        ("layernorm_post.weight", "ln_post.weight"),
        ("layernorm_post.bias", "ln_post.bias"),
    ]
    .map(|(theirs, ours)| Link::same(theirs, ours))
    .to_vec();
    let global = config.tiles.as_ref().map_or(0, |tiles| tiles.global_layers);
    let transformers = [
        ("transformer", "transformer", config.layers, false),
        ("global_transformer", "tiles.global", global, true),
    ];
    for (theirs, ours, layers, gated) in transformers {
        for i in 0..layers {
            let (theirs, ours) = (
                format!("{theirs}.layers.{i}."),
                format!("{ours}.resblocks.{i}."),
            );
            let layer = tower_layer(gated).into_iter();
            links.extend(layer.map(|link| link.under(&theirs, &ours)));
        }
    }
    links
}

fn tower_layer(gated: bool) -> Vec<Link> {
    let parts = ["q", "k", "v"].map(|part| format!("self_attn.{part}_proj.weight"));
    let mut links = vec![
        Link::rows(parts, ["attn.in_proj_weight"]),
        Link::same("self_attn.o_proj.weight", "attn.out_proj.weight"),
    ];
    for end in ["weight", "bias"] {
        let modules = [
            ("input_layernorm", "ln_1"),
            ("post_attention_layernorm", "ln_2"),
            ("mlp.fc1", "mlp.c_fc"),
            ("mlp.fc2", "mlp.c_proj"),
        ];
        let same = |(a, b)| Link::same(format!("{a}.{end}"), format!("{b}.{end}"));
        links.extend(modules.map(same));
    }
    if gated {
        links.push(Link::same("gate_attn", "alpha_attn"));
        links.push(Link::same("gate_ffn", "alpha_mlp"));
    }
    links
}
