//! A finished Flamingo that learns more: its resampler and gated blocks as they are, and beside its frozen language model
//! a change of low rank, if that is wanted.

use std::path::PathBuf;

use flamingo_kernels::{Device, Init, LoraConfig, Module};
use flamingo_model::Flamingo;
use flamingo_model::vision::VisionEncoder;
use flamingo_weights::{
    ADAPTER_VERSION, AdapterBase, AdapterHeader, ModelConfig, Source, apply_tensors, open,
};
use serde::{Deserialize, Serialize};

use crate::new_tokens::NewTokens;
use crate::options::Options;
use crate::start::{Product, Start};
use crate::tree::freeze_paths;
use crate::{Error, Result};

/// A finished Flamingo, and what of it learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FineTuneSpec {
    /// The model: a directory, or a name that the program knows.
    pub base: String,
    /// The language model of an OpenFlamingo checkpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lm: Option<String>,
    /// Its image tower.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vision: Option<String>,
    /// What learns beside the matrices of the language model's layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lora: Option<LoraConfig>,
    /// Whether the vision encoder learns along: each step then encodes its pictures.
    #[serde(default)]
    pub unfreeze_vision: bool,
}

/// Opens the model and freezes what is not to learn.
pub(crate) fn start(
    spec: &FineTuneSpec,
    seed: u64,
    device: &Device,
    options: &Options,
) -> Result<Start> {
    let directory = || Source::WithParts(PathBuf::from(&spec.base), options.parts.clone());
    let opened = open(&options.base.clone().unwrap_or_else(directory))?.merged()?;
    opened.report.check()?;
    let ModelConfig::Flamingo(config) = opened.file.model.clone() else {
        return Err(Error::contradiction(format!(
            "{} is a {} model: a Flamingo is fine-tuned",
            spec.base,
            opened.file.model.kind()
        )));
    };
    if config.vision.has_tiles() {
        return Err(Error::contradiction(format!(
            "{} sees pictures as several tiles, which no training does yet: take another model",
            spec.base
        )));
    }
    let preprocess = opened.file.preprocess.clone().ok_or_else(|| {
        Error::contradiction(format!("{} does not say how it sees pictures", spec.base))
    })?;
    let plain = options.device.clone();
    let model = Flamingo::new(&config, &mut Init::new(seed, device))?;
    let mut model = apply_tensors(model, &opened.tensors, "")?;
    model.language = model.language.freeze();
    let encoder = match spec.unfreeze_vision {
        true => None,
        false => {
            // One that stays unread takes its place: pictures are shown to an encoder alone.
            let unread = || VisionEncoder::new(&config.vision, &mut Init::new(0, &plain));
            model.vision = unread();
            let encoder = unread();
            Some(apply_tensors(encoder, &opened.tensors.under("vision."), "")?.no_grad())
        }
    };
    // Statistics of a normalisation are measured, not learnt.
    let model = freeze_paths(model, &|path| {
        path.starts_with("vision.") && (path.ends_with(".mean") || path.ends_with(".variance"))
    });
    let mut model = model;
    if let Some(lora) = &spec.lora {
        if lora.rank > config.language.width {
            return Err(Error::contradiction(format!(
                "lora has rank {}, the language model is {} wide: give a rank below, such as 8",
                lora.rank, config.language.width
            )));
        }
        let mut init = Init::new(seed, device);
        model.language.add_lora(lora, &mut init);
    }
    Ok(Start {
        product: Product::Adapter(AdapterHeader {
            version: ADAPTER_VERSION,
            base: AdapterBase {
                name: spec.base.clone(),
                fingerprint: opened.tensors.fingerprint()?,
            },
            lora: spec.lora,
        }),
        config,
        preprocess,
        tokens: opened.file.tokens,
        tokenizer: opened.tokenizer,
        sees: opened.file.sees,
        model,
        encoder,
        new_tokens: NewTokens::default(),
    })
}
