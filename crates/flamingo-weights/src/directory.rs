//! Saving and loading a whole model.

use std::path::{Path, PathBuf};

use flamingo_image::Preprocess;
use flamingo_kernels::{Device, Init, Module, Precision};
use flamingo_model::Flamingo;
use flamingo_sequence::Tokenizer;

use crate::peers::{self, OpenFlamingoFiles, Opened, Words};
use crate::{
    Error, LoadReport, ModelConfig, ModelFile, NamedTensor, Result, Tensors, apply_tensors_as,
    write_tensors,
};

const MODEL_FILE: &str = "flamingo.json";
const TOKENIZER: &str = "tokenizer.json";
const WEIGHTS: &str = "model.safetensors";

/// Where a model's files are.
#[derive(Debug, Clone)]
pub enum Source {
    /// A directory of ours, of an OpenFlamingo's parts (`checkpoint.pt`, `lm/`, `clip/`), or of an
    /// IDEFICS.
    Directory(PathBuf),
    /// The parts of an OpenFlamingo, wherever they are.
    OpenFlamingo(OpenFlamingoFiles),
    /// Files that are part of the program.
    Embedded {
        /// `flamingo.json`.
        model_file: &'static [u8],
        /// `tokenizer.json`.
        tokenizer: &'static [u8],
        /// `model.safetensors`.
        weights: &'static [u8],
    },
}

/// A Flamingo, ready to use.
pub struct Loaded {
    /// The model, frozen.
    pub model: Flamingo,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// How pictures become pixels.
    pub preprocess: Preprocess,
    /// All of `flamingo.json`.
    pub file: ModelFile,
}

/// Loads a Flamingo onto `device`.
///
/// # Errors
/// If a file is missing, malformed or of a newer version, or if the weights do not fit.
pub fn load(source: &Source, device: &Device, precision: Precision) -> Result<Loaded> {
    build(open(source)?, device, precision)
}

/// Reads the weights of a model that was opened: each tensor once, straight into `precision`.
///
/// # Errors
/// If weights are missing or do not fit.
pub fn build(opened: Opened, device: &Device, precision: Precision) -> Result<Loaded> {
    opened.report.check()?;
    let Opened {
        file,
        tokenizer,
        tensors,
        ..
    } = opened;
    let ModelConfig::Flamingo(config) = &file.model else {
        return Err(Error::Kind {
            found: file.model.kind(),
            wanted: "flamingo",
        });
    };
    let preprocess = file.preprocess.clone().ok_or_else(|| {
        Error::malformed(Path::new(MODEL_FILE), "a flamingo model needs `preprocess`")
    })?;
    check_vocabulary(tokenizer.vocab_size(), config.language.vocabulary)?;
    let model = Flamingo::new(config, &mut Init::new(0, device))?;
    let model = apply_tensors_as(model, &tensors, "", precision)?.no_grad();
    Ok(Loaded {
        model,
        tokenizer,
        preprocess,
        file,
    })
}

fn check_vocabulary(tokens: usize, rows: usize) -> Result<()> {
    if tokens <= rows {
        return Ok(());
    }
    Err(Error::Mismatch(format!(
        "tokenizer.json has {tokens} tokens, language.vocabulary is {rows}: they belong to different models"
    )))
}

/// Reads any model's files without building it: what a training run starts its parts from.
///
/// # Errors
/// As [`load`].
pub fn load_part(source: &Source) -> Result<(ModelFile, Tokenizer, Tensors)> {
    let opened = open(source)?;
    opened.report.check()?;
    Ok((opened.file, opened.tokenizer, opened.tensors))
}

/// Finds and understands a model's files, without reading its weights.
///
/// # Errors
/// If a file is missing, malformed or of a newer version. Weights that do not fit are told by
/// [`LoadReport::check`].
pub fn open(source: &Source) -> Result<Opened> {
    open_with(source, Words::OfModel)
}

/// As [`open`], with the model's words or with numbers in their place.
///
/// # Errors
/// As [`open`].
pub fn open_with(source: &Source, words: Words) -> Result<Opened> {
    let opened = open_files(source, words)?;
    let (Words::Numbers, ModelConfig::Flamingo(config)) = (words, &opened.file.model) else {
        return Ok(opened);
    };
    let (json, tokens) = peers::numbers(config.language.vocabulary)?;
    let tokenizer = Tokenizer::from_bytes(json.as_bytes(), &tokens)?;
    let file = ModelFile {
        tokens,
        ..opened.file
    };
    Ok(Opened {
        file,
        tokenizer,
        ..opened
    })
}

