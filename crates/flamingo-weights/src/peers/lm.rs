//! A language model's directory: `config.json`, weights, tokenizer.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use flamingo_checkpoint::{Checkpoint, HfTokenizer};
use flamingo_kernels::NormKind;
use flamingo_model::LanguageConfig;

use super::files;
use super::json::Json;
use super::language::Family;
use super::names::Names;
use crate::{Error, Result};

/// A published language model.
pub(crate) struct Lm {
    pub(crate) family: Family,
    pub(crate) config: LanguageConfig,
    directory: PathBuf,
    checkpoint: Arc<Checkpoint>,
}

/// `path` itself, or the one folder in it that has a `config.json`.
pub(crate) fn directory(path: &Path) -> Result<PathBuf> {
    if path.join("config.json").is_file() {
        return Ok(path.to_path_buf());
    }
    let entries = std::fs::read_dir(path).map_err(Error::io("list", path))?;
    let mut inside: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|folder| folder.join("config.json").is_file())
        .collect();
    match (inside.pop(), inside.is_empty()) {
        (Some(folder), true) => Ok(folder),
        _ => Err(Error::malformed(
            path,
            "it has no config.json: give the directory of a language model with config.json, weights and tokenizer",
        )),
    }
}

impl Lm {
    /// # Errors
    /// If the directory lacks something, or the model is of a family or variant that is not known.
    pub(crate) fn open(directory: &Path) -> Result<Self> {
        let json = Json::read(&directory.join("config.json"))?;
        let family = Family::of(&json)?;
        let mut config = family.config(&json)?;
        config.check().map_err(|what| json.wrong(what))?;
        let checkpoint = files::checkpoint(directory)?;
        // Hugging Face's MPT never has biases, whatever its configuration says.
        let biased = checkpoint
            .names()
            .any(|name| name.ends_with(".attn.out_proj.bias"));
        if family == Family::Mpt && config.attention_bias && !biased {
            config = LanguageConfig {
                norm: NormKind::LayerNormNoBias,
                attention_bias: false,
                ffw_bias: false,
                ..config
            };
        }
        Ok(Self {
            family,
            config,
            directory: directory.to_path_buf(),
            checkpoint,
        })
    }

    /// The tokenizer as it lies there.
    pub(crate) fn tokenizer(&self) -> Result<HfTokenizer> {
        Ok(HfTokenizer::read(&self.directory)?)
    }

    /// Adds the model's tensors under `prefix`.
    pub(crate) fn names(&self, prefix: &str, names: &mut Names) {
        let (base, head) = (self.family.base(), self.family.head());
        // Saved from the bare model, names lack what the model with a head puts before them.
        let bare = !self
            .checkpoint
            .names()
            .any(|name| strip(name).starts_with(base));
        // Tied weights are stored once: under either name, which is for the program that saved them.
        let embedding = self.family.embedding();
        let is_embedding = |name: &str| {
            let name = strip(name);
            name == embedding || Some(name) == embedding.strip_prefix(base)
        };
        let has_embedding = self.checkpoint.names().any(is_embedding);
        names.add(&self.checkpoint, |name| {
            let name = strip(name);
            if Family::is_buffer(name) {
                return None;
            }
            if self.config.tied_head && Some(name) == head {
                return (!has_embedding).then(|| format!("{prefix}{embedding}"));
            }
            match bare && Some(name) != head {
                true => Some(format!("{prefix}{base}{name}")),
                false => Some(format!("{prefix}{name}")),
            }
        });
    }
}

fn strip(name: &str) -> &str {
    name.strip_prefix("module.").unwrap_or(name)
}
