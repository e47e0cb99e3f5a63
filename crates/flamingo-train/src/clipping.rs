//! Gradients scaled down before an update: unit by unit to a share of the parameters' own size (adaptive gradient
//! clipping; Brock et al., 2021), then all of some parameters together to a norm.

use flamingo_kernels::{Module, Tensor, sum_of_squares};

use crate::tree::{Flat, trained, trained_shapes};

/// A unit counts as having at least this norm, so that parameters that are 0 can leave it.
const LEAST: f64 = 1e-3;

/// The gradient, each unit of it scaled down to `ratio` times the norm of that unit's parameters. A unit is what makes one
/// output: a row of a linear layer `[d_output, d_input]`, a filter of a convolution `[c_output, c_input / groups, k, k]`, all
/// of a vector.
///
/// # Shapes
/// - `gradient`, `values` and output: flat, of `shape`
pub(crate) fn of_units(
    gradient: Tensor<1>,
    values: Tensor<1>,
    shape: &[usize],
    ratio: f64,
) -> Tensor<1> {
    let [n] = gradient.dims();
    let units = match shape {
        [units, _, ..] => *units,
        _ => 1,
    };
    if n == 0 {
        return gradient;
    }
    let norms = |x: Tensor<2>| (x.clone() * x).sum_dim(1).sqrt(); // [units, 1]
    let rows = |x: Tensor<1>| x.reshape([units, n / units]);
    let gradient = rows(gradient);
    let most = norms(rows(values)).clamp_min(LEAST) * ratio;
    let is = norms(gradient.clone()).clamp_min(f64::from(f32::MIN_POSITIVE));
    let scale = (most / is).clamp_max(1.0);
    (gradient * scale).reshape([n])
}

/// Clips the units of every gradient for which `ratio` gives one above 0.
pub(crate) fn clip_units<M: Module>(model: &M, gradients: &mut Flat, ratio: impl Fn(&str) -> f64) {
    let values = trained(model);
    for (path, shape) in trained_shapes(model) {
        let ratio = ratio(&path);
        if ratio > 0.0
            && let Some(gradient) = gradients.remove(&path)
        {
            let clipped = of_units(gradient, values[&path].clone(), &shape, ratio);
            gradients.insert(path, clipped);
        }
    }
}

/// The norm of some gradients together.
pub(crate) fn norm<'a>(gradients: impl Iterator<Item = &'a Tensor<1>>) -> f64 {
    gradients
        .map(|gradient| sum_of_squares(gradient.clone()))
        .sum::<f64>()
        .sqrt()
}

/// What gradients of this norm together are multiplied by; `most` is 0 for no bound.
pub(crate) fn scale(norm: f64, most: f64) -> f64 {
    match most > 0.0 && norm > most {
        true => most / norm,
        false => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use flamingo_kernels::{Device, floats};

    use super::*;

    fn clipped(gradient: &[f32], values: &[f32], shape: &[usize], ratio: f64) -> Vec<f32> {
        let flat = |x: &[f32]| floats(x.to_vec(), [x.len()], &Device::flex());
        let clipped = of_units(flat(gradient), flat(values), shape, ratio);
        clipped.into_data().try_to_vec().expect("f32")
    }

    fn close(found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len());
        for (a, b) in found.iter().zip(expected) {
            assert!(
                (a - b).abs() < 1e-6 * b.abs().max(1.0),
                "{found:?} {expected:?}"
            );
        }
    }

    #[test]
    fn a_row_of_a_linear_layer_is_scaled_to_the_share_of_its_own_norm() {
        // Rows of norms 5, 2 and 0.1, gradients of norms 5, 0.01 and 1; the share is a tenth.
        let values = [3.0, 4.0, 2.0, 0.0, 0.0, 0.1];
        let gradient = [4.0, 3.0, 0.01, 0.0, 0.6, -0.8];
        let expected = [0.4, 0.3, 0.01, 0.0, 0.006, -0.008];
        close(&clipped(&gradient, &values, &[3, 2], 0.1), &expected);
    }

    #[test]
    fn a_filter_of_a_convolution_is_a_unit_whatever_its_inputs_and_kernel() {
        // [2, 1, 2, 2]: norms of the filters 2 and 4, of the gradients 4 and 1.
        let values = [1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0];
        let gradient = [2.0, -2.0, 2.0, 2.0, 0.5, 0.5, 0.5, -0.5];
        let expected = [0.5, -0.5, 0.5, 0.5, 0.5, 0.5, 0.5, -0.5];
        close(&clipped(&gradient, &values, &[2, 1, 2, 2], 0.5), &expected);
        // The same numbers as two inputs of one filter: norms are root 20 and root 17.
        let scale = 0.5 * (20.0f32 / 17.0).sqrt();
        let whole: Vec<f32> = gradient.iter().map(|g| g * scale).collect();
        close(&clipped(&gradient, &values, &[1, 2, 2, 2], 0.5), &whole);
    }

    #[test]
    fn a_vector_is_one_unit_and_what_is_0_counts_as_a_thousandth() {
        let expected = [0.03, 0.04];
        close(&clipped(&[30.0, 40.0], &[3.0, 4.0], &[2], 0.01), &expected);
        close(
            &clipped(&[3.0, -4.0], &[0.0, 0.0], &[2], 0.1),
            &[6e-5, -8e-5],
        );
        close(&clipped(&[0.0, 0.0], &[0.0, 0.0], &[2], 0.1), &[0.0, 0.0]);
    }

    #[test]
    fn a_bound_of_0_is_none() {
        assert_eq!(
            (scale(9.0, 0.0), scale(2.0, 3.0), scale(8.0, 2.0)),
            (1.0, 1.0, 0.25)
        );
    }
}
