//! A decoder-only language model whose one configuration covers Chinchilla, GPT-2, OPT, GPT-NeoX,
//! MPT and LLaMA. It knows nothing of images: [`LanguageModel::hidden`] hands the stream out before
//! each layer, and what is done to it there is the caller's affair.

mod attention;
mod config;
mod positions;

use flamingo_kernels::{Activation, Embedding, Init, Linear, Module, Norm, Tensor, indices};

pub use attention::{Places, RelativePositions, SelfAttention};
pub use config::{AlibiSlopes, LanguageConfig, Positions, QueryKeyNorm, Residual};
pub use positions::PADDED;

/// A language model.
#[derive(Module, Debug)]
pub struct LanguageModel {
    /// Token embedding, `[V, D]`.
    pub embed: Embedding,
    /// Embedding to the stream, where it is of another width.
    pub project_in: Option<Linear>,
    /// Learnt positions.
    pub embed_positions: Option<Embedding>,
    /// The layers.
    pub layers: Vec<Layer>,
    /// After the last layer.
    pub norm: Option<Norm>,
    /// The stream to the embedding's width, before the head.
    pub project_out: Option<Linear>,
    /// Output head, where it is not the embedding.
    pub head: Option<Linear>,
    #[module(skip)]
    config: LanguageConfig,
}

/// One layer.
#[derive(Module, Debug)]
pub struct Layer {
    /// Before the attention.
    pub norm_attention: Norm,
    /// The attention.
    pub attention: SelfAttention,
    /// Before the feed-forward, where it has one of its own.
    pub norm_ffw: Option<Norm>,
    /// The feed-forward.
    pub ffw: FeedForward,
    #[module(skip)]
    residual: Residual,
}

/// Two linears with an activation between, the first one gated where the family has it so.
#[derive(Module, Debug)]
pub struct FeedForward {
    /// `[ffw_width, D]`.
    pub input: Linear,
    /// What the activation is applied to, where it gates `input`.
    pub gate: Option<Linear>,
    /// `[D, ffw_width]`.
    pub output: Linear,
    #[module(skip)]
    activation: Activation,
}

/// Tokens of one pass, row-major.
#[derive(Debug, Clone)]
pub struct TextInput {
    /// Token ids, `rows * width`.
    pub ids: Vec<u32>,
    /// The place of each token in its row's text, [`PADDED`] for padding; `rows` rows of `width`.
    pub positions: Vec<Vec<i64>>,
}

impl TextInput {
    /// Rows of `width` tokens, padded on the right behind their `lengths`.
    pub fn ragged(ids: &[u32], width: usize, lengths: &[usize]) -> Self {
        let row = |&length: &usize| {
            (0..width)
                .map(|i| if i < length { i as i64 } else { PADDED })
                .collect()
        };
        assert_eq!(ids.len(), width * lengths.len(), "ids of a ragged batch");
        Self {
            ids: ids.to_vec(),
            positions: lengths.iter().map(row).collect(),
        }
    }

    /// One more token of each row that a cache holds.
    pub fn next(ids: &[u32], cache: &TextCache) -> Self {
        let positions = cache.next_positions().into_iter();
        Self {
            ids: ids.to_vec(),
            positions: positions.map(|position| vec![position]).collect(),
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.positions.len()
    }

    /// Tokens of a row, padding included.
    pub fn width(&self) -> usize {
        self.positions.first().map_or(0, Vec::len)
    }
}

/// Keys and values of tokens already read; an argument of a pass, never a part of the model.
#[derive(Debug, Clone, Default)]
pub struct TextCache {
    layers: Vec<Option<(Tensor<4>, Tensor<4>)>>,
    positions: Vec<Vec<i64>>,
}

impl TextCache {
    /// The cache of rows `rows` of this one, in that order; a row may be taken several times.
    pub fn select(&self, rows: &[usize]) -> Self {
        let take = |x: &Tensor<4>| {
            x.clone()
                .select(0, indices(rows.iter().copied(), &x.device()))
        };
        Self {
            layers: self
                .layers
                .iter()
                .map(|layer| layer.as_ref().map(|(k, v)| (take(k), take(v))))
                .collect(),
            positions: rows
                .iter()
                .map(|&row| self.positions[row].clone())
                .collect(),
        }
    }

