//! Updates by the formula, groups and what they leave alone, clipping, state on disk.

#![allow(clippy::unwrap_used)]

use flamingo_kernels::{Init, Linear, Tensor, floats};

use super::*;
use crate::tree::{add_gradients, freeze_paths, trained};

fn linear() -> (Device, Linear) {
    let device = Device::flex().autodiff();
    let linear = Linear::new(3, 2, true, &mut Init::new(5, &device));
    (device, linear)
}

fn gradients(linear: &Linear, device: &Device) -> Flat {
    let x = floats(vec![1.0, -2.0, 0.5, 3.0, 0.1, -1.0], [2, 3], device);
    let loss = linear.forward(x).powf_scalar(2.0).sum();
    let mut sum = Flat::new();
    add_gradients(linear, loss.backward(), &mut sum);
    sum
}

fn values(tensor: &Tensor<1>) -> Vec<f32> {
    tensor.clone().into_data().try_to_vec().unwrap()
}

#[test]
fn two_steps_are_those_of_the_formula() {
    let (device, mut model) = linear();
    let spec = OptimiserSpec {
        clip: 0.0,
        ..OptimiserSpec::default()
    };
    let mut adam = AdamW::new(&spec, &model).unwrap();
    let mut expected = values(&trained(&model)["weight"]);
    let (mut m, mut v) = (vec![0f64; 6], vec![0f64; 6]);
    for step in 0..2 {
        let gradients = gradients(&model, &device);
        let g = values(&gradients["weight"]);
        for i in 0..6 {
            let g = f64::from(g[i]);
            m[i] = 0.9 * m[i] + 0.1 * g;
            v[i] = 0.999 * v[i] + 0.001 * g * g;
            let (t, p) = ((step + 1) as i32, f64::from(expected[i]));
            let update =
                m[i] / (1.0 - 0.9f64.powi(t)) / ((v[i] / (1.0 - 0.999f64.powi(t))).sqrt() + 1e-8);
            expected[i] = (p * (1.0 - 0.01 * 0.1) - 0.01 * update) as f32;
        }
        model = adam.step(model, gradients, 0.0, 0.01, step);
    }
    for (a, b) in values(&trained(&model)["weight"]).iter().zip(expected) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
}

#[test]
fn groups_change_rate_and_decay_and_freeze() {
    let (device, model) = linear();
    let group = |parameters: &str, rate, frozen| Group {
        parameters: parameters.into(),
        rate,
        weight_decay: Some(0.0),
        frozen,
        ..Group::default()
    };
    let spec = OptimiserSpec {
        group: vec![group("^bias$", 0.0, false)],
        ..OptimiserSpec::default()
    };
    let before = trained(&model);
    let mut adam = AdamW::new(&spec, &model).unwrap();
    let after = trained(&adam.step(model.clone(), gradients(&model, &device), 0.0, 0.1, 0));
    assert_eq!(values(&before["bias"]), values(&after["bias"]));
    assert_ne!(values(&before["weight"]), values(&after["weight"]));

    let spec = OptimiserSpec {
        group: vec![group("bias", 1.0, true)],
        ..OptimiserSpec::default()
    };
    let model = freeze_paths(model, &spec.frozen().unwrap());
    assert_eq!(
        gradients(&model, &device).into_keys().collect::<Vec<_>>(),
        ["weight"]
    );
}

#[test]
fn weight_decay_leaves_resampler_norms_and_gates_unless_a_group_says_otherwise() {
    let decay = |spec: &OptimiserSpec, path: &str| {
        let path = path.to_owned();
        spec.settings([&path].into_iter()).unwrap()[&path].weight_decay
    };
    let spec = OptimiserSpec::default();
    for path in [
        "resampler.latents",
        "resampler.layers.0.q.weight",
        "gated.1.norm.weight",
        "gated.1.norm_dense.bias",
        "gated.1.alpha_xattn",
        "vision.vit.transformer.resblocks.0.ln_1.weight",
        "vision.vit.ln_pre.weight",
        "logit_scale",
    ] {
        assert_eq!(decay(&spec, path), 0.0, "{path}");
    }
    for path in [
        "gated.1.q.weight",
        "media_projection.weight",
        "embed.weight",
    ] {
        assert_eq!(decay(&spec, path), 0.1, "{path}");
    }
    let spec = OptimiserSpec {
        group: vec![Group {
            parameters: "^resampler".into(),
            weight_decay: Some(0.3),
            ..Group::default()
        }],
        ..spec
    };
    assert_eq!(decay(&spec, "resampler.latents"), 0.3);
}

