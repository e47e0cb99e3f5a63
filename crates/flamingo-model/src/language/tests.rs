//! What every family owes: exact parameter counts, causality, cached decoding equal to the full
//! pass, and ragged batches equal to each row alone.

use flamingo_kernels::{Device, NormKind};

use super::*;

fn small(config: LanguageConfig) -> LanguageConfig {
    LanguageConfig {
        vocabulary: 23,
        width: 12,
        layers: 2,
        heads: 3,
        key_value_heads: 3,
        head_dim: 4,
        ffw_width: 17,
        ..config
    }
}

fn families() -> Vec<(&'static str, LanguageConfig)> {
    let neox = |fraction, parallel| LanguageConfig::gpt_neox(12, 2, 3, fraction, parallel);
    vec![
        ("chinchilla", small(LanguageConfig::chinchilla(12, 2, 3))),
        ("gpt2", small(LanguageConfig::gpt2(12, 2, 3))),
        ("opt", small(LanguageConfig::opt(12, 2, 3))),
        ("pythia", small(neox(0.5, true))),
        ("redpajama", small(neox(1.0, false))),
        (
            "mpt1b",
            small(LanguageConfig::mpt(12, 2, 3, QueryKeyNorm::Whole)),
        ),
        (
            "mpt7b",
            small(LanguageConfig::mpt(12, 2, 3, QueryKeyNorm::None)),
        ),
        ("llama", small(LanguageConfig::llama(12, 2, 3, 17))),
        (
            "grouped",
            LanguageConfig {
                key_value_heads: 1,
                ..small(LanguageConfig::llama(12, 2, 3, 17))
            },
        ),
        (
            "gpt-j",
            LanguageConfig {
                residual: Residual::ParallelSharedNorm,
                query_key_norm: QueryKeyNorm::PerHead,
                norm: NormKind::RmsNorm,
                ..small(neox(0.5, true))
            },
        ),
    ]
}

fn build(config: &LanguageConfig) -> LanguageModel {
    config.check().expect("valid");
    LanguageModel::new(config, &mut Init::new(5, &Device::flex()))
}

fn pass(model: &LanguageModel, input: &TextInput, cache: Option<&mut TextCache>) -> Tensor<3> {
    model.hidden(model.embed(input), input, cache, &mut |_, y| y)
}

fn row(ids: &[u32]) -> TextInput {
    TextInput::ragged(ids, ids.len(), &[ids.len()])
}

fn distance(a: Tensor<3>, b: Tensor<3>) -> f32 {
    assert_eq!(a.dims(), b.dims());
    (a - b).abs().max().into_scalar()
}

#[test]
fn parameters_are_counted_as_they_are_built() {
    for (name, config) in families() {
        assert_eq!(
            config.parameters(),
            build(&config).num_params() as u64,
            "{name}"
        );
    }
}

#[test]
fn a_later_token_does_not_move_an_earlier_one() {
    for (name, config) in families() {
        let model = build(&config);
        let (a, b) = (
            pass(&model, &row(&[3, 1, 4, 1]), None),
            pass(&model, &row(&[3, 1, 4, 9]), None),
        );
        let same = distance(a.clone().narrow(1, 0, 3), b.clone().narrow(1, 0, 3));
        let moved = distance(a.narrow(1, 3, 1), b.narrow(1, 3, 1));
        assert!(same == 0.0 && moved > 1e-3, "{name}: {same} {moved}");
    }
}

#[test]
fn the_order_of_earlier_tokens_matters() {
    for (name, config) in families() {
        let model = build(&config);
        let (a, b) = (
            pass(&model, &row(&[3, 1, 4, 7]), None),
            pass(&model, &row(&[4, 1, 3, 7]), None),
        );
        assert!(
            distance(a.narrow(1, 3, 1), b.narrow(1, 3, 1)) > 1e-5,
            "{name}"
        );
    }
}

#[test]
fn cached_decoding_equals_the_full_pass() {
    let ids = [3, 1, 4, 1, 5, 9, 2];
    for (name, config) in families() {
        let model = build(&config);
        let full = pass(&model, &row(&ids), None);
        let mut cache = TextCache::default();
        let mut parts = vec![pass(&model, &row(&ids[..3]), Some(&mut cache))];
        for (i, &id) in ids.iter().enumerate().skip(3) {
            assert_eq!(cache.next_positions(), [i as i64]);
            let one = TextInput {
                ids: vec![id],
                positions: vec![vec![i as i64]],
            };
            parts.push(pass(&model, &one, Some(&mut cache)));
        }
        let far = distance(full, Tensor::cat(parts, 1));
        assert!(far < 1e-5, "{name}: {far}");
    }
}

#[test]
fn ragged_rows_equal_each_row_alone_also_when_decoded_on() {
    for (name, config) in families() {
        let model = build(&config);
        let mut cache = TextCache::default();
        let batch = TextInput::ragged(&[3, 1, 4, 1, 5, 9, 0, 0], 4, &[4, 2]);
        let prompts = pass(&model, &batch, Some(&mut cache));
        let next = cache.next_positions();
        let input = TextInput {
            ids: vec![6, 8],
            positions: next.iter().map(|&p| vec![p]).collect(),
        };
        let steps = pass(&model, &input, Some(&mut cache));
        for (i, ids) in [vec![3, 1, 4, 1, 6], vec![5, 9, 8]].iter().enumerate() {
            let alone = pass(&model, &row(ids), None);
            let n = ids.len() - 1;
            let far = distance(
                prompts.clone().narrow(0, i, 1).narrow(1, 0, n),
                alone.clone().narrow(1, 0, n),
            )
            .max(distance(
                steps.clone().narrow(0, i, 1),
                alone.narrow(1, n, 1),
            ));
            assert!(far < 1e-5, "{name} row {i}: {far}");
        }
    }
}

#[test]
fn impossible_configurations_are_named_with_both_values() {
    let heads = LanguageConfig {
        key_value_heads: 2,
        ..small(LanguageConfig::llama(12, 2, 3, 17))
    };
    let error = heads.check().expect_err("3 is no multiple of 2");
    assert!(error.contains('3') && error.contains('2'), "{error}");
}
