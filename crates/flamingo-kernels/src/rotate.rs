//! Rotary positions (Su et al., 2021): pairs of a head's channels turn by an angle of each token.

use burn::tensor::{DType, Tensor};

use crate::attention::{merge_heads, split_heads};
use crate::cpu::tasks::for_each;
use crate::cpu::{self, ALONE, Place};

/// Cosines and sines of the angles that tokens turn by, twice `[B or 1, 1, L, half]`.
pub type Rotations = (Tensor<4>, Tensor<4>);

/// Turns the first `2 half` channels of each head, channel `i` with channel `i + half`.
///
/// # Shapes
/// - `x` and output: `[B, H, L, Dh]`
pub fn rotate(x: Tensor<4>, (cos, sin): &Rotations) -> Tensor<4> {
    let [_, _, _, head_dim] = x.dims();
    let half = cos.dims()[3];
    let (a, b) = (
        x.clone().narrow(3, 0, half),
        x.clone().narrow(3, half, half),
    );
    let (cos, sin) = (cos.clone().cast(x.dtype()), sin.clone().cast(x.dtype()));
    let turned_a = a.clone() * cos.clone() - b.clone() * sin.clone();
    let turned_b = b * cos + a * sin;
    let mut parts = vec![turned_a, turned_b];
    if 2 * half < head_dim {
        parts.push(x.narrow(3, 2 * half, head_dim - 2 * half));
    }
    Tensor::cat(parts, 3)
}

/// [`rotate`] of tokens side by side, where they lie: the same bits.
///
/// # Shapes
/// - `x` and output: `[L, H * Dh]`
/// - `rotations`: twice `[1, 1, L, half]`
///
/// # Panics
/// If there are not as many rotations as tokens, or they turn more channels than a head has.
pub fn rotate_tokens(x: Tensor<2>, heads: usize, rotations: &Rotations) -> Tensor<2> {
    let ([tokens, inner], [_, _, turns, half]) = (x.dims(), rotations.0.dims());
    let head_dim = inner / heads;
    assert!(
        tokens == turns && 2 * half <= head_dim,
        "{turns} rotations of {half} pairs of channels for {tokens} tokens whose heads have {head_dim}"
    );
    let (cos, sin) = rotations;
    let plain = |x: &Tensor<4>| x.dtype() == DType::F32 && cpu::readable(x);
    if x.dtype() != DType::F32 || !cpu::readable(&x) || !plain(cos) || !plain(sin) {
        let heads = split_heads(x.unsqueeze::<3>(), heads);
        return merge_heads(rotate(heads, rotations)).squeeze_dim::<2>(0);
    }
    let [cos, sin] = [cos, sin].map(|x| cpu::contiguous(x.clone()));
    let angles = Angles {
        cos: cpu::elements(&cos),
        sin: cpu::elements(&sin),
        half,
    };
    let turned = cpu::transformed(cpu::primitive(x), |place| {
        let at_once = (ALONE / inner.max(1)).max(1);
        for_each(tokens.div_ceil(at_once), |number| {
            let first = number * at_once;
            for token in first..(first + at_once).min(tokens) {
                for head in 0..heads {
                    let first = token * inner + head * head_dim;
                    // SAFETY: the place has all heads of all tokens, and tasks those of their own.
                    unsafe { angles.turn(token, head_dim, place, first) }
                }
            }
        });
    });
    cpu::wrapped(turned)
}

/// Of all tokens, `[L, half]`.
struct Angles<'a> {
    cos: &'a [f32],
    sin: &'a [f32],
    half: usize,
}

impl Angles<'_> {
    /// Turns a head of a token, the place's numbers from `first` on.
    ///
    /// # Safety
    /// There must be as many, and no one else may read or write them.
    unsafe fn turn(&self, token: usize, head_dim: usize, place: Place, first: usize) {
        let half = self.half;
        let of_token = token * half..(token + 1) * half;
        let (cos, sin) = (&self.cos[of_token.clone()], &self.sin[of_token]);
        // SAFETY: as promised; a number is read before it is written.
        unsafe {
            let (from, to) = (
                place.from.pointer().add(first),
                place.to.pointer().add(first),
            );
            for i in 0..half {
                let (a, b) = (*from.add(i), *from.add(half + i));
                to.add(i).write(a * cos[i] - b * sin[i]);
                to.add(half + i).write(b * cos[i] + a * sin[i]);
            }
            for i in 2 * half..head_dim {
                to.add(i).write(*from.add(i));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Device, Init, floats};

    #[test]
    fn tokens_turn_where_they_lie_as_heads_do() {
        let mut init = Init::new(5, &Device::flex());
        for ([tokens, heads, head_dim], half) in [([5, 3, 7], 3), ([1, 2, 64], 32), ([3, 1, 11], 2)]
        {
            let x: Tensor<2> = init.normal([tokens, heads * head_dim], 1.0).val();
            let rotations = (
                init.normal([1, 1, tokens, half], 1.0).val(),
                init.normal([1, 1, tokens, half], 1.0).val(),
            );
            let apart = split_heads(x.clone().unsqueeze::<3>(), heads);
            let expected = merge_heads(rotate(apart, &rotations)).squeeze_dim::<2>(0);
            // In memory that someone else holds, and in its own.
            let shared = rotate_tokens(x.clone(), heads, &rotations);
            assert_eq!(shared.into_data(), expected.to_data());
            let own = rotate_tokens(x, heads, &rotations);
            assert_eq!(own.into_data(), expected.clone().into_data());
            // What kernels do not read.
            let half_precise = expected.cast(DType::BF16);
            let turned = rotate_tokens(half_precise, heads, &rotations);
            assert_eq!(turned.dims(), [tokens, heads * head_dim]);
        }
    }

    #[test]
    fn a_quarter_turn_swaps_a_pair_and_leaves_the_rest() {
        let device = Device::flex();
        let x = floats(vec![1.0, 2.0, 3.0, 4.0, 5.0], [1, 5], &device);
        let rotations = (
            floats(vec![0.0, 1.0], [1, 1, 1, 2], &device),
            floats(vec![1.0, 0.0], [1, 1, 1, 2], &device),
        );
        let turned = rotate_tokens(x, 1, &rotations).into_data();
        let turned = turned.try_to_vec::<f32>().expect("f32");
        assert_eq!(turned, [-3.0, 2.0, 1.0, 4.0, 5.0]);
    }
}
