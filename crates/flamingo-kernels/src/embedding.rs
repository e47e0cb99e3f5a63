//! Rows of a table by index.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor};

use crate::Init;
use crate::linear::affine;

/// A table of vectors; as a tied head, the same table scores the vocabulary.
#[derive(Module, Debug)]
pub struct Embedding {
    /// `[rows, d]`.
    pub weight: Param<Tensor<2>>,
}

impl Embedding {
    /// Normal values with standard deviation `std`.
    pub fn new(rows: usize, d: usize, std: f64, init: &mut Init) -> Self {
        Self {
            weight: init.normal([rows, d], std),
        }
    }

    /// # Shapes
    /// - `indices`: `[n]`
    /// - output: `[n, d]`
    pub fn forward(&self, indices: Tensor<1, Int>) -> Tensor<2> {
        self.weight.val().select(0, indices)
    }

    /// The product of `x` with every row: a tied output head.
    ///
    /// # Shapes
    /// - `x`: `[n, d]`
    /// - output: `[n, rows]`
    pub fn logits(&self, x: Tensor<2>) -> Tensor<2> {
        affine(x, self.weight.val(), None)
    }
}
