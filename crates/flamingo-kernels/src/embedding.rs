//! Rows of a table by index.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor};

use crate::linear::affine;
use crate::{Epilogue, Init, QuantisedWeight, autocast, widened};

/// A table of vectors; as a tied head, the same table scores the vocabulary.
#[derive(Module, Debug)]
pub struct Embedding {
    /// `[rows, d]`.
    pub weight: Param<Tensor<2>>,
    /// A copy of it in few bits for [`Embedding::logits`], where it was loaded so.
    #[module(skip)]
    pub quantised: QuantisedWeight,
}

impl Embedding {
    /// Normal values with standard deviation `std`.
    pub fn new(rows: usize, d: usize, std: f64, init: &mut Init) -> Self {
        let weight = init.normal([rows, d], std);
        let quantised = init.quantisable_table(&weight);
        Self { weight, quantised }
    }

    /// In the type of the table; within [`autocast`](crate::autocast()) in f32.
    ///
    /// # Shapes
    /// - `indices`: `[n]`
    /// - output: `[n, d]`
    pub fn forward(&self, indices: Tensor<1, Int>) -> Tensor<2> {
        let rows = self.weight.val().select(0, indices);
        match autocast::in_bf16() {
            true => widened(rows),
            false => rows,
        }
    }

    /// The product of `x` with every row: a tied output head.
    ///
    /// # Shapes
    /// - `x`: `[n, d]`
    /// - output: `[n, rows]`
    pub fn logits(&self, x: Tensor<2>) -> Tensor<2> {
        let quantised = self.quantised.product(&x, &Epilogue::default());
        quantised.unwrap_or_else(|| affine(x, self.weight.val(), None))
    }
}
