//! One configuration for the decoder families that Flamingo is built on.

use flamingo_kernels::{Activation, NormKind};
use serde::{Deserialize, Serialize};

use crate::sizes::check_sizes;

/// How a token's place enters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields, tag = "kind")]
pub enum Positions {
    /// A learnt table, read at `position + offset` (GPT-2: offset 0; OPT: 2).
    Learnt {
        /// Positions that the table holds.
        max: usize,
        /// Added to a position before the look-up.
        offset: usize,
    },
    /// Rotation of a share of each head's channels (Su et al., 2021), halves paired as in NeoX.
    Rotary {
        /// Share of the head that turns, 0 to 1.
        fraction: f64,
        /// Base of the wavelengths.
        base: f64,
        /// How longer texts than those of the first training were made readable.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scaling: Option<RotaryScaling>,
    },
    /// A slope per head times the distance (Press et al., 2021).
    Alibi {
        /// The smallest slope is 2 to the minus this.
        #[serde(default = "alibi_max")]
        max: f64,
        /// What the slopes of a number of heads are that is no power of two.
        #[serde(default)]
        slopes: AlibiSlopes,
    },
    /// Sinusoids of the distance, projected, with two learnt biases (Dai et al., 2019), as in
    /// Gopher and Chinchilla.
    Relative,
}

/// Slower rotations for longer texts, as in Llama 3.1 and later: those that turn once within a short
/// text stay, those that turn slowly are slowed down further, and between the two there is a ramp.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotaryScaling {
    /// What slow frequencies are divided by.
    pub factor: f64,
    /// Slow ones turn less often than this within `original_length` tokens.
    pub low: f64,
    /// Those that turn more often than this stay as they are.
    pub high: f64,
    /// Tokens of the texts that the model was first trained on.
    pub original_length: usize,
}

/// ALiBi's slopes for a number of heads that is no power of two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlibiSlopes {
    /// Those of the next power of two, every second one first (Press et al., 2021).
    #[default]
    Interleaved,
    /// `2^(-max h / H)`, as for a power of two (the code that MPT-1B was trained with).
    Even,
}

/// More layers than any model has; a damaged configuration is not to ask for more.
const MOST_LAYERS: usize = 10_000;

fn alibi_max() -> f64 {
    8.0
}

/// Normalisation of queries and keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueryKeyNorm {
    /// None.
    None,
    /// Over the whole width before heads are split (MPT-1B).
    Whole,
    /// Within each head.
    PerHead,
}

/// How attention and feed-forward of a layer are added to the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Residual {
    /// The feed-forward reads what the attention wrote.
    Sequential,
    /// So, too, but each norm stands behind its part and its sum, and none behind the last layer
    /// (OPT-350M).
    SequentialPostNorm,
    /// Both read the layer's input, each through a norm of its own (GPT-NeoX).
    Parallel,
    /// Both read it through one norm (GPT-J, PaLM).
    ParallelSharedNorm,
}

impl Residual {
    /// Whether there is a stream between the two: the feed-forward reads what the attention gave.
    pub fn has_within(self) -> bool {
        matches!(self, Residual::Sequential | Residual::SequentialPostNorm)
    }
}

/// A decoder-only language model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageConfig {
    /// Rows of the token embedding.
    pub vocabulary: usize,
    /// Width of the stream, `D`.
    pub width: usize,
    /// Number of layers.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; `heads` must be a multiple of it (grouped-query attention).
    pub key_value_heads: usize,
    /// Width of a head, `Dh`.
    pub head_dim: usize,
    /// Hidden width of the feed-forward.
    pub ffw_width: usize,
    /// How a token's place enters.
    pub positions: Positions,
    /// Which normalisation.
    pub norm: NormKind,
    /// Added to its variance.
    pub norm_epsilon: f64,
    /// How a layer's two parts are added.
    pub residual: Residual,
    /// Activation of the feed-forward.
    pub activation: Activation,
    /// A second input projection that gates the first (SwiGLU with SiLU).
    pub gated_ffw: bool,
    /// Biases in the attention's four linears.
    pub attention_bias: bool,
    /// Biases in the feed-forward's linears.
    pub ffw_bias: bool,
    /// Normalisation of queries and keys.
    pub query_key_norm: QueryKeyNorm,
    /// The output head is the token embedding.
    pub tied_head: bool,
    /// Queries, keys and values are cut off beyond this (an MPT option).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_qkv: Option<f64>,
    /// What scores are multiplied by, where it is not one over the root of the head's width.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attention_scale: Option<f64>,
    /// Width of the tokens' table where it is not that of the stream; two linear maps lead there and
    /// back (OPT-350M).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embed_width: Option<usize>,
    /// What logits are multiplied by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logit_scale: Option<f64>,
    /// Rows of the output head where they are fewer than the embedding's: the tokens behind them are
    /// read and never written (Llama-3.2-Vision's picture token).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_rows: Option<usize>,
}

