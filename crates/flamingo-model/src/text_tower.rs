//! The text tower of contrastive training: a bidirectional transformer whose mean over a text's
//! tokens stands for the text (paper, B.1.3, takes a BERT for it). Without layers and positions it
//! is a bag of tokens.
//!
//! By default its layers normalise first, as CLIP's do. Those of BERT (Devlin et al., 2019) normalise last, behind
//! embeddings that are normalised, too; and a token of its own can stand for the text, which BERT calls `[CLS]`. Where we
//! differ from BERT: there are no embeddings of segments, for a text is one, and no layer behind the pooling, for the
//! projection to the joint width is one.

use flamingo_kernels::{
    Activation, Embedding, Init, MASKED, Module, Norm, Param, Tensor, floats, indices,
};
use serde::{Deserialize, Serialize};

use crate::vision::{NormPlace, Seeing, Transformer, TransformerConfig};

/// A text tower.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextTowerConfig {
    /// Rows of the token embedding.
    pub vocabulary: usize,
    /// Width of the stream.
    pub width: usize,
    /// Number of layers; 0 for none.
    pub layers: usize,
    /// Attention heads of a layer.
    pub heads: usize,
    /// Hidden width of the feed-forward, as a multiple of `width`.
    pub ffw_multiple: usize,
    /// Activation of the feed-forward.
    pub activation: Activation,
    /// Learnt positions, and so the longest text; 0 for none.
    pub positions: usize,
    /// Where layers normalise, and with [`NormPlace::Last`] the embeddings before them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub norm: NormPlace,
    /// What stands for a text.
    #[serde(default, skip_serializing_if = "is_default")]
    pub pool: TextPool,
}

/// What stands for a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextPool {
    /// The mean over its tokens (the paper).
    #[default]
    Mean,
    /// A learnt token before it, which takes one of the positions.
    ClassToken,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl TextTowerConfig {
    /// Whether it is as all were before there were several places of norms and several pools.
    pub fn is_plain(&self) -> bool {
        is_default(&self.norm) && is_default(&self.pool)
    }

    /// Tokens of the longest text, where positions bound it.
    pub fn longest(&self) -> Option<usize> {
        (self.positions > 0).then(|| self.positions - self.class_tokens())
    }

    fn class_tokens(&self) -> usize {
        usize::from(self.pool == TextPool::ClassToken)
    }

    fn transformer(&self) -> TransformerConfig {
        TransformerConfig {
            width: self.width,
            layers: self.layers,
            heads: self.heads,
            ffw_width: self.ffw_multiple * self.width,
            activation: self.activation,
            norm_epsilon: 1e-5,
            layer_scale: false,
            attention_bias: true,
            gates: false,
            norm: self.norm,
        }
    }

    /// Parameters.
    pub fn parameters(&self) -> u64 {
        let norm = if self.layers > 0 { 2 } else { 0 };
        let rows = self.vocabulary + self.positions + self.class_tokens() + norm;
        (rows * self.width) as u64 + self.transformer().parameters()
    }

    /// Numbers that a training keeps of a token for its backward pass.
    pub(crate) fn kept_per_token(&self) -> u64 {
        (self.transformer().kept_per_token() + 3 * self.width) as u64
    }

    /// Operations (2 a multiply-add) for a text of `tokens`.
    pub fn flops(&self, tokens: usize) -> u64 {
        self.transformer().flops(tokens + self.class_tokens())
    }

    /// What is impossible about the configuration, said with both values.
    pub fn check(&self) -> Result<(), String> {
        if self.vocabulary * self.width == 0 {
            return Err(format!(
                "text.vocabulary {} and text.width {}: give at least 1 of each",
                self.vocabulary, self.width
            ));
        }
        if self.layers > 0 {
            self.transformer().check("text")?;
        } else if !self.is_plain() {
            return Err(format!(
                "text.layers is 0, and text.norm is {:?} and text.pool {:?}, which need layers: leave them out",
                self.norm, self.pool
            ));
        }
        match self.longest() {
            Some(0) => Err(format!(
                "text.positions is {}, which the class token takes: give more",
                self.positions
            )),
            _ => Ok(()),
        }
    }
}

