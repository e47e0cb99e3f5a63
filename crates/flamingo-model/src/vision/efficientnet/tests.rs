use super::super::testing::{distance, pixels};
use super::super::{VisionConfig, VisionEncoder};
use super::*;
use flamingo_kernels::Device;

fn stage(
    width: usize,
    depth: usize,
    stride: usize,
    kernel: usize,
    expansion: usize,
) -> EfficientNetStage {
    EfficientNetStage {
        width,
        depth,
        stride,
        kernel,
        expansion,
    }
}

/// All parts in small.
fn small(squeeze: Option<usize>, activation: Activation) -> EfficientNetConfig {
    EfficientNetConfig {
        image_size: 23,
        stem_width: 5,
        stages: vec![stage(7, 1, 1, 3, 1), stage(11, 2, 2, 5, 3)],
        squeeze,
        final_width: 13,
        activation,
    }
}

fn init() -> Init {
    Init::new(1, &Device::flex())
}

#[test]
fn presets_weigh_what_is_published() {
    // With the classifier, without the running means and variances, in thousands.
    let published = |config: EfficientNetConfig| {
        let channels: usize = config
            .blocks()
            .iter()
            .map(|block| {
                let [_, inside, output] = block.channels;
                inside * (1 + usize::from(block.expands())) + output
            })
            .sum();
        let running = 2 * (config.stem_width + channels + config.final_width);
        (config.parameters() as usize - running + 1281 * 1000) / 1000
    };
    let lite: Vec<usize> = (0..5)
        .map(|n| published(EfficientNetConfig::lite(n)))
        .collect();
    assert_eq!(lite, [4652, 5416, 6092, 8197, 13006]);
    assert_eq!(published(EfficientNetConfig::b0()), 5288);
}

#[test]
fn widths_of_the_lite_variants_are_multiples_of_eight() {
    let widths = |n: usize| -> Vec<usize> {
        let config = EfficientNetConfig::lite(n);
        config.stages.iter().map(|stage| stage.width).collect()
    };
    assert_eq!(widths(2), [16, 24, 48, 88, 120, 208, 352]);
    assert_eq!(widths(4), [24, 32, 56, 112, 160, 272, 448]);
}

#[test]
fn the_grid_of_features_is_that_of_the_configuration() {
    for config in [
        small(None, Activation::Relu6),
        small(Some(4), Activation::Silu),
    ] {
        let encoder = EfficientNet::new(&config, &mut init());
        let side = config.image_size;
        let y = encoder.forward(pixels([2, 3, side, side], 3));
        let config = VisionConfig::EfficientNet(config);
        assert_eq!(y.dims(), [2, config.positions(), config.width()]);
    }
}

#[test]
fn a_picture_alone_is_the_picture_in_a_batch() {
    let config = VisionConfig::EfficientNet(small(Some(4), Activation::Silu));
    let encoder = VisionEncoder::new(&config, &mut init());
    let two = pixels([2, 3, 23, 23], 5);
    let both = encoder.forward(two.clone());
    let second = encoder.forward(two.narrow(0, 1, 1));
    assert_eq!(distance(both.narrow(0, 1, 1), second), 0.0);
}

#[test]
fn normalisation_is_applied_behind_the_convolution() {
    let mut layer = NormedLinear::new(1, 1, &mut init());
    let set = |value: f32| Param::from_tensor(Tensor::full([1], value, &Device::flex()));
    layer.weight = Param::from_tensor(Tensor::full([1, 1], 3.0, &Device::flex()));
    layer.norm = BatchNorm {
        weight: set(2.0),
        bias: set(0.5),
        mean: set(7.0),
        variance: set(4.0),
    };
    let y = layer.forward(Tensor::full([1, 1, 1, 1], 5.0, &Device::flex()));
    let expected = (5.0 * 3.0 - 7.0) / (4.0_f32 + 1e-3).sqrt() * 2.0 + 0.5;
    assert!((y.into_scalar::<f32>() - expected).abs() < 1e-5);
}

#[test]
fn what_is_impossible_is_told() {
    let told = |change: fn(&mut EfficientNetConfig)| {
        let mut config = small(None, Activation::Relu6);
        change(&mut config);
        config.check().expect_err("impossible")
    };
    assert!(told(|config| config.stages[1].stride = 3).contains("stages[1]"));
    assert!(told(|config| config.stages[0].kernel = 4).contains("kernel odd"));
    assert!(told(|config| config.squeeze = Some(0)).contains("vision.squeeze"));
    assert!(told(|config| config.image_size = 0).contains("image_size 0"));
}
