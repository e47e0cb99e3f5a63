//! What contrastive training owes: the loss by its definition, excluded pairs that count nowhere,
//! and gradients of both towers that agree with finite differences.

use flamingo_kernels::{Activation, Device};

use super::*;
use crate::text_tower::TextPool;
use crate::vision::{
    NfnetBlockKind, NfnetConfig, NfnetOutput, NfnetStage, NfnetStem, NfnetVariance, NormPlace,
    VisionConfig, VitConfig,
};

fn config(vision: VisionConfig) -> ContrastiveConfig {
    ContrastiveConfig {
        vision,
        text: TextTowerConfig {
            vocabulary: 17,
            width: 6,
            layers: 1,
            heads: 2,
            ffw_multiple: 2,
            activation: Activation::Gelu,
            positions: 5,
            norm: NormPlace::First,
            pool: TextPool::Mean,
        },
        joint_width: 7,
        label_smoothing: 0.1,
    }
}

fn nfnet() -> VisionConfig {
    VisionConfig::Nfnet(NfnetConfig {
        image_size: 12,
        stem: vec![
            NfnetStem {
                width: 5,
                kernel: 3,
                stride: 2,
            },
            NfnetStem {
                width: 7,
                kernel: 3,
                stride: 1,
            },
        ],
        stages: vec![
            NfnetStage {
                width: 12,
                depth: 1,
                stride: 1,
            },
            NfnetStage {
                width: 12,
                depth: 2,
                stride: 2,
            },
        ],
        block: NfnetBlockKind::Bottleneck {
            reduction: 2,
            group_size: 3,
        },
        squeeze: Some(4),
        alpha: 0.5,
        skip_gain: 0.7,
        activation: Activation::Gelu,
        final_width: Some(11),
        output: NfnetOutput::LayerNorm,
        variance: NfnetVariance::Floor,
    })
}

/// Blocks without squeeze-and-excite, whose learnt scalar is multiplied into the weights.
fn plain() -> VisionConfig {
    VisionConfig::Nfnet(NfnetConfig {
        block: NfnetBlockKind::Plain,
        squeeze: None,
        final_width: None,
        output: NfnetOutput::Activation,
        variance: NfnetVariance::Floor,
        ..match nfnet() {
            VisionConfig::Nfnet(config) => config,
            _ => unreachable!("built above"),
        }
    })
}

fn model(vision: VisionConfig, device: &Device) -> Contrastive {
    Contrastive::new(&config(vision), &mut Init::new(5, device)).expect("valid")
}

fn scores(values: &[f32], shape: [usize; 2]) -> Tensor<2> {
    floats(values.to_vec(), shape, &Device::flex())
}

#[test]
fn parameters_are_counted_as_they_are_built() {
    for vision in [nfnet(), VisionConfig::Vit(VitConfig::small(8, 4, 6, 1, 2))] {
        let built = model(vision.clone(), &Device::flex()).num_params();
        assert_eq!(config(vision).parameters(), built as u64);
    }
}

#[test]
fn towers_give_unit_vectors_and_scores_are_cosines_times_the_scale() {
    let model = model(nfnet(), &Device::flex());
    let images = model.images(
        Init::new(2, &Device::flex())
            .normal([2, 3, 12, 12], 1.0)
            .val(),
    );
    let texts = model.texts(&[1, 2, 0, 3, 4, 5, 6, 0, 0], &[2, 3, 1]);
    assert_eq!((images.dims(), texts.dims()), ([2, 7], [3, 7]));
    let own = model
        .scores(texts.clone(), texts.clone())
        .into_data()
        .try_to_vec::<f32>();
    let own = own.expect("f32");
    assert!((own[4] - 1.0 / 0.07).abs() < 1e-3, "{own:?}");
    assert_eq!(model.scores(images, texts).dims(), [2, 3]);
}

#[test]
fn the_scale_never_exceeds_100() {
    let mut model = model(nfnet(), &Device::flex());
    model.logit_scale = Init::new(0, &Device::flex()).full([1], 9.0);
    let x = unit(scores(&[3.0, 4.0], [1, 2]));
    let score: f32 = model.scores(x.clone(), x).into_scalar();
    assert!((score - 100.0).abs() < 1e-3, "{score}");
}

#[test]
fn the_loss_is_the_smoothed_cross_entropy_of_both_directions() {
    let model = model(nfnet(), &Device::flex());
    let rows = [[1.0f32, 2.0, 0.5], [0.0, -1.0, 1.5]];
    let loss = model.loss(scores(rows.as_flattened(), [2, 3]), &[0, 1, 2]);
    let entropy = |row: &[f32], own: usize| {
        let sum: f32 = row.iter().map(|v| v.exp()).sum();
        let logs: Vec<f32> = row.iter().map(|v| v - sum.ln()).collect();
        -0.9 * logs[own] - 0.1 * logs.iter().sum::<f32>() / logs.len() as f32
    };
    let forth = (entropy(&rows[0], 0) + entropy(&rows[1], 1)) / 2.0;
    let back = (entropy(&[1.0, 0.0], 0) + entropy(&[2.0, -1.0], 1)) / 2.0;
    assert_eq!(loss.targets, 2);
    assert!((loss.mean.into_scalar::<f32>() - (forth + back) / 2.0).abs() < 1e-5);
}

