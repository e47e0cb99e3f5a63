use std::ops::Range;

use super::*;
use crate::language::Point;
use flamingo_kernels::{Device, NormKind};

const D: usize = 6;

fn block(open: bool) -> GatedCrossAttention {
    let config = GatedConfig {
        heads: 3,
        head_dim: 5,
        ffw_multiple: 2,
        ..GatedConfig::paper(1, 3)
    };
    let mut init = Init::new(4, &Device::flex());
    let mut block = GatedCrossAttention::new(&config, D, 7, &mut init);
    if open {
        block.alpha_xattn = Some(init.full([1], 0.7));
        block.alpha_dense = Some(init.full([1], -0.3));
    }
    assert_eq!(config.parameters(D, 7), block.num_params() as u64);
    block
}

fn random<const N: usize>(shape: [usize; N], seed: u64) -> Tensor<N> {
    Init::new(seed, &Device::flex()).normal(shape, 1.0).val()
}

fn run(block: &GatedCrossAttention, latents: Tensor<3>, sees: &[Range<usize>]) -> Tensor<3> {
    let media = latents.dims()[0];
    let looking = Looking::new(sees, media, &Device::flex());
    let y = random([1, sees.len(), D], 11);
    let media = Media::Joint(vec![block.keys_values(latents)]);
    block.forward(y, &media, 0, &looking)
}

fn distance(a: Tensor<2>, b: Tensor<2>) -> f32 {
    (a - b).abs().max().into_scalar()
}

#[test]
fn a_closed_block_changes_nothing_bit_for_bit() {
    let sees = [0..0, 0..1, 0..1, 1..2, 1..2];
    let y = random::<3>([1, 5, D], 11);
    assert_eq!(
        run(&block(false), random([2, 3, 7], 2), &sees).into_data(),
        y.into_data()
    );
}

#[test]
fn an_image_that_a_token_may_not_see_does_not_move_it() {
    let (block, sees) = (block(true), [0..0, 0..1, 0..1, 1..2, 1..2]);
    let latents = random::<3>([2, 3, 7], 2);
    let changed = Tensor::cat(
        vec![latents.clone().narrow(0, 0, 1), random([1, 3, 7], 5)],
        0,
    );
    let before = run(&block, latents, &sees).squeeze_dim::<2>(0);
    let after = run(&block, changed, &sees).squeeze_dim::<2>(0);
    assert_eq!(
        before.clone().narrow(0, 0, 3).into_data(),
        after.clone().narrow(0, 0, 3).into_data()
    );
    assert!(distance(before.narrow(0, 3, 2), after.narrow(0, 3, 2)) > 1e-4);
}

#[test]
fn a_token_before_any_image_gets_zero_cross_attention_but_its_feed_forward() {
    let block = block(true);
    let with = run(&block, random([2, 3, 7], 2), &[0..0, 0..1]).narrow(1, 0, 1);
    let y = random::<3>([1, 2, D], 11).narrow(1, 0, 1);
    let without = block.forward(y, &Media::none(), 0, &Looking::Nowhere);
    assert!(distance(with.squeeze_dim(0), without.squeeze_dim(0)) < 1e-6);
}

#[test]
fn blocks_stand_where_each_family_puts_them() {
    let points = |config: &GatedConfig, layers: usize| -> Vec<usize> {
        (0..=layers)
            .filter(|&point| config.stands_at(point, layers))
            .collect()
    };
    assert_eq!(points(&GatedConfig::paper(2, 3), 4), [0, 2]);
    assert_eq!(points(&GatedConfig::open_flamingo(2), 5), [1, 3]);
    let behind = GatedConfig {
        placement: Placement::After,
        ..GatedConfig::paper(3, 2)
    };
    assert_eq!(points(&behind, 4), [1, 4]);
    let listed = GatedConfig {
        layers: vec![1, 2, 4],
        ..GatedConfig::paper(1, 2)
    };
    assert_eq!(points(&listed, 7), [1, 2, 4]);
}

