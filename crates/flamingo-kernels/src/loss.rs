//! Cross-entropy and log-probabilities over a vocabulary.

use burn::tensor::{DType, Device, Int, Tensor, activation};
use rayon::prelude::*;

use crate::indices;

/// A loss: its value, and the tensor whose backward pass gives the gradients.
pub struct Loss {
    /// Mean over the targets, in nats.
    pub mean: Tensor<1>,
    /// How many targets there were.
    pub targets: usize,
}

/// The loss of tokens that follow, and which of them were foreseen.
pub struct Predicted {
    /// Mean cross-entropy.
    pub loss: Loss,
    /// Of each target, whether it was the likeliest.
    pub right: Vec<bool>,
}

/// Log-probabilities of `targets` under `logits`.
///
/// # Shapes
/// - `logits`: `[n, V]`
/// - `targets`: `n` indices into the vocabulary
/// - output: `[n]`
pub fn log_probabilities(logits: Tensor<2>, targets: &[usize]) -> Tensor<1> {
    let [n, vocabulary] = logits.dims();
    assert_eq!(
        n,
        targets.len(),
        "{n} rows of logits, {} targets",
        targets.len()
    );
    assert!(
        targets.iter().all(|&t| t < vocabulary),
        "a target lies outside the vocabulary"
    );
    let targets: Tensor<2, Int> =
        indices(targets.iter().copied(), &logits.device()).unsqueeze_dim(1);
    activation::log_softmax(logits, 1)
        .gather(1, targets)
        .squeeze_dim(1)
}

/// Mean cross-entropy of `targets` under `logits`, with optional label smoothing (the target gets
/// `1 - smoothing`, the rest of the mass is spread evenly over the vocabulary).
///
/// On the processor value and gradient are computed together in one pass over the logits,
/// elsewhere by tensor operations.
///
/// # Shapes
/// - `logits`: `[n, V]`, `n > 0`
/// - `targets`: `n` indices into the vocabulary
pub fn cross_entropy(logits: Tensor<2>, targets: &[usize], smoothing: f64) -> Loss {
    let [n, vocabulary] = logits.dims();
    assert_eq!(
        n,
        targets.len(),
        "{n} rows of logits, {} targets",
        targets.len()
    );
    assert!(n > 0, "cross-entropy of no targets");
    assert!(
        targets.iter().all(|&t| t < vocabulary),
        "a target lies outside the vocabulary"
    );
    let on_processor = logits.device().inner() == Device::flex();
    let mean = if on_processor && logits.dtype() == DType::F32 {
        fused(logits, targets, smoothing)
    } else {
        plain(logits, targets, smoothing)
    };
    Loss { mean, targets: n }
}

/// [`cross_entropy`] of the tokens that follow, by all their scores at once.
///
/// # Shapes
/// - `logits`: `[n, V]`
/// - `targets`: `n` indices into the vocabulary
pub fn predicted(logits: Tensor<2>, targets: &[usize]) -> Predicted {
    let found = logits
        .clone()
        .inner()
        .argmax(1)
        .into_data()
        .convert::<i64>();
    let found: Vec<i64> = found.try_to_vec().expect("converted to i64");
    let pairs = found.into_iter().zip(targets);
    Predicted {
        right: pairs
            .map(|(found, target)| found == *target as i64)
            .collect(),
        loss: cross_entropy(logits, targets, 0.0),
    }
}

fn plain(logits: Tensor<2>, targets: &[usize], smoothing: f64) -> Tensor<1> {
    let mean = -log_probabilities(logits.clone(), targets).mean();
    if smoothing == 0.0 {
        return mean;
    }
    let uniform = -activation::log_softmax(logits, 1).mean();
    mean * (1.0 - smoothing) + uniform * smoothing
}

