//! Published language models: a directory with `config.json`, weights in one file or in shards, and
//! a tokenizer. One file a family: its configuration in our terms, its names and ours.

mod activation;
mod gguf;
mod gpt_neox;
mod heads;
mod links;
mod llama;
mod mosaic_gpt;
mod mpt;
mod opt;

use flamingo_model::LanguageConfig;
use serde_json::Value;

use super::json::Json;
use crate::{Link, Result};

pub(super) use gguf::{config as gguf_config, links as gguf_links, name as gguf_name};
pub(super) use llama::{layer as llama_layer, layers as llama_layers, rotary};

/// A family of language models that OpenFlamingo builds on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// OPT (Zhang et al., 2022), those that normalise first.
    Opt,
    /// MPT-1B by MosaicML's own code of early 2023.
    MosaicGpt,
    /// MPT-7B and later.
    Mpt,
    /// GPT-NeoX, Pythia, RedPajama-INCITE.
    GptNeox,
    /// LLaMA (1 and 2).
    Llama,
}

/// All of them.
const FAMILIES: [Family; 5] = [
    Family::Opt,
    Family::MosaicGpt,
    Family::Mpt,
    Family::GptNeox,
    Family::Llama,
];

impl Family {
    /// By the `model_type` of a `config.json`.
    ///
    /// # Errors
    /// If it is another one; the message lists those that are known.
    pub(crate) fn of(json: &Json) -> Result<Self> {
        let found = json.text("model_type")?.unwrap_or("missing");
        let known = FAMILIES.iter().find(|family| family.model_type() == found);
        known.copied().ok_or_else(|| {
            let list: Vec<&str> = FAMILIES.iter().map(|f| f.model_type()).collect();
            json.wrong(format!(
                "`model_type` is {found}, the language models that can be read are {}",
                list.join(", ")
            ))
        })
    }

    /// As in `config.json`.
    pub(crate) fn model_type(self) -> &'static str {
        match self {
            Family::Opt => "opt",
            Family::MosaicGpt => "mosaic_gpt",
            Family::Mpt => "mpt",
            Family::GptNeox => "gpt_neox",
            Family::Llama => "llama",
        }
    }

    /// The configuration in our terms.
    pub(crate) fn config(self, json: &Json) -> Result<LanguageConfig> {
        match self {
            Family::Opt => opt::config(json),
            Family::MosaicGpt => mosaic_gpt::config(json),
            Family::Mpt => mpt::config(json),
            Family::GptNeox => gpt_neox::config(json),
            Family::Llama => llama::config(json),
        }
    }

    /// Their names and ours.
    pub(crate) fn links(self, config: &LanguageConfig) -> Vec<Link> {
        match self {
            Family::Opt => opt::links(config),
            Family::MosaicGpt => mosaic_gpt::links(config),
            Family::Mpt => mpt::links(config),
            Family::GptNeox => gpt_neox::links(config),
            Family::Llama => llama::links(config),
        }
    }

    /// A `config.json` of the family that describes `config`; none if the family has no such model.
    pub(crate) fn to_json(self, config: &LanguageConfig) -> Option<Value> {
        let json = match self {
            Family::Opt => opt::to_json(config),
            Family::MosaicGpt => mosaic_gpt::to_json(config),
            Family::Mpt => mpt::to_json(config),
            Family::GptNeox => gpt_neox::to_json(config),
            Family::Llama => llama::to_json(config),
        };
        let same = self.config(&Json::made(json.clone())).ok()? == *config;
        same.then_some(json)
    }

    /// The first family that has a model of this configuration.
    pub(crate) fn with(config: &LanguageConfig) -> Option<(Self, Value)> {
        FAMILIES
            .iter()
            .find_map(|family| Some((*family, family.to_json(config)?)))
    }

    /// Where the layers are in the names, as OpenFlamingo calls them in its checkpoints.
    pub(crate) fn layers(self) -> &'static str {
        match self {
            Family::Opt => "model.decoder.layers",
            Family::MosaicGpt | Family::Mpt => "transformer.blocks",
            Family::GptNeox => "gpt_neox.layers",
            Family::Llama => "model.layers",
        }
    }

    /// What all names but the head's begin with; files saved from the bare model lack it.
    pub(crate) fn base(self) -> &'static str {
        match self {
            Family::Opt | Family::Llama => "model.",
            Family::MosaicGpt | Family::Mpt => "transformer.",
            Family::GptNeox => "gpt_neox.",
        }
    }

    /// The token embedding's name.
    pub(crate) fn embedding(self) -> &'static str {
        match self {
            Family::Opt => "model.decoder.embed_tokens.weight",
            Family::MosaicGpt | Family::Mpt => "transformer.wte.weight",
            Family::GptNeox => "gpt_neox.embed_in.weight",
            Family::Llama => "model.embed_tokens.weight",
        }
    }

    /// The output head's name, also where it is the embedding; MPT-1B has none.
    pub(crate) fn head(self) -> Option<&'static str> {
        match self {
            Family::MosaicGpt => None,
            Family::GptNeox => Some("embed_out.weight"),
            Family::Opt | Family::Mpt | Family::Llama => Some("lm_head.weight"),
        }
    }

    /// Whether a name is of a table that is computed, not learnt, and was saved nevertheless.
    pub(crate) fn is_buffer(name: &str) -> bool {
        const BUFFERS: [&str; 5] = [
            ".attention.bias",
            ".masked_bias",
            ".inv_freq",
            ".attn_bias",
            ".position_ids",
        ];
        BUFFERS.iter().any(|buffer| name.ends_with(buffer)) || name == "attn_bias"
    }
}

#[cfg(test)]
mod tests;
