//! A decoder-only language model whose one configuration covers Chinchilla, GPT-2, OPT, GPT-NeoX,
//! MPT and LLaMA. It knows nothing of images: [`LanguageModel::hidden`] hands the stream out at each
//! [`Point`], and what is done to it there is the caller's affair.

mod attention;
mod cache;
mod config;
mod places;
mod positions;
mod reading;

use std::ops::Range;

use flamingo_kernels::{
    Activation, Embedding, Init, Linear, LoraConfig, Module, Norm, Predicted, Tensor, indices,
    linears, predicted, vocabulary_loss,
};

pub use attention::{RelativePositions, SelfAttention};
pub use cache::{Chunk, TextCache};
pub use config::{AlibiSlopes, LanguageConfig, Positions, QueryKeyNorm, Residual, RotaryScaling};
pub use places::Places;
pub use positions::PADDED;
pub use reading::{Branches, TextRow};

use reading::Reading;

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
    /// Which rows of its tables learn, where the others are not to: their gradients are not made for the head.
    #[module(skip)]
    pub learnt_rows: Option<Range<usize>>,
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
    /// Where texts branch: for each token the number of its branch, 0 for what all branches of its row
    /// follow. A token sees those before it that are in its branch or in none. `rows` rows of `width`,
    /// or none where no text branches.
    pub branches: Vec<Vec<u32>>,
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
            branches: Vec::new(),
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

/// Where the stream is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// Before layer n; behind the last one for n layers.
    Before(usize),
    /// Between attention and feed-forward of layer n, where the feed-forward reads what the attention
    /// gave ([`Residual::has_within`]).
    Within(usize),
}

/// An attention over the tokens of a pass: of the stream and its normed tokens it makes the stream with
/// what was looked up added.
pub type Attend<'a> = dyn FnMut(&SelfAttention, Tensor<3>, Tensor<3>) -> Tensor<3> + 'a;

