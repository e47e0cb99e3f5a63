//! Sizes of the gated blocks, and where they stand in the language model.

use flamingo_kernels::{Activation, NormKind};
use serde::{Deserialize, Serialize};

use crate::language::Point;
use crate::sizes::check_sizes;

/// Where a block stands, seen from its layer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// Before it (the paper, OpenFlamingo, IDEFICS).
    #[default]
    Before,
    /// Behind it (flamingo-pytorch).
    After,
    /// In its place: the block is a layer itself, and `layers` counts it among those of the language
    /// model (Llama-3.2-Vision).
    Instead,
    /// In it, between attention and feed-forward (the paper's ablation VANILLA XATTN, as in the decoder
    /// of the first Transformer: without gates, and without a feed-forward of the block's own).
    Inside,
    /// Behind the last layer, all blocks one upon the other, each behind a layer of self-attention of its
    /// own like those of the language model (the paper's ablation GRAFTING).
    OnTop,
}

/// What a gate is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// One number.
    #[default]
    Scalar,
    /// One for each channel (an IDEFICS option).
    Vector,
    /// None: all that the block says is added (the paper's ablation). The model does not begin as the language model.
    Open,
}

/// Sizes of the gated blocks, and the layers that they stand at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatedConfig {
    /// A block at every n-th language-model layer; with [`Placement::OnTop`], as many blocks.
    #[serde(default = "one")]
    pub every: usize,
    /// The first layer that has one (0 in the paper; `every - 1` in OpenFlamingo).
    #[serde(default)]
    pub first: usize,
    /// The layers that have one, or with [`Placement::Instead`] are one, rising, in place of `every` and
    /// `first`. Layers before the first one need no backward pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<usize>,
    /// Attention heads.
    pub heads: usize,
    /// Heads of keys and values where they are fewer; `heads` must be a multiple of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_value_heads: Option<usize>,
    /// Width of a head.
    pub head_dim: usize,
    /// Whether a block has a feed-forward; without one it is only attention.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub dense: bool,
    /// Hidden width of the feed-forward, as a multiple of the text width.
    pub ffw_multiple: usize,
    /// Activation of the feed-forward.
    pub activation: Activation,
    /// Where a block stands, seen from its layer.
    #[serde(default)]
    pub placement: Placement,
    /// What the gates are.
    #[serde(default)]
    pub gate: Gate,
    /// The normalisations of the text.
    #[serde(default = "norm")]
    pub norm: NormKind,
    /// Added to their variance.
    #[serde(default = "norm_epsilon")]
    pub norm_epsilon: f64,
    /// Normalisation of queries and keys within each head, of the same kind.
    #[serde(default)]
    pub query_key_norm: bool,
    /// Hidden width of the feed-forward where it is no multiple of the text width.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ffw_width: Option<usize>,
    /// A second input projection that gates the first (SwiGLU with SiLU).
    #[serde(default)]
    pub gated_ffw: bool,
    /// A token that sees no medium passes the block as it is (Llama-3.2-Vision); else the feed-forward
    /// applies to it, too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub seeing_only: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_true(value: &bool) -> bool {
    *value
}

fn yes() -> bool {
    true
}

fn one() -> usize {
    1
}

fn norm() -> NormKind {
    NormKind::LayerNorm
}

fn norm_epsilon() -> f64 {
    1e-5
}

impl GatedConfig {
    /// The paper's block over `heads` heads of 128, before every `every`-th layer.
    pub fn paper(every: usize, heads: usize) -> Self {
        let activation = Activation::SquaredRelu;
        Self {
            every,
            first: 0,
            layers: Vec::new(),
            heads,
            key_value_heads: None,
            head_dim: 128,
            dense: true,
            ffw_multiple: 4,
            activation,
            placement: Placement::Before,
            gate: Gate::Scalar,
            norm: norm(),
            norm_epsilon: norm_epsilon(),
            query_key_norm: false,
            ffw_width: None,
            gated_ffw: false,
            seeing_only: false,
        }
    }

    /// OpenFlamingo's block: 8 heads of 64 and GELU in all its models, before the layers
    /// `every - 1`, `2 every - 1`, ...
    pub fn open_flamingo(every: usize) -> Self {
        Self {
            first: every.saturating_sub(1),
            head_dim: 64,
            activation: Activation::Gelu,
            ..Self::paper(every, 8)
        }
    }

    /// How many blocks stand at `point` of a language model of `layers` layers of its own.
    pub fn blocks_at(&self, point: Point, layers: usize) -> usize {
        let own = |layer: usize| layer < layers && self.is_of(layer);
        match (self.placement, point) {
            (Placement::Before, Point::Before(layer))
            | (Placement::Inside, Point::Within(layer)) => usize::from(own(layer)),
            (Placement::After, Point::Before(layer)) => {
                usize::from(layer.checked_sub(1).is_some_and(own))
            }
            (Placement::Instead, Point::Before(layer)) => {
                // Of the layers before a block, those that are blocks are no layers of the model's own.
                let blocks = self.layers.iter().enumerate();
                blocks
                    .filter(|(block, listed)| **listed == layer + block)
                    .count()
            }
            (Placement::OnTop, Point::Before(layer)) if layer == layers => {
                (0..layers).filter(|&layer| own(layer)).count()
            }
            _ => 0,
        }
    }

