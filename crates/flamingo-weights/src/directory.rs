//! Saving and loading a whole model.

use std::io::Write;
use std::path::{Path, PathBuf};

use flamingo_image::Preprocess;
use flamingo_kernels::{Device, Init, Module, Precision};
use flamingo_model::Flamingo;
use flamingo_sequence::Tokenizer;

use crate::{
    Error, ModelConfig, ModelFile, NamedTensor, Result, Tensors, apply_tensors, write_tensors,
};

const MODEL_FILE: &str = "flamingo.json";
const TOKENIZER: &str = "tokenizer.json";
const WEIGHTS: &str = "model.safetensors";

/// Where a model's files are.
#[derive(Debug, Clone)]
pub enum Source {
    /// A directory.
    Directory(PathBuf),
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
    let (file, tokenizer, tensors) = load_part(source)?;
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
    let mut model = apply_tensors(model, &tensors, "")?.no_grad();
    if precision != Precision::F32 {
        model = precision.cast(model);
    }
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
    match source {
        Source::Directory(directory) => load_directory(directory),
        Source::Embedded {
            model_file,
            tokenizer,
            weights,
        } => {
            let file = ModelFile::from_json(model_file, Path::new("the embedded flamingo.json"))?;
            let tokenizer = Tokenizer::from_bytes(tokenizer, &file.tokens)?;
            Ok((
                file,
                tokenizer,
                Tensors::embedded("the embedded weights", weights)?,
            ))
        }
    }
}

fn load_directory(directory: &Path) -> Result<(ModelFile, Tokenizer, Tensors)> {
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
    Ok((file, tokenizer, Tensors::open(&shards)?))
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
    write_atomically(&directory.join(TOKENIZER), tokenizer.to_json()?.as_bytes())?;
    write_atomically(&directory.join(MODEL_FILE), file.to_json().as_bytes())
}

/// Writes a file under its final name only when all of it is on disk.
///
/// # Errors
/// If it cannot be written; no part of it stays behind.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less the umask
    let mut file = builder
        .tempfile_in(folder)
        .map_err(Error::io("create", path))?;
    file.write_all(bytes).map_err(Error::io("write", path))?;
    file.as_file()
        .sync_all()
        .map_err(Error::io("write", path))?;
    file.persist(path)
        .map_err(|e| e.error)
        .map_err(Error::io("write", path))?;
    Ok(())
}

#[cfg(test)]
mod tests;
