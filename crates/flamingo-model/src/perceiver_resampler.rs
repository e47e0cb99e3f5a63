//! Perceiver Resampler (paper, 2.1): any number of visual features in, a fixed number of latents out.
//!
//! A small set of learnt latents attends to the features of all frames of one image or film and to
//! itself. Frames are told apart by learnt time embeddings; positions within a frame are not.
//! More frames than were learnt get linearly interpolated embeddings (paper, 3.1: 8 in training,
//! 30 in inference).
//!
//! The paper's ablation puts a Transformer or an MLP in its place and says no more of them; ours are those of
//! [`ResamplerKind`].

use flamingo_kernels::{
    Activation, Init, Linear, Module, Norm, Param, Tensor, attention, floats, indices, merge_heads,
    split_heads,
};
use serde::{Deserialize, Serialize};

use crate::sizes::check_sizes;

/// How the latents learn of the features.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResamplerKind {
    /// They attend to the features and to each other; the features stay as they are.
    #[default]
    Perceiver,
    /// Features and latents attend to each other, and all of them change from layer to layer.
    Transformer,
    /// They see the features' mean: it is added to each before each feed-forward, and nothing attends.
    Mlp,
}

/// Sizes of a resampler.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerceiverResamplerConfig {
    /// Width of the latents.
    pub width: usize,
    /// Number of latents, `R`.
    pub latents: usize,
    /// Number of layers.
    pub layers: usize,
    /// Attention heads of a layer.
    pub heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Hidden width of the feed-forward, as a multiple of `width`.
    pub ffw_multiple: usize,
    /// Activation of the feed-forward.
    pub activation: Activation,
    /// Learnt time embeddings; 0 for none.
    pub time_embeddings: usize,
    /// A normalisation after the last layer.
    pub final_norm: bool,
    /// Normalisation of queries and keys within each head (IDEFICS).
    #[serde(default)]
    pub query_key_norm: bool,
    /// Learnt embeddings of a medium's place among those of its document; 0 for none, as in the
    /// paper and all published models.
    #[serde(default)]
    pub media_embeddings: usize,
    /// How the latents learn of the features.
    #[serde(default, skip_serializing_if = "is_perceiver")]
    pub kind: ResamplerKind,
}

fn is_perceiver(kind: &ResamplerKind) -> bool {
    *kind == ResamplerKind::Perceiver
}

impl PerceiverResamplerConfig {
    /// The paper's: 64 latents, 6 layers, 16 heads of 96, squared ReLU, 8 time embeddings.
    ///
    /// With NFNet-F6's features projected to this width it has 175M parameters; the paper's table
    /// prints 194M, and its text names nothing that the other 19M could be.
    pub fn paper() -> Self {
        Self {
            width: 1536,
            latents: 64,
            layers: 6,
            heads: 16,
            head_dim: 96,
            ffw_multiple: 4,
            activation: Activation::SquaredRelu,
            time_embeddings: 8,
            final_norm: true,
            query_key_norm: false,
            media_embeddings: 0,
            kind: ResamplerKind::Perceiver,
        }
    }

    /// OpenFlamingo's, over features of width `width`: the sizes that all its models have.
    pub fn open_flamingo(width: usize) -> Self {
        Self {
            width,
            heads: 8,
            head_dim: 64,
            activation: Activation::Gelu,
            time_embeddings: 0,
            ..Self::paper()
        }
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        check_sizes(
            "resampler",
            &[
                ("width", self.width),
                ("latents", self.latents),
                ("heads", self.heads),
                ("head_dim", self.head_dim),
                ("ffw_multiple", self.ffw_multiple),
            ],
        )
    }

