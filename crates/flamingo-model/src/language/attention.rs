//! Causal self-attention of a language-model layer.

use flamingo_kernels::{
    DType, Init, Int, Linear, Module, Norm, Param, Tensor, TensorData, attention, burn,
    merge_heads, split_heads,
};

use super::config::{LanguageConfig, Positions, QueryKeyNorm};
use super::positions::{self, PADDED};

/// Self-attention with its projections.
#[derive(Module, Debug)]
pub struct SelfAttention {
    /// Queries, `[H * Dh, D]`.
    pub q: Linear,
    /// Keys, `[key_value_heads * Dh, D]`.
    pub k: Linear,
    /// Values.
    pub v: Linear,
    /// Heads back to the stream.
    pub out: Linear,
    /// Of the queries.
    pub norm_q: Option<Norm>,
    /// Of the keys.
    pub norm_k: Option<Norm>,
    /// Of relative positions.
    pub relative: Option<RelativePositions>,
    #[module(skip)]
    heads: usize,
    #[module(skip)]
    key_value_heads: usize,
    #[module(skip)]
    norm_per_head: bool,
    #[module(skip)]
    clip: Option<f64>,
    #[module(skip)]
    scale: f64,
}

/// Transformer-XL's terms: a projection of distances, and the two biases of the queries.
#[derive(Module, Debug)]
pub struct RelativePositions {
    /// Sinusoids to heads.
    pub r: Linear,
    /// Added to queries that meet keys, `[H * Dh]`.
    pub bias_content: Param<Tensor<1>>,
    /// Added to queries that meet distances, `[H * Dh]`.
    pub bias_position: Param<Tensor<1>>,
}

/// What the positions of one pass add to scores; made once, used by every layer.
pub struct Places {
    bias: Option<Tensor<4>>,
    rotations: Option<(Tensor<4>, Tensor<4>)>,
    relative: Option<Distances>,
}

struct Distances {
    sinusoids: Tensor<2>,
    /// `[B, 1, Lq, Lk]`.
    index: Tensor<4, Int>,
}

impl Places {
    /// # Arguments
    /// - `queries`: places of the tokens of this pass, a row each, `-1` for padding
    /// - `keys`: places of all tokens that there are keys of, cached ones first
    pub fn new(
        config: &LanguageConfig,
        queries: &[Vec<i64>],
        keys: &[Vec<i64>],
        device: &burn::tensor::Device,
    ) -> Self {
        let slopes = match config.positions {
            Positions::Alibi { max, slopes } => {
                Some(positions::alibi_slopes(config.heads, max, slopes))
            }
            _ => None,
        };
        let rotations = match config.positions {
            Positions::Rotary { fraction, base } => Some(positions::rotations(
                queries,
                config.rotated(fraction),
                base,
                device,
            )),
            _ => None,
        };
        let relative = matches!(config.positions, Positions::Relative)
            .then(|| Distances::new(queries, keys, config.width, device));
        let bias = positions::score_bias(queries, keys, slopes.as_deref(), device);
        Self {
            bias,
            rotations,
            relative,
        }
    }
}

impl Distances {
    fn new(
        queries: &[Vec<i64>],
        keys: &[Vec<i64>],
        width: usize,
        device: &burn::tensor::Device,
    ) -> Self {
        let mut index = Vec::new();
        for (queries, keys) in queries.iter().zip(keys) {
            for &q in queries {
                let distance = |&k: &i64| {
                    if k == PADDED {
                        0
                    } else {
                        (q - k).max(0) as i32
                    }
                };
                index.extend(keys.iter().map(distance));
            }
        }
        let farthest = index.iter().copied().max().unwrap_or(0) as usize;
        let shape = [queries.len(), 1, queries[0].len(), keys[0].len()];
        Self {
            sinusoids: positions::sinusoids(farthest + 1, width, device),
            index: Tensor::from_data(TensorData::new(index, shape), device),
        }
    }
}