impl LanguageConfig {
    /// A plain pre-norm transformer with GELU and 4x feed-forward: what the presets start from.
    fn plain(vocabulary: usize, width: usize, layers: usize, heads: usize) -> Self {
        Self {
            vocabulary,
            width,
            layers,
            heads,
            key_value_heads: heads,
            head_dim: width / heads,
            ffw_width: 4 * width,
            positions: Positions::Rotary {
                fraction: 1.0,
                base: 10_000.0,
                scaling: None,
            },
            norm: NormKind::LayerNorm,
            norm_epsilon: 1e-5,
            residual: Residual::Sequential,
            activation: Activation::Gelu,
            gated_ffw: false,
            attention_bias: true,
            ffw_bias: true,
            query_key_norm: QueryKeyNorm::None,
            tied_head: true,
            clip_qkv: None,
            attention_scale: None,
            embed_width: None,
            logit_scale: None,
            head_rows: None,
        }
    }

    /// Chinchilla (Hoffmann et al., 2022): relative positions, RMSNorm, GELU, 32,000 tokens.
    pub fn chinchilla(width: usize, layers: usize, heads: usize) -> Self {
        Self {
            positions: Positions::Relative,
            norm: NormKind::RmsNorm,
            attention_bias: false,
            ..Self::plain(32_000, width, layers, heads)
        }
    }

    /// GPT-2 (Radford et al., 2019).
    pub fn gpt2(width: usize, layers: usize, heads: usize) -> Self {
        Self {
            positions: Positions::Learnt {
                max: 1024,
                offset: 0,
            },
            activation: Activation::GeluTanh,
            ..Self::plain(50_257, width, layers, heads)
        }
    }

    /// OPT (Zhang et al., 2022), the sizes that normalise first (125M, 1.3B and larger).
    pub fn opt(width: usize, layers: usize, heads: usize) -> Self {
        Self {
            positions: Positions::Learnt {
                max: 2048,
                offset: 2,
            },
            activation: Activation::Relu,
            ..Self::plain(50_272, width, layers, heads)
        }
    }

    /// GPT-NeoX (Black et al., 2022); Pythia: `parallel`, a quarter of the head rotated;
    /// RedPajama-INCITE: sequential, all of it.
    pub fn gpt_neox(
        width: usize,
        layers: usize,
        heads: usize,
        fraction: f64,
        parallel: bool,
    ) -> Self {
        Self {
            positions: Positions::Rotary {
                fraction,
                base: 10_000.0,
                scaling: None,
            },
            residual: if parallel {
                Residual::Parallel
            } else {
                Residual::Sequential
            },
            tied_head: false,
            ..Self::plain(50_432, width, layers, heads)
        }
    }

    /// MPT (MosaicML, 2023); `query_key_norm` as MPT-1B has it.
    pub fn mpt(width: usize, layers: usize, heads: usize, query_key_norm: QueryKeyNorm) -> Self {
        Self {
            positions: Positions::Alibi {
                max: alibi_max(),
                slopes: AlibiSlopes::Interleaved,
            },
            norm: NormKind::LayerNormNoBias,
            attention_bias: false,
            ffw_bias: false,
            query_key_norm,
            ..Self::plain(50_432, width, layers, heads)
        }
    }

    /// LLaMA (Touvron et al., 2023).
    pub fn llama(width: usize, layers: usize, heads: usize, ffw_width: usize) -> Self {
        Self {
            norm: NormKind::RmsNorm,
            norm_epsilon: 1e-6,
            activation: Activation::Silu,
            gated_ffw: true,
            attention_bias: false,
            ffw_bias: false,
            tied_head: false,
            ffw_width,
            ..Self::plain(32_000, width, layers, heads)
        }
    }

    /// What is impossible about the configuration, said with both values.
    pub fn check(&self) -> Result<(), String> {
        if !(1..=MOST_LAYERS).contains(&self.layers) {
            return Err(format!(
                "language.layers is {}: give 1 to {MOST_LAYERS}",
                self.layers
            ));
        }
        check_sizes(
            "language",
            &[
                ("vocabulary", self.vocabulary),
                ("width", self.width),
                ("heads", self.heads),
                ("head_dim", self.head_dim),
                ("ffw_width", self.ffw_width),
            ],
        )?;
        if self.key_value_heads == 0 || !self.heads.is_multiple_of(self.key_value_heads) {
            return Err(format!(
                "language.heads {} is not a multiple of language.key_value_heads {}",
                self.heads, self.key_value_heads
            ));
        }
        if let Some(rows) = self.head_rows
            && (self.tied_head || !(1..=self.vocabulary).contains(&rows))
        {
            return Err(format!(
                "language.head_rows is {rows}: only a head that is not tied can have rows of its own, 1 to \
                 language.vocabulary {}",
                self.vocabulary
            ));
        }
        if let Positions::Learnt { max, .. } = self.positions {
            check_sizes("language.positions", &[("max", max)])?;
        }
        if let Positions::Rotary {
            fraction, scaling, ..
        } = self.positions
        {
            if let Some(scaling) = scaling {
                scaling.check()?;
            }
            if !(0.0..=1.0).contains(&fraction) {
                return Err(format!(
                    "language.positions.fraction is {fraction}, not within 0 to 1"
                ));
            }
            if !self.rotated(fraction).is_multiple_of(2) {
                return Err(format!(
                    "language.positions.fraction {fraction} of head_dim {} is not an even number of channels",
                    self.head_dim
                ));
            }
        }
        Ok(())
    }

