//! Rows of a table by index.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor};

use crate::linear::affine;
use crate::{Epilogue, Init, PackedWeight};

/// A table of vectors; as a tied head, the same table scores the vocabulary.
#[derive(Module, Debug)]
pub struct Embedding {
    /// `[rows, d]`.
    pub weight: Param<Tensor<2>>,
    /// The table as products read it, where it was loaded so: the table itself, or, if it is quantised, a copy for
    /// [`Embedding::logits`].
    #[module(skip)]
    pub packed: PackedWeight,
}

impl Embedding {
    /// Normal values with standard deviation `std`.
    pub fn new(rows: usize, d: usize, std: f64, init: &mut Init) -> Self {
        let weight = init.normal([rows, d], std);
        let packed = init.packable_table(&weight);
        Self { weight, packed }
    }

    /// # Shapes
    /// - `indices`: `[n]`
    /// - output: `[n, d]`
    pub fn forward(&self, indices: Tensor<1, Int>) -> Tensor<2> {
        let rows = self.packed.rows(&indices);
        rows.unwrap_or_else(|| self.weight.val().select(0, indices))
    }

    /// The product of `x` with every row: a tied output head.
    ///
    /// # Shapes
    /// - `x`: `[n, d]`
    /// - output: `[n, rows]`
    pub fn logits(&self, x: Tensor<2>) -> Tensor<2> {
        let packed = self.packed.product(&x, &Epilogue::default());
        packed.unwrap_or_else(|| affine(x, self.weight.val(), None))
    }
}