/// The tower.
#[derive(Module, Debug)]
pub struct TextTower {
    /// Token embedding.
    pub token_embedding: Embedding,
    /// `[positions, width]`.
    pub positional_embedding: Option<Param<Tensor<2>>>,
    /// `[width]`, before each text.
    pub class_embedding: Option<Param<Tensor<1>>>,
    /// Of the embeddings, before layers that normalise last.
    pub ln_pre: Option<Norm>,
    /// The layers.
    pub transformer: Transformer,
    /// After the last layer, where there is one that normalises first.
    pub ln_final: Option<Norm>,
}

/// Standard deviation of untrained embeddings: far enough from 0 that the mean of a few tokens is
/// not moved to another direction by one step of an optimiser.
const EMBEDDING_STD: f64 = 0.5;

impl TextTower {
    /// An untrained tower.
    pub fn new(config: &TextTowerConfig, init: &mut Init) -> Self {
        let d = config.width;
        let norm = |place, init: &mut Init| {
            (config.layers > 0 && config.norm == place).then(|| Norm::layer(d, init))
        };
        Self {
            token_embedding: Embedding::new(config.vocabulary, d, EMBEDDING_STD, init),
            positional_embedding: (config.positions > 0)
                .then(|| init.normal([config.positions, d], EMBEDDING_STD)),
            class_embedding: (config.pool == TextPool::ClassToken)
                .then(|| init.normal([d], EMBEDDING_STD)),
            ln_pre: norm(NormPlace::Last, init),
            transformer: Transformer::new(&config.transformer(), init),
            ln_final: norm(NormPlace::First, init),
        }
    }

    /// What stands for each text: the mean over its tokens, or the token before it. `ids` are rows of equal width, row-major, padded behind
    /// their `lengths`; what is there as padding does not matter.
    ///
    /// # Shapes
    /// - output: `[lengths.len(), width]`
    ///
    /// # Panics
    /// If rows are not of equal width, or longer than the learnt positions.
    pub fn forward(&self, ids: &[u32], lengths: &[usize]) -> Tensor<2> {
        let device = self.token_embedding.weight.device();
        let (b, l) = (lengths.len(), ids.len() / lengths.len().max(1));
        assert_eq!(
            ids.len(),
            b * l,
            "{} ids in {b} texts of equal width",
            ids.len()
        );
        let x = self
            .token_embedding
            .forward(indices(ids.iter().map(|&id| id as usize), &device));
        let d = x.dims()[1];
        let mut x: Tensor<3> = x.reshape([b, l, d]);
        let before = usize::from(self.class_embedding.is_some());
        if let Some(class) = &self.class_embedding {
            let class = class.val().reshape([1, 1, d]).expand([b, 1, d]);
            x = Tensor::cat(vec![class.cast(x.dtype()), x], 1); // [B, 1 + L, width]
        }
        let l = l + before;
        if let Some(table) = &self.positional_embedding {
            let table = table.val();
            let learnt = table.dims()[0];
            assert!(
                l <= learnt,
                "texts of {l} tokens, {learnt} learnt positions"
            );
            x = x + table.narrow(0, 0, l).unsqueeze();
        }
        if let Some(norm) = &self.ln_pre {
            x = norm.forward(x);
        }
        if !self.transformer.resblocks.is_empty() {
            let padding = |i: usize, length: usize| match i < before + length {
                true => 0.0,
                false => MASKED,
            };
            let bias = floats(per_token(lengths, l, padding), [b, 1, 1, l], &device);
            x = self.transformer.forward(x, Seeing::Bias(&bias));
        }
        if let Some(norm) = &self.ln_final {
            x = norm.forward(x);
        }
        if before > 0 {
            return x.narrow(1, 0, 1).squeeze_dim(1); // [B, width]
        }
        let share = |i, length: usize| if i < length { 1.0 / length as f32 } else { 0.0 };
        let shares: Tensor<3> = floats(per_token(lengths, l, share), [b, 1, l], &device);
        shares.cast(x.dtype()).matmul(x).squeeze_dim(1) // [B, width]
    }
}