    /// Parameters of a resampler that reads features of width `visual_width`.
    pub fn parameters(&self, visual_width: usize) -> u64 {
        let (d, inner) = (self.width, self.heads * self.head_dim);
        let norms = if self.query_key_norm {
            4 * self.head_dim
        } else {
            0
        };
        let ffw = 2 * self.ffw_multiple * d * d;
        let layer = match self.kind {
            ResamplerKind::Perceiver | ResamplerKind::Transformer => {
                4 * d * inner + ffw + 6 * d + norms
            }
            ResamplerKind::Mlp => ffw + 2 * d,
        };
        let projection = if visual_width == d {
            0
        } else {
            d * visual_width
        };
        let norm = if self.final_norm { 2 * d } else { 0 };
        let tables = (self.latents + self.time_embeddings + self.media_embeddings) * d;
        (self.layers * layer + projection + norm + tables) as u64
    }

    /// Operations (2 a multiply-add) for one medium of `frames` frames of `positions` positions.
    pub fn flops(&self, visual_width: usize, frames: usize, positions: usize) -> u64 {
        let (d, inner, r) = (self.width, self.heads * self.head_dim, self.latents);
        let features = frames * positions;
        let seen = features + r;
        // Those that change, and those that attend.
        let (own, asks) = match self.kind {
            ResamplerKind::Perceiver => (r, r),
            ResamplerKind::Transformer => (seen, seen),
            ResamplerKind::Mlp => (r, 0),
        };
        let keys = if asks == 0 { 0 } else { seen };
        let layer = 2 * asks * d * inner * 2
            + 2 * keys * d * inner * 2
            + 2 * asks * keys * inner * 2
            + 4 * own * d * d * self.ffw_multiple;
        let projection = if visual_width == d {
            0
        } else {
            2 * features * d * visual_width
        };
        (self.layers * layer + projection) as u64
    }
}

/// The resampler.
#[derive(Module, Debug)]
pub struct PerceiverResampler {
    /// `[R, width]`.
    pub latents: Param<Tensor<2>>,
    /// `[time_embeddings, width]`.
    pub time_embeddings: Option<Param<Tensor<2>>>,
    /// `[media_embeddings, width]`.
    pub media_embeddings: Option<Param<Tensor<2>>>,
    /// Features to `width`, where they are of another.
    pub projection: Option<Linear>,
    /// The layers, but of an MLP.
    pub layers: Vec<ResamplerLayer>,
    /// Those of an MLP.
    pub mlp: Vec<MlpLayer>,
    /// After the last layer.
    pub norm: Option<Norm>,
    #[module(skip)]
    kind: ResamplerKind,
}

/// A feed-forward of each latent and the features' mean.
#[derive(Module, Debug)]
pub struct MlpLayer {
    /// Before it.
    pub norm_ffw: Norm,
    /// Into it.
    pub ffw_in: Linear,
    /// Out of it.
    pub ffw_out: Linear,
    #[module(skip)]
    activation: Activation,
}

/// One layer: the latents attend to features and latents, then a feed-forward.
#[derive(Module, Debug)]
pub struct ResamplerLayer {
    /// Of the features.
    pub norm_media: Norm,
    /// Of the latents, for queries as well as keys and values.
    pub norm_latents: Norm,
    /// Queries.
    pub q: Linear,
    /// Keys.
    pub k: Linear,
    /// Values.
    pub v: Linear,
    /// Heads back to the latents.
    pub out: Linear,
    /// Of each head's queries.
    pub norm_q: Option<Norm>,
    /// Of each head's keys.
    pub norm_k: Option<Norm>,
    /// Before the feed-forward.
    pub norm_ffw: Norm,
    /// Into the feed-forward.
    pub ffw_in: Linear,
    /// Out of it.
    pub ffw_out: Linear,
    #[module(skip)]
    heads: usize,
    #[module(skip)]
    activation: Activation,
}

