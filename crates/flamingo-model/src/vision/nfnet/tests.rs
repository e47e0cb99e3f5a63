use super::super::testing::{distance, pixels};
use super::super::{VisionConfig, VisionEncoder};
use super::*;
use flamingo_kernels::Device;

fn stem(width: usize, kernel: usize, stride: usize) -> NfnetStem {
    NfnetStem {
        width,
        kernel,
        stride,
    }
}

fn stage(width: usize, depth: usize, stride: usize) -> NfnetStage {
    NfnetStage {
        width,
        depth,
        stride,
    }
}

/// All parts in small: bottlenecks of two groups, squeeze-and-excite, a last convolution.
fn full() -> NfnetConfig {
    NfnetConfig {
        image_size: 22,
        stem: vec![stem(5, 3, 2), stem(7, 3, 1)],
        stages: vec![stage(12, 1, 1), stage(24, 2, 2)],
        block: NfnetBlockKind::Bottleneck {
            reduction: 2,
            group_size: 3,
        },
        squeeze: Some(4),
        skip_gain: 0.7,
        final_width: Some(11),
        ..NfnetConfig::f0()
    }
}

/// Small plain blocks on 6x6 positions, a normalisation at the end.
fn plain() -> NfnetConfig {
    NfnetConfig {
        image_size: 48,
        stem: vec![stem(48, 6, 4)],
        stages: vec![stage(64, 1, 1), stage(128, 2, 2)],
        block: NfnetBlockKind::Plain,
        squeeze: None,
        alpha: 0.5,
        skip_gain: 1.0,
        activation: Activation::Gelu,
        final_width: None,
        output: NfnetOutput::LayerNorm,
        variance: NfnetVariance::Floor,
    }
}

fn init() -> Init {
    Init::new(1, &Device::flex())
}

fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().try_to_vec().expect("f32")
}

#[test]
fn presets_weigh_what_is_published() {
    let presets = [
        NfnetConfig::f0(),
        NfnetConfig::f1(),
        NfnetConfig::f2(),
        NfnetConfig::f3(),
        NfnetConfig::f4(),
        NfnetConfig::f5(),
        NfnetConfig::f6(),
    ];
    let classifier = 3072 * 1000 + 1000;
    let millions = presets.map(|p| format!("{:.2}", (p.parameters() + classifier) as f64 / 1e6));
    assert_eq!(
        millions,
        [
            "71.49", "132.63", "193.78", "254.92", "316.07", "377.21", "438.36"
        ]
    );
}

#[test]
fn f0_costs_what_is_published() {
    // Brock et al.: 12.38 billion multiply-adds at the 256 pixels of evaluation.
    let config = NfnetConfig {
        image_size: 256,
        ..NfnetConfig::f0()
    };
    let operations = config.flops_per_image() as f64 / 2e9;
    assert!((operations - 12.38).abs() < 0.05, "{operations}");
}

#[test]
fn parameters_are_counted_as_they_are_built() {
    for config in [full(), plain()] {
        let built = Nfnet::new(&config, &mut init()).num_params();
        assert_eq!(config.parameters(), built as u64);
    }
    assert_eq!(plain().parameters(), 599_075);
}

#[test]
fn the_grid_is_the_one_that_comes_out_and_its_rows_are_positions() {
    for (config, grid, width) in [(full(), 6, 11), (plain(), 6, 128)] {
        let config = VisionConfig::Nfnet(config);
        let encoder = VisionEncoder::new(&config, &mut init());
        let side = config.image_size();
        let features = encoder.forward(pixels([2, 3, side, side], 4));
        assert_eq!(features.dims(), [2, grid * grid, width]);
        assert_eq!((config.positions(), config.width()), (grid * grid, width));
    }
}

#[test]
fn the_pooled_vector_is_the_mean_over_positions() {
    let encoder = VisionEncoder::new(&VisionConfig::Nfnet(full()), &mut init());
    let x = pixels([3, 3, 22, 22], 4);
    let mean = encoder.forward(x.clone()).mean_dim(1).squeeze_dim::<2>(1);
    assert!(distance(encoder.pooled(x), mean) < 1e-6);
}

