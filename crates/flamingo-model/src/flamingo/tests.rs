//! What the whole model owes: closed gates are the language model, batches equal singles, cached
//! decoding equals the full pass, gradients only where declared and right by finite differences.

mod placements;

use std::ops::Range;

use flamingo_kernels::{Activation, Device, cross_entropy};
use flamingo_sequence::{SpecialTokens, Visibility, visible};

use super::*;
use crate::language::{LanguageConfig, QueryKeyNorm};
use crate::vision::{VisionConfig, VitConfig};
use crate::{GatedConfig, PerceiverResamplerConfig, TextCache, TextRow};

const IMAGE: u32 = 22;
const SPECIALS: SpecialTokens = SpecialTokens {
    bos: None,
    eos: None,
    pad: 0,
    image: IMAGE,
    end_of_chunk: 21,
    image_border: None,
};

fn config() -> FlamingoConfig {
    let language = LanguageConfig {
        vocabulary: 23,
        head_dim: 4,
        ..LanguageConfig::mpt(12, 3, 3, QueryKeyNorm::Whole)
    };
    FlamingoConfig {
        vision: VisionConfig::Vit(VitConfig::small(8, 4, 6, 1, 2)),
        resampler: Some(PerceiverResamplerConfig {
            width: 10,
            latents: 5,
            layers: 2,
            heads: 2,
            head_dim: 3,
            ffw_multiple: 2,
            activation: Activation::SquaredRelu,
            time_embeddings: 4,
            ..PerceiverResamplerConfig::paper()
        }),
        gated: GatedConfig {
            head_dim: 5,
            ffw_multiple: 2,
            ..GatedConfig::paper(2, 3)
        },
        language,
        project_media: true,
        media_projection_bias: false,
    }
}

fn model(device: &Device, alpha: f32) -> Flamingo {
    let mut init = Init::new(3, device);
    let mut model = Flamingo::new(&config(), &mut init).expect("valid");
    for block in &mut model.gated {
        block.alpha_xattn = Some(init.full([1], alpha));
        block.alpha_dense = Some(init.full([1], -alpha));
    }
    model
}

fn resampler(model: &Flamingo) -> &PerceiverResampler {
    model.resampler.as_ref().expect("has one")
}

fn resampler_mut(model: &mut Flamingo) -> &mut PerceiverResampler {
    model.resampler.as_mut().expect("has one")
}

fn latents(model: &Flamingo, media: usize, device: &Device) -> Tensor<3> {
    let features = Init::new(8, device).normal([media, 1, 4, 6], 1.0).val();
    model.resample(features, &[])
}

/// The stream of `rows`, row `i` with the media `media[i]` of all latents.
fn run(model: &Flamingo, rows: &[&[u32]], media: &[&[usize]], all: &Tensor<3>) -> Tensor<3> {
    let width = rows.iter().map(|row| row.len()).max().unwrap_or(0);
    let (mut ids, mut sees, mut chosen) = (Vec::new(), Vec::new(), Vec::new());
    for (row, media) in rows.iter().zip(media) {
        ids.extend(
            row.iter()
                .copied()
                .chain(std::iter::repeat_n(0, width - row.len())),
        );
        let offset = chosen.len();
        let mut ranges: Vec<Range<usize>> = visible(row, &SPECIALS, Visibility::Last);
        ranges.resize(width, 0..0);
        sees.extend(ranges.into_iter().map(|r| {
            if r.is_empty() {
                0..0
            } else {
                r.start + offset..r.end + offset
            }
        }));
        chosen.extend(media.iter().copied());
    }
    let lengths: Vec<usize> = rows.iter().map(|row| row.len()).collect();
    let input = TextInput::ragged(&ids, width, &lengths);
    let looking = Looking::new(&sees, chosen.len(), &all.device());
    let media = if chosen.is_empty() {
        Media::none()
    } else {
        model.media(
            all.clone()
                .select(0, flamingo_kernels::indices(chosen, &all.device())),
        )
    };
    model.hidden(&input, &media, &looking)
}

fn distance(a: Tensor<3>, b: Tensor<3>) -> f32 {
    (a - b).abs().max().into_scalar()
}

