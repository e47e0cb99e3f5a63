//! What a token's place adds: causal masks, ALiBi slopes, rotations, sinusoids of distances.
//! Everything here is a function of integers.

use flamingo_kernels::{Device, MASKED, Rotations, Tensor, floats};

use super::config::{AlibiSlopes, LanguageConfig, Positions, RotaryScaling};

/// Place of a padded token.
pub const PADDED: i64 = -1;

/// Score biases of queries at `queries` over keys at `keys` (each `rows` rows): hidden where the
/// key is padding or lies after the query, else `-slope * distance`. From a query that is padding
/// everything is hidden alike, so that it averages over all keys, as in the peers: what it gives is
/// read by no one, but by a loss of theirs.
///
/// # Shapes
/// - output: `[B or 1, H or 1, Lq, Lk]`; one row if all rows are alike, one head without slopes;
///   none if nothing is hidden and there are no slopes
pub(crate) fn score_bias(
    queries: &[Vec<i64>],
    keys: &[Vec<i64>],
    slopes: Option<&[f32]>,
    device: &Device,
) -> Option<Tensor<4>> {
    let alike = queries.iter().all(|q| *q == queries[0]) && keys.iter().all(|k| *k == keys[0]);
    let rows = if alike { 1 } else { queries.len() };
    let slopes = slopes.unwrap_or(&[0.0]);
    let (lq, lk) = (queries[0].len(), keys[0].len());
    let mut bias = Vec::with_capacity(rows * slopes.len() * lq * lk);
    for (queries, keys) in queries.iter().zip(keys).take(rows) {
        for slope in slopes {
            for &q in queries {
                bias.extend(keys.iter().map(|&k| one_bias(q, k, *slope)));
            }
        }
    }
    let needed = bias.iter().any(|&value| value != 0.0);
    needed.then(|| floats(bias, [rows, slopes.len(), lq, lk], device))
}

fn one_bias(query: i64, key: i64, slope: f32) -> f32 {
    if key == PADDED || query == PADDED || key > query {
        MASKED
    } else {
        slope * (key - query) as f32
    }
}

/// ALiBi's slopes: `2^(-max h / H)` for a power of two (Press et al., 2021, with a `max` of 8), else
/// as `slopes` says.
pub(crate) fn alibi_slopes(heads: usize, max: f64, slopes: AlibiSlopes) -> Vec<f32> {
    let power = match slopes {
        AlibiSlopes::Interleaved => heads.next_power_of_two(),
        AlibiSlopes::Even => heads,
    };
    let slope = |h: usize| 2f64.powf(-max * h as f64 / power as f64) as f32;
    if power == heads {
        return (1..=heads).map(slope).collect();
    }
    let odd = (2..=power).step_by(2).map(slope);
    let even = (1..=power).step_by(2).map(slope);
    odd.chain(even).take(heads).collect()
}

/// How a head's channels turn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rotary {
    /// Channels that turn.
    pub(crate) rotated: usize,
    pub(crate) base: f64,
    pub(crate) scaling: Option<RotaryScaling>,
}

impl Rotary {
    /// Of a model with rotary positions.
    pub(crate) fn of(config: &LanguageConfig) -> Option<Self> {
        match config.positions {
            Positions::Rotary {
                fraction,
                base,
                scaling,
            } => Some(Self {
                rotated: config.rotated(fraction),
                base,
                scaling,
            }),
            _ => None,
        }
    }

    /// Radians a token, for each pair of channels.
    fn frequencies(&self) -> Vec<f64> {
        let frequency = |i: usize| {
            let plain = self.base.powf(-2.0 * i as f64 / self.rotated as f64);
            self.scaling.map_or(plain, |scaling| scaling.scaled(plain))
        };
        (0..self.rotated / 2).map(frequency).collect()
    }
}

/// Cosines and sines of rotary positions.
///
/// # Shapes
/// - output: twice `[B, 1, L, rotated / 2]`
pub(crate) fn rotations(positions: &[Vec<i64>], rotary: Rotary, device: &Device) -> Rotations {
    let frequencies = rotary.frequencies();
    let half = frequencies.len();
    let (rows, l) = (positions.len(), positions[0].len());
    let mut angles = Vec::with_capacity(rows * l * half);
    for &position in positions.iter().flatten() {
        let position = position.max(0) as f64;
        angles.extend(frequencies.iter().map(|frequency| position * frequency));
    }
    let table = |f: fn(f64) -> f64| {
        let values = angles.iter().map(|&angle| f(angle) as f32).collect();
        floats(values, [rows, 1, l, half], device)
    };
    (table(f64::cos), table(f64::sin))
}