    /// Channels of a head that rotate.
    pub(crate) fn rotated(&self, fraction: f64) -> usize {
        (self.head_dim as f64 * fraction) as usize
    }

    /// Parameters, embedding and head included.
    pub fn parameters(&self) -> u64 {
        let d = self.width;
        let (tables, table_width) = (if self.tied_head { 1 } else { 2 }, self.table_width());
        let maps = if table_width == d {
            0
        } else {
            2 * table_width * d
        };
        let unwritten = self.vocabulary.saturating_sub(self.logits());
        let embedding = (self.vocabulary * tables - unwritten) * table_width + maps;
        let positions = match self.positions {
            Positions::Learnt { max, offset } => (max + offset) * d,
            _ => 0,
        };
        let last = if self.final_norm() {
            self.norm_parameters()
        } else {
            0
        };
        (embedding + positions + self.layers * self.layer_parameters() + last) as u64
    }

    /// Parameters of the tables that have a row for each token.
    pub(crate) fn table_parameters(&self) -> u64 {
        let head = if self.tied_head { 0 } else { self.logits() };
        ((self.vocabulary + head) * self.table_width()) as u64
    }

    /// Parameters of the layers.
    pub(crate) fn parameters_of_layers(&self) -> u64 {
        (self.layers * self.layer_parameters()) as u64
    }

    /// How many tokens have a logit: the first ones.
    pub fn logits(&self) -> usize {
        self.head_rows.unwrap_or(self.vocabulary)
    }

    /// Width of the tokens' table.
    pub(crate) fn table_width(&self) -> usize {
        self.embed_width.unwrap_or(self.width)
    }

    /// Whether there is a normalisation behind the last layer.
    pub(crate) fn final_norm(&self) -> bool {
        self.residual != Residual::SequentialPostNorm
    }

    fn norm_parameters(&self) -> usize {
        self.width
            * if self.norm == NormKind::LayerNorm {
                2
            } else {
                1
            }
    }

    /// Parameters of a layer.
    pub(crate) fn layer_parameters(&self) -> usize {
        let d = self.width;
        let (q, kv) = (
            self.heads * self.head_dim,
            self.key_value_heads * self.head_dim,
        );
        let attention = d * (2 * q + 2 * kv)
            + if self.attention_bias {
                q + 2 * kv + d
            } else {
                0
            }
            + match self.query_key_norm {
                QueryKeyNorm::None => 0,
                QueryKeyNorm::Whole => (q + kv) / d * self.norm_parameters(),
                QueryKeyNorm::PerHead => 2 * self.head_dim * (self.norm_parameters() / d),
            }
            + if self.positions == Positions::Relative {
                d * q + 2 * q
            } else {
                0
            };
        let inputs = if self.gated_ffw { 2 } else { 1 };
        let ffw = (inputs + 1) * d * self.ffw_width
            + if self.ffw_bias {
                inputs * self.ffw_width + d
            } else {
                0
            };
        let norms = if self.residual == Residual::ParallelSharedNorm {
            1
        } else {
            2
        };
        attention + ffw + norms * self.norm_parameters()
    }

    /// Operations (2 a multiply-add) for one token that looks back on `seen` tokens.
    pub fn flops_per_token(&self, seen: usize) -> u64 {
        let head = 2 * self.width * self.logits();
        self.layers as u64 * self.layer_flops_per_token(seen) + head as u64
    }

    /// Of these, those of one layer.
    pub(crate) fn layer_flops_per_token(&self, seen: usize) -> u64 {
        let d = self.width;
        let (q, kv) = (
            self.heads * self.head_dim,
            self.key_value_heads * self.head_dim,
        );
        let inputs = if self.gated_ffw { 2 } else { 1 };
        let relative = if self.positions == Positions::Relative {
            2 * d * q
        } else {
            0
        };
        let layer = 2 * d * (2 * q + 2 * kv)
            + 4 * seen * q
            + relative
            + 2 * (inputs + 1) * d * self.ffw_width;
        layer as u64
    }
}

impl RotaryScaling {
    fn check(&self) -> Result<(), String> {
        let numbers = [self.factor, self.low, self.high];
        if numbers.iter().all(|n| n.is_finite() && *n > 0.0)
            && self.low < self.high
            && self.original_length > 0
        {
            return Ok(());
        }
        Err(format!(
            "language.positions.scaling has factor {}, low {}, high {} and original_length {}: all are above 0, and \
             low is below high",
            self.factor, self.low, self.high, self.original_length
        ))
    }

    /// The frequency, in radians a token, that becomes of `frequency`.
    pub(crate) fn scaled(&self, frequency: f64) -> f64 {
        let turns = self.original_length as f64 * frequency / std::f64::consts::TAU;
        let kept = ((turns - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        frequency * ((1.0 - kept) / self.factor + kept)
    }
}