#[test]
fn closed_gates_give_the_frozen_language_model_bit_for_bit() {
    let device = Device::flex();
    let model = model(&device, 0.0);
    let ids = [5, IMAGE, 3, 1, IMAGE, 4];
    let flamingo = run(&model, &[&ids], &[&[0, 1]], &latents(&model, 2, &device));
    let input = TextInput::ragged(&ids, 6, &[6]);
    let alone = model
        .language
        .hidden(model.language.embed(&input), &input, &mut |_, y, _| y);
    let logits = |y: Tensor<3>| model.logits(y.squeeze_dim::<2>(0)).into_data();
    assert_eq!(logits(flamingo), logits(alone));
}

#[test]
fn a_batch_of_ragged_prompts_with_none_to_three_images_equals_each_alone() {
    let device = Device::flex();
    let model = model(&device, 0.8);
    let all = latents(&model, 5, &device);
    let rows: [&[u32]; 4] = [
        &[7, 8],
        &[IMAGE, 3, 1, IMAGE, 4, 2, IMAGE],
        &[5],
        &[1, 2, IMAGE, IMAGE, 9],
    ];
    let media: [&[usize]; 4] = [&[], &[4, 0, 2], &[], &[1, 3]];
    let together = run(&model, &rows, &media, &all);
    for (i, row) in rows.iter().enumerate() {
        let alone = run(&model, &[row], &[media[i]], &all);
        let far = distance(
            together.clone().narrow(0, i, 1).narrow(1, 0, row.len()),
            alone,
        );
        assert!(far < 1e-5, "row {i}: {far}");
    }
}

#[test]
fn earlier_images_reach_later_tokens_only_through_self_attention() {
    let device = Device::flex();
    let model = model(&device, 0.8);
    let all = latents(&model, 3, &device);
    let ids: &[u32] = &[IMAGE, 3, IMAGE, 4];
    let (a, b) = (
        run(&model, &[ids], &[&[0, 1]], &all),
        run(&model, &[ids], &[&[2, 1]], &all),
    );
    assert!(distance(a.narrow(1, 3, 1), b.narrow(1, 3, 1)) > 1e-5);
}

#[test]
fn cached_decoding_equals_the_full_pass_over_interleaved_images() {
    let device = Device::flex();
    let model = model(&device, 0.8);
    let all = latents(&model, 2, &device);
    let ids = [5, IMAGE, 3, 1, IMAGE, 4, 6];
    let full = run(&model, &[&ids], &[&[0, 1]], &all);
    let (media, sees) = (model.media(all), visible(&ids, &SPECIALS, Visibility::Last));
    let mut cache = TextCache::default();
    let mut parts = Vec::new();
    for range in [0..3, 3..4, 4..6, 6..7] {
        let looking = Looking::new(&sees[range.clone()], 2, &device);
        let mut row = TextRow::new(&ids[range], &mut cache);
        parts.push(model.read(std::slice::from_mut(&mut row), &media, &looking));
    }
    let far = distance(full, Tensor::cat(parts, 0).unsqueeze());
    assert!(far < 1e-5, "{far}");
}

#[test]
fn seeing_all_previous_images_moves_tokens_by_the_first_one_too() {
    let device = Device::flex();
    let model = model(&device, 0.8);
    let all = latents(&model, 2, &device);
    let ids = [IMAGE, 3, IMAGE, 4];
    let stream = |mode| {
        let input = TextInput::ragged(&ids, 4, &[4]);
        let looking = Looking::new(&visible(&ids, &SPECIALS, mode), 2, &device);
        model.hidden(&input, &model.media(all.clone()), &looking)
    };
    let (last, every) = (stream(Visibility::Last), stream(Visibility::AllPrevious));
    assert!(distance(last.clone().narrow(1, 0, 2), every.clone().narrow(1, 0, 2)) < 1e-6);
    assert!(distance(last.narrow(1, 2, 2), every.narrow(1, 2, 2)) > 1e-4);
}

fn loss(model: &Flamingo, device: &Device) -> Tensor<1> {
    let stream = run(
        model,
        &[&[IMAGE, 3, 1, IMAGE, 4]],
        &[&[0, 1]],
        &latents(model, 2, device),
    );
    cross_entropy(
        model.logits(stream.squeeze_dim::<2>(0)),
        &[1, 2, 3, 4, 5],
        0.0,
    )
    .mean
}