impl PerceiverResampler {
    /// A resampler of features of width `visual_width`.
    pub fn new(config: &PerceiverResamplerConfig, visual_width: usize, init: &mut Init) -> Self {
        let d = config.width;
        let latents = init.normal([config.latents, d], 1.0);
        let mut table = |rows: usize| (rows > 0).then(|| init.normal([rows, d], 1.0));
        Self {
            latents,
            time_embeddings: table(config.time_embeddings),
            media_embeddings: table(config.media_embeddings),
            projection: (visual_width != d).then(|| Linear::new(visual_width, d, false, init)),
            layers: match config.kind {
                ResamplerKind::Mlp => Vec::new(),
                _ => (0..config.layers)
                    .map(|_| ResamplerLayer::new(config, init))
                    .collect(),
            },
            mlp: match config.kind {
                ResamplerKind::Mlp => (0..config.layers)
                    .map(|_| MlpLayer::new(config, init))
                    .collect(),
                _ => Vec::new(),
            },
            norm: config.final_norm.then(|| Norm::layer(d, init)),
            kind: config.kind,
        }
    }

    /// `places` are those of the media in their documents, from 0; only a resampler with
    /// embeddings of them looks at it.
    ///
    /// # Shapes
    /// - `features`: `[M, T, S, Dv]`, every medium with the same number of frames
    /// - output: `[M, R, width]`
    ///
    /// # Panics
    /// If there are fewer embeddings of places than a place needs.
    pub fn forward(&self, features: Tensor<4>, places: &[usize]) -> Tensor<3> {
        let (mut x, mut latents) = self.start(features, places);
        let mean = (self.kind == ResamplerKind::Mlp).then(|| x.clone().mean_dim(1)); // [M, 1, width]
        for layer in &self.layers {
            match self.kind {
                ResamplerKind::Transformer => (x, latents) = layer.forward_all(x, latents),
                _ => latents = layer.forward(x.clone(), latents),
            }
        }
        for (layer, mean) in self.mlp.iter().zip(mean.iter().cycle()) {
            latents = layer.forward(mean.clone(), latents);
        }
        match &self.norm {
            Some(norm) => norm.forward(latents),
            None => latents,
        }
    }

    /// Where the latents of one medium look in the last layer, mean over heads; `place` as of
    /// [`PerceiverResampler::forward`]. Those of an MLP look at every feature alike.
    ///
    /// # Shapes
    /// - `features`: `[1, T, S, Dv]`
    /// - output: `[R, T * S + R]`
    pub fn weights(&self, features: Tensor<4>, place: usize) -> Tensor<2> {
        let (mut x, mut latents) = self.start(features, &[place]);
        let Some((last, earlier)) = self.layers.split_last() else {
            let ([_, seen, _], [_, r, _]) = (x.dims(), latents.dims());
            let alike = Tensor::full([r, seen], 1.0 / seen as f64, &x.device());
            return Tensor::cat(vec![alike, Tensor::zeros([r, r], &x.device())], 1);
        };
        for layer in earlier {
            match self.kind {
                ResamplerKind::Transformer => (x, latents) = layer.forward_all(x, latents),
                _ => latents = layer.forward(x.clone(), latents),
            }
        }
        last.weights(x, latents)
            .mean_dim(1)
            .squeeze_dims::<2>(&[0, 1])
    }

    /// Features in the resampler's width with their time, `[M, T * S, width]`, and the learnt
    /// latents for each medium, `[M, R, width]`.
    fn start(&self, features: Tensor<4>, places: &[usize]) -> (Tensor<3>, Tensor<3>) {
        let [media, frames, positions, _] = features.dims();
        let mut x = match &self.projection {
            Some(projection) => projection.forward(features),
            None => features,
        };
        let width = x.dims()[3];
        if let Some(table) = &self.time_embeddings {
            let time = time_embeddings(table.val(), frames); // [T, width]
            x = x + time.reshape([1, frames, 1, width]);
        }
        if let Some(table) = &self.media_embeddings {
            assert_eq!(places.len(), media, "a place for each medium");
            let rows = indices(places.iter().copied(), &x.device());
            x = x + table.val().select(0, rows).reshape([media, 1, 1, width]);
        }
        let latents = self.latents.val();
        let [r, _] = latents.dims();
        let latents = latents.unsqueeze::<3>().expand([media, r, width]);
        (x.reshape([media, frames * positions, width]), latents)
    }
}

