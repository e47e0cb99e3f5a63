//! A resampler that begins as the mean of its encoder's principal components.
//!
//! A resampler that starts at random first throws away most of what the encoder tells apart, and with few
//! pictures it never learns again what it was not asked for. Begun so, its latents say at the first step
//! what the frozen features say, and a low learning rate keeps that.
//!
//! Features are standardised channel by channel (this is multiplied into the projection; its bias stands in
//! the time embeddings, which are added right behind it) and projected on their principal components. The
//! first layer's values and output are the identity, so that it adds the mean of what its queries look at;
//! all else that a layer would add is 0 at first.

use flamingo_kernels::{Device, Linear, Param, Tensor, floats, recorded_on};
use flamingo_model::PerceiverResampler;
use half::f16;
use rand_chacha::ChaCha8Rng;

use crate::regularise::normal;
use crate::{Error, Result};

/// Positions that the components are found from, at most.
const SAMPLE: usize = 16_384;
/// Rounds of subspace iteration.
const ROUNDS: usize = 12;
/// A channel that moves less than this share of what channels move on average is not blown up further.
const LEAST_DEVIATION: f64 = 0.01;

/// What the features of some pictures are like.
#[derive(Debug)]
pub(crate) struct Components {
    /// Of each channel, `[1, Dv]`.
    mean: Tensor<2>,
    /// Of each channel, `[1, Dv]`.
    deviation: Tensor<2>,
    /// The directions in which standardised features vary most, as rows, `[count, Dv]`.
    directions: Tensor<2>,
}

impl Components {
    /// The `count` principal components of `features`, rows of `width` values.
    ///
    /// # Errors
    /// If there are fewer rows, or fewer channels, than components.
    pub(crate) fn of<'a>(
        features: impl Iterator<Item = &'a [f16]> + Clone,
        width: usize,
        count: usize,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Result<Self> {
        let rows = features
            .clone()
            .map(|values| values.len() / width)
            .sum::<usize>();
        if rows < count || width < count {
            return Err(Error::contradiction(format!(
                "{count} principal components (the resampler's width) are to be found in {rows} positions of {width} channels, for \
                 initial.resampler or mirrored episodes: give more pictures, or a resampler that is less wide"
            )));
        }
        let step = rows.div_ceil(SAMPLE);
        let picked = features
            .flat_map(|values| values.chunks_exact(width))
            .step_by(step);
        let values: Vec<f32> = picked.flatten().map(|v| v.to_f32()).collect();
        let n = values.len() / width;
        let x: Tensor<2> = floats(values, [n, width], device);
        let mean = x.clone().mean_dim(0);
        let x = x - mean.clone();
        let deviation = (x.clone() * x.clone()).mean_dim(0).sqrt();
        let least = deviation.clone().mean().into_scalar::<f32>() as f64 * LEAST_DEVIATION;
        let deviation = deviation.clamp_min(least.max(f64::from(f32::MIN_POSITIVE)));
        let x = x / deviation.clone();
        let mut directions: Tensor<2> = orthonormal(normal([count, width], rng, device));
        for _ in 0..ROUNDS {
            let seen = directions.matmul(x.clone().transpose()); // [count, n]
            directions = orthonormal(seen.matmul(x.clone()) / n as f64);
        }
        Ok(Self {
            mean,
            deviation,
            directions,
        })
    }

    /// Features of `[M, S, Dv]` with the components turned around that each of the `M` names, if it names any:
    /// `x - 2 deviation P' P (x - mean) / deviation`, where `P` has their directions as rows.
    pub(crate) fn mirrored(&self, x: Tensor<3>, mirrors: &[Option<&[bool]>]) -> Tensor<3> {
        let [media, positions, width] = x.dims();
        let [count, _] = self.directions.dims();
        let turned = |mirror: &Option<&[bool]>| match mirror {
            Some(mirror) => mirror.iter().map(|turn| f32::from(*turn) * -2.0).collect(),
            None => vec![0.0; count],
        };
        let turned: Vec<f32> = mirrors.iter().flat_map(turned).collect();
        let turned = floats::<3>(turned, [media, 1, count], &x.device());
        let rows = x.clone().reshape([media * positions, width]);
        let standard = (rows - self.mean.clone()) / self.deviation.clone();
        let seen = standard.matmul(self.directions.clone().transpose()); // [M * S, count]
        let seen = seen.reshape([media, positions, count]) * turned;
        let seen = seen.reshape([media * positions, count]);
        let moved = seen.matmul(self.directions.clone()) * self.deviation.clone();
        x + moved.reshape([media, positions, width])
    }

