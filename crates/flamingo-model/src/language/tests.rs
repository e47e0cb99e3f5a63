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
            "llama-3",
            LanguageConfig {
                head_rows: Some(19),
                positions: Positions::Rotary {
                    fraction: 1.0,
                    base: 500_000.0,
                    scaling: Some(RotaryScaling {
                        factor: 8.0,
                        low: 1.0,
                        high: 4.0,
                        original_length: 16,
                    }),
                },
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

fn pass(model: &LanguageModel, input: &TextInput) -> Tensor<3> {
    model.hidden(model.embed(input), input, &mut |_, y, _| y)
}

/// Tokens behind each cache, side by side.
fn read(model: &LanguageModel, rows: &mut [(&[u32], &mut TextCache)]) -> Tensor<3> {
    let mut rows: Vec<TextRow<'_>> = rows
        .iter_mut()
        .map(|(ids, cache)| TextRow::new(ids, cache))
        .collect();
    model.read(&mut rows, &mut |_, y, _| y)
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
            pass(&model, &row(&[3, 1, 4, 1])),
            pass(&model, &row(&[3, 1, 4, 9])),
        );
        let same = distance(a.clone().narrow(1, 0, 3), b.clone().narrow(1, 0, 3));
        let moved = distance(a.narrow(1, 3, 1), b.narrow(1, 3, 1));
        assert!(same == 0.0 && moved > 1e-3, "{name}: {same} {moved}");
    }
}

#[test]
fn branches_of_a_text_give_what_each_gives_alone_behind_it() {
    for (name, config) in families() {
        let model = build(&config);
        let alone = |own: &[u32]| {
            let ids = [&[3, 1, 4], own].concat();
            pass(&model, &row(&ids)).narrow(1, 3, own.len())
        };
        // Two tokens of one branch, then one of another; the second row branches at once.
        let input = TextInput {
            ids: vec![3, 1, 4, 1, 5, 9, 3, 2, 6, 7, 0, 0],
            positions: vec![vec![0, 1, 2, 3, 4, 3], vec![0, 1, 1, 1, PADDED, PADDED]],
            branches: vec![vec![0, 0, 0, 1, 1, 2], vec![0, 1, 2, 3, 0, 0]],
        };
        let both = pass(&model, &input);
        let of = |row: usize, from: usize, count: usize| {
            both.clone().narrow(0, row, 1).narrow(1, from, count)
        };
        for (found, expected) in [
            (of(0, 3, 2), alone(&[1, 5])),
            (of(0, 5, 1), alone(&[9])),
            (of(1, 2, 1), pass(&model, &row(&[3, 6])).narrow(1, 1, 1)),
        ] {
            let moved = distance(found, expected);
            assert!(moved < 1e-5, "{name}: {moved}");
        }
    }
}