#[test]
fn pictures_of_a_batch_do_not_see_each_other() {
    let net = Nfnet::new(&full(), &mut init());
    let both = pixels([2, 3, 22, 22], 4);
    let alone = net.forward(both.clone().narrow(0, 1, 1));
    assert!(distance(net.forward(both).narrow(0, 1, 1), alone) < 1e-5);
}

#[test]
fn standardised_weights_have_mean_0_and_variance_1_over_fan_in_whatever_the_raw_ones() {
    let size = ConvSize {
        channels: [14, 5],
        kernel: 3,
        stride: 1,
        groups: 2,
    };
    let mut conv = ScaledStdConv::new(&size, NfnetVariance::Floor, &mut init());
    conv.weight = Param::from_tensor(conv.weight.val() * 3.0 + 11.0);
    let gain = Tensor::ones([5], &Device::flex()) * 2.0;
    for row in values(conv.standardised(gain)).chunks(63) {
        let mean = row.iter().sum::<f32>() / 63.0;
        let variance = row.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 63.0;
        assert!(
            mean.abs() < 1e-5 && (variance * 63.0 - 4.0).abs() < 1e-2,
            "{mean} {variance}"
        );
    }
}

#[test]
fn gains_in_the_weights_are_gains_of_input_and_output() {
    let size = ConvSize {
        channels: [7, 5],
        kernel: 3,
        stride: 2,
        groups: 1,
    };
    let mut conv = ScaledStdConv::new(&size, NfnetVariance::Floor, &mut init());
    conv.bias = init().normal([5], 1.0);
    let x = pixels([2, 7, 11, 11], 4);
    let scale = Tensor::ones([1], &x.device()) * 0.3;
    let folded = conv.forward(x.clone(), 1.7, Some(scale));
    assert!(distance(folded, conv.forward(x * 1.7, 1.0, None) * 0.3) < 1e-5);
}

#[test]
fn a_closed_branch_leaves_the_shortcut() {
    let config = NfnetConfig {
        skip_gain: 0.0,
        ..plain()
    };
    let net = Nfnet::new(&config, &mut init());
    let x = pixels([2, 128, 5, 5], 4);
    assert_eq!(distance(net.stages[1][1].forward(x.clone()), x), 0.0);
}

#[test]
fn beta_follows_the_variance_that_the_stream_grows_to() {
    let betas: Vec<f64> = full()
        .blocks()
        .iter()
        .flatten()
        .map(|block| block.beta)
        .collect();
    let grown = (1.0_f64 + 0.2 * 0.2).powf(-0.5);
    assert_eq!(betas, [1.0, grown, grown]);
    let deep = NfnetConfig {
        stages: vec![stage(12, 3, 1)],
        ..full()
    };
    assert_eq!(
        deep.blocks()[0][2].beta,
        (1.0_f64 + 0.2 * 0.2 + 0.2 * 0.2).powf(-0.5)
    );
}

#[test]
fn activations_times_their_gain_have_variance_1() {
    let x: Tensor<1> = init().normal([40_000], 1.0).val();
    for activation in [
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::QuickGelu,
        Activation::Relu,
        Activation::SquaredRelu,
        Activation::Silu,
    ] {
        let y = activation.apply(x.clone()) * gain(activation);
        let std = y.var(0).sqrt().into_scalar::<f32>();
        assert!((std - 1.0).abs() < 0.03, "{activation:?} {std}");
    }
}

#[test]
fn impossible_widths_are_refused_with_both_values() {
    let wrong = NfnetConfig {
        stages: vec![stage(13, 1, 1)],
        ..full()
    };
    let message = VisionConfig::Nfnet(wrong)
        .check()
        .expect_err("13 is no multiple of 6");
    assert!(
        message.contains("13") && message.contains("group_size 3"),
        "{message}"
    );
    let wrong = NfnetConfig {
        stages: vec![stage(12, 1, 3)],
        ..full()
    };
    assert!(VisionConfig::Nfnet(wrong).check().is_err());
    assert_eq!(VisionConfig::Nfnet(full()).check(), Ok(()));
    assert_eq!(VisionConfig::Nfnet(NfnetConfig::f6()).check(), Ok(()));
}