impl ResamplerLayer {
    fn new(config: &PerceiverResamplerConfig, init: &mut Init) -> Self {
        let (d, inner) = (config.width, config.heads * config.head_dim);
        let norm_of_heads = |init: &mut Init| {
            config
                .query_key_norm
                .then(|| Norm::layer(config.head_dim, init))
        };
        Self {
            norm_media: Norm::layer(d, init),
            norm_latents: Norm::layer(d, init),
            q: Linear::new(d, inner, false, init),
            k: Linear::new(d, inner, false, init),
            v: Linear::new(d, inner, false, init),
            out: Linear::new(inner, d, false, init),
            norm_q: norm_of_heads(init),
            norm_k: norm_of_heads(init),
            norm_ffw: Norm::layer(d, init),
            ffw_in: Linear::new(d, config.ffw_multiple * d, false, init),
            ffw_out: Linear::new(config.ffw_multiple * d, d, false, init),
            heads: config.heads,
            activation: config.activation,
        }
    }

    /// # Shapes
    /// - `x`: `[M, T * S, width]`
    /// - `latents` and output: `[M, R, width]`
    fn forward(&self, x: Tensor<3>, latents: Tensor<3>) -> Tensor<3> {
        let (q, k, seen) = self.queries_keys(x, latents.clone());
        self.changed(latents, q, k, seen)
    }

    /// As [`Self::forward`], the features attending, too.
    fn forward_all(&self, x: Tensor<3>, latents: Tensor<3>) -> (Tensor<3>, Tensor<3>) {
        let ([_, features, _], [_, r, _]) = (x.dims(), latents.dims());
        let (of_latents, k, seen) = self.queries_keys(x.clone(), latents.clone());
        let of_features = self.q.forward(self.norm_media.forward(x.clone()));
        let of_features = of_heads(split_heads(of_features, self.heads), &self.norm_q);
        let q = Tensor::cat(vec![of_features, of_latents], 2);
        let all = self.changed(Tensor::cat(vec![x, latents], 1), q, k, seen);
        let x = all.clone().narrow(1, 0, features);
        (x, all.narrow(1, features, r))
    }

    /// What queries see, then the feed-forward, each added.
    fn changed(&self, asks: Tensor<3>, q: Tensor<4>, k: Tensor<4>, seen: Tensor<3>) -> Tensor<3> {
        let v = split_heads(self.v.forward(seen), self.heads);
        let scale = (q.dims()[3] as f64).powf(-0.5);
        let looked = merge_heads(attention(q, k, v, None, scale));
        let asks = self.out.added_to(asks, looked);
        let normed = self.norm_ffw.forward(asks.clone());
        let hidden = self.ffw_in.activated(normed, self.activation);
        self.ffw_out.added_to(asks, hidden)
    }

    /// Queries `[M, H, R, Dh]`, keys `[M, H, T * S + R, Dh]`, and what keys and values are of.
    fn queries_keys(&self, x: Tensor<3>, latents: Tensor<3>) -> (Tensor<4>, Tensor<4>, Tensor<3>) {
        let normed = self.norm_latents.forward(latents);
        let seen = Tensor::cat(vec![self.norm_media.forward(x), normed.clone()], 1);
        let q = split_heads(self.q.forward(normed), self.heads);
        let k = split_heads(self.k.forward(seen.clone()), self.heads);
        (of_heads(q, &self.norm_q), of_heads(k, &self.norm_k), seen)
    }

    /// The attention's weights, `[M, H, R, T * S + R]`.
    fn weights(&self, x: Tensor<3>, latents: Tensor<3>) -> Tensor<4> {
        let (q, k, _) = self.queries_keys(x, latents);
        let scale = (q.dims()[3] as f64).powf(-0.5);
        flamingo_kernels::burn::tensor::activation::softmax((q * scale).matmul(k.transpose()), 3)
    }
}

