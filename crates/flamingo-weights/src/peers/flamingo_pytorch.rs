//! flamingo-pytorch's `FlamingoPaLM`: PaLM's parallel layers with one key and value head, and gated
//! blocks *behind* the layers 0, n, 2n, ...
//!
//! The package publishes no weights and no format: this is a state dict under its parameters'
//! names. It has no tokenizer, and its image encoder is whatever was given to it: only one
//! convolution into patches (`img_encoder.proj`) can be read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flamingo_kernels::{Activation, Device, Init, NormKind};
use flamingo_model::language::{Positions, QueryKeyNorm, Residual};
use flamingo_model::vision::{VisionConfig, VitConfig};
use flamingo_model::{
    Flamingo, FlamingoConfig, GatedConfig, LanguageConfig, PerceiverResamplerConfig, Placement,
};

use super::files;
use super::names::Names;
use super::open_flamingo::{block_links, resampler_links};
use crate::shapes::shapes;
use crate::{Error, Link, LoadReport, Result, Tensors};

/// A `FlamingoPaLM`, ready to be built.
pub struct FlamingoPytorch {
    /// Its configuration.
    pub config: FlamingoConfig,
    /// All tensors under our names.
    pub tensors: Tensors,
    /// What became of theirs.
    pub report: LoadReport,
}

/// Opens a state dict; pictures are `image_size` pixels wide.
///
/// # Errors
/// If the file cannot be read or holds another model.
pub fn open(path: &Path, image_size: usize) -> Result<FlamingoPytorch> {
    let paths: [PathBuf; 1] = [path.to_path_buf()];
    let checkpoint = files::open(&paths)?;
    let mut names = Names::default();
    names.add(&checkpoint, |name| {
        // The head is the embedding; tables and zero shifts are computed.
        let computed = ["inv_freq", ".beta", "to_logits.1.weight"];
        (!computed.iter().any(|end| name.ends_with(end))).then(|| name.to_owned())
    });
    let sizes = Sizes {
        names: &names,
        path,
    };
    let config = sizes.config(image_size)?;
    let mut shapes: BTreeMap<String, Vec<usize>> =
        shapes(&Flamingo::new(&config, &mut Init::new(0, &Device::flex()))?);
    // Features are the convolution's output: the last normalisation is never asked.
    shapes.retain(|name, _| !name.starts_with("vision.vit.ln_post."));
    let (mut tensors, report) = names.link(&links(&config), &shapes, &|_| false)?;
    for end in ["weight", "bias"] {
        let width = config.vision.width();
        tensors.add_zeros(format!("vision.vit.ln_post.{end}"), vec![width]);
    }
    Ok(FlamingoPytorch {
        config,
        tensors,
        report,
    })
}

struct Sizes<'a> {
    names: &'a Names,
    path: &'a Path,
}

