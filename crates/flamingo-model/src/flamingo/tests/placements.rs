//! The paper's other ways to look (its table 3), vanilla cross-attention inside of layers and grafting
//! on top of them: what the whole model owes, it owes with them, too.

use flamingo_kernels::Param;

use super::*;
use crate::{Branches, Gate, Placement};

fn vanilla() -> FlamingoConfig {
    let mut config = config();
    config.gated.placement = Placement::Inside;
    (config.gated.gate, config.gated.dense) = (Gate::Open, false);
    config
}

fn grafting() -> FlamingoConfig {
    let mut config = config();
    (config.gated.placement, config.gated.gate) = (Placement::OnTop, Gate::Open);
    config
}

fn built(config: &FlamingoConfig, device: &Device) -> Flamingo {
    Flamingo::new(config, &mut Init::new(3, device)).expect("valid")
}

/// The stream at the moments of a pass over `ids` with `media` media.
fn passing(model: &Flamingo, ids: &[u32], media: usize) -> Vec<(Passing, Tensor<3>)> {
    let device = Device::flex();
    let input = TextInput::ragged(ids, ids.len(), &[ids.len()]);
    let sees = visible(ids, &SPECIALS, Visibility::Last);
    let looking = Looking::new(&sees, media, &device);
    let media = model.media(latents(model, media, &device));
    let mut all = Vec::new();
    let watch = &mut |passing: Passing, y: &Tensor<3>| all.push((passing, y.clone()));
    model.hidden_with(&input, &media, &looking, watch);
    all
}

fn at(all: &[(Passing, Tensor<3>)], wanted: Passing) -> Tensor<3> {
    let found = all.iter().find(|(passing, _)| *passing == wanted);
    found.expect("it passed").1.clone()
}

const IDS: [u32; 7] = [5, IMAGE, 3, 1, IMAGE, 4, 6];

#[test]
fn blocks_stand_inside_of_layers_or_all_behind_the_last_and_are_counted_as_they_are_built() {
    let device = Device::flex();
    // Three layers, a block at every second one.
    for (config, layers_of_text) in [(vanilla(), 0), (grafting(), 2)] {
        let model = built(&config, &device);
        assert_eq!(model.gated.len(), 2);
        let of_blocks: usize = model.gated.iter().map(|block| block.num_params()).sum();
        assert_eq!(of_blocks as u64, 2 * config.block_parameters());
        let with_layer = model.gated.iter().filter(|b| b.text_layer.is_some());
        assert_eq!(with_layer.count(), layers_of_text);
    }
    let order = |config: &FlamingoConfig| -> Vec<Passing> {
        let all = passing(&built(config, &device), &IDS, 2).into_iter();
        let shown = |passing: &Passing| !matches!(passing, Passing::CrossAttention(_));
        all.map(|(passing, _)| passing).filter(shown).collect()
    };
    use Passing::{BeforeBlock, BehindBlock, Stream};
    let blocks = |number| [BeforeBlock(number), BehindBlock(number)];
    let inside = [
        &[Stream(0)][..],
        &blocks(0),
        &[Stream(1), Stream(2)],
        &blocks(1),
        &[Stream(3)],
    ];
    assert_eq!(order(&vanilla()), inside.concat());
    let streams = [Stream(0), Stream(1), Stream(2), Stream(3)];
    let on_top = [&streams[..], &blocks(0), &blocks(1)].concat();
    assert_eq!(order(&grafting()), on_top);
}

#[test]
fn vanilla_cross_attention_is_added_between_the_attention_and_the_feed_forward_of_its_layer() {
    let model = built(&vanilla(), &Device::flex());
    let all = passing(&model, &IDS, 2);
    let alone = model.gated[0].dense_in.is_none() && model.gated[0].alpha_xattn.is_none();
    assert!(alone, "no feed-forward, no gate");
    let (before, behind) = (
        at(&all, Passing::BeforeBlock(0)),
        at(&all, Passing::BehindBlock(0)),
    );
    // Behind the attention, so no longer the layer's input ...
    assert!(distance(before.clone(), at(&all, Passing::Stream(0))) > 1e-3);
    let looked = at(&all, Passing::CrossAttention(0));
    assert!(distance(behind.clone(), before + looked) < 1e-6);
    // ... and before the feed-forward.
    let layer = &model.language.layers[0];
    let normed = layer.norm_ffw.as_ref().expect("sequential");
    let hidden = layer
        .ffw
        .input
        .activated(normed.forward(behind.clone()), Activation::Gelu);
    let expected = behind + layer.ffw.output.forward(hidden);
    assert!(distance(at(&all, Passing::Stream(1)), expected) < 1e-5);
}

#[test]
fn grafting_leaves_the_language_model_as_it_is_and_reads_its_stream() {
    let model = built(&grafting(), &Device::flex());
    let alone = {
        let input = TextInput::ragged(&IDS, IDS.len(), &[IDS.len()]);
        let (mut last, embedded) = (None, model.language.embed(&input));
        model.language.hidden(embedded, &input, &mut |_, y, _| {
            last = Some(y.clone());
            y
        });
        last.expect("a point behind the last layer")
    };
    let all = passing(&model, &IDS, 2);
    let below = at(&all, Passing::Stream(3));
    assert_eq!(below.clone().into_data(), alone.into_data());
    // The first layer of text reads it, and its block what that one gives.
    assert!(distance(at(&all, Passing::BeforeBlock(0)), below) > 1e-3);
}

