//! Weights that are in no file: numbers that are made when they are read.

/// Numbers that are made when they are read.
#[derive(Debug, Clone)]
pub(crate) enum Made {
    /// All the same.
    Constant(f32),
    /// Evenly from minus `most` to `most`, each a function of its place.
    Random { seed: u64, most: f32 },
}

impl Made {
    /// As an untrained model has them, with gates half open.
    pub(crate) fn of(name: &str, shape: &[usize], seed: u64) -> Self {
        match shape {
            _ if name.contains(".alpha_") => Made::Constant(0.5),
            [_] if name.ends_with(".weight") => Made::Constant(1.0),
            [_] => Made::Constant(0.0),
            [.., _] => {
                let inputs: usize = shape[1..].iter().product();
                // The variance of even numbers up to 1 is a third.
                let most = (3.0 / inputs.max(1) as f32).sqrt();
                Made::Random { seed, most }
            }
            [] => Made::Constant(0.0),
        }
    }

    /// The element at a place, counted row by row.
    pub(crate) fn at(&self, place: usize) -> f32 {
        match *self {
            Made::Constant(value) => value,
            Made::Random { seed, most } => {
                let number = seed.wrapping_shl(40).wrapping_add(place as u64);
                let even = (mixed(number) >> 40) as f32 / (1u32 << 23) as f32 - 1.0;
                even * most
            }
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
fn mixed(number: u64) -> u64 {
    let x = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_even_as_wide_as_an_untrained_layers_and_the_same_again() {
        let made = || Made::of("language.head.weight", &[7, 5, 2], 3);
        let whole: Vec<f32> = (0..70).map(|place| made().at(place)).collect();
        assert_eq!(whole[69], made().at(69));
        let mean = whole.iter().sum::<f32>() / 70.0;
        let variance = whole.iter().map(|v| v * v).sum::<f32>() / 70.0;
        assert!(
            mean.abs() < 0.1 && (variance - 0.1).abs() < 0.04,
            "{mean} {variance}"
        );
        let constant = |name: &str| Made::of(name, &[4], 0).at(1);
        assert_eq!(
            ["gated.0.alpha_xattn", "a.norm.weight", "a.q.bias"].map(constant),
            [0.5, 1.0, 0.0]
        );
    }
}
