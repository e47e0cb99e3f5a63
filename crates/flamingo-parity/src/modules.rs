//! A case of modules alone, with the switches that no published model turns on: a resampler with
//! embeddings of frames and of media, and masked cross-attention over the last image, over all
//! previous ones, over cached ones, and without any mask. Heads are 16 wide.

use flamingo_checkpoint::Checkpoint;
use flamingo_kernels::{Device, Init, Module, Tensor, floats};
use flamingo_model::{
    GatedConfig, GatedCrossAttention, Media, PerceiverResampler, PerceiverResamplerConfig,
};
use flamingo_weights::{
    Link, load_module, open_flamingo_block_links as block_links,
    open_flamingo_resampler_links as resampler_links,
};

use crate::case::{array, shape};
use crate::rows::{Sees, looking};
use crate::{Array, Case, Computed, Error, Result};

const HEAD_DIM: usize = 16;
const FILE: &str = "modules.safetensors";
/// Tokens of which the peer's cached media are asked.
const CACHED: usize = 4;

struct Operands {
    x: Tensor<3>,
    media: Tensor<4>,
    counts: Vec<Vec<usize>>,
}

struct Modules<'a> {
    case: &'a Case,
    file: &'a Checkpoint,
    device: &'a Device,
}

pub(crate) fn compute(case: &Case, device: &Device) -> Result<(Computed, Checkpoint)> {
    let file = case
        .file(FILE)?
        .expect("the case was recognised by this file");
    let modules = Modules {
        case,
        file: &file,
        device,
    };
    let mut computed = Computed::default();
    modules.resampler(&mut computed)?;
    modules.attention(&mut computed)?;
    modules.gated(&mut computed)?;
    Ok((computed, file))
}

