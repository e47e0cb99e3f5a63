//! A language model's directory (`config.json`, weights, tokenizer), or its GGUF file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use flamingo_checkpoint::{Checkpoint, GgufMetadata, HfTokenizer};
use flamingo_kernels::NormKind;
use flamingo_model::LanguageConfig;

use super::files;
use super::json::Json;
use super::language::{Family, gguf_config, gguf_links, gguf_name};
use super::names::Names;
use crate::{Error, Link, Result};

/// A published language model.
pub(crate) struct Lm {
    pub(crate) family: Family,
    pub(crate) config: LanguageConfig,
    form: Form,
    checkpoint: Arc<Checkpoint>,
}

/// The form that a published model has on disk.
enum Form {
    Directory(PathBuf),
    Gguf(GgufMetadata),
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

/// The files of a GGUF model, the one with its metadata first: `path` itself with its other parts, or
/// those of a folder that has no `config.json`. None if there is no such file.
fn gguf_files(path: &Path) -> Result<Option<Vec<PathBuf>>> {
    if path.is_file() {
        return match GgufMetadata::read(path)? {
            Some(metadata) => parts(&metadata).map(Some),
            None => Ok(None),
        };
    }
    if !path.is_dir() || path.join("config.json").is_file() {
        return Ok(None);
    }
    let mut first = Vec::new();
    for entry in std::fs::read_dir(path).map_err(Error::io("list", path))? {
        let path = entry.map_err(Error::io("list", path))?.path();
        if path.extension().is_some_and(|end| end == "gguf")
            && let Some(metadata) = GgufMetadata::read(&path)?
            && metadata.count(PART)?.unwrap_or(0) == 0
        {
            first.push(metadata);
        }
    }
    match &first[..] {
        [] => Ok(None),
        [metadata] => parts(metadata).map(Some),
        [a, b, ..] => Err(Error::malformed(
            path,
            format!(
                "it holds several models, {} and {}: name one of the files",
                a.path().display(),
                b.path().display()
            ),
        )),
    }
}

/// The number of a part among several files, from 0 on.
const PART: &str = "split.no";

/// All files of a model whose first is known: `NAME-00001-of-00003.gguf` and so on.
fn parts(metadata: &GgufMetadata) -> Result<Vec<PathBuf>> {
    let path = metadata.path();
    let count = metadata.count("split.count")?.unwrap_or(1);
    let number = metadata.count(PART)?.unwrap_or(0);
    if count <= 1 {
        return Ok(vec![path.to_path_buf()]);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let end = format!("-{:05}-of-{count:05}.gguf", number + 1);
    let stem = name.strip_suffix(&end).filter(|_| number == 0);
    let stem = stem.ok_or_else(|| {
        metadata.wrong(format!(
            "it is part {} of {count}: name the first, which ends in -00001-of-{count:05}.gguf",
            number + 1
        ))
    })?;
    let files =
        (1..=count).map(|n| path.with_file_name(format!("{stem}-{n:05}-of-{count:05}.gguf")));
    Ok(files.collect())
}

impl Lm {
    /// A GGUF file, or a directory.
    ///
    /// # Errors
    /// As [`Lm::open_gguf`] and [`Lm::open`].
    pub(crate) fn at(path: &Path) -> Result<Self> {
        match gguf_files(path)? {
            Some(files) => Self::open_gguf(&files),
            None if path.is_file() => Err(Error::malformed(
                path,
                "it is no GGUF file: give such a file, or the directory of a language model",
            )),
            None => Self::open(&directory(path)?),
        }
    }

    /// A model of GGUF files, the one with the metadata first.
    ///
    /// # Errors
    /// If one is missing or damaged, or the model is of an architecture or variant that is not known.
    pub(crate) fn open_gguf(files: &[PathBuf]) -> Result<Self> {
        let first = files.first().map(PathBuf::as_path).unwrap_or(Path::new(""));
        let metadata = GgufMetadata::read(first)?
            .ok_or_else(|| Error::malformed(first, "it is no GGUF file"))?;
        let checkpoint = Arc::new(Checkpoint::open(files)?);
        let config = gguf_config(&metadata, &checkpoint)?;
        config.check().map_err(|what| metadata.wrong(what))?;
        Ok(Self {
            family: Family::Llama,
            config,
            form: Form::Gguf(metadata),
            checkpoint,
        })
    }

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
            form: Form::Directory(directory.to_path_buf()),
            checkpoint,
        })
    }

    /// The tokenizer as it lies there.
    pub(crate) fn tokenizer(&self) -> Result<HfTokenizer> {
        Ok(match &self.form {
            Form::Directory(directory) => HfTokenizer::read(directory)?,
            Form::Gguf(metadata) => HfTokenizer::from_gguf(metadata)?,
        })
    }

    /// Their names and ours; `config` is this model's, perhaps with a larger vocabulary.
    pub(crate) fn links(&self, config: &LanguageConfig) -> Vec<Link> {
        match self.form {
            Form::Directory(_) => self.family.links(config),
            Form::Gguf(_) => gguf_links(config),
        }
    }

    /// Adds the model's tensors under `prefix`.
    pub(crate) fn names(&self, prefix: &str, names: &mut Names) {
        if let Form::Gguf(_) = self.form {
            names.add(&self.checkpoint, |name| {
                let known = gguf_name(name).unwrap_or_else(|| name.to_owned());
                Some(format!("{prefix}{known}"))
            });
            return;
        }
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