impl SelfAttention {
    /// Projections with standard deviation `1 / sqrt(D)`; the output's divided by
    /// `sqrt(2 layers)`, as in GPT-2.
    pub fn new(config: &LanguageConfig, init: &mut Init) -> Self {
        let (d, bias) = (config.width, config.attention_bias);
        let (inner, inner_kv) = (
            config.heads * config.head_dim,
            config.key_value_heads * config.head_dim,
        );
        let out_gain = (2.0 * config.layers as f64).powf(-0.5);
        let norm = |whole: usize, init: &mut Init| {
            let width = match config.query_key_norm {
                QueryKeyNorm::None => return None,
                QueryKeyNorm::Whole => whole,
                QueryKeyNorm::PerHead => config.head_dim,
            };
            Some(Norm::new(config.norm, width, config.norm_epsilon, init))
        };
        Self {
            q: Linear::new(d, inner, bias, init),
            k: Linear::new(d, inner_kv, bias, init),
            v: Linear::new(d, inner_kv, bias, init),
            out: Linear::scaled(inner, d, bias, out_gain, init),
            norm_q: norm(inner, init),
            norm_k: norm(inner_kv, init),
            relative: (config.positions == Positions::Relative).then(|| RelativePositions {
                r: Linear::new(d, inner, false, init),
                bias_content: init.full([inner], 0.0),
                bias_position: init.full([inner], 0.0),
            }),
            heads: config.heads,
            key_value_heads: config.key_value_heads,
            norm_per_head: config.query_key_norm == QueryKeyNorm::PerHead,
            clip: config.clip_qkv,
            scale: config
                .attention_scale
                .unwrap_or((config.head_dim as f64).powf(-0.5)),
        }
    }

    /// # Shapes
    /// - `x` and output: `[B, L, D]`
    /// - `past`: keys and values of earlier tokens, `[B, key_value_heads, Lp, Dh]`; replaced by
    ///   those with this pass's tokens behind them
    pub fn forward(
        &self,
        x: Tensor<3>,
        places: &Places,
        past: Option<&mut Option<(Tensor<4>, Tensor<4>)>>,
    ) -> Tensor<3> {
        let [q, k, v] = [&self.q, &self.k, &self.v].map(|linear| {
            let y = linear.forward(x.clone());
            match self.clip {
                Some(most) => y.clamp(-most, most),
                None => y,
            }
        });
        let mut q = self.heads_of(q, self.heads, &self.norm_q);
        let mut k = self.heads_of(k, self.key_value_heads, &self.norm_k);
        let mut v = split_heads(v, self.key_value_heads);
        if let Some(rotations) = &places.rotations {
            q = positions::rotate(q, rotations);
            k = positions::rotate(k, rotations);
        }
        if let Some(past) = past {
            if let Some((past_k, past_v)) = past.take() {
                k = Tensor::cat(vec![past_k, k], 2);
                v = Tensor::cat(vec![past_v, v], 2);
            }
            *past = Some((k.clone(), v.clone()));
        }
        let groups = self.heads / self.key_value_heads;
        let (k, v) = (repeat_heads(k, groups), repeat_heads(v, groups));
        self.out.forward(merge_heads(self.attend(q, k, v, places)))
    }

    fn heads_of(&self, x: Tensor<3>, heads: usize, norm: &Option<Norm>) -> Tensor<4> {
        match norm {
            Some(norm) if self.norm_per_head => norm.forward(split_heads(x, heads)),
            Some(norm) => split_heads(norm.forward(x), heads),
            None => split_heads(x, heads),
        }
    }

    fn attend(&self, q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, places: &Places) -> Tensor<4> {
        let [_, heads, _, head_dim] = q.dims();
        let scale = self.scale;
        let (Some(relative), Some(distances)) = (&self.relative, &places.relative) else {
            return attention(q, k, v, places.bias.clone(), scale);
        };
        let per_head = |bias: &Param<Tensor<1>>| bias.val().reshape([1, heads, 1, head_dim]);
        let r = relative
            .r
            .forward(distances.sinusoids.clone().cast(q.dtype()))
            .unsqueeze::<3>();
        let r = split_heads(r, heads); // [1, H, distances, Dh]
        let by_distance = (q.clone() + per_head(&relative.bias_position)).matmul(r.transpose());
        let [b, _, lq, lk] = distances.index.dims();
        let index = distances.index.clone().expand([b, heads, lq, lk]);
        let bias = by_distance.gather(3, index) * scale; // [B, H, Lq, Lk]
        let mut bias = bias.cast(DType::F32);
        if let Some(hidden) = &places.bias {
            bias = bias + hidden.clone();
        }
        attention(
            q + per_head(&relative.bias_content),
            k,
            v,
            Some(bias),
            scale,
        )
    }
}

/// Each key or value head serves `groups` neighbouring query heads.
fn repeat_heads(x: Tensor<4>, groups: usize) -> Tensor<4> {
    if groups == 1 {
        return x;
    }
    let [b, h, l, dh] = x.dims();
    x.reshape([b, h, 1, l * dh])
        .repeat_dim(2, groups)
        .reshape([b, h * groups, l, dh])
}