impl Modules<'_> {
    fn axes<const D: usize>(&self, name: &str) -> Result<[usize; D]> {
        let found = shape(self.file, name)?;
        let axes = found.clone().try_into().ok();
        let whole = |axes: &[usize; D]| !axes.contains(&0);
        axes.filter(whole).ok_or_else(|| {
            Error::case(
                &self.case.directory,
                format!("`{name}` is {found:?}, not of {D} axes with something in them"),
            )
        })
    }

    fn tensor<const D: usize>(&self, name: &str) -> Result<Tensor<D>> {
        let dims = self.axes::<D>(name)?;
        Ok(floats(array(self.file, name)?.values, dims, self.device))
    }

    fn load<M: Module>(&self, module: M, links: &[Link], prefix: &str) -> Result<M> {
        let rename = |name: &str| name.strip_prefix(prefix).map(str::to_owned);
        let path = self.case.directory.join(FILE);
        let module = load_module(module, &path, links, &rename, &|_| true)?;
        Ok(module.no_grad())
    }

    fn resampler(&self, computed: &mut Computed) -> Result<()> {
        let [b, t, f, v, d] = self.axes("perceiver.in")?;
        let [latents, _] = self.axes("perceiver.latents")?;
        let [inner, _] = self.axes("perceiver.layers.0.0.to_q.weight")?;
        let [hidden, _] = self.axes("perceiver.layers.0.1.1.weight")?;
        let layers = self
            .file
            .names()
            .filter(|name| name.ends_with(".0.to_q.weight"))
            .count();
        let rows = |name: &str| {
            self.file
                .info(name)
                .map_or(0, |info| info.shape.first().copied().unwrap_or(0))
        };
        let config = PerceiverResamplerConfig {
            latents,
            layers,
            heads: inner / HEAD_DIM,
            head_dim: HEAD_DIM,
            ffw_multiple: hidden / d,
            time_embeddings: rows("perceiver.frame_embs"),
            media_embeddings: rows("perceiver.media_time_embs"),
            ..PerceiverResamplerConfig::open_flamingo(d)
        };
        let resampler = PerceiverResampler::new(&config, d, &mut Init::new(0, self.device));
        let resampler = self.load(resampler, &resampler_links(&config), "perceiver.")?;
        let features = array(self.file, "perceiver.in")?;
        let features = floats(features.values, [b * t, f, v, d], self.device);
        let places: Vec<usize> = (0..b * t).map(|medium| medium % t).collect();
        let out = Array::of(resampler.forward(features, &places));
        computed.put("perceiver.out", out.reshaped([b, t, latents, d]));
        Ok(())
    }

    /// A block under `prefix`, of whose parts those that are not there are 0.
    fn block(&self, prefix: &str, links: Vec<Link>) -> Result<GatedCrossAttention> {
        let [inner, d] = self.axes(&format!("{prefix}to_q.weight"))?;
        let [_, visual] = self.axes(&format!("{prefix}to_kv.weight"))?;
        let config = GatedConfig {
            heads: inner / HEAD_DIM,
            head_dim: HEAD_DIM,
            ..GatedConfig::open_flamingo(1)
        };
        let block = GatedCrossAttention::new(&config, d, visual, &mut Init::new(0, self.device));
        self.load(
            block,
            &links,
            prefix.strip_suffix("attn.").unwrap_or(prefix),
        )
    }

    /// The tokens `x`, the media, and the number of media so far for each token, row-major; for a
    /// block under `prefix`.
    fn operands(&self, prefix: &str) -> Result<Operands> {
        let (x, media) = (self.tensor::<3>("x")?, self.tensor::<4>("media")?);
        let [_, d] = self.axes(&format!("{prefix}to_q.weight"))?;
        let [_, visual] = self.axes(&format!("{prefix}to_kv.weight"))?;
        let [b, width] = self.axes("media_locations")?;
        let [rows, _, _, channels] = media.dims();
        if x.dims() != [b, width, d] || (rows, channels) != (b, visual) || width < CACHED {
            return Err(Error::case(
                &self.case.directory,
                format!(
                    "`x` is {:?}, `media` {:?}, `media_locations` {:?}: the block reads {d} and {visual} channels, and at least {CACHED} tokens",
                    x.dims(),
                    media.dims(),
                    [b, width]
                ),
            ));
        }
        let mut marks = vec![0i64; b * width];
        self.file
            .read("media_locations", 0..marks.len(), &mut marks)?;
        let row = |marks: &[i64]| {
            let mut count = 0;
            marks
                .iter()
                .map(|mark| {
                    count += usize::from(*mark != 0);
                    count
                })
                .collect()
        };
        Ok(Operands {
            counts: marks.chunks(width).map(row).collect(),
            x,
            media,
        })
    }

    fn attention(&self, computed: &mut Computed) -> Result<()> {
        let links = block_links()
            .into_iter()
            .map(|mut link| {
                for name in &mut link.theirs {
                    *name = name.strip_prefix("attn.").unwrap_or(name).to_owned();
                }
                link
            })
            .collect();
        let block = self.block("mca.", links)?;
        let Operands { x, media, counts } = self.operands("mca.")?;
        let ([b, t, _, _], [_, width, _]) = (media.dims(), x.dims());
        let media = Media::Joint(vec![block.keys_values(media.flatten(0, 1))]);
        let last: Vec<usize> = counts.iter().map(|row| row[width - 1]).collect();
        for (name, all) in [("immediate", false), ("all_previous", true)] {
            let sees = |row: usize, count: usize| sees(row * t, t, count, all);
            let run = |x: Tensor<3>, sees: Vec<Sees>| {
                let looking = looking(&sees, b * t, self.device);
                let looked = block.cross_attention(x.clone(), &media, 0, &looking);
                Array::of(looked.unwrap_or_else(|| x.zeros_like()))
            };
            let whole = (0..b).flat_map(|row| counts[row].iter().map(move |&c| (row, c)));
            let whole = whole.map(|(row, count)| sees(row, count)).collect();
            computed.put(format!("{name}.out"), run(x.clone(), whole));
            // Cached: tokens that all come behind the row's last medium.
            let cached = (0..b)
                .flat_map(|row| vec![sees(row, last[row]); CACHED])
                .collect();
            computed.put(
                format!("{name}.cached_out"),
                run(x.clone().narrow(1, 0, CACHED), cached),
            );
            let every = (0..b)
                .flat_map(|row| vec![Sees::All(row * t..row * t + t); width])
                .collect();
            computed.put(format!("{name}.no_locations_out"), run(x.clone(), every));
        }
        Ok(())
    }

    fn gated(&self, computed: &mut Computed) -> Result<()> {
        let block = self.block("gated.attn.", block_links())?;
        let Operands { x, media, counts } = self.operands("gated.attn.")?;
        let [b, t, _, _] = media.dims();
        let all =
            (0..b).flat_map(|row| counts[row].iter().map(move |&c| sees(row * t, t, c, false)));
        let looking = looking(&all.collect::<Vec<_>>(), b * t, self.device);
        let media = Media::Joint(vec![block.keys_values(media.flatten(0, 1))]);
        computed.put(
            "gated.out",
            Array::of(block.forward(x, &media, 0, &looking)),
        );
        Ok(())
    }
}

/// What a token sees of the `t` media from `first` on, `count` of which came before it.
fn sees(first: usize, t: usize, count: usize, all: bool) -> Sees {
    match (count, all) {
        // The peer zeroes rows without a medium only where one medium is seen.
        (0, true) => Sees::Evenly(first..first + t),
        (0, false) => Sees::nothing(),
        (n, true) => Sees::All(first..first + n.min(t)),
        (n, false) if n <= t => Sees::One(first + n - 1..first + n),
        (_, false) => Sees::Evenly(first..first + t),
    }
}