#[test]
fn a_pattern_that_is_found_nowhere_is_an_error() {
    let group = Group {
        parameters: "alpah".into(),
        ..Group::default()
    };
    let spec = OptimiserSpec {
        group: vec![group],
        ..OptimiserSpec::default()
    };
    let message = spec
        .check(&["gated.0.alpha_xattn".into()])
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("alpah") && message.contains("alpha_xattn"),
        "{message}"
    );
}

#[test]
fn clipping_scales_all_gradients_to_the_norm() {
    let (device, model) = linear();
    // A large epsilon makes the update proportional to the gradient.
    let updated = |clip: f64| {
        let spec = OptimiserSpec {
            clip,
            epsilon: 1e4,
            ..OptimiserSpec::default()
        };
        let mut adam = AdamW::new(&spec, &model).unwrap();
        let gradients = gradients(&model, &device);
        let norm = adam.norm(&gradients);
        let before = values(&trained(&model)["bias"]);
        let model = adam.step(model.clone(), gradients, norm, 100.0, 0);
        let after = values(&trained(&model)["bias"]);
        let moved = before.iter().zip(after).map(|(a, b)| f64::from(a - b));
        (f64::from(norm), moved.collect::<Vec<_>>())
    };
    let (norm, whole) = updated(0.0);
    assert!(norm > 0.5);
    let (_, clipped) = updated(0.5);
    for (whole, clipped) in whole.iter().zip(clipped) {
        assert!((whole * 0.5 / norm - clipped).abs() < 1e-3 * whole.abs());
    }
}

#[test]
fn adaptive_clipping_is_for_layers_within_unless_a_group_says_otherwise() {
    let ratio = |spec: &OptimiserSpec, path: &str| {
        let path = path.to_owned();
        spec.settings([&path].into_iter()).unwrap()[&path].adaptive_clip
    };
    let spec = OptimiserSpec {
        adaptive_clip: 0.01,
        ..OptimiserSpec::default()
    };
    for path in [
        "vision_projection.weight",
        "text.token_embedding.weight",
        "text.positional_embedding",
        "vision.vit.proj",
        "logit_scale",
        "language.head.weight",
        "resampler.latents",
        "gated.0.alpha_xattn",
    ] {
        assert_eq!(ratio(&spec, path), 0.0, "{path}");
    }
    for path in [
        "vision.nfnet.stem.0.weight",
        "vision.nfnet.stages.0.1.conv2b.gain",
        "vision.nfnet.stages.1.0.attn_last.fc1.weight",
        "text.transformer.resblocks.0.attn.in_proj_weight",
        "text.transformer.resblocks.0.mlp.c_proj.weight",
    ] {
        assert_eq!(ratio(&spec, path), 0.01, "{path}");
    }
    let group = |parameters: &str, ratio| Group {
        parameters: parameters.into(),
        adaptive_clip: Some(ratio),
        ..Group::default()
    };
    let spec = OptimiserSpec {
        group: vec![group("^text", 0.0), group("projection", 0.02)],
        ..spec
    };
    assert_eq!(ratio(&spec, "vision_projection.weight"), 0.02);
    assert_eq!(ratio(&spec, "text_projection.weight"), 0.0);
    assert_eq!(ratio(&spec, "text.transformer.resblocks.0.ln_1.bias"), 0.0);
}