/// Sinusoids of the distances `0..distances`: sines, then cosines (Dai et al., 2019).
///
/// # Shapes
/// - output: `[distances, width]`
pub(crate) fn sinusoids(distances: usize, width: usize, device: &Device) -> Tensor<2> {
    let half = width.div_ceil(2);
    let mut values = Vec::with_capacity(distances * width);
    for distance in 0..distances {
        let angle = |i: usize| distance as f64 * 10_000f64.powf(-(i as f64) / half as f64);
        values.extend((0..half).map(|i| angle(i).sin() as f32));
        values.extend((0..width - half).map(|i| angle(i).cos() as f32));
    }
    floats(values, [distances, width], device)
}

#[cfg(test)]
mod tests {
    use flamingo_kernels::rotate;

    use super::*;

    #[test]
    fn a_query_sees_itself_and_what_came_before_but_no_padding() {
        let positions = vec![vec![0, 1, 2], vec![0, 1, PADDED]];
        let bias = score_bias(&positions, &positions, None, &Device::flex()).expect("hides");
        assert_eq!(bias.dims(), [2, 1, 3, 3]);
        let hidden: Vec<bool> = bias
            .into_data()
            .try_to_vec::<f32>()
            .expect("f32")
            .iter()
            .map(|&v| v == MASKED)
            .collect();
        let first = [false, true, true, false, false, true, false, false, false];
        let second = [false, true, true, false, false, true, true, true, true];
        assert_eq!(hidden, [first, second].concat());
    }

    #[test]
    fn a_single_new_token_needs_no_mask() {
        assert!(score_bias(&[vec![2]], &[vec![0, 1, 2]], None, &Device::flex()).is_none());
    }

    #[test]
    fn slopes_of_eight_and_of_six_heads_are_those_of_the_paper() {
        assert_eq!(
            alibi_slopes(8, 8.0, AlibiSlopes::Interleaved)[..3],
            [0.5, 0.25, 0.125]
        );
        assert_eq!(alibi_slopes(6, 8.0, AlibiSlopes::Interleaved).len(), 6);
        assert_eq!(
            alibi_slopes(6, 8.0, AlibiSlopes::Interleaved)[..4],
            [0.25, 0.0625, 0.015625, 0.00390625]
        );
        assert_eq!(
            alibi_slopes(6, 8.0, AlibiSlopes::Interleaved)[4..],
            [0.5, 0.125]
        );
        assert_eq!(
            alibi_slopes(2, 8.0, AlibiSlopes::Even),
            [0.0625, 0.00390625]
        );
        assert_eq!(
            alibi_slopes(3, 6.0, AlibiSlopes::Even),
            [0.25, 0.0625, 0.015625]
        );
    }

    #[test]
    fn scores_of_rotated_vectors_depend_on_the_distance_only() {
        let device = Device::flex();
        let rotary = Rotary {
            rotated: 4,
            base: 100.0,
            scaling: None,
        };
        let score = |q: i64, k: i64| {
            let x = floats(vec![0.3, -1.0, 0.7, 0.2, 0.9], [1, 1, 1, 5], &device);
            let a = rotate(x.clone(), &rotations(&[vec![q]], rotary, &device));
            let b = rotate(x.flip([3]), &rotations(&[vec![k]], rotary, &device));
            (a * b).sum().into_scalar::<f32>()
        };
        assert!((score(7, 3) - score(11, 7)).abs() < 1e-5);
        assert!((score(7, 3) - score(7, 4)).abs() > 1e-3);
    }

    #[test]
    fn fast_turns_stay_slow_ones_are_slowed_and_between_them_there_is_a_ramp() {
        let scaling = RotaryScaling {
            factor: 8.0,
            low: 1.0,
            high: 4.0,
            original_length: 8192,
        };
        let of_turns = |turns: f64| {
            let frequency = turns * std::f64::consts::TAU / 8192.0;
            scaling.scaled(frequency) / frequency
        };
        assert_eq!([4.0, 5.0, 1000.0].map(of_turns), [1.0; 3]);
        assert_eq!([1.0, 0.5, 0.01].map(of_turns), [0.125; 3]);
        assert!((of_turns(2.5) - 0.5625).abs() < 1e-12);
    }
}
