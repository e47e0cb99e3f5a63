//! The configuration in our terms.

use flamingo_kernels::{Activation, NormKind};
use flamingo_model::language::Positions;
use flamingo_model::vision::{TilesConfig, Tiling, VisionConfig, VitConfig, VitTokens};
use flamingo_model::{FlamingoConfig, GatedConfig, LanguageConfig, Placement};
use serde_json::json;

use crate::Result;
use crate::peers::json::Json;
use crate::peers::language::rotary;
use crate::peers::names::Names;

/// The layers of the language model, those among them counted that are gated blocks.
pub(super) struct Layers {
    all: usize,
    blocks: Vec<usize>,
}

impl Layers {
    pub(super) fn of(json: &Json) -> Result<Self> {
        let text = json.object("text_config")?;
        let all = text.count_or("num_hidden_layers", 40)?;
        let mut blocks = text
            .counts("cross_attention_layers")?
            .unwrap_or_else(|| vec![3, 8, 13, 18, 23, 28, 33, 38]);
        blocks.sort_unstable();
        blocks.dedup();
        match blocks.last() {
            Some(last) if *last < all && blocks.len() < all => Ok(Self { all, blocks }),
            _ => Err(json.wrong(format!(
                "`text_config.cross_attention_layers` is {blocks:?}, of `num_hidden_layers` {all} layers some are to \
                 be listed and some not"
            ))),
        }
    }

    /// The numbers of the gated blocks, and of the language model's own layers.
    pub(super) fn numbers(&self) -> [Vec<usize>; 2] {
        let own = (0..self.all).filter(|layer| !self.blocks.contains(layer));
        [self.blocks.clone(), own.collect()]
    }
}

pub(super) fn config(json: &Json, layers: &Layers, names: &Names) -> Result<FlamingoConfig> {
    let language = language(&json.object("text_config")?, layers, names)?;
    let gated = GatedConfig {
        layers: layers.blocks.clone(),
        key_value_heads: Some(language.key_value_heads).filter(|&heads| heads != language.heads),
        head_dim: language.head_dim,
        activation: language.activation,
        placement: Placement::Instead,
        norm: NormKind::RmsNorm,
        norm_epsilon: language.norm_epsilon,
        query_key_norm: true,
        ffw_width: Some(language.ffw_width),
        gated_ffw: true,
        seeing_only: true,
        ..GatedConfig::paper(1, language.heads)
    };
    Ok(FlamingoConfig {
        vision: VisionConfig::Vit(vision(&json.object("vision_config")?)?),
        resampler: None,
        gated,
        language,
        project_media: true,
        media_projection_bias: true,
    })
}

fn language(json: &Json, layers: &Layers, names: &Names) -> Result<LanguageConfig> {
    let (width, heads, ffw) = (
        json.count_or("hidden_size", 4096)?,
        json.count_or("num_attention_heads", 32)?,
        json.count_or("intermediate_size", 14_336)?,
    );
    if !width.is_multiple_of(heads) {
        return Err(json.wrong(format!(
            "`hidden_size` {width} cannot be divided among {heads} heads"
        )));
    }
    json.only("hidden_act", &[json!("silu")])?;
    json.only("tie_word_embeddings", &[json!(false)])?;
    let written = json.count_or("vocab_size", 128_256)?;
    let read = names.shape("language_model.model.embed_tokens.weight");
    // Eight rows more than are written: the picture's token and seven that have no name.
    let read = read.and_then(|shape| shape.first().copied());
    let vocabulary = read.unwrap_or(written + 8).max(written);
    let (base, scaling) = rotary(json, 500_000.0)?;
    let own = layers.all - layers.blocks.len();
    Ok(LanguageConfig {
        vocabulary,
        head_rows: (written < vocabulary).then_some(written),
        key_value_heads: json.count_or("num_key_value_heads", 8)?,
        positions: Positions::Rotary {
            fraction: 1.0,
            base,
            scaling,
        },
        norm_epsilon: json.number_or("rms_norm_eps", 1e-5)?,
        activation: Activation::Silu,
        ..LanguageConfig::llama(width, own, heads, ffw)
    })
}

fn vision(json: &Json) -> Result<VitConfig> {
    let width = json.count_or("hidden_size", 1280)?;
    let most = json.count_or("max_num_tiles", 4)?;
    let intermediate = json
        .counts("intermediate_layers_indices")?
        .unwrap_or_else(|| vec![3, 7, 15, 23, 30]);
    json.only("hidden_act", &[json!("gelu")])?;
    json.only("num_channels", &[json!(3)])?;
    let ratios: Vec<[usize; 2]> = Tiling::all(most).map(|t| [t.rows, t.columns]).collect();
    json.only("supported_aspect_ratios", &[json!(ratios)])?;
    let features = width * (1 + intermediate.len());
    json.only("vision_output_dim", &[json!(features)])?;
    let hidden = json.count_or("intermediate_size", 5120)?;
    Ok(VitConfig {
        image_size: json.count_or("image_size", 448)?,
        patch: json.count_or("patch_size", 14)?,
        width,
        layers: json.count_or("num_hidden_layers", 32)?,
        heads: json.count_or("attention_heads", 16)?,
        ffw_width: (hidden != 4 * width).then_some(hidden),
        activation: Activation::Gelu,
        class_token: true,
        class_token_in_features: true,
        pre_norm: true,
        tokens: VitTokens::AfterNorm,
        projection: None,
        norm_epsilon: json.number_or("norm_eps", 1e-5)?,
        attention_bias: false,
        tiles: Some(TilesConfig {
            most,
            global_layers: json.count_or("num_global_layers", 8)?,
            intermediate,
            multiple: 8,
        }),
        ..VitConfig::vit_l_14()
    })
}
