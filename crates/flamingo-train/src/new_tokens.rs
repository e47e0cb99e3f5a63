//! Tokens that a language model gets when it becomes a Flamingo (`<image>`, `<|endofchunk|>`): their
//! rows of its tables learn, and nothing else of it does.
//!
//! The rows begin as small normal numbers. OpenFlamingo trains those of the embedding only; an
//! output head that is a matrix of its own gets rows for them that never learn, so that the end of a
//! chunk could not be predicted: here they learn, too.

use std::ops::Range;

use flamingo_data::stream;
use flamingo_kernels::{Device, Param, Tensor, indices, recorded_on};
use flamingo_model::LanguageModel;
use flamingo_sequence::Tokenizer;
use serde::{Deserialize, Serialize};

use crate::optimiser::{Group, OptimiserSpec};
use crate::regularise::normal;
use crate::tree::{Flat, keep_rows};
use crate::{Error, Result};

/// Standard deviation of new rows, as in most language models.
const STD: f64 = 0.02;

/// How tokens begin that a language model gets when it becomes a Flamingo.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewTokensSpec {
    /// The token of its vocabulary that opens every sequence, where its tokenizer has none for that. Many
    /// models write what they know of no word into the first token: it should not stand for a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bos: Option<String>,
    /// What the token of a picture begins as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Likeness>,
    /// What the token that ends a chunk begins as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_of_chunk: Option<Likeness>,
    /// They stay as they begin: then no gradient is needed of layers before the first gated block.
    pub frozen: bool,
}

/// A row of a table that is made of others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Likeness {
    /// A text: the mean of the rows of its tokens.
    pub like: String,
    /// What the mean is multiplied by: above 1, the token is likelier than the text that it is like.
    #[serde(default = "one")]
    pub times: f64,
}

fn one() -> f64 {
    1.0
}

/// Which rows of a language model's tables learn.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewTokens {
    rows: Vec<usize>,
    /// Rows of tables that they begin as the mean of, and its factor.
    like: Vec<(usize, Vec<usize>, f64)>,
    frozen: bool,
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
    ///
    /// # Errors
    /// If `spec` says how a token begins that is not new, or is like a text without tokens.
    pub(crate) fn new(ids: &[u32], spec: &NewTokensSpec, tokenizer: &Tokenizer) -> Result<Self> {
        let specials = tokenizer.specials();
        let mut like = Vec::new();
        for (key, id, likeness) in [
            ("image", specials.image, &spec.image),
            ("end_of_chunk", specials.end_of_chunk, &spec.end_of_chunk),
        ] {
            let Some(likeness) = likeness else {
                continue;
            };
            let wrong =
                |what: String| Err(Error::contradiction(format!("init.tokens.{key} {what}")));
            if !ids.contains(&id) {
                return wrong(format!(
                    "says how {:?} begins, which the language model has learnt already: leave it out",
                    tokenizer.token(id).unwrap_or_default()
                ));
            }
            let rows = tokenizer.encode(&likeness.like)?;
            if rows.is_empty() {
                return wrong(format!("is like {:?}, which has no token", likeness.like));
            }
            let rows = rows.into_iter().map(|row| row as usize).collect();
            like.push((id as usize, rows, likeness.times));
        }
        Ok(Self {
            rows: ids.iter().map(|&id| id as usize).collect(),
            like,
            frozen: spec.frozen,
            width: 0,
        })
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
        model.learnt_rows = Some(self.rows());
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
        for (row, rows, times) in &self.like {
            let mean = values
                .clone()
                .select(0, indices(rows.iter().copied(), &plain))
                .mean_dim(0);
            values = values.slice_assign([*row..row + 1, 0..width], mean * *times);
        }
        Param::initialized(param.id, recorded_on(values, device)).set_require_grad(!self.frozen)
    }

    /// Whether some rows learn.
    pub(crate) fn learn(&self) -> bool {
        !self.rows.is_empty() && !self.frozen
    }

    /// Takes away the gradients of all other rows.
    pub(crate) fn mask(&self, gradients: &mut Flat) {
        for path in Self::TABLES {
            if self.learn() {
                keep_rows(gradients, path, self.width, &self.rows);
            }
        }
    }

    /// The optimiser with no decay on the tables: it would move the rows that do not learn.
    pub(crate) fn optimiser(&self, spec: &OptimiserSpec) -> OptimiserSpec {
        let mut spec = spec.clone();
        if self.learn() {
            let group = Group {
                parameters: r"^language\.(embed|head)\.weight$".into(),
                weight_decay: Some(0.0),
                ..Group::default()
            };
            spec.group.insert(0, group);
        }
        spec
    }
}