fn open_files(source: &Source, words: Words) -> Result<Opened> {
    match source {
        Source::Directory(directory) if !directory.join(MODEL_FILE).is_file() => {
            peers::open(directory, words)?.ok_or_else(|| Error::NotAModel {
                directory: directory.clone(),
                missing: MODEL_FILE,
            })
        }
        Source::Directory(directory) => open_directory(directory),
        Source::OpenFlamingo(files) => peers::open_open_flamingo(files, words),
        Source::Embedded {
            model_file,
            tokenizer,
            weights,
        } => {
            let file = ModelFile::from_json(model_file, Path::new("the embedded flamingo.json"))?;
            let tokenizer = Tokenizer::from_bytes(tokenizer, &file.tokens)?;
            let tensors = Tensors::embedded("the embedded weights", weights)?;
            Ok(ours(file, tokenizer, tensors))
        }
    }
}

/// A model under our names; what does not fit is found when the weights are read.
fn ours(file: ModelFile, tokenizer: Tokenizer, tensors: Tensors) -> Opened {
    let report = LoadReport::of_ours(&tensors);
    Opened {
        file,
        tokenizer,
        tensors,
        report,
        links: Vec::new(),
    }
}

fn open_directory(directory: &Path) -> Result<Opened> {
    let existing = |name: &'static str| {
        let path = directory.join(name);
        let missing = || Error::NotAModel {
            directory: directory.to_path_buf(),
            missing: name,
        };
        path.is_file().then_some(path).ok_or_else(missing)
    };
    let path = existing(MODEL_FILE)?;
    let json = std::fs::read(&path).map_err(Error::io("read", &path))?;
    let file = ModelFile::from_json(&json, &path)?;
    let tokenizer = Tokenizer::from_file(existing(TOKENIZER)?, &file.tokens)?;
    let shards = weight_files(directory)?;
    if shards.is_empty() {
        existing(WEIGHTS)?;
    }
    Ok(ours(file, tokenizer, Tensors::open(&shards)?))
}

/// `model*.safetensors`, in order of the alphabet.
fn weight_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(directory).map_err(Error::io("list", directory))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(Error::io("list", directory))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("model") && name.ends_with(".safetensors") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Saves a model of any kind; each file is written whole or not at all, `flamingo.json` last.
///
/// # Errors
/// If a file cannot be written.
pub fn save(
    directory: &Path,
    file: &ModelFile,
    tokenizer: &Tokenizer,
    tensors: &[NamedTensor],
    precision: Precision,
) -> Result<()> {
    std::fs::create_dir_all(directory).map_err(Error::io("create", directory))?;
    write_tensors(&directory.join(WEIGHTS), tensors, precision)?;
    write_beside(directory, file, tokenizer)
}

/// Saves a model that was opened as a directory of ours, tensor by tensor, never all in memory.
///
/// # Errors
/// If weights are missing or do not fit, or a file cannot be written.
pub fn convert(opened: &Opened, directory: &Path, precision: Precision) -> Result<()> {
    opened.report.check()?;
    let shapes = peers::flamingo_shapes(&opened.file)?;
    for (name, shape) in &shapes {
        match opened.tensors.shape(name) {
            Some(found) if found == shape => {}
            found => {
                return Err(Error::Mismatch(format!(
                    "`{name}` is {found:?}, the configuration wants {shape:?}"
                )));
            }
        }
    }
    std::fs::create_dir_all(directory).map_err(Error::io("create", directory))?;
    let names: Vec<String> = shapes.into_keys().collect();
    opened
        .tensors
        .write(&directory.join(WEIGHTS), &names, precision)?;
    let file = ModelFile {
        version: crate::FORMAT_VERSION,
        ..opened.file.clone()
    };
    write_beside(directory, &file, &opened.tokenizer)
}

fn write_beside(directory: &Path, file: &ModelFile, tokenizer: &Tokenizer) -> Result<()> {
    write_atomically(&directory.join(TOKENIZER), tokenizer.to_json()?.as_bytes())?;
    write_atomically(&directory.join(MODEL_FILE), file.to_json().as_bytes())
}

/// Writes a file under its final name only when all of it is on disk.
///
/// # Errors
/// If it cannot be written; no part of it stays behind.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    Ok(flamingo_checkpoint::write_atomically(path, bytes)?)
}

#[cfg(test)]
mod tests;