impl Sizes<'_> {
    fn of<const D: usize>(&self, name: &str) -> Result<[usize; D]> {
        let found = self
            .names
            .shape(name)
            .and_then(|shape| shape.try_into().ok());
        found.ok_or_else(|| {
            Error::malformed(
                self.path,
                format!("it has no `{name}` of {D} axes: it is no FlamingoPaLM's state dict"),
            )
        })
    }

    fn config(&self, image_size: usize) -> Result<FlamingoConfig> {
        let [vocabulary, d] = self.of("token_emb.weight")?;
        let [_, inner] = self.of("layers.0.0.fn.attn_out.weight")?;
        let [_, hidden] = self.of("layers.0.0.fn.ff_out.1.weight")?;
        let [fused, _] = self.of("layers.0.0.fn.fused_attn_ff_proj.weight")?;
        let head_dim = fused.saturating_sub(inner + 2 * hidden) / 2;
        if head_dim == 0 || !inner.is_multiple_of(head_dim) {
            return Err(Error::malformed(
                self.path,
                format!(
                    "{fused} fused rows are none of {inner} query channels and {hidden} hidden ones"
                ),
            ));
        }
        let heads = inner / head_dim;
        let layers = self.names.count("layers.");
        let language = LanguageConfig {
            vocabulary,
            key_value_heads: 1,
            head_dim,
            positions: Positions::Rotary {
                fraction: 1.0,
                base: 10_000.0,
                scaling: None,
            },
            residual: Residual::ParallelSharedNorm,
            activation: Activation::Silu,
            gated_ffw: true,
            norm: NormKind::LayerNormNoBias,
            ffw_width: hidden,
            ..LanguageConfig::mpt(d, layers, heads, QueryKeyNorm::None)
        };
        Ok(FlamingoConfig {
            vision: VisionConfig::Vit(self.vision(image_size)?),
            resampler: Some(self.resampler(d, heads, head_dim)?),
            gated: self.gated(d, heads, head_dim)?,
            language,
            project_media: false,
            media_projection_bias: false,
        })
    }

    fn vision(&self, image_size: usize) -> Result<VitConfig> {
        let [width, _, patch, _] = self.of("img_encoder.proj.weight")?;
        Ok(VitConfig {
            image_size,
            patch,
            width,
            layers: 0,
            heads: 1,
            class_token: false,
            pre_norm: false,
            projection: None,
            ..VitConfig::vit_l_14()
        })
    }

    fn resampler(
        &self,
        d: usize,
        heads: usize,
        head_dim: usize,
    ) -> Result<PerceiverResamplerConfig> {
        let [latents, _] = self.of("perceiver_resampler.latents")?;
        let [media, _, _] = self.of("perceiver_resampler.media_pos_emb")?;
        let [hidden, _] = self.of("perceiver_resampler.layers.0.1.1.weight")?;
        let frames = self
            .names
            .shape("video_frame_pos_emb")
            .map_or(0, |shape| shape[0]);
        Ok(PerceiverResamplerConfig {
            latents,
            layers: self.names.count("perceiver_resampler.layers."),
            heads,
            head_dim,
            ffw_multiple: hidden / d.max(1),
            time_embeddings: frames,
            media_embeddings: media,
            ..PerceiverResamplerConfig::open_flamingo(d)
        })
    }

    fn gated(&self, d: usize, heads: usize, head_dim: usize) -> Result<GatedConfig> {
        let numbers = self.names.numbers("layers.");
        let has_block = |i: &usize| self.names.has(&format!("layers.{i}.1.attn_gate"));
        let found: Vec<usize> = numbers.into_iter().filter(has_block).collect();
        let every = found.get(1).copied().unwrap_or(usize::MAX);
        let [hidden, _] = self.of("layers.0.1.ff.1.weight")?;
        let regular = found
            .iter()
            .enumerate()
            .all(|(i, layer)| *layer == i.saturating_mul(every));
        if !regular {
            return Err(Error::malformed(
                self.path,
                format!(
                    "it has gated blocks behind the layers {found:?}, which no `cross_attn_every` gives"
                ),
            ));
        }
        Ok(GatedConfig {
            first: 0,
            every,
            heads,
            head_dim,
            ffw_multiple: hidden / d.max(1),
            placement: Placement::After,
            ..GatedConfig::open_flamingo(1)
        })
    }
}

fn links(config: &FlamingoConfig) -> Vec<Link> {
    let mut links = vec![
        Link::same("token_emb.weight", "language.embed.weight"),
        Link::same("to_logits.0.gamma", "language.norm.weight"),
        Link::same("img_encoder.proj.weight", "vision.vit.conv1.weight"),
    ];
    // Their convolution has a bias, ours none but a place for each position: the bias at each.
    let positions = config.vision.positions();
    links.push(Link::rows(
        vec!["img_encoder.proj.bias"; positions],
        ["vision.vit.positional_embedding"],
    ));
    if let Some(resampler) = &config.resampler {
        links.extend(resampler_links(resampler).into_iter().map(|mut link| {
            match link.theirs[0].as_str() {
                "frame_embs" => link.theirs = vec!["video_frame_pos_emb".into()],
                "media_time_embs" => link.theirs = vec!["perceiver_resampler.media_pos_emb".into()],
                _ => link = link.under("perceiver_resampler.", ""),
            }
            link.under("", "resampler.")
        }));
    }
    for i in 0..config.language.layers {
        let ours = format!("language.layers.{i}.");
        let parts = [
            "attention.q",
            "attention.k",
            "attention.v",
            "ffw.input",
            "ffw.gate",
        ];
        let layer = [
            Link::same("norm.gamma", "norm_attention.weight"),
            Link::rows(
                ["fused_attn_ff_proj.weight"],
                parts.map(|part| format!("{part}.weight")),
            ),
            Link::same("attn_out.weight", "attention.out.weight"),
            Link::same("ff_out.1.weight", "ffw.output.weight"),
        ];
        links.extend(layer.map(|link| link.under(&format!("layers.{i}.0.fn."), &ours)));
    }
    let layers = config.language.layers;
    let points = (0..=layers).filter(|&point| config.gated.stands_at(point, layers));
    for (block, point) in points.enumerate() {
        let theirs = format!("layers.{}.1.", point - 1);
        let ours = format!("gated.{block}.");
        links.extend(
            block_links()
                .into_iter()
                .map(|link| link.under(&theirs, &ours)),
        );
    }
    links
}