    /// Whether `every` and `first`, or `layers`, give a layer a block.
    fn is_of(&self, layer: usize) -> bool {
        match &self.layers[..] {
            [] => layer >= self.first && (layer - self.first).is_multiple_of(self.every),
            listed => listed.contains(&layer),
        }
    }

    /// Whether a block stands before layer `layer`, or behind the last one for `layers`.
    pub fn stands_at(&self, layer: usize, layers: usize) -> bool {
        self.blocks_at(Point::Before(layer), layers) > 0
    }

    /// Heads of keys and values.
    pub fn of_keys(&self) -> usize {
        self.key_value_heads.unwrap_or(self.heads)
    }

    /// What is impossible in a language model of `layers` layers, said with both values.
    pub(crate) fn check(&self, layers: usize) -> Result<(), String> {
        let listed = &self.layers;
        check_sizes(
            "gated",
            &[("heads", self.heads), ("head_dim", self.head_dim)],
        )?;
        if self.dense {
            let (name, size) = match self.ffw_width {
                Some(width) => ("ffw_width", width),
                None => ("ffw_multiple", self.ffw_multiple),
            };
            check_sizes("gated", &[(name, size)])?;
        }
        if self.of_keys() == 0 || !self.heads.is_multiple_of(self.of_keys()) {
            return Err(format!(
                "gated.heads {} is not a multiple of gated.key_value_heads {}",
                self.heads,
                self.of_keys()
            ));
        }
        if self.placement == Placement::Instead && listed.is_empty() {
            return Err(
                "gated.placement is instead, gated.layers is empty: list the layers that are blocks"
                    .into(),
            );
        }
        if self.placement == Placement::OnTop && !listed.is_empty() {
            return Err(format!(
                "gated.placement is on_top, where blocks stand at no layer, and gated.layers lists {listed:?}: leave it out, \
                 and give as gated.every every how many layers there is one"
            ));
        }
        if self.every == 0 {
            return Err("gated.every is 0: give 1 for a block before every layer".into());
        }
        if listed.is_empty() && self.first >= layers {
            return Err(format!(
                "gated.first {} leaves no gated block in language.layers {layers}: give a smaller one",
                self.first
            ));
        }
        if !listed.is_empty() && (self.every, self.first) != (1, 0) {
            return Err(format!(
                "gated.layers lists the layers, gated.every {} and gated.first {} have no use: leave them out",
                self.every, self.first
            ));
        }
        if let Some(pair) = listed.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(format!(
                "gated.layers has {} before {}: list each layer once, rising",
                pair[0], pair[1]
            ));
        }
        let (all, counted) = match self.placement {
            Placement::Instead => (layers + listed.len(), " without the blocks"),
            _ => (layers, ""),
        };
        match listed.last().filter(|last| **last >= all) {
            Some(last) => Err(format!(
                "gated.layers has {last}, language.layers is {layers}{counted}: the last layer is {}",
                all.saturating_sub(1)
            )),
            None => Ok(()),
        }
    }

    /// Hidden width of the feed-forward between text of width `d`.
    pub fn hidden(&self, d: usize) -> usize {
        self.ffw_width.unwrap_or(self.ffw_multiple * d)
    }

    /// Parameters of one block between text of width `d` and latents of width `media_width`.
    pub fn parameters(&self, d: usize, media_width: usize) -> u64 {
        let inner = self.heads * self.head_dim;
        let of_keys = self.of_keys() * self.head_dim;
        let norm = if self.norm == NormKind::LayerNorm {
            2
        } else {
            1
        };
        let of_heads = if self.query_key_norm {
            2 * self.head_dim
        } else {
            0
        };
        // Of the attention and of the feed-forward.
        let halves = if self.dense { 2 } else { 1 };
        let gates = halves * self.gate_width(d);
        let norms = norm * (halves * d + of_heads);
        (2 * d * inner + 2 * media_width * of_keys + self.dense_weights(d) + norms + gates) as u64
    }

    /// Numbers of the feed-forward's matrices.
    fn dense_weights(&self, d: usize) -> usize {
        match (self.dense, self.gated_ffw) {
            (false, _) => 0,
            (true, false) => 2 * self.hidden(d) * d,
            (true, true) => 3 * self.hidden(d) * d,
        }
    }

    pub(super) fn gate_width(&self, d: usize) -> usize {
        match self.gate {
            Gate::Scalar => 1,
            Gate::Vector => d,
            Gate::Open => 0,
        }
    }

    /// Operations (2 a multiply-add) of one block for one token that looks at `latents` latents,
    /// their keys and values being there.
    pub fn flops_per_token(&self, d: usize, latents: usize) -> u64 {
        let inner = self.heads * self.head_dim;
        (4 * d * inner + 4 * latents * inner + 2 * self.dense_weights(d)) as u64
    }
}