    /// The place of the next token of each row.
    pub fn next_positions(&self) -> Vec<i64> {
        self.positions
            .iter()
            .map(|row| row.iter().max().map_or(0, |last| last + 1))
            .collect()
    }
}

impl LanguageModel {
    /// Embeddings and projections normal, norms 1, biases 0.
    pub fn new(config: &LanguageConfig, init: &mut Init) -> Self {
        let (d, table) = (config.width, config.table_width());
        let project = |from: usize, to: usize, init: &mut Init| {
            (from != to).then(|| Linear::new(from, to, false, init))
        };
        Self {
            embed: Embedding::new(config.vocabulary, table, 0.02, init),
            project_in: project(table, d, init),
            embed_positions: match config.positions {
                Positions::Learnt { max, offset } => {
                    Some(Embedding::new(max + offset, d, 0.02, init))
                }
                _ => None,
            },
            layers: (0..config.layers)
                .map(|_| Layer::new(config, init))
                .collect(),
            norm: config
                .final_norm()
                .then(|| Norm::new(config.norm, d, config.norm_epsilon, init)),
            project_out: project(d, table, init),
            head: (!config.tied_head).then(|| Linear::new(table, config.vocabulary, false, init)),
            config: config.clone(),
        }
    }

    /// The configuration that the model was built from.
    pub fn config(&self) -> &LanguageConfig {
        &self.config
    }

    /// The longest text that the model has places for.
    pub fn max_length(&self) -> usize {
        match self.config.positions {
            Positions::Learnt { max, .. } => max,
            _ => usize::MAX,
        }
    }

    /// Token embeddings, learnt positions added.
    ///
    /// # Shapes
    /// - output: `[B, L, D]`
    pub fn embed(&self, input: &TextInput) -> Tensor<3> {
        let weight = self.embed.weight.val();
        let ids = indices(input.ids.iter().map(|&id| id as usize), &weight.device());
        let mut x = self.embed.forward(ids);
        if let Some(project) = &self.project_in {
            x = project.forward(x);
        }
        if let (Some(table), Positions::Learnt { offset, .. }) =
            (&self.embed_positions, self.config.positions)
        {
            let places = input
                .positions
                .iter()
                .flatten()
                .map(|&p| p.max(0) as usize + offset);
            x = x + table.forward(indices(places, &weight.device()));
        }
        x.reshape([input.rows(), input.width(), self.config.width])
    }

    /// The stream after the last layer and the final norm.
    ///
    /// `before(i, y)` is called with the stream before layer `i`, and behind the last one with the
    /// number of layers, and returns what is read there.
    /// With a `cache`, `input` holds the tokens that follow those in it, and is added to it.
    ///
    /// # Shapes
    /// - `embedded` and output: `[B, L, D]`
    pub fn hidden(
        &self,
        embedded: Tensor<3>,
        input: &TextInput,
        mut cache: Option<&mut TextCache>,
        before: &mut dyn FnMut(usize, Tensor<3>) -> Tensor<3>,
    ) -> Tensor<3> {
        let places = self.places(input, cache.as_deref_mut(), &embedded);
        let mut y = embedded;
        for (i, layer) in self.layers.iter().enumerate() {
            let past = cache.as_deref_mut().map(|cache| &mut cache.layers[i]);
            y = layer.forward(before(i, y), &places, past);
        }
        let y = before(self.layers.len(), y);
        match &self.norm {
            Some(norm) => norm.forward(y),
            None => y,
        }
    }