#[test]
fn closed_gates_inside_of_layers_are_the_language_model_bit_for_bit() {
    let mut config = config();
    config.gated.placement = Placement::Inside;
    let device = Device::flex();
    let model = built(&config, &device);
    let flamingo = run(&model, &[&IDS], &[&[0, 1]], &latents(&model, 2, &device));
    let input = TextInput::ragged(&IDS, IDS.len(), &[IDS.len()]);
    let embedded = model.language.embed(&input);
    let alone = model.language.hidden(embedded, &input, &mut |_, y, _| y);
    assert_eq!(flamingo.into_data(), alone.into_data());
}

#[test]
fn an_image_moves_no_token_before_it_and_without_images_only_the_text_is_read() {
    let device = Device::flex();
    for config in [vanilla(), grafting()] {
        let model = built(&config, &device);
        let all = latents(&model, 3, &device);
        let [a, b] = [[0, 1], [0, 2]].map(|media| run(&model, &[&IDS], &[&media], &all));
        let part = |y: &Tensor<3>, from: usize, to: usize| y.clone().narrow(1, from, to - from);
        assert_eq!(part(&a, 0, 4).into_data(), part(&b, 0, 4).into_data());
        assert!(distance(part(&a, 4, 7), part(&b, 4, 7)) > 1e-4);
        let text = run(&model, &[&IDS[..1]], &[&[]], &all);
        assert!(distance(part(&a, 0, 1), text) < 1e-5);
    }
}

#[test]
fn ragged_rows_and_cached_decoding_equal_the_full_pass() {
    let device = Device::flex();
    for config in [vanilla(), grafting()] {
        let model = built(&config, &device);
        let all = latents(&model, 2, &device);
        let full = run(&model, &[&IDS], &[&[0, 1]], &all);
        let rows: [&[u32]; 2] = [&[9, 2, IMAGE, 8, 8, 8, 8, 8, 8], &IDS];
        let together = run(&model, &rows, &[&[1], &[0, 1]], &all);
        let own = together.narrow(0, 1, 1).narrow(1, 0, IDS.len());
        assert!(distance(own, full.clone()) < 1e-5);

        let sees = visible(&IDS, &SPECIALS, Visibility::Last);
        let (media, mut cache) = (model.media(all), TextCache::default());
        let mut parts = Vec::new();
        for range in [0..3, 3..4, 4..5] {
            let looking = Looking::new(&sees[range.clone()], 2, &device);
            let mut row = TextRow::new(&IDS[range], &mut cache);
            parts.push(model.read(std::slice::from_mut(&mut row), &media, &looking));
        }
        // The rest as one branch of a tree, beside another one.
        let branches = Branches {
            ids: &[7, 4, 6],
            parents: &[None, None, Some(1)],
        };
        let mut row = TextRow {
            branches,
            ..TextRow::new(&[], &mut cache)
        };
        let looking = Looking::new(&[1..2, 1..2, 1..2], 2, &device);
        let read = model.read(std::slice::from_mut(&mut row), &media, &looking);
        parts.push(read.narrow(0, 1, 2));
        let far = distance(full, Tensor::cat(parts, 0).unsqueeze());
        assert!(far < 1e-5, "{far}");
    }
}

#[test]
fn what_cannot_stand_where_it_is_to_is_refused_with_both_keys() {
    let told = |mut config: FlamingoConfig, change: fn(&mut FlamingoConfig)| {
        change(&mut config);
        config.check().expect_err("refused").to_string()
    };
    let at_once = told(vanilla(), |config| {
        config.language.residual = crate::language::Residual::Parallel;
    });
    assert!(
        at_once.contains("gated.placement") && at_once.contains("Parallel"),
        "{at_once}"
    );
    let listed = told(grafting(), |config| {
        (config.gated.every, config.gated.layers) = (1, vec![1]);
    });
    assert!(
        listed.contains("on_top") && listed.contains("gated.layers lists [1]"),
        "{listed}"
    );
}

/// A parameter of a model: its first weight is looked at.
type Place = fn(&mut Flamingo) -> &mut Param<Tensor<2>>;

#[test]
fn gradients_agree_with_finite_differences_and_frozen_parts_have_none() {
    let places: [(FlamingoConfig, &str, Place); 5] = [
        (vanilla(), "q", |m| &mut m.gated[0].q.weight),
        (vanilla(), "v", |m| &mut m.gated[1].v.weight),
        (grafting(), "k", |m| &mut m.gated[0].k.weight),
        (grafting(), "v of text", |m| {
            let layer = m.gated[0].text_layer.as_mut();
            &mut layer.expect("on top").attention.v.weight
        }),
        (grafting(), "feed-forward of text", |m| {
            let layer = m.gated[1].text_layer.as_mut();
            &mut layer.expect("on top").ffw.input.weight
        }),
    ];
    for (config, name, place) in places {
        let device = Device::flex().autodiff();
        let mut model = built(&config, &device);
        model.language = model.language.freeze();
        let gradients = loss(&model, &device).backward();
        let of = |weight: Tensor<2>| weight.grad(&gradients);
        let frozen = &model.language.layers[2].ffw.input.weight;
        assert!(of(frozen.val()).is_none(), "{name}");
        let gradient = of(place(&mut model).val()).expect("a gradient").into_data();
        let gradient = gradient.try_to_vec::<f32>().expect("f32")[0];
        let moved = |by: f32| {
            let device = Device::flex();
            let mut model = built(&config, &device);
            nudge(place(&mut model), by);
            loss(&model, &device).into_scalar::<f32>()
        };
        let h = 2e-2;
        let difference = (moved(h) - moved(-h)) / (2.0 * h);
        assert!(
            (gradient - difference).abs() < 2e-4 + 0.03 * difference.abs(),
            "{name}: {gradient} and {difference}"
        );
    }
}