#[test]
fn pairs_about_the_same_thing_count_nowhere() {
    let model = model(nfnet(), &Device::flex());
    let loss = |same: f32, smoothing: f64| {
        let mut model = model.clone();
        model.config.label_smoothing = smoothing;
        let rows = [
            [1.0, same, 0.5, 0.9],
            [same, 2.0, 0.7, -0.2],
            [0.4, 0.1, 0.3, same],
        ];
        let scores = scores(rows.as_flattened(), [3, 4]);
        model.loss(scores, &[8, 8, 6, 6]).mean.into_scalar::<f32>()
    };
    for smoothing in [0.0, 0.1] {
        assert!(loss(0.0, smoothing).is_finite());
        assert!((loss(0.0, smoothing) - loss(50.0, smoothing)).abs() < 1e-6);
    }
}

#[test]
fn targets_of_a_row_sum_to_one_over_the_columns_it_is_told_apart_from() {
    let compared = Compared::new(2, 4, &[3, 5, 3, 5]);
    assert_eq!(
        compared.with,
        [true, true, false, true, true, true, true, false]
    );
    let targets = compared.targets(0.3);
    let expected = [0.8, 0.1, 0.0, 0.1, 0.1, 0.8, 0.1, 0.0];
    assert!(
        targets
            .iter()
            .zip(expected)
            .all(|(a, b): (&f32, f32)| (a - b).abs() < 1e-6)
    );
}

#[test]
fn accuracy_counts_own_columns_and_leaves_the_same_group_out() {
    let rows = scores(&[1.0, 9.0, 0.0, 2.0, 3.0, 4.0], [2, 3]);
    assert_eq!(accuracy(rows.clone(), &[0, 1, 2]), [0.0, 0.0]);
    assert_eq!(accuracy(rows.clone(), &[0, 0, 2]), [0.5, 1.0]);
    assert_eq!(accuracy(rows, &[0, 0, 0]), [1.0, 1.0]);
}

#[test]
fn a_configuration_that_contradicts_itself_is_refused() {
    let mut wrong = config(nfnet());
    wrong.text.heads = 4;
    let error = wrong
        .check()
        .expect_err("6 is no multiple of 4")
        .to_string();
    assert!(
        error.contains("text.width 6") && error.contains("text.heads 4"),
        "{error}"
    );
    wrong = ContrastiveConfig {
        label_smoothing: 1.0,
        ..config(nfnet())
    };
    assert!(wrong.check().is_err());
}

fn loss(model: &Contrastive) -> Tensor<1> {
    let device = model.logit_scale.device();
    let pixels = Init::new(2, &Device::flex())
        .normal([3, 3, 12, 12], 1.0)
        .val()
        .into_data();
    let images = model.images(Tensor::from_data(pixels, &device));
    let texts = model.texts(
        &[1, 2, 0, 3, 4, 5, 6, 0, 0, 8, 9, 16, 7, 7, 0],
        &[2, 3, 1, 3, 2],
    );
    model
        .loss(model.scores(images, texts), &[0, 1, 2, 3, 1])
        .mean
}

/// Adds `by` times `direction` to the one parameter, for finite differences along the gradient.
struct Along<'a> {
    path: Vec<String>,
    wanted: &'a str,
    direction: &'a [f32],
    by: f32,
}

impl flamingo_kernels::burn::module::ModuleMapper for Along<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.path.join(".") != self.wanted {
            return param;
        }
        param.map(|tensor| {
            let direction = floats(self.direction.to_vec(), tensor.dims(), &tensor.device());
            tensor + direction * self.by
        })
    }
}

struct Gradients<'a> {
    path: Vec<String>,
    of: &'a flamingo_kernels::burn::tensor::Gradients,
    found: Vec<(String, Vec<f32>)>,
}

impl flamingo_kernels::burn::module::ModuleVisitor for Gradients<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.join(".");
        let gradient = param
            .val()
            .grad(self.of)
            .unwrap_or_else(|| panic!("{path}: no gradient"));
        self.found
            .push((path, gradient.into_data().try_to_vec().expect("f32")));
    }
}

#[test]
fn gradients_of_both_towers_agree_with_finite_differences() {
    let vit = VisionConfig::Vit(VitConfig::small(12, 4, 6, 1, 2));
    let mut bert = config(vit.clone());
    (bert.text.norm, bert.text.pool) = (NormPlace::Last, TextPool::ClassToken);
    for config in [config(nfnet()), config(plain()), config(vit), bert] {
        let model =
            |device: &Device| Contrastive::new(&config, &mut Init::new(5, device)).expect("valid");
        let trained = model(&Device::flex().autodiff());
        let gradients = loss(&trained).backward();
        let mut found = Gradients {
            path: Vec::new(),
            of: &gradients,
            found: Vec::new(),
        };
        trained.visit(&mut found);
        assert!(
            found
                .found
                .iter()
                .any(|(path, _)| path.starts_with("vision."))
        );
        for (path, gradient) in &found.found {
            // Along the gradient itself the loss changes by its norm.
            let norm = gradient.iter().map(|g| g * g).sum::<f32>().sqrt();
            let direction: Vec<f32> = gradient.iter().map(|g| g / norm.max(1e-6)).collect();
            let moved = |by: f32| {
                let (path, wanted) = (Vec::new(), path.as_str());
                let mut along = Along {
                    path,
                    wanted,
                    direction: &direction,
                    by,
                };
                let model = model(&Device::flex()).map(&mut along);
                loss(&model).into_scalar::<f32>()
            };
            let h = 2e-3;
            let difference = (moved(h) - moved(-h)) / (2.0 * h);
            let far = (difference - norm).abs();
            assert!(
                far < 1e-3 + 0.01 * norm,
                "{path}: norm {norm}, difference {difference}"
            );
        }
    }
}