    /// Appends the input's places to the cache and tells what they mean for the scores.
    fn places(
        &self,
        input: &TextInput,
        cache: Option<&mut TextCache>,
        embedded: &Tensor<3>,
    ) -> Places {
        let device = embedded.device();
        let Some(cache) = cache else {
            return Places::new(&self.config, &input.positions, &input.positions, &device);
        };
        if cache.positions.is_empty() {
            *cache = TextCache {
                layers: vec![None; self.layers.len()],
                positions: vec![Vec::new(); input.rows()],
            };
        }
        assert_eq!(
            cache.positions.len(),
            input.rows(),
            "rows of the cache and of the input"
        );
        for (row, new) in cache.positions.iter_mut().zip(&input.positions) {
            row.extend(new);
        }
        Places::new(&self.config, &input.positions, &cache.positions, &device)
    }

    /// Scores of the vocabulary.
    ///
    /// # Shapes
    /// - `hidden`: `[n, D]`, only the rows that someone reads
    /// - output: `[n, V]`
    pub fn logits(&self, hidden: Tensor<2>) -> Tensor<2> {
        let hidden = match &self.project_out {
            Some(project) => project.forward(hidden),
            None => hidden,
        };
        let logits = match &self.head {
            Some(head) => head.forward(hidden),
            None => self.embed.logits(hidden),
        };
        match self.config.logit_scale {
            Some(scale) => logits * scale,
            None => logits,
        }
    }
}

impl Layer {
    fn new(config: &LanguageConfig, init: &mut Init) -> Self {
        let norm =
            |init: &mut Init| Norm::new(config.norm, config.width, config.norm_epsilon, init);
        Self {
            norm_attention: norm(init),
            attention: SelfAttention::new(config, init),
            norm_ffw: (config.residual != Residual::ParallelSharedNorm).then(|| norm(init)),
            ffw: FeedForward::new(config, init),
            residual: config.residual,
        }
    }

    fn forward(
        &self,
        x: Tensor<3>,
        places: &Places,
        past: Option<&mut Option<(Tensor<4>, Tensor<4>)>>,
    ) -> Tensor<3> {
        if self.residual == Residual::SequentialPostNorm {
            let attended = self.attention.forward(x.clone(), places, past);
            let x = self.norm_attention.forward(x + attended);
            let sum = x.clone() + self.ffw.forward(x);
            return self
                .norm_ffw
                .as_ref()
                .map_or(sum.clone(), |norm| norm.forward(sum));
        }
        let normed = self.norm_attention.forward(x.clone());
        let attended = self.attention.forward(normed.clone(), places, past);
        let norm_ffw = |x: Tensor<3>| {
            self.norm_ffw
                .as_ref()
                .map_or(normed, |norm| norm.forward(x))
        };
        match self.residual {
            Residual::Sequential | Residual::SequentialPostNorm => {
                let x = x + attended;
                x.clone() + self.ffw.forward(norm_ffw(x))
            }
            Residual::Parallel | Residual::ParallelSharedNorm => {
                x.clone() + attended + self.ffw.forward(norm_ffw(x))
            }
        }
    }
}

impl FeedForward {
    fn new(config: &LanguageConfig, init: &mut Init) -> Self {
        let (d, hidden, bias) = (config.width, config.ffw_width, config.ffw_bias);
        let gain = (2.0 * config.layers as f64).powf(-0.5);
        Self {
            input: Linear::new(d, hidden, bias, init),
            gate: config.gated_ffw.then(|| Linear::new(d, hidden, bias, init)),
            output: Linear::scaled(hidden, d, bias, gain, init),
            activation: config.activation,
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let input = self.input.forward(x.clone());
        let hidden = match &self.gate {
            Some(gate) => self.activation.apply(gate.forward(x)) * input,
            None => self.activation.apply(input),
        };
        self.output.forward(hidden)
    }
}

#[cfg(test)]
mod tests;
