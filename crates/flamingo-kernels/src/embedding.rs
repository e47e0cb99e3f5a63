//! Rows of a table by index.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor};

use crate::linear::affine;
use crate::{Epilogue, Init, PackedWeight, autocast, widened};

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

    /// In the type of the table; within [`autocast`](crate::autocast()) in f32.
    ///
    /// # Shapes
    /// - `indices`: `[n]`
    /// - output: `[n, d]`
    pub fn forward(&self, indices: Tensor<1, Int>) -> Tensor<2> {
        let rows = self.packed.rows(&indices);
        let rows = rows.unwrap_or_else(|| self.weight.val().select(0, indices));
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
        let packed = self.packed.product(&x, &Epilogue::default());
        packed.unwrap_or_else(|| affine(x, self.weight.val(), None))
    }
}