impl MlpLayer {
    fn new(config: &PerceiverResamplerConfig, init: &mut Init) -> Self {
        let (d, hidden) = (config.width, config.ffw_multiple * config.width);
        Self {
            norm_ffw: Norm::layer(d, init),
            ffw_in: Linear::new(d, hidden, false, init),
            ffw_out: Linear::new(hidden, d, false, init),
            activation: config.activation,
        }
    }

    /// # Shapes
    /// - `mean`: `[M, 1, width]`
    /// - `latents` and output: `[M, R, width]`
    fn forward(&self, mean: Tensor<3>, latents: Tensor<3>) -> Tensor<3> {
        let normed = self.norm_ffw.forward(latents.clone() + mean);
        let hidden = self.activation.apply(self.ffw_in.forward(normed));
        self.ffw_out.added_to(latents, hidden)
    }
}

fn of_heads(x: Tensor<4>, norm: &Option<Norm>) -> Tensor<4> {
    match norm {
        Some(norm) => norm.forward(x),
        None => x,
    }
}

/// The embeddings of `frames` frames: the first rows of the table while they suffice, else the
/// table stretched linearly, its first and last rows at the first and last frame.
fn time_embeddings(table: Tensor<2>, frames: usize) -> Tensor<2> {
    let [learnt, width] = table.dims();
    if frames <= learnt {
        return table.narrow(0, 0, frames);
    }
    let weights = interpolation(learnt, frames);
    let weights: Tensor<2> = floats(weights, [frames, learnt], &table.device());
    let stretched = weights.cast(table.dtype()).matmul(table);
    assert_eq!(stretched.dims(), [frames, width]);
    stretched
}

