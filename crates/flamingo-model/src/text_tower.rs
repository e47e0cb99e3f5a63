//! The text tower of contrastive training: a bidirectional transformer whose mean over a text's
//! tokens stands for the text (paper, B.1.3, takes a BERT for it). Without layers and positions it
//! is a bag of tokens.

use flamingo_kernels::{
    Activation, Embedding, Init, MASKED, Module, Norm, Param, Tensor, floats, indices,
};
use serde::{Deserialize, Serialize};

use crate::vision::{Seeing, Transformer, TransformerConfig};

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
}

impl TextTowerConfig {
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
        }
    }

    /// Parameters.
    pub fn parameters(&self) -> u64 {
        let norm = if self.layers > 0 { 2 } else { 0 };
        let rows = self.vocabulary + self.positions + norm;
        (rows * self.width) as u64 + self.transformer().parameters()
    }

    /// Numbers that a training keeps of a token for its backward pass.
    pub(crate) fn kept_per_token(&self) -> u64 {
        (self.transformer().kept_per_token() + 3 * self.width) as u64
    }

    /// Operations (2 a multiply-add) for a text of `tokens`.
    pub fn flops(&self, tokens: usize) -> u64 {
        self.transformer().flops(tokens)
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
            self.transformer().check("text")
        } else {
            Ok(())
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
    /// The layers.
    pub transformer: Transformer,
    /// After the last layer, where there is one.
    pub ln_final: Option<Norm>,
}

/// Standard deviation of untrained embeddings: far enough from 0 that the mean of a few tokens is
/// not moved to another direction by one step of an optimiser.
const EMBEDDING_STD: f64 = 0.5;

impl TextTower {
    /// An untrained tower.
    pub fn new(config: &TextTowerConfig, init: &mut Init) -> Self {
        let d = config.width;
        Self {
            token_embedding: Embedding::new(config.vocabulary, d, EMBEDDING_STD, init),
            positional_embedding: (config.positions > 0)
                .then(|| init.normal([config.positions, d], EMBEDDING_STD)),
            transformer: Transformer::new(&config.transformer(), init),
            ln_final: (config.layers > 0).then(|| Norm::layer(d, init)),
        }
    }

    /// The mean over each text's tokens. `ids` are rows of equal width, row-major, padded behind
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
        if let Some(table) = &self.positional_embedding {
            let table = table.val();
            let learnt = table.dims()[0];
            assert!(
                l <= learnt,
                "texts of {l} tokens, {learnt} learnt positions"
            );
            x = x + table.narrow(0, 0, l).unsqueeze();
        }
        if let Some(norm) = &self.ln_final {
            let padding = |i: usize, length: usize| if i < length { 0.0 } else { MASKED };
            let bias = floats(per_token(lengths, l, padding), [b, 1, 1, l], &device);
            x = norm.forward(self.transformer.forward(x, Seeing::Bias(&bias)));
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
        for config in [config(2, 7), config(0, 0)] {
            assert_eq!(config.parameters(), build(&config).num_params() as u64);
        }
    }

    #[test]
    fn padding_changes_nothing() {
        let tower = build(&config(2, 7));
        let batch = tower.forward(
            &[5, 3, 0, 0, 0, 1, 2, 4, 6, 8, 9, 12, 12, 11, 0],
            &[2, 5, 1],
        );
        assert!(distance(batch.clone().narrow(0, 0, 1), tower.forward(&[5, 3], &[2])) < 1e-5);
        assert!(distance(batch.narrow(0, 2, 1), tower.forward(&[9], &[1])) < 1e-5);
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
        let tower = build(&config(1, 7));
        let text = tower.forward(&[3, 7, 1], &[3]);
        assert!(distance(text.clone(), tower.forward(&[3, 1, 7], &[3])) > 1e-3);
        assert!(distance(text, tower.forward(&[3, 7, 2], &[3])) > 1e-3);
    }
}