#[test]
fn a_list_of_layers_that_are_not_there_or_not_rising_is_refused_with_both_numbers() {
    let told = |layers: &[usize], every| {
        let config = GatedConfig {
            layers: layers.to_vec(),
            ..GatedConfig::paper(every, 2)
        };
        config.check(5).err().unwrap_or_default()
    };
    assert_eq!(told(&[0, 3, 4], 1), "");
    let beyond = told(&[3, 5], 1);
    assert!(
        beyond.contains("has 5") && beyond.contains("is 5: the last layer is 4"),
        "{beyond}"
    );
    assert!(told(&[3, 3], 1).contains("3 before 3"));
    assert!(told(&[3], 2).contains("gated.every 2"));
    assert!(told(&[], 0).contains("gated.every is 0"));
}

#[test]
fn every_variant_is_counted_as_it_is_built_and_closed_at_first() {
    let config = GatedConfig {
        heads: 3,
        head_dim: 5,
        gate: Gate::Vector,
        norm: NormKind::RmsNorm,
        query_key_norm: true,
        ffw_width: Some(11),
        gated_ffw: true,
        ..GatedConfig::paper(1, 3)
    };
    let block = GatedCrossAttention::new(&config, D, 7, &mut Init::new(4, &Device::flex()));
    assert_eq!(config.parameters(D, 7), block.num_params() as u64);
    let y = random::<3>([1, 2, D], 11);
    let after = run(&block, random([2, 3, 7], 2), &[0..1, 1..2]);
    assert_eq!(after.into_data(), y.into_data());
}

#[test]
fn runs_and_gathering_by_image_equal_masking_all_images() {
    let block = block(true);
    let latents = random::<3>([3, 2, 7], 2);
    let sees = [0..0, 2..3, 0..1, 0..1, 1..2, 2..3, 2..3];
    let in_runs = run(&block, latents.clone(), &sees);
    let media = Media::Joint(vec![block.keys_values(latents)]);
    let y = || random([1, sees.len(), D], 11);
    let masked = Looking::many(&sees, 3, &Device::flex());
    let masked = block.forward(y(), &media, 0, &masked);
    let gathered = Looking::gathered(&sees, &Device::flex()).expect("one each");
    let gathered = block.forward(y(), &media, 0, &gathered);
    for other in [in_runs, gathered] {
        let masked = masked.clone().squeeze_dim(0);
        assert!(distance(other.squeeze_dim(0), masked) < 1e-5);
    }
}

/// Llama-3.2-Vision's block, open: four heads of queries over two of keys and values.
fn grouped() -> (GatedConfig, GatedCrossAttention) {
    let config = GatedConfig {
        heads: 4,
        key_value_heads: Some(2),
        head_dim: 5,
        norm: NormKind::RmsNorm,
        query_key_norm: true,
        ffw_width: Some(11),
        gated_ffw: true,
        seeing_only: true,
        layers: vec![1, 4, 5],
        placement: Placement::Instead,
        ..GatedConfig::paper(1, 4)
    };
    let mut init = Init::new(4, &Device::flex());
    let mut block = GatedCrossAttention::new(&config, D, 7, &mut init);
    block.alpha_xattn = Some(init.full([1], 0.7));
    block.alpha_dense = Some(init.full([1], -0.3));
    (config, block)
}

#[test]
fn a_token_that_sees_nothing_passes_the_block_as_it_is_and_the_others_are_as_if_alone() {
    let (config, block) = grouped();
    assert_eq!(config.parameters(D, 7), block.num_params() as u64);
    let sees = [0..0, 0..1, 0..2, 0..0, 1..2];
    let (y, latents) = (random::<3>([1, 5, D], 11), random::<3>([2, 3, 7], 2));
    let after = run(&block, latents.clone(), &sees);
    for token in [0, 3] {
        let row = |x: &Tensor<3>| x.clone().narrow(1, token, 1).into_data();
        assert_eq!(row(&after), row(&y));
    }
    let none = run(&block, latents.clone(), &[0..0, 0..0, 0..0, 0..0, 0..0]);
    assert_eq!(none.into_data(), y.clone().into_data());
    let media = Media::Joint(vec![block.keys_values(latents)]);
    for token in [1, 2, 4] {
        let own = std::slice::from_ref(&sees[token]);
        let looking = Looking::new(own, 2, &Device::flex());
        let alone = block.forward(y.clone().narrow(1, token, 1), &media, 0, &looking);
        assert_eq!(
            alone.into_data(),
            after.clone().narrow(1, token, 1).into_data()
        );
    }
}