#[test]
fn the_order_of_earlier_tokens_matters() {
    for (name, config) in families() {
        let model = build(&config);
        let (a, b) = (
            pass(&model, &row(&[3, 1, 4, 7])),
            pass(&model, &row(&[4, 1, 3, 7])),
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
        let full = pass(&model, &row(&ids));
        let mut cache = TextCache::default();
        let mut parts = Vec::new();
        for range in [0..3, 3..4, 4..5, 5..7] {
            assert_eq!(cache.len(), range.start);
            parts.push(read(&model, &mut [(&ids[range], &mut cache)]));
        }
        let far = distance(full, Tensor::cat(parts, 1));
        assert!(far < 1e-5, "{name}: {far}");
    }
}

#[test]
fn many_single_tokens_are_joined_and_a_text_cut_short_can_go_on() {
    let ids: Vec<u32> = (0..53).map(|i| (i * 7 + 3) % 17).collect();
    for (name, config) in families() {
        let model = build(&config);
        let mut cache = TextCache::default();
        for id in &ids {
            read(&model, &mut [(std::slice::from_ref(id), &mut cache)]);
        }
        assert!(cache.chunks().len() <= 53 / 16 + 15, "{name}");
        cache.truncate(29);
        let (mut again, mut fork) = (cache.clone(), cache);
        let rest = read(&model, &mut [(&ids[29..], &mut again)]);
        let other = read(&model, &mut [(&ids[29..31], &mut fork)]);
        let full = pass(&model, &row(&ids)).narrow(1, 29, 24);
        assert!(distance(full.clone(), rest) < 2e-5, "{name}");
        assert!(distance(full.narrow(1, 0, 2), other) < 2e-5, "{name}");
    }
}

#[test]
fn rows_read_together_give_the_bits_of_each_alone() {
    for (name, config) in families() {
        let model = build(&config);
        let texts: [&[u32]; 3] = [&[3, 1, 4, 1], &[5, 9], &[2, 6, 5, 3, 5]];
        let mut caches = [(); 3].map(|()| TextCache::default());
        let mut rows: Vec<_> = texts.into_iter().zip(&mut caches).collect();
        let prompts = read(&model, &mut rows);
        let next = [[6], [8], [1]];
        let mut rows: Vec<_> = next.iter().map(|id| &id[..]).zip(&mut caches).collect();
        let steps = read(&model, &mut rows);
        let mut start = 0;
        for (i, text) in texts.into_iter().enumerate() {
            let mut cache = TextCache::default();
            let alone = read(&model, &mut [(text, &mut cache)]);
            let together = prompts.clone().narrow(1, start, text.len());
            assert_eq!(alone.into_data(), together.into_data(), "{name} row {i}");
            let alone = read(&model, &mut [(&next[i], &mut cache)]);
            let together = steps.clone().narrow(1, i, 1);
            assert_eq!(alone.into_data(), together.into_data(), "{name} row {i}");
            start += text.len();
        }
    }
}

#[test]
fn branches_of_a_tree_are_read_as_each_alone() {
    let (text, branches) = ([3, 1, 4], [vec![5, 9], vec![5, 2, 6], vec![7]]);
    // 5 -> 9, 5 -> 2 -> 6, 7
    let (ids, parents) = ([5, 9, 2, 6, 7], [None, Some(0), Some(0), Some(2), None]);
    let places = [vec![0, 1], vec![0, 2, 3], vec![4]];
    for (name, config) in families() {
        let model = build(&config);
        let mut cache = TextCache::default();
        read(&model, &mut [(&text, &mut cache)]);
        let branches_of = Branches {
            ids: &ids,
            parents: &parents,
        };
        let mut row = TextRow {
            branches: branches_of,
            ..TextRow::new(&[], &mut cache)
        };
        let tree = model.read(std::slice::from_mut(&mut row), &mut |_, y, _| y);
        assert_eq!(cache.len(), 3, "branches are not kept");
        let mut whole = TextCache::default();
        let mut row = TextRow {
            branches: branches_of,
            ..TextRow::new(&text, &mut whole)
        };
        let together = model.read(std::slice::from_mut(&mut row), &mut |_, y, _| y);
        assert_eq!(whole.len(), 3);
        assert!(
            distance(together.narrow(1, 3, 5), tree.clone()) < 1e-5,
            "{name}"
        );
        for (branch, places) in branches.iter().zip(&places) {
            let alone = read(&model, &mut [(branch, &mut cache.clone())]);
            for (i, &place) in places.iter().enumerate() {
                let (a, b) = (
                    alone.clone().narrow(1, i, 1),
                    tree.clone().narrow(1, place, 1),
                );
                let far = distance(a, b);
                assert!(far < 1e-5, "{name}: {branch:?} {i}: {far}");
            }
        }
    }
}

#[test]
fn ragged_rows_equal_each_row_alone() {
    for (name, config) in families() {
        let model = build(&config);
        let batch = TextInput::ragged(&[3, 1, 4, 1, 5, 9, 0, 0], 4, &[4, 2]);
        let prompts = pass(&model, &batch);
        for (i, ids) in [vec![3, 1, 4, 1], vec![5, 9]].iter().enumerate() {
            let alone = pass(&model, &row(ids));
            let own = prompts.clone().narrow(0, i, 1).narrow(1, 0, ids.len());
            let far = distance(own, alone);
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

#[test]
fn changes_of_low_rank_stand_beside_every_matrix_of_the_layers_and_begin_as_none() {
    for (name, config) in families() {
        let device = Device::flex();
        let mut init = Init::new(5, &device);
        let mut model = LanguageModel::new(&config, &mut init);
        let input = TextInput::ragged(&[3, 5, 7, 11, 13, 17], 3, &[3, 2]);
        let stream = |model: &LanguageModel| {
            let hidden = model.hidden(model.embed(&input), &input, &mut |_, y, _| y);
            hidden.into_data().try_to_vec::<f32>().expect("f32")
        };
        let before = (stream(&model), model.num_params());
        model.add_lora(&LoraConfig::of_rank(2), &mut init);
        assert_eq!(before.0, stream(&model), "{name}");
        let (d, inner) = (config.width, config.heads * config.head_dim);
        let of_keys = config.key_value_heads * config.head_dim;
        let ffw = if config.gated_ffw { 3 } else { 2 };
        let of_layer = 2 * (d + inner) + 2 * (d + of_keys) + ffw * (d + config.ffw_width);
        let added = model.num_params() - before.1;
        assert_eq!(added, 2 * config.layers * of_layer, "{name}");
    }
}