/// `value(place, length of the text)` for each token of rows of `width`.
fn per_token(lengths: &[usize], width: usize, value: impl Fn(usize, usize) -> f32) -> Vec<f32> {
    let row = |&length: &usize| (0..width).map(move |i| (i, length));
    lengths
        .iter()
        .flat_map(row)
        .map(|(i, length)| value(i, length))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flamingo_kernels::Device;

    fn config(layers: usize, positions: usize) -> TextTowerConfig {
        TextTowerConfig {
            vocabulary: 13,
            width: 10,
            layers,
            heads: 2,
            ffw_multiple: 3,
            activation: Activation::Gelu,
            positions,
            norm: NormPlace::First,
            pool: TextPool::Mean,
        }
    }

    /// A BERT whose class token stands for a text.
    fn bert() -> TextTowerConfig {
        TextTowerConfig {
            norm: NormPlace::Last,
            pool: TextPool::ClassToken,
            ..config(2, 7)
        }
    }

    fn build(config: &TextTowerConfig) -> TextTower {
        TextTower::new(config, &mut Init::new(1, &Device::flex()))
    }

    fn distance(a: Tensor<2>, b: Tensor<2>) -> f32 {
        (a - b).abs().max().into_scalar()
    }

    #[test]
    fn parameters_are_counted_as_they_are_built() {
        for config in [config(2, 7), config(0, 0), bert()] {
            assert_eq!(config.parameters(), build(&config).num_params() as u64);
        }
    }

    #[test]
    fn padding_changes_nothing() {
        for config in [config(2, 7), bert()] {
            let tower = build(&config);
            let batch = tower.forward(
                &[5, 3, 0, 0, 0, 1, 2, 4, 6, 8, 9, 12, 12, 11, 0],
                &[2, 5, 1],
            );
            let alone = tower.forward(&[5, 3], &[2]);
            assert!(distance(batch.clone().narrow(0, 0, 1), alone) < 1e-5);
            assert!(distance(batch.narrow(0, 2, 1), tower.forward(&[9], &[1])) < 1e-5);
        }
    }

    #[test]
    fn layers_that_normalise_last_leave_a_normalised_stream() {
        // Untrained norms neither scale nor shift: what stands for a text has mean 0 and variance 1.
        let text = build(&bert()).forward(&[3, 7, 1], &[3]);
        let values: Vec<f32> = text.into_data().try_to_vec().expect("f32");
        let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
        let squares: Vec<f32> = values.iter().map(|v| v * v).collect();
        assert!(mean(&values).abs() < 1e-5 && (mean(&squares) - 1.0).abs() < 1e-3);
    }

    #[test]
    fn a_class_token_takes_a_position_and_needs_layers() {
        assert_eq!(
            (bert().longest(), config(2, 7).longest()),
            (Some(6), Some(7))
        );
        assert_eq!(config(2, 0).longest(), None);
        let full = build(&bert()).forward(&[1, 2, 3, 4, 5, 6], &[6]);
        assert_eq!(full.dims(), [1, 10]);
        let told = |layers, positions| {
            let config = TextTowerConfig {
                layers,
                positions,
                ..bert()
            };
            config.check().expect_err("it is impossible")
        };
        assert!(told(0, 7).contains("text.pool ClassToken"));
        assert!(told(1, 1).contains("text.positions is 1"));
    }

    #[test]
    fn without_layers_a_text_is_the_mean_of_its_tokens() {
        let tower = build(&config(0, 0));
        let rows = tower.token_embedding.weight.val();
        let mean = (rows.clone().narrow(0, 3, 1) + rows.narrow(0, 7, 1)) / 2.0;
        assert!(distance(tower.forward(&[3, 7, 1], &[2]), mean) < 1e-6);
    }

    #[test]
    fn later_tokens_move_earlier_ones_and_order_matters() {
        for config in [config(1, 7), bert()] {
            let tower = build(&config);
            let text = tower.forward(&[3, 7, 1], &[3]);
            assert!(distance(text.clone(), tower.forward(&[3, 1, 7], &[3])) > 1e-3);
            assert!(distance(text, tower.forward(&[3, 7, 2], &[3])) > 1e-3);
        }
    }
}
