//! What this machine can do at most, measured: the rate of a large product, and of reading and copying
//! memory that no cache holds.

use flamingo::kernels::{
    self, Bf16Matrix, DType, Device, Init, Linear, PackedMatrix, QuantKind, QuantisedMatrix, Tensor,
};
use rayon::prelude::*;
use serde::Serialize;

use super::clock::time;

/// The limits.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    /// Of a product `[1024, 768] x [768, 3072]` in f32, in 10^9 operations a second (2 a multiply-add).
    pub(crate) product_gflop_s: f64,
    /// Of the same in bf16.
    pub(crate) product_bf16_gflop_s: f64,
    /// Of the same with weights in `q8_0`.
    pub(crate) product_int8_gflop_s: f64,
    /// Bytes read and written of a copy, 10^9 a second.
    pub(crate) copy_gb_s: f64,
    /// Bytes read of a sum, 10^9 a second.
    pub(crate) read_gb_s: f64,
}

impl Machine {
    /// The better of two measurements of each limit.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            product_gflop_s: self.product_gflop_s.max(other.product_gflop_s),
            product_bf16_gflop_s: self.product_bf16_gflop_s.max(other.product_bf16_gflop_s),
            product_int8_gflop_s: self.product_int8_gflop_s.max(other.product_int8_gflop_s),
            copy_gb_s: self.copy_gb_s.max(other.copy_gb_s),
            read_gb_s: self.read_gb_s.max(other.read_gb_s),
        }
    }
}

/// Elements of the memory that is read.
const LARGE: usize = 64 << 20;

/// Measures the limits, on all threads; takes about two seconds.
pub(crate) fn measure() -> Machine {
    let [rows, inner, columns] = [1024, 768, 3072];
    let mut init = Init::new(1, &Device::flex());
    let x = init.normal([rows, inner], 1.0).val();
    let layer = Linear::new(inner, columns, false, &mut init);
    let rate = |layer: &Linear, x: &Tensor<2>| {
        let times = time(16, || x.clone(), |x: Tensor<2>| drop(layer.forward(x)));
        2.0 * (rows * inner * columns) as f64 / 1e9 / times.best_s
    };
    let product = rate(&layer, &x);
    let of_weights = layer.weight.val().into_data();
    let values = of_weights.as_slice::<f32>().expect("made in f32");
    let mut packed = |matrix: PackedMatrix| {
        let layer = Linear::new(inner, columns, false, &mut init);
        layer.packed.set(matrix);
        layer
    };
    let in_bf16 = packed(Bf16Matrix::nearest([columns, inner], values).into());
    let in_bf16 = rate(&in_bf16, &x.clone().cast(DType::BF16));
    let in_int8 = QuantisedMatrix::nearest(QuantKind::Q8_0, [columns, inner], values);
    let in_int8 = packed(in_int8.expect("normal numbers in whole blocks").into());
    let in_int8 = rate(&in_int8, &x);
    let (from, mut to) = (vec![1.0f32; LARGE], vec![0.0f32; LARGE]);
    let chunk = LARGE / (4 * rayon::current_num_threads());
    let copy = time(
        16,
        || (),
        |()| {
            let parts = to.par_chunks_mut(chunk).zip(from.par_chunks(chunk));
            parts.for_each(|(to, from)| to.copy_from_slice(from));
        },
    );
    let read = time(
        16,
        || (),
        |()| {
            std::hint::black_box(from.par_chunks(chunk).map(kernels::sum).sum::<f32>());
        },
    );
    let bytes = (LARGE * 4) as f64 / 1e9;
    Machine {
        product_gflop_s: product,
        product_bf16_gflop_s: in_bf16,
        product_int8_gflop_s: in_int8,
        copy_gb_s: 2.0 * bytes / copy.best_s,
        read_gb_s: bytes / read.best_s,
    }
}
