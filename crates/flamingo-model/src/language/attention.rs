//! Causal self-attention of a language-model layer.

use flamingo_kernels::{
    DType, Heads, Init, KeysValues, Linear, Module, Norm, Param, QueryGroup, Tensor, attend,
    attention, linears, merge_heads, repeat_heads, rotate, rotate_tokens, split_heads,
};

use super::config::{LanguageConfig, Positions, QueryKeyNorm};
use super::places::Places;
use super::reading::{Part, Reading};

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

    /// Attention within whole texts, added to `stream`.
    ///
    /// # Shapes
    /// - `stream`, `x` and output: `[B, L, D]`
    pub fn forward(&self, stream: Tensor<3>, x: Tensor<3>, places: &Places) -> Tensor<3> {
        let [q, k, v] = self.projections(x);
        let mut q = self.heads_of(q, self.heads, &self.norm_q);
        let mut k = self.heads_of(k, self.key_value_heads, &self.norm_k);
        let v = split_heads(v, self.key_value_heads);
        if let Some(rotations) = &places.rotations {
            q = rotate(q, rotations);
            k = rotate(k, rotations);
        }
        let groups = self.heads / self.key_value_heads;
        let (k, v) = (repeat_heads(k, groups), repeat_heads(v, groups));
        let looked = merge_heads(self.attend(q, k, v, places));
        self.out.added_to(stream, looked)
    }

    /// Attention of tokens that follow texts already read, added to `stream`; adds their keys and values to
    /// `reading`.
    ///
    /// # Shapes
    /// - `stream`, `x` and output: `[1, L, D]`
    pub(super) fn read(
        &self,
        stream: Tensor<3>,
        x: Tensor<3>,
        reading: &mut Reading<'_>,
    ) -> Tensor<3> {
        let [q, k, v] = self.projections(x);
        let q = self.turned(q, self.heads, &self.norm_q, reading);
        let k = self.turned(k, self.key_value_heads, &self.norm_k, reading);
        let layer = reading.add(k, v.squeeze_dim::<2>(0));
        let looked = match &self.relative {
            Some(_) => self.attend_by_distance(q, reading, layer),
            None => {
                let groups = reading.rows.iter().flat_map(|row| row.groups(layer));
                let groups: Vec<QueryGroup<'_>> = groups.map(|(group, _)| group).collect();
                let heads = Heads {
                    queries: self.heads,
                    keys: self.key_value_heads,
                    scale: self.scale,
                    slopes: reading.slopes.as_deref(),
                };
                attend(q, &groups, &heads)
            }
        };
        self.out.added_to(stream, looked.unsqueeze::<3>())
    }

    fn projections(&self, x: Tensor<3>) -> [Tensor<3>; 3] {
        let all = [&self.q, &self.k, &self.v].map(|linear| (linear, None));
        linears(all, x).map(|y| match self.clip {
            Some(most) => y.clamp(-most, most),
            None => y,
        })
    }

    /// Queries or keys with their norm and rotation, `[L, H * Dh]`.
    fn turned(
        &self,
        x: Tensor<3>,
        heads: usize,
        norm: &Option<Norm>,
        reading: &Reading<'_>,
    ) -> Tensor<2> {
        let x = match norm {
            Some(norm) if !self.norm_per_head => norm.forward(x),
            Some(_) => merge_heads(self.heads_of(x, heads, norm)),
            None => x,
        };
        let x = x.squeeze_dim::<2>(0);
        match &reading.rotations {
            Some(rotations) => rotate_tokens(x, heads, rotations),
            None => x,
        }
    }

    /// One part after the other, for positions that are terms of each score.
    fn attend_by_distance(&self, q: Tensor<2>, reading: &Reading<'_>, layer: usize) -> Tensor<2> {
        let share = self.heads / self.key_value_heads;
        let of_part = |(group, part): (QueryGroup<'_>, &Part<'_>)| {
            let own = q
                .clone()
                .narrow(0, group.queries.start, group.queries.len());
            let join = |of: fn(&KeysValues) -> &Tensor<2>| {
                let all = group.seen.iter().map(|seen| of(seen).clone()).collect();
                let all = Tensor::cat(all, 0).unsqueeze::<3>();
                repeat_heads(split_heads(all, self.key_value_heads), share)
            };
            let (k, v) = (join(KeysValues::keys), join(KeysValues::values));
            let places = part.places.as_ref().expect("made for relative positions");
            let own = split_heads(own.unsqueeze::<3>(), self.heads);
            merge_heads(self.attend(own, k, v, places)).squeeze_dim::<2>(0)
        };
        let groups = reading.rows.iter().flat_map(|row| row.groups(layer));
        Tensor::cat(groups.map(of_part).collect(), 0)
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