/// Row-major `[frames, learnt]` weights of a linear interpolation between end points.
fn interpolation(learnt: usize, frames: usize) -> Vec<f32> {
    let mut weights = vec![0.0; frames * learnt];
    for frame in 0..frames {
        let place = frame as f32 * (learnt - 1) as f32 / (frames - 1) as f32;
        let below = (place as usize).min(learnt.saturating_sub(2));
        let share = place - below as f32;
        weights[frame * learnt + below] += 1.0 - share;
        if below + 1 < learnt {
            weights[frame * learnt + below + 1] += share;
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use flamingo_kernels::Device;

    fn config() -> PerceiverResamplerConfig {
        PerceiverResamplerConfig {
            width: 6,
            latents: 5,
            layers: 2,
            heads: 3,
            head_dim: 2,
            ffw_multiple: 2,
            time_embeddings: 4,
            ..PerceiverResamplerConfig::paper()
        }
    }

    fn features(shape: [usize; 4]) -> Tensor<4> {
        Init::new(9, &Device::flex()).normal(shape, 1.0).val()
    }

    fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
        x.into_data().try_to_vec().expect("f32")
    }

    #[test]
    fn any_number_of_frames_gives_the_same_number_of_latents() {
        let resampler = PerceiverResampler::new(&config(), 7, &mut Init::new(1, &Device::flex()));
        for frames in [1, 3, 4, 11] {
            let latents = resampler.forward(features([2, frames, 13, 7]), &[]);
            assert_eq!(latents.dims(), [2, 5, 6]);
        }
    }

    #[test]
    fn media_of_a_batch_do_not_see_each_other() {
        let resampler = PerceiverResampler::new(&config(), 6, &mut Init::new(1, &Device::flex()));
        let both = features([2, 1, 13, 6]);
        let alone = resampler.forward(both.clone().narrow(0, 1, 1), &[]);
        let together = values(resampler.forward(both, &[]).narrow(0, 1, 1));
        for (a, b) in values(alone).iter().zip(together) {
            assert!((a - b).abs() < 1e-5);
        }
    }

    #[test]
    fn the_order_of_frames_matters_but_not_of_positions() {
        let resampler = PerceiverResampler::new(&config(), 6, &mut Init::new(1, &Device::flex()));
        let x = features([1, 2, 3, 6]);
        let distance = |a: Tensor<3>, b: Tensor<3>| (a - b).abs().max().into_scalar::<f32>();
        let y = resampler.forward(x.clone(), &[]);
        assert!(distance(y.clone(), resampler.forward(x.clone().flip([2]), &[])) < 1e-5);
        assert!(distance(y, resampler.forward(x.flip([1]), &[])) > 1e-3);
    }

    #[test]
    fn other_kinds_give_as_many_latents_of_each_medium_by_itself_and_are_counted() {
        let perceiver = PerceiverResampler::new(&config(), 7, &mut Init::new(1, &Device::flex()));
        let x = features([3, 2, 13, 7]);
        for kind in [ResamplerKind::Transformer, ResamplerKind::Mlp] {
            let config = PerceiverResamplerConfig { kind, ..config() };
            let resampler = PerceiverResampler::new(&config, 7, &mut Init::new(1, &Device::flex()));
            assert_eq!(
                config.parameters(7),
                resampler.num_params() as u64,
                "{kind:?}"
            );
            let latents = resampler.forward(x.clone(), &[]);
            assert_eq!(latents.dims(), [3, 5, 6]);
            let alone = resampler.forward(x.clone().narrow(0, 1, 1), &[]);
            for (a, b) in values(alone)
                .iter()
                .zip(values(latents.clone().narrow(0, 1, 1)))
            {
                assert!((a - b).abs() < 1e-5, "{kind:?}");
            }
            // It looks: another picture has other latents.
            let of = |medium| values(latents.clone().narrow(0, medium, 1));
            assert_ne!(of(0), of(1), "{kind:?}");
            let weights = resampler.weights(x.clone().narrow(0, 0, 1), 0);
            assert_eq!(weights.dims(), [5, 2 * 13 + 5]);
            for sum in weights
                .sum_dim(1)
                .into_data()
                .try_to_vec::<f32>()
                .expect("f32")
            {
                assert!((sum - 1.0).abs() < 1e-5, "{kind:?}");
            }
        }
        // The same numbers, but features change in a Transformer.
        let config_of = |kind| PerceiverResamplerConfig { kind, ..config() };
        let transformer = PerceiverResampler::new(
            &config_of(ResamplerKind::Transformer),
            7,
            &mut Init::new(1, &Device::flex()),
        );
        assert_eq!(transformer.num_params(), perceiver.num_params());
        assert_ne!(
            values(transformer.forward(x.clone(), &[])),
            values(perceiver.forward(x, &[]))
        );
    }

    #[test]
    fn interpolated_embeddings_keep_the_ends_and_sum_to_one() {
        let weights = interpolation(3, 5);
        assert_eq!(weights[..3], [1.0, 0.0, 0.0]);
        assert_eq!(weights[3..6], [0.5, 0.5, 0.0]);
        assert_eq!(weights[12..], [0.0, 0.0, 1.0]);
        for row in interpolation(8, 30).chunks(8) {
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn a_medium_of_another_place_has_other_latents_only_with_embeddings_of_places() {
        for media_embeddings in [0, 5] {
            let config = PerceiverResamplerConfig {
                media_embeddings,
                query_key_norm: true,
                ..config()
            };
            let resampler = PerceiverResampler::new(&config, 6, &mut Init::new(1, &Device::flex()));
            let x = features([1, 1, 13, 6]);
            let first = values(resampler.forward(x.clone(), &[0]));
            let fourth = values(resampler.forward(x, &[3]));
            assert_eq!(first != fourth, media_embeddings > 0);
        }
    }

    #[test]
    fn parameters_are_counted_as_they_are_built() {
        for (visual_width, query_key_norm, media_embeddings) in [(6, false, 0), (7, true, 3)] {
            let config = PerceiverResamplerConfig {
                query_key_norm,
                media_embeddings,
                ..config()
            };
            let mut init = Init::new(0, &Device::flex());
            let built = PerceiverResampler::new(&config, visual_width, &mut init).num_params();
            assert_eq!(config.parameters(visual_width), built as u64);
        }
    }
}
