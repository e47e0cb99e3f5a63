//! Tensors as rows of numbers.

use flamingo_kernels::Tensor;

/// The rows of a matrix.
pub(crate) fn rows(x: Tensor<2>) -> Vec<Vec<f32>> {
    let [_, width] = x.dims();
    let values = x.into_data().convert::<f32>();
    let values: Vec<f32> = values.try_into_vec().expect("converted to f32");
    values.chunks_exact(width).map(<[f32]>::to_vec).collect()
}
