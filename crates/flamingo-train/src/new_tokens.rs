//! Tokens that a language model gets when it becomes a Flamingo (`<image>`, `<|endofchunk|>`): their
//! rows of its tables learn, and nothing else of it does.
//!
//! The rows begin as small normal numbers. OpenFlamingo trains those of the embedding only; an
//! output head that is a matrix of its own gets rows for them that never learn, so that the end of a
//! chunk could not be predicted: here they learn, too.

use std::ops::Range;

use flamingo_data::stream;
use flamingo_kernels::{Device, Param, Tensor};
use flamingo_model::LanguageModel;

use crate::optimiser::{Group, OptimiserSpec};
use crate::regularise::normal;
use crate::tree::{Flat, keep_rows};

/// Standard deviation of new rows, as in most language models.
const STD: f64 = 0.02;

/// Which rows of a language model's tables learn.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewTokens {
    rows: Vec<usize>,
    /// Columns of the tables.
    width: usize,
}

impl NewTokens {
    /// The tables that have a row for each token.
    pub(crate) const TABLES: [&str; 2] = ["language.embed.weight", "language.head.weight"];

    /// The rows, from the first to the last.
    pub(crate) fn rows(&self) -> Range<usize> {
        let first = self.rows.first().copied().unwrap_or(0);
        first..self.rows.last().map_or(first, |last| last + 1)
    }

    /// The tokens `ids`; none, and nothing learns.
    pub(crate) fn new(ids: &[u32]) -> Self {
        Self {
            rows: ids.iter().map(|&id| id as usize).collect(),
            width: 0,
        }
    }

    /// The frozen model with first values in the new rows, and its tables ready to learn.
    pub(crate) fn begin(
        &mut self,
        mut model: LanguageModel,
        seed: u64,
        device: &Device,
    ) -> LanguageModel {
        if self.rows.is_empty() {
            return model;
        }
        let table = &model.embed.weight;
        self.width = table.lazy_shape()[1];
        model.embed.weight = self.renewed(table, seed, 0, device);
        if let Some(head) = &mut model.head {
            head.weight = self.renewed(&head.weight, seed, 1, device);
        }
        model
    }

    fn renewed(
        &self,
        param: &Param<Tensor<2>>,
        seed: u64,
        table: u64,
        device: &Device,
    ) -> Param<Tensor<2>> {
        let (mut values, width) = (param.val().inner(), self.width);
        let plain = device.clone().inner();
        for &row in &self.rows {
            let mut rng = stream(seed, "new tokens", &[table, row as u64]);
            let fresh: Tensor<2> = normal([1, width], &mut rng, &plain) * STD;
            values = values.slice_assign([row..row + 1, 0..width], fresh);
        }
        Param::initialized(param.id, Tensor::from_inner(values)).set_require_grad(true)
    }

    /// Takes away the gradients of all other rows.
    pub(crate) fn mask(&self, gradients: &mut Flat) {
        for path in Self::TABLES {
            if !self.rows.is_empty() {
                keep_rows(gradients, path, self.width, &self.rows);
            }
        }
    }

    /// The optimiser with no decay on the tables: it would move the rows that do not learn.
    pub(crate) fn optimiser(&self, spec: &OptimiserSpec) -> OptimiserSpec {
        let mut spec = spec.clone();
        if !self.rows.is_empty() {
            let group = Group {
                parameters: r"^language\.(embed|head)\.weight$".into(),
                rate: 1.0,
                weight_decay: Some(0.0),
                frozen: false,
            };
            spec.group.insert(0, group);
        }
        spec
    }
}
