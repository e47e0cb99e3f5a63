//! Scaled dot-product attention (Vaswani et al., 2017) over heads.

use burn::tensor::{DType, Tensor, activation};

/// What is added to a score to hide it. Finite, so that a row with nothing to see is a uniform
/// average and not NaN; large enough that any visible score wins by more than f32 can hold.
pub const MASKED: f32 = -1e30;

/// `softmax(q k^T scale + bias) v`; scores are f32 whatever the type of `q`, `k` and `v`, for
/// half-precision numbers can neither hide nor tell apart as many keys as there may be.
///
/// # Shapes
/// - `q`: `[B, H, Lq, Dh]`
/// - `k`, `v`: `[B, H, Lk, Dh]`
/// - `bias`: f32, `[B or 1, H or 1, Lq or 1, Lk]`, with [`MASKED`] where a query must not look
/// - output: `[B, H, Lq, Dh]`
pub fn attention(
    q: Tensor<4>,
    k: Tensor<4>,
    v: Tensor<4>,
    bias: Option<Tensor<4>>,
    scale: f64,
) -> Tensor<4> {
    let dtype = v.dtype();
    let mut scores = (q * scale).matmul(k.transpose()).cast(DType::F32); // [B, H, Lq, Lk]
    if let Some(bias) = bias {
        scores = scores + bias;
    }
    activation::softmax(scores, 3).cast(dtype).matmul(v)
}

/// # Shapes
/// - `x`: `[B, L, H * Dh]`
/// - output: `[B, H, L, Dh]`
pub fn split_heads(x: Tensor<3>, heads: usize) -> Tensor<4> {
    let [b, l, d] = x.dims();
    x.reshape([b, l, heads, d / heads]).swap_dims(1, 2)
}

/// # Shapes
/// - `x`: `[B, H, L, Dh]`
/// - output: `[B, L, H * Dh]`
pub fn merge_heads(x: Tensor<4>) -> Tensor<3> {
    let [b, h, l, dh] = x.dims();
    x.swap_dims(1, 2).reshape([b, l, h * dh])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Device, Init, floats};

    fn random(shape: [usize; 4], seed: u64) -> Tensor<4> {
        Init::new(seed, &Device::flex()).normal(shape, 1.0).val()
    }

    #[test]
    fn heads_split_and_merge_back() {
        let x = Init::new(3, &Device::flex()).normal([2, 5, 21], 1.0).val();
        let y = merge_heads(split_heads(x.clone(), 7));
        assert_eq!(x.into_data(), y.into_data());
    }

    #[test]
    fn a_masked_key_does_not_move_the_output() {
        let (q, k, v) = (
            random([2, 3, 5, 7], 1),
            random([2, 3, 2, 7], 2),
            random([2, 3, 2, 7], 3),
        );
        let bias = floats(vec![0.0, MASKED], [1, 1, 1, 2], &Device::flex());
        let masked = attention(q, k, v.clone(), Some(bias), 0.3);
        let first = v.narrow(2, 0, 1).expand([2, 3, 5, 7]);
        assert_eq!(masked.into_data(), first.into_data());
    }

    #[test]
    fn hidden_keys_stay_hidden_in_half_precision() {
        for dtype in [DType::F16, DType::BF16] {
            let [q, k, v] = [1, 2, 3].map(|seed| random([1, 1, 2, 4], seed).cast(dtype));
            let bias = vec![0.0, MASKED, MASKED, MASKED];
            let bias = floats(bias, [1, 1, 2, 2], &Device::flex());
            let y = attention(q, k, v.clone(), Some(bias), 1.0).cast(DType::F32);
            let [first, second] = [0, 1].map(|row| y.clone().narrow(2, row, 1));
            let values = v.cast(DType::F32);
            let far = |a: Tensor<4>, b: Tensor<4>| (a - b).abs().max().into_scalar::<f32>();
            assert!(far(first, values.clone().narrow(2, 0, 1)) < 1e-6);
            assert!(
                far(second, values.mean_dim(2)) < 1e-2,
                "a uniform average, and finite"
            );
        }
    }

    #[test]
    fn a_row_with_nothing_to_see_is_finite() {
        let (q, k, v) = (
            random([1, 1, 1, 3], 1),
            random([1, 1, 2, 3], 2),
            random([1, 1, 2, 3], 3),
        );
        let bias = floats(vec![MASKED, MASKED], [1, 1, 1, 2], &Device::flex());
        let y = attention(q, k, v, Some(bias), 1.0)
            .into_data()
            .try_to_vec::<f32>()
            .expect("f32");
        assert!(y.iter().all(|value| value.is_finite()));
    }
}