    /// The resampler that begins as their mean.
    ///
    /// # Errors
    /// If the resampler has no projection or no time embedding, or its heads are not as wide as itself.
    pub(crate) fn begin(&self, mut resampler: PerceiverResampler) -> Result<PerceiverResampler> {
        let refuse = |what: &str| {
            Err(Error::contradiction(format!(
                "initial.resampler = \"components\" {what}"
            )))
        };
        let Some(projection) = &mut resampler.projection else {
            return refuse(
                "needs a resampler of another width than the features: it projects them",
            );
        };
        let Some(time) = &mut resampler.time_embeddings else {
            return refuse(
                "needs resampler.time_embeddings of at least 1: the mean is taken off there",
            );
        };
        let weight = self.directions.clone() / self.deviation.clone(); // [count, Dv]
        let offset = -weight
            .clone()
            .matmul(self.mean.clone().transpose())
            .transpose(); // [1, count]
        let [frames, width] = time.lazy_shape().dims();
        renew(&mut projection.weight, weight);
        *time = renewed(time, offset.expand([frames, width]));
        let inner = resampler.layers[0].v.weight.lazy_shape().dims::<2>()[0];
        if inner != width {
            return refuse(&format!(
                "needs heads * head_dim of the resampler's width: they are {inner} and {width}"
            ));
        }
        for (number, layer) in resampler.layers.iter_mut().enumerate() {
            zero(&mut layer.ffw_out);
            match number {
                0 => [&mut layer.v, &mut layer.out].map(identity),
                _ => [zero(&mut layer.out), ()],
            };
        }
        Ok(resampler)
    }
}

fn identity(linear: &mut Linear) {
    let [width, _] = linear.weight.lazy_shape().dims();
    let device = linear.weight.lazy_device().inner();
    renew(&mut linear.weight, Tensor::eye(width, &device));
}

fn zero(linear: &mut Linear) {
    let [rows, columns] = linear.weight.lazy_shape().dims();
    let device = linear.weight.lazy_device().inner();
    renew(&mut linear.weight, Tensor::zeros([rows, columns], &device));
}

fn renew(param: &mut Param<Tensor<2>>, values: Tensor<2>) {
    *param = renewed(param, values);
}

fn renewed(param: &Param<Tensor<2>>, values: Tensor<2>) -> Param<Tensor<2>> {
    let values = recorded_on(values, &param.lazy_device());
    Param::initialized(param.id, values).set_require_grad(param.is_require_grad())
}

/// The rows made orthonormal in their order, twice by the Cholesky factor of their products: once leaves
/// what single precision loses.
fn orthonormal(rows: Tensor<2>) -> Tensor<2> {
    (0..2).fold(rows, |rows, _| {
        let [count, _] = rows.dims();
        let products = rows.clone().matmul(rows.clone().transpose());
        let values: Vec<f32> = products.into_data().try_to_vec().expect("f32");
        let inverse = inverse_cholesky(&values, count);
        floats::<2>(inverse, [count, count], &rows.device()).matmul(rows)
    })
}