/// The loss and its gradient by our own loop. The gradient enters the framework's backward pass as
/// the constant factor of a product whose own value is taken away again.
fn fused(logits: Tensor<2>, targets: &[usize], smoothing: f64) -> Tensor<1> {
    let (shape, device) = (logits.dims(), logits.device());
    let vocabulary = shape[1];
    let mut values = logits
        .clone()
        .detach()
        .into_data()
        .try_into_vec::<f32>()
        .expect("f32");
    let losses: Vec<f64> = values
        .par_chunks_mut(vocabulary)
        .zip(targets)
        .map(|(row, &target)| row_loss(row, target, smoothing as f32, targets.len() as f32))
        .collect();
    let mean = losses.iter().sum::<f64>() / targets.len() as f64;
    if !logits.is_autodiff() {
        return crate::floats(vec![mean as f32], [1], &device);
    }
    let product = (logits * crate::floats(values, shape, &device)).sum();
    product.clone() - product.detach() + mean
}

/// Turns a row of logits into the gradient of the mean loss, and returns the row's loss.
pub(crate) fn row_loss(row: &mut [f32], target: usize, smoothing: f32, rows: f32) -> f64 {
    let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum_of_logits: f64 = row.iter().map(|&x| f64::from(x - highest)).sum();
    let at_target = f64::from(row[target] - highest);
    let mut sum = 0.0;
    for x in row.iter_mut() {
        *x = (*x - highest).exp();
        sum += *x;
    }
    let (log_sum, even) = (f64::from(sum).ln(), smoothing / row.len() as f32);
    let scale = 1.0 / (sum * rows);
    for x in row.iter_mut() {
        *x = *x * scale - even / rows;
    }
    row[target] -= (1.0 - smoothing) / rows;
    let uniform = log_sum - sum_of_logits / row.len() as f64;
    f64::from(1.0 - smoothing) * (log_sum - at_target) + f64::from(smoothing) * uniform
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Device, floats};

    #[test]
    fn cross_entropy_is_the_mean_negative_log_probability() {
        let logits = floats(vec![0.0, 0.0, 1.0, 3.0, 1.0, 1.0], [2, 3], &Device::flex());
        let value = cross_entropy(logits, &[2, 0], 0.0)
            .mean
            .into_scalar::<f32>();
        let e = 1f32.exp();
        let first = -(e / (2.0 + e)).ln();
        let second = -(3f32.exp() / (3f32.exp() + 2.0 * e)).ln();
        assert!((value - (first + second) / 2.0).abs() < 1e-6);
    }

    #[test]
    fn the_fused_loss_and_its_gradient_are_those_of_the_plain_one() {
        let device = Device::flex().autodiff();
        let values = [0.3, -1.0, 2.0, 0.1, 5.0, -0.7, 0.0, 1.1, 0.9, -2.0];
        for smoothing in [0.0, 0.1] {
            let run = |loss: fn(Tensor<2>, &[usize], f64) -> Tensor<1>| {
                let logits = floats(values.to_vec(), [2, 5], &device).require_grad();
                let loss = loss(logits.clone() * 3.0, &[1, 4], smoothing) * 0.5;
                let gradient = logits.grad(&loss.backward()).expect("a gradient");
                (
                    loss.into_scalar::<f32>(),
                    gradient.into_data().try_into_vec::<f32>().expect("f32"),
                )
            };
            let ((a, da), (b, db)) = (run(fused), run(plain));
            assert!((a - b).abs() < 1e-5, "{a} {b}");
            for (a, b) in da.iter().zip(&db) {
                assert!((a - b).abs() < 1e-6, "{da:?} {db:?}");
            }
        }
    }

    #[test]
    fn smoothing_moves_mass_to_all_classes_alike() {
        let logits = || floats(vec![2.0, 0.0], [1, 2], &Device::flex());
        let ends =
            [0usize, 1].map(|t| cross_entropy(logits(), &[t], 0.0).mean.into_scalar::<f32>());
        let smooth = cross_entropy(logits(), &[0], 0.2).mean.into_scalar::<f32>();
        assert!((smooth - (0.9 * ends[0] + 0.1 * ends[1])).abs() < 1e-6);
    }
}