/// What one update takes off the weight and the bias, in which a large epsilon makes it proportional to the gradient.
fn taken_off(spec: OptimiserSpec) -> [Vec<f32>; 2] {
    let (device, model) = linear();
    let spec = OptimiserSpec {
        epsilon: 1e4,
        weight_decay: 0.0,
        ..spec
    };
    let mut adam = AdamW::new(&spec, &model).unwrap();
    let (gradients, before) = (gradients(&model, &device), trained(&model));
    let norm = adam.norm(&gradients);
    let after = trained(&adam.step(model, gradients, norm, 1e3, 0));
    ["weight", "bias"].map(|path| {
        let (before, after) = (values(&before[path]), values(&after[path]));
        before.iter().zip(after).map(|(a, b)| a - b).collect()
    })
}

fn length(x: &[f32]) -> f32 {
    x.iter().map(|x| x * x).sum::<f32>().sqrt()
}

#[test]
fn an_update_follows_gradients_that_were_clipped_by_rows_and_then_by_groups() {
    let (device, model) = linear();
    let (gradients, before) = (gradients(&model, &device), trained(&model));
    let [g, w] = [&gradients, &before].map(|of| values(&of["weight"]));
    let bias = values(&gradients["bias"]);
    // An update takes off a tenth of the gradient: 1e3 / 1e4.
    let adaptive = OptimiserSpec {
        clip: 0.0,
        adaptive_clip: 0.01,
        group: vec![Group {
            parameters: "bias".into(),
            adaptive_clip: Some(0.0),
            clip: Some(0.5),
            ..Group::default()
        }],
        ..OptimiserSpec::default()
    };
    let [of_weight, of_bias] = taken_off(adaptive);
    for row in 0..2 {
        let of = |x: &[f32]| x[row * 3..][..3].to_vec();
        assert!(length(&of(&g)) > 0.01 * length(&of(&w)), "it is clipped");
        let expected = 0.1 * 0.01 * length(&of(&w));
        let found = length(&of(&of_weight));
        assert!(
            (found - expected).abs() < 0.02 * expected,
            "{found} {expected}"
        );
    }
    assert!(length(&bias) > 0.5);
    assert!((length(&of_bias) - 0.05).abs() < 1e-3, "{of_bias:?}");
}

#[test]
fn a_bound_below_0_is_refused() {
    let spec = OptimiserSpec {
        adaptive_clip: -0.01,
        ..OptimiserSpec::default()
    };
    let message = spec.check(&[]).unwrap_err().to_string();
    assert!(message.contains("`adaptive_clip` is -0.01"), "{message}");
}

#[test]
fn gradients_of_several_losses_are_summed() {
    let (device, model) = linear();
    let once = gradients(&model, &device);
    let mut twice = Flat::new();
    for _ in 0..2 {
        let x = floats(vec![1.0, -2.0, 0.5, 3.0, 0.1, -1.0], [2, 3], &device);
        let loss = model.forward(x).powf_scalar(2.0).sum();
        add_gradients(&model, loss.backward(), &mut twice);
    }
    for (path, gradient) in &once {
        for (a, b) in values(gradient).iter().zip(values(&twice[path])) {
            assert!((2.0 * a - b).abs() < 1e-5);
        }
    }
}

#[test]
fn state_survives_a_process_in_which_parameters_have_other_ids() {
    let (device, model) = linear();
    let mut adam = AdamW::new(&OptimiserSpec::default(), &model).unwrap();
    let model = adam.step(model.clone(), gradients(&model, &device), 0.0, 0.1, 0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.safetensors");
    let f32 = flamingo_kernels::Precision::F32;
    flamingo_weights::write_tensors(&path, &adam.to_disk(), f32).unwrap();

    let (_, fresh) = linear();
    let mut again = AdamW::new(&OptimiserSpec::default(), &fresh).unwrap();
    let tensors = Tensors::open(&[path]).unwrap();
    again.restore(&fresh, &tensors, &Device::flex()).unwrap();
    let one = trained(&adam.step(model.clone(), gradients(&model, &device), 0.0, 0.1, 1));
    let other = trained(&again.step(model.clone(), gradients(&model, &device), 0.0, 0.1, 1));
    assert_eq!(values(&one["weight"]), values(&other["weight"]));
}