/// The inverse of the lower Cholesky factor of a symmetric matrix.
fn inverse_cholesky(matrix: &[f32], n: usize) -> Vec<f32> {
    let mut lower = vec![0f64; n * n];
    for i in 0..n {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| lower[i * n + k] * lower[j * n + k]).sum();
            let rest = f64::from(matrix[i * n + j]) - known;
            lower[i * n + j] = match i == j {
                // A row that depends on those before it has nothing left.
                true => rest
                    .max(1e-7 * f64::from(matrix[i * n + i]))
                    .max(1e-30)
                    .sqrt(),
                false => rest / lower[j * n + j],
            };
        }
    }
    let mut inverse = vec![0f64; n * n];
    for column in 0..n {
        for i in column..n {
            let own = if i == column { 1.0 } else { 0.0 };
            let known: f64 = (column..i)
                .map(|k| lower[i * n + k] * inverse[k * n + column])
                .sum();
            inverse[i * n + column] = (own - known) / lower[i * n + i];
        }
    }
    inverse.into_iter().map(|v| v as f32).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use flamingo_data::stream;
    use flamingo_kernels::{Activation, Init};
    use flamingo_model::PerceiverResamplerConfig;

    use super::*;

    const WIDTH: usize = 7;

    /// Features around 3 that vary along two directions by 5 and 2, and hardly else; the last channel is
    /// always the same.
    fn features(count: usize) -> Vec<f16> {
        let mut rng = stream(1, "features", &[]);
        let device = Device::flex();
        let noise: Tensor<2> = normal([count, WIDTH + 2], &mut rng, &device);
        let noise: Vec<f32> = noise.into_data().try_to_vec().unwrap();
        let row = |z: &[f32]| {
            let (a, b) = (5.0 * z[0], 2.0 * z[1]);
            let mut row: Vec<f32> = z[2..].iter().map(|z| 3.0 + 0.05 * z).collect();
            for (channel, value) in row.iter_mut().enumerate().take(WIDTH - 1) {
                *value += if channel < 3 { a } else { b };
            }
            row[WIDTH - 1] = 3.0;
            row.into_iter().map(f16::from_f32).collect::<Vec<_>>()
        };
        noise.chunks_exact(WIDTH + 2).flat_map(row).collect()
    }

    fn components(features: &[f16], count: usize) -> Result<Components> {
        let mut rng = stream(2, "components", &[]);
        Components::of(
            [features].into_iter(),
            WIDTH,
            count,
            &mut rng,
            &Device::flex(),
        )
    }

    fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
        x.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn the_directions_are_orthonormal_and_the_first_are_those_of_most_variance() {
        let found = components(&features(500), 3).unwrap();
        let products = values(
            found
                .directions
                .clone()
                .matmul(found.directions.clone().transpose()),
        );
        for (i, value) in products.iter().enumerate() {
            let expected = if i % 4 == 0 { 1.0 } else { 0.0 };
            assert!((value - expected).abs() < 1e-3, "{products:?}");
        }
        // Standardised, each group of three channels is one direction of variance 3.
        let directions = values(found.directions);
        for row in directions.chunks_exact(WIDTH).take(2) {
            let [first, second] = [&row[..3], &row[3..6]].map(|group| {
                let mean = group.iter().sum::<f32>() / 3.0;
                assert!(group.iter().all(|v| (v - mean).abs() < 0.01), "{row:?}");
                mean
            });
            assert!(
                (3.0 * (first * first + second * second) - 1.0).abs() < 0.01,
                "{row:?}"
            );
            assert!(row[6].abs() < 0.01, "{row:?}");
        }
        assert!(components(&features(2), 3).is_err());
    }

    #[test]
    fn a_mirror_turns_its_components_around_the_mean_and_leaves_all_else_as_it_was() {
        let all = features(300);
        let found = components(&all, 3).unwrap();
        let some: Vec<f32> = all[..4 * WIDTH].iter().map(|v| v.to_f32()).collect();
        let x: Tensor<3> = floats(some.clone(), [2, 2, WIDTH], &Device::flex());
        let mirror = [true, false, true];
        let mirrored = found.mirrored(x.clone(), &[None, Some(&mirror)]);
        let seen = |x: Tensor<3>| {
            let standard = (x.reshape([4, WIDTH]) - found.mean.clone()) / found.deviation.clone();
            values(standard.matmul(found.directions.clone().transpose()))
        };
        let (before, after) = (seen(x.clone()), seen(mirrored.clone()));
        for (at, (before, after)) in before.iter().zip(after).enumerate() {
            let expected = if at >= 6 && mirror[at % 3] {
                -before
            } else {
                *before
            };
            assert!((after - expected).abs() < 1e-3, "{at}: {before} {after}");
        }
        let once = values(mirrored.clone());
        assert_eq!(once[..2 * WIDTH], some[..2 * WIDTH]);
        let twice = values(found.mirrored(mirrored, &[None, Some(&mirror)]));
        for (again, x) in twice.iter().zip(some) {
            assert!((again - x).abs() < 1e-3, "{again} {x}");
        }
    }

    fn resampler(width: usize, head_dim: usize, time: usize) -> PerceiverResampler {
        let config = PerceiverResamplerConfig {
            width,
            latents: 2,
            layers: 2,
            heads: 1,
            head_dim,
            ffw_multiple: 2,
            activation: Activation::Gelu,
            time_embeddings: time,
            final_norm: false,
            query_key_norm: false,
            media_embeddings: 0,
            kind: Default::default(),
        };
        PerceiverResampler::new(&config, WIDTH, &mut Init::new(3, &Device::flex()))
    }

    #[test]
    fn latents_move_by_the_mean_of_the_normalised_components_when_all_positions_count_alike() {
        let all = features(500);
        let found = components(&all, 3).unwrap();
        let mut resampler = found.begin(resampler(3, 3, 1)).unwrap();
        // Equal scores: the mean over the positions and, with nothing in them, the latents.
        zero(&mut resampler.layers[0].q);
        let device = Device::flex();
        resampler.latents = Param::from_tensor(Tensor::zeros([2, 3], &device));
        let some: Vec<f32> = all[..5 * WIDTH].iter().map(|v| v.to_f32()).collect();
        let x: Tensor<2> = floats(some, [5, WIDTH], &device);
        let latents = values(resampler.forward(x.clone().reshape([1, 1, 5, WIDTH]), &[]));
        let standard = (x - found.mean) / found.deviation;
        let projected = values(standard.matmul(found.directions.transpose()));
        let mut mean = [0f32; 3];
        for row in projected.chunks_exact(3) {
            let centre = row.iter().sum::<f32>() / 3.0;
            let variance = row.iter().map(|v| (v - centre).powi(2)).sum::<f32>() / 3.0;
            for (sum, v) in mean.iter_mut().zip(row) {
                *sum += (v - centre) / (variance + 1e-5).sqrt() / 7.0;
            }
        }
        for (latent, expected) in latents.iter().zip(mean.iter().chain(&mean)) {
            assert!((latent - expected).abs() < 1e-3, "{latents:?} {mean:?}");
        }
    }

    #[test]
    fn a_resampler_that_cannot_begin_so_is_refused_with_what_it_lacks() {
        let found = components(&features(50), 3).unwrap();
        let told = |resampler| found.begin(resampler).unwrap_err().to_string();
        assert!(told(resampler(3, 5, 1)).contains("they are 5 and 3"));
        assert!(told(resampler(3, 3, 0)).contains("time_embeddings"));
        assert!(told(resampler(WIDTH, WIDTH, 1)).contains("another width"));
    }
}
