//! What an encoder makes of pictures.

use flamingo_kernels::Tensor;

/// What an encoder makes of pictures.
pub struct Encoded {
    /// Each position, `[F, S, Dv]`.
    pub features: Tensor<3>,
    /// The whole picture, `[F, pooled width]`.
    pub pooled: Tensor<2>,
}

/// A grid of channels as rows of features.
///
/// # Shapes
/// - `x`: `[F, Dv, h, w]`
/// - output: `[F, h * w, Dv]`
pub(super) fn rows(x: Tensor<4>) -> Tensor<3> {
    let [f, d, h, w] = x.dims();
    x.reshape([f, d, h * w]).swap_dims(1, 2)
}