#[test]
fn media_of_different_lengths_are_met_in_runs_gathered_and_under_a_mask_alike() {
    let (_, block) = grouped();
    let media = |lengths: [usize; 3]| {
        let medium = |(seed, length): (u64, usize)| {
            let latents = random::<3>([1, length, 7], seed);
            Media::Joint(vec![block.keys_values(latents)])
                .each()
                .remove(0)
        };
        Media::Each((20..).zip(lengths).map(medium).collect())
    };
    let media = media([3, 5, 2]);
    let y = || random::<3>([1, 6, D], 11);
    let one = [0..0, 0..1, 1..2, 1..2, 2..3, 2..3];
    let in_runs = block.forward(y(), &media, 0, &Looking::new(&one, 3, &Device::flex()));
    let gathered = Looking::gathered(&one, &Device::flex()).expect("one each");
    let masked = Looking::many(&one, 3, &Device::flex());
    let several = [0..0, 0..1, 0..2, 1..3, 2..3, 0..3];
    let over_several = block.forward(y(), &media, 0, &Looking::new(&several, 3, &Device::flex()));
    let masked_several = Looking::many(&several, 3, &Device::flex());
    for (looking, expected) in [
        (gathered, &in_runs),
        (masked, &in_runs),
        (masked_several, &over_several),
    ] {
        let other = block.forward(y(), &media, 0, &looking).squeeze_dim(0);
        assert!(distance(other, expected.clone().squeeze_dim(0)) < 1e-5);
    }
}

#[test]
fn blocks_that_are_layers_stand_between_the_models_own() {
    let (config, _) = grouped();
    // Of seven layers 1, 4 and 5 are blocks: own layers are 0, 2, 3 and 6.
    let at = |layer| config.blocks_at(Point::Before(layer), 4);
    let at: Vec<usize> = (0..=4).map(at).collect();
    assert_eq!(at, [0, 1, 0, 2, 0]);
    assert_eq!(config.check(4), Ok(()));
    let told = |change: fn(&mut GatedConfig)| {
        let (mut config, _) = grouped();
        change(&mut config);
        config.check(4).err().unwrap_or_default()
    };
    assert!(told(|config| config.layers = vec![]).contains("list the layers"));
    assert!(told(|config| config.layers = vec![1, 6]).contains("the last layer is 5"));
    assert!(told(|config| config.key_value_heads = Some(3)).contains("key_value_heads 3"));
}

#[test]
fn a_block_without_gates_adds_all_that_it_says_and_has_no_alpha() {
    let config = GatedConfig {
        heads: 3,
        head_dim: 5,
        ffw_multiple: 2,
        gate: Gate::Open,
        ..GatedConfig::paper(1, 3)
    };
    let mut init = Init::new(4, &Device::flex());
    let open = GatedCrossAttention::new(&config, D, 7, &mut init);
    assert_eq!(config.parameters(D, 7), open.num_params() as u64);
    assert!(open.alpha_xattn.is_none() && open.alpha_dense.is_none());
    // The hyperbolic tangent of 20 is 1.
    let wide = GatedCrossAttention {
        alpha_xattn: Some(init.full([1], 20.0)),
        alpha_dense: Some(init.full([1], 20.0)),
        ..open.clone()
    };
    let (latents, sees) = (random([2, 3, 7], 2), [0..0, 0..1, 0..1, 1..2, 1..2]);
    let [a, b] = [&open, &wide].map(|block| run(block, latents.clone(), &sees));
    assert!(distance(a.squeeze_dim::<2>(0), b.squeeze_dim::<2>(0)) < 1e-6);
}