/// What a caller makes of the stream at a point. Layers of its own read the tokens by the attention that
/// it is given: as many at the same points in each pass over a text.
pub type Visit<'a> = dyn FnMut(Point, Tensor<3>, &mut Attend<'_>) -> Tensor<3> + 'a;

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
            head: (!config.tied_head).then(|| Linear::new(table, config.logits(), false, init)),
            learnt_rows: None,
            config: config.clone(),
        }
    }

    /// Puts a change of low rank beside each matrix of the layers, none at first.
    pub fn add_lora(&mut self, config: &LoraConfig, init: &mut Init) {
        for layer in &mut self.layers {
            let (attention, ffw) = (&mut layer.attention, &mut layer.ffw);
            let of_attention = [
                &mut attention.q,
                &mut attention.k,
                &mut attention.v,
                &mut attention.out,
            ];
            let of_ffw = [&mut ffw.input, &mut ffw.output];
            let all = of_attention.into_iter().chain(of_ffw);
            for linear in all.chain(&mut ffw.gate) {
                linear.add_lora(config, init);
            }
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
        let positions = input.positions.iter().flatten().copied();
        let x = self.embedded(&input.ids, positions);
        x.reshape([input.rows(), input.width(), self.config.width])
    }

    /// `[L, D]` of tokens side by side.
    fn embedded(&self, ids: &[u32], positions: impl Iterator<Item = i64>) -> Tensor<2> {
        let device = self.embed.weight.lazy_device();
        let ids = indices(ids.iter().map(|&id| id as usize), &device);
        let mut x = self.embed.forward(ids);
        if let Some(project) = &self.project_in {
            x = project.forward(x);
        }
        if let (Some(table), Positions::Learnt { offset, .. }) =
            (&self.embed_positions, self.config.positions)
        {
            let places = positions.map(|place| place.max(0) as usize + offset);
            x = x + table.forward(indices(places, &device));
        }
        x
    }

    /// The stream after the last layer and the final norm; `visit` is shown the stream at each point,
    /// and what it returns is read on.
    ///
    /// # Shapes
    /// - `embedded` and output: `[B, L, D]`
    pub fn hidden(
        &self,
        embedded: Tensor<3>,
        input: &TextInput,
        visit: &mut Visit<'_>,
    ) -> Tensor<3> {
        let (queries, device) = (&input.positions, embedded.device());
        let places = Places::new(&self.config, queries, queries, &device);
        let places = places.in_branches(&input.branches, &device);
        self.layers_over(embedded, visit, &mut |attention, stream, x| {
            attention.forward(stream, x, &places)
        })
    }

    /// As [`LanguageModel::hidden`] of tokens that follow texts already read, side by side without
    /// padding, and adds them to the texts' caches.
    ///
    /// # Shapes
    /// - output and the stream at each point: `[1, L, D]`, `L` the tokens of all rows, those of each
    ///   with its branches behind them
    pub fn read(&self, rows: &mut [TextRow<'_>], visit: &mut Visit<'_>) -> Tensor<3> {
        let ids: Vec<u32> = rows.iter().flat_map(|row| row.all_ids()).collect();
        let positions: Vec<[Vec<i64>; 2]> = rows.iter().map(TextRow::positions).collect();
        let embedded = self.embedded(&ids, positions.iter().flatten().flatten().copied());
        let mut reading = Reading::new(&self.config, rows, &positions, &embedded.device());
        let hidden = self.layers_over(embedded.unsqueeze(), visit, &mut |attention, stream, x| {
            attention.read(stream, x, &mut reading)
        });
        reading.finish();
        hidden
    }

    fn layers_over(
        &self,
        embedded: Tensor<3>,
        visit: &mut Visit<'_>,
        attend: &mut Attend<'_>,
    ) -> Tensor<3> {
        let mut y = embedded;
        for (number, layer) in self.layers.iter().enumerate() {
            let x = visit(Point::Before(number), y, attend);
            y = layer.forward(x, attend, &mut |y, attend| {
                visit(Point::Within(number), y, attend)
            });
        }
        let y = visit(Point::Before(self.layers.len()), y, attend);
        match &self.norm {
            Some(norm) => norm.forward(y),
            None => y,
        }
    }

    /// Cross-entropy of `targets`, the tokens that follow; the scores of few rows at a time are in memory.
    ///
    /// # Shapes
    /// - `hidden`: `[n, D]`, only the rows that have a target, `n > 0`
    pub fn loss(&self, hidden: Tensor<2>, targets: &[usize]) -> Predicted {
        let table = match &self.head {
            Some(head) if head.bias.is_some() || head.lora.is_some() => {
                return predicted(self.logits(hidden), targets);
            }
            Some(head) => &head.weight,
            None => &self.embed.weight,
        };
        let hidden = match &self.project_out {
            Some(project) => project.forward(hidden),
            None => hidden,
        };
        let learnt = self.learnt_rows.clone();
        vocabulary_loss(
            hidden,
            table.val(),
            targets,
            self.config.logit_scale,
            learnt,
        )
    }

    /// Scores of the vocabulary.
    ///
    /// # Shapes
    /// - `hidden`: `[n, D]`, only the rows that someone reads
    /// - output: `[n, V]`, `V` the tokens that have a logit ([`LanguageConfig::logits`])
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

/// What a caller makes of the stream within a layer.
type Within<'a> = dyn FnMut(Tensor<3>, &mut Attend<'_>) -> Tensor<3> + 'a;

impl Layer {
    /// A layer that has learnt nothing yet.
    pub(crate) fn new(config: &LanguageConfig, init: &mut Init) -> Self {
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

    /// The stream behind the layer; `within` is shown it between attention and feed-forward, where there
    /// is such a point.
    ///
    /// # Shapes
    /// - `x` and output: `[B, L, D]`
    pub(crate) fn forward(
        &self,
        x: Tensor<3>,
        attend: &mut Attend<'_>,
        within: &mut Within<'_>,
    ) -> Tensor<3> {
        if self.residual == Residual::SequentialPostNorm {
            let x = attend(&self.attention, x.clone(), x);
            let x = within(self.norm_attention.forward(x), attend);
            let sum = self.ffw.added_to(x.clone(), x);
            return self
                .norm_ffw
                .as_ref()
                .map_or(sum.clone(), |norm| norm.forward(sum));
        }
        let normed = self.norm_attention.forward(x.clone());
        let norm_ffw = |x: Tensor<3>| {
            self.norm_ffw
                .as_ref()
                .map_or(normed.clone(), |norm| norm.forward(x))
        };
        let attended = attend(&self.attention, x.clone(), normed.clone());
        if !self.residual.has_within() {
            return self.ffw.added_to(attended, norm_ffw(x));
        }
        let attended = within(attended, attend);
        self.ffw.added_to(attended.clone(), norm_ffw(attended))
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

    /// The stream and what the feed-forward makes of `x`.
    fn added_to(&self, stream: Tensor<3>, x: Tensor<3>) -> Tensor<3> {
        let hidden = match &self.gate {
            Some(gate) => {
                let [gate, input] =
                    linears([(gate, Some(self.activation)), (&self.input, None)], x);
                gate * input
            }
            None => self.input.activated(x, self.activation),
        };
        self.output.added_to(stream, hidden)
    }
}

#[cfg(test)]
mod tests;
