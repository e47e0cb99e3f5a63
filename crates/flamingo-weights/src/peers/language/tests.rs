//! Configurations of the published models, and there and back for every family.

use flamingo_model::language::{AlibiSlopes, Positions, QueryKeyNorm, Residual, RotaryScaling};
use serde_json::json;

use super::*;

fn read(json: Value) -> LanguageConfig {
    let json = Json::made(json);
    Family::of(&json)
        .and_then(|family| family.config(&json))
        .expect("a model")
}

#[test]
fn published_configurations_are_understood() {
    let mpt_1b = read(
        json!({"model_type": "mosaic_gpt", "d_model": 2048, "n_heads": 16,
        "n_layers": 24, "mlp_ratio": 4, "vocab_size": 50368, "alibi": true, "alibi_bias_max": 8,
        "attn_qk_ln": true, "attn_clip_qkv": null, "no_bias": true, "logit_scale": null}),
    );
    assert_eq!(mpt_1b.query_key_norm, QueryKeyNorm::Whole);
    let slopes = AlibiSlopes::Even;
    assert_eq!(mpt_1b.positions, Positions::Alibi { max: 8.0, slopes });
    assert_eq!(mpt_1b.parameters(), 1_311_311_872);

    let pythia = read(
        json!({"model_type": "gpt_neox", "hidden_size": 768, "num_hidden_layers": 12,
        "num_attention_heads": 12, "intermediate_size": 3072, "vocab_size": 50304,
        "rotary_pct": 0.25, "use_parallel_residual": true, "tie_word_embeddings": false}),
    );
    assert_eq!(pythia.residual, Residual::Parallel);
    assert_eq!(pythia.parameters(), 162_322_944);

    let llama = read(
        json!({"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32,
        "num_attention_heads": 32, "intermediate_size": 11008, "vocab_size": 32000,
        "rms_norm_eps": 1e-6}),
    );
    assert_eq!(llama.parameters(), 6_738_415_616);

    let opt = read(
        json!({"model_type": "opt", "hidden_size": 768, "num_hidden_layers": 12,
        "num_attention_heads": 12, "ffn_dim": 3072, "vocab_size": 50272,
        "max_position_embeddings": 2048, "word_embed_proj_dim": 768}),
    );
    assert_eq!(opt.parameters(), 125_239_296);
}

#[test]
fn every_family_says_of_its_models_what_it_reads() {
    let configs = [
        LanguageConfig::opt(24, 3, 4),
        LanguageConfig {
            residual: Residual::SequentialPostNorm,
            embed_width: Some(10),
            ..LanguageConfig::opt(24, 3, 4)
        },
        LanguageConfig::mpt(24, 3, 4, QueryKeyNorm::None),
        LanguageConfig::mpt(24, 3, 4, QueryKeyNorm::Whole),
        LanguageConfig::gpt_neox(24, 3, 4, 0.5, true),
        LanguageConfig::gpt_neox(24, 3, 4, 1.0, false),
        LanguageConfig {
            key_value_heads: 2,
            positions: Positions::Rotary {
                fraction: 1.0,
                base: 500_000.0,
                scaling: Some(RotaryScaling {
                    factor: 32.0,
                    low: 1.0,
                    high: 4.0,
                    original_length: 8192,
                }),
            },
            ..LanguageConfig::llama(24, 3, 4, 40)
        },
    ];
    for config in configs {
        let (family, json) = Family::with(&config).expect("a family has it");
        assert_eq!(read(json), config, "{family:?}");
    }
    assert!(Family::with(&LanguageConfig::chinchilla(24, 3, 4)).is_none());
}

#[test]
fn what_is_not_supported_is_refused_with_its_key() {
    let error = |json: Value| {
        let json = Json::made(json);
        let config = Family::of(&json).and_then(|family| family.config(&json));
        config.expect_err("refused").to_string()
    };
    let text = error(json!({"model_type": "bert"}));
    assert!(
        text.contains("`model_type` is bert") && text.contains("gpt_neox"),
        "{text}"
    );
    let text = error(json!({"model_type": "opt", "_remove_final_layer_norm": true}));
    assert!(
        text.contains("`_remove_final_layer_norm` is true"),
        "{text}"
    );
    let text = error(json!({"model_type": "llama", "rope_scaling": {"type": "linear"}}));
    assert!(
        text.contains("`rope_scaling.type`") && text.contains("not supported"),
        "{text}"
    );
    let text = error(json!({"model_type": "llama", "hidden_size": 30, "num_attention_heads": 4}));
    assert!(text.contains("30") && text.contains("4 heads"), "{text}");
}

#[test]
fn no_name_of_ours_is_linked_twice() {
    for config in [
        LanguageConfig::opt(24, 2, 4),
        LanguageConfig::gpt_neox(24, 2, 4, 1.0, true),
    ] {
        let (family, _) = Family::with(&config).expect("a family has it");
        let mut ours: Vec<String> = family
            .links(&config)
            .into_iter()
            .flat_map(|l| l.ours)
            .collect();
        let all = ours.len();
        ours.sort();
        ours.dedup();
        assert_eq!(ours.len(), all);
    }
}