/// The loss when element `at` of a tensor of the model is moved by `by`.
fn moved(change: impl Fn(&mut Flamingo, f32), by: f32) -> f32 {
    let device = Device::flex();
    let mut model = model(&device, 0.8);
    change(&mut model, by);
    loss(&model, &device).into_scalar()
}

fn nudge<const D: usize>(param: &mut flamingo_kernels::Param<Tensor<D>>, by: f32) {
    let tensor = param.val();
    let mut data = tensor.to_data().try_to_vec::<f32>().expect("f32");
    data[0] += by;
    let moved = flamingo_kernels::floats(data, tensor.dims(), &tensor.device());
    *param = flamingo_kernels::Param::from_tensor(moved);
}

#[test]
fn gradients_of_resampler_and_gated_block_agree_with_finite_differences() {
    let device = Device::flex().autodiff();
    let model = model(&device, 0.8);
    let gradients = loss(&model, &device).backward();
    let first = |g: Option<Vec<f32>>| g.expect("a gradient")[0];
    let read = |t: Tensor<2>| {
        t.grad(&gradients)
            .map(|g| g.into_data().try_to_vec().expect("f32"))
    };
    let read1 = |t: Tensor<1>| {
        t.grad(&gradients)
            .map(|g| g.into_data().try_to_vec().expect("f32"))
    };
    type Nudge = fn(&mut Flamingo, f32);
    let layer = &resampler(&model).layers[0];
    let block = &model.gated[0];
    let cases: [(&str, f32, Nudge); 8] = [
        (
            "latents",
            first(read(resampler(&model).latents.val())),
            |m, by| nudge(&mut resampler_mut(m).latents, by),
        ),
        ("resampler k", first(read(layer.k.weight.val())), |m, by| {
            nudge(&mut resampler_mut(m).layers[0].k.weight, by)
        }),
        (
            "resampler ffw",
            first(read(layer.ffw_in.weight.val())),
            |m, by| nudge(&mut resampler_mut(m).layers[0].ffw_in.weight, by),
        ),
        ("gated q", first(read(block.q.weight.val())), |m, by| {
            nudge(&mut m.gated[0].q.weight, by)
        }),
        ("gated v", first(read(block.v.weight.val())), |m, by| {
            nudge(&mut m.gated[0].v.weight, by)
        }),
        (
            "gated dense",
            first(read(block.dense_in.as_ref().expect("dense").weight.val())),
            |m, by| nudge(&mut m.gated[0].dense_in.as_mut().expect("dense").weight, by),
        ),
        (
            "alpha_xattn",
            first(read1(block.alpha_xattn.as_ref().expect("a gate").val())),
            |m, by| nudge(m.gated[0].alpha_xattn.as_mut().expect("a gate"), by),
        ),
        (
            "alpha_dense",
            first(read1(block.alpha_dense.as_ref().expect("a gate").val())),
            |m, by| nudge(m.gated[0].alpha_dense.as_mut().expect("a gate"), by),
        ),
    ];
    for (name, gradient, change) in cases {
        let h = 2e-2;
        let difference = (moved(change, h) - moved(change, -h)) / (2.0 * h);
        let far = (gradient - difference).abs();
        assert!(
            far < 2e-4 + 0.03 * difference.abs(),
            "{name}: {gradient} and {difference}"
        );
    }
}

#[test]
fn frozen_parts_get_no_gradient_and_all_others_do() {
    let device = Device::flex().autodiff();
    let mut model = model(&device, 0.8);
    model.language = model.language.freeze();
    model.vision = model.vision.freeze();
    let gradients = loss(&model, &device).backward();
    assert!(model.language.embed.weight.val().grad(&gradients).is_none());
    assert!(
        model.language.layers[0]
            .ffw
            .input
            .weight
            .val()
            .grad(&gradients)
            .is_none()
    );
    assert!(resampler(&model).latents.val().grad(&gradients).is_some());
    assert!(model.gated[1].out.weight.val().grad(&gradients).is_some());
}
