//! Saving and loading a whole model.

use std::path::{Path, PathBuf};

use flamingo_image::Preprocess;
use flamingo_kernels::{Device, Init, Matrices, Module, Precision, WeightType, multiplies_packed};
use flamingo_model::{Flamingo, LanguageModel};
use flamingo_parts::Store;
use flamingo_sequence::Tokenizer;

use crate::model_file::MODEL_FILE;
use crate::names::apply_packed;
use crate::pack::Packer;
use crate::part_files::PartFiles;
use crate::peers::{self, OpenFlamingoFiles, Opened, Words};
use crate::quantise::{Weighed, plan_file};
use crate::with_parts::with_parts;
use crate::{
    Adapter, Error, LanguagePart, LoadReport, ModelConfig, ModelFile, NamedTensor, Result, Tensors,
    write_tensors,
};

const TOKENIZER: &str = "tokenizer.json";
const WEIGHTS: &str = "model.safetensors";
const NOTICE: &str = "NOTICE";

/// Where a model's files are.
#[derive(Debug, Clone)]
pub enum Source {
    /// A directory of ours, of an OpenFlamingo's parts (`checkpoint.pt`, `lm/`, `clip/`), or of an
    /// IDEFICS.
    Directory(PathBuf),
    /// As [`Source::Directory`]; files elsewhere that a model of ours names are in this cache.
    WithParts(PathBuf, Store),
    /// The parts of an OpenFlamingo, wherever they are.
    OpenFlamingo(OpenFlamingoFiles),
    /// A model with an adapter over it ([`Adapter`]).
    Adapted(Box<Source>, PathBuf),
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

impl Source {
    /// The folder that holds the model, if one does.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Source::Directory(folder) | Source::WithParts(folder, _) => Some(folder),
            Source::Adapted(base, _) => base.folder(),
            Source::OpenFlamingo(_) | Source::Embedded { .. } => None,
        }
    }
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
    /// What its weights take, and which could not be quantised.
    pub weighed: Weighed,
}

/// Loads a Flamingo onto `device`.
///
/// # Errors
/// If a file is missing, malformed or of a newer version, if the weights do not fit, or if they are
/// to be quantised on another device than the processor.
pub fn load(source: &Source, device: &Device, weights: impl Into<WeightType>) -> Result<Loaded> {
    build(open(source)?, device, weights)
}

/// Reads the weights of a model that was opened: each tensor once, straight into what `weights`
/// says. At most one matrix is in memory in f32 beside what is kept.
///
/// # Errors
/// As [`load`].
pub fn build(opened: Opened, device: &Device, weights: impl Into<WeightType>) -> Result<Loaded> {
    let weights = on_device(weights.into(), device)?;
    opened.report.check()?;
    let Opened {
        file,
        tokenizer,
        tensors,
        lora,
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
    let mut init = Init::new(0, device);
    let mut model = Flamingo::new(config, &mut init)?;
    if let Some(lora) = lora {
        model.language.add_lora(&lora, &mut init);
    }
    let mut packer = Packer::new(&init, weights, config.language.tied_head);
    let model = apply_packed(model, &tensors, "", weights.precision, Some(&mut packer))?.no_grad();
    let weighed = packer.weighed;
    Ok(Loaded {
        model,
        tokenizer,
        preprocess,
        file,
        weighed,
    })
}

/// As [`build`], of a language model alone.
///
/// # Errors
/// As [`load`].
pub fn build_language(
    part: &LanguagePart,
    device: &Device,
    weights: impl Into<WeightType>,
) -> Result<(LanguageModel, Weighed)> {
    let weights = on_device(weights.into(), device)?;
    let mut init = Init::new(0, device);
    let model = LanguageModel::new(&part.config, &mut init);
    let mut packer = Packer::new(&init, weights, part.config.tied_head);
    let tensors = part.tensors.within(LANGUAGE);
    let precision = weights.precision;
    let model = apply_packed(model, &tensors, LANGUAGE, precision, Some(&mut packer))?.no_grad();
    Ok((model, packer.weighed))
}

/// What the names of a language model's tensors begin with.
const LANGUAGE: &str = "language.";

/// Only the processor multiplies with quantised matrices; elsewhere those of the files are widened.
fn on_device(weights: WeightType, device: &Device) -> Result<WeightType> {
    if multiplies_packed(device) {
        return Ok(weights);
    }
    match weights.quantised() {
        Some(kind) => Err(Error::Quantised(kind)),
        None => Ok(WeightType {
            matrices: Matrices::Dense,
            ..weights
        }),
    }
}

fn check_vocabulary(tokens: usize, rows: usize) -> Result<()> {
    if tokens <= rows {
        return Ok(());
    }
    Err(Error::Mismatch(format!(
        "tokenizer.json has {tokens} tokens, language.vocabulary is {rows}: they belong to different models"
    )))
}

/// Reads any model's files without building it: what a training run starts its parts from. An adapter is merged.
///
/// # Errors
/// As [`load`].
pub fn load_part(source: &Source) -> Result<(ModelFile, Tokenizer, Tensors)> {
    let opened = open(source)?.merged()?;
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
        Source::Directory(directory) => open_directory(directory, words, None),
        Source::WithParts(directory, store) => open_directory(directory, words, Some(store)),
        Source::OpenFlamingo(files) => peers::open_open_flamingo(files, words),
        Source::Adapted(base, adapter) => Adapter::open(adapter)?.lay_over(open_with(base, words)?),
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
        lora: None,
        links: Vec::new(),
    }
}

fn open_directory(directory: &Path, words: Words, parts: Option<&Store>) -> Result<Opened> {
    let Some(mut file) = ModelFile::read(directory)? else {
        flamingo_checkpoint::check_folder(directory)?;
        return peers::open(directory, words)?.ok_or_else(|| Error::NotAModel {
            directory: directory.to_path_buf(),
            missing: MODEL_FILE,
        });
    };
    let existing = |name: &'static str| {
        let path = directory.join(name);
        let missing = || Error::NotAModel {
            directory: directory.to_path_buf(),
            missing: name,
        };
        path.is_file().then_some(path).ok_or_else(missing)
    };
    let of_part = file
        .parts
        .language
        .as_ref()
        .filter(|_| !directory.join(TOKENIZER).is_file());
    let tokenizer = match words {
        Words::OfModel if of_part.is_some() => {
            let store = parts.ok_or_else(|| Error::Elsewhere(directory.to_path_buf()))?;
            let path = of_part.map(|part| store.find(part)).transpose()?;
            peers::language_tokenizer(&path.unwrap_or_default(), &file.tokens)?
        }
        Words::OfModel => Tokenizer::from_file(existing(TOKENIZER)?, &file.tokens)?,
        Words::Numbers => {
            let (json, tokens) = peers::numbers(file.model.vocabulary())?;
            file.tokens = tokens;
            Tokenizer::from_bytes(json.as_bytes(), &file.tokens)?
        }
    };
    let shards = weight_files(directory)?;
    if shards.is_empty() {
        existing(WEIGHTS)?;
    }
    let mut tensors = Tensors::open(&shards)?;
    if !file.parts.is_empty() {
        let store = parts.ok_or_else(|| Error::Elsewhere(directory.to_path_buf()))?;
        tensors = with_parts(&file, tensors, store)?;
    }
    Ok(ours(file, tokenizer, tensors))
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
    write_beside(directory, file, tokenizer, &file.parts)
}

/// Saves a model that was opened as a directory of ours, tensor by tensor, never all in memory, and
/// tells what its weights take on disk. Of one with an adapter give [`Opened::merged`].
///
/// # Errors
/// If weights are missing or do not fit, LoRA's changes are not merged, or a file cannot be written.
pub fn convert(
    opened: &Opened,
    directory: &Path,
    weights: impl Into<WeightType>,
) -> Result<Weighed> {
    let weights = weights.into();
    opened.report.check()?;
    if opened.lora.is_some() {
        return Err(Error::Mismatch(
            "LoRA's changes stand beside the matrices: merge them before the model is written"
                .into(),
        ));
    }
    let shapes = peers::flamingo_shapes_and_linear(&opened.file)?;
    for (name, shape) in &shapes.all {
        match opened.tensors.shape(name) {
            Some(found) if found == shape => {}
            found => {
                return Err(Error::Mismatch(format!(
                    "`{name}` is {found:?}, the configuration wants {shape:?}"
                )));
            }
        }
    }
    let (plan, weighed) = plan_file(&opened.tensors, &shapes, &weights)?;
    std::fs::create_dir_all(directory).map_err(Error::io("create", directory))?;
    opened
        .tensors
        .write(&directory.join(WEIGHTS), &plan, weights.precision)?;
    let file = ModelFile {
        version: weighed.format_version(),
        parts: PartFiles::default(),
        ..opened.file.clone()
    };
    write_beside(directory, &file, &opened.tokenizer, &opened.file.parts)?;
    Ok(weighed)
}

/// As [`convert`], of a directory of ours that names files elsewhere: they stay there. Only what was trained is
/// written, without a tokenizer where that is of the language model's file. The files need not be here.
///
/// # Errors
/// As [`convert`], and if the directory is no model of ours that names files elsewhere.
pub fn convert_trained(
    from: &Path,
    directory: &Path,
    weights: impl Into<WeightType>,
) -> Result<Weighed> {
    let weights = weights.into();
    let file = ModelFile::read(from)?.ok_or_else(|| Error::NotAModel {
        directory: from.to_path_buf(),
        missing: MODEL_FILE,
    })?;
    if file.parts.is_empty() {
        return Err(Error::malformed(
            &from.join(MODEL_FILE),
            "it names no files elsewhere: all of its parts are written as they are without --trained",
        ));
    }
    let trained = Tensors::open(&weight_files(from)?)?;
    let mut shapes = peers::flamingo_shapes_and_linear(&file)?;
    shapes.all = trained
        .names()
        .map(|name| {
            (
                name.to_owned(),
                trained.shape(name).unwrap_or_default().to_vec(),
            )
        })
        .collect();
    let (plan, weighed) = plan_file(&trained, &shapes, &weights)?;
    std::fs::create_dir_all(directory).map_err(Error::io("create", directory))?;
    trained.write(&directory.join(WEIGHTS), &plan, weights.precision)?;
    let notice = file.parts.notice();
    flamingo_files::write(&directory.join(NOTICE), notice.as_bytes())?;
    if file.parts.language.is_none() {
        let path = from.join(TOKENIZER);
        let tokenizer = std::fs::read(&path).map_err(Error::io("read", &path))?;
        flamingo_files::write(&directory.join(TOKENIZER), &tokenizer)?;
    }
    flamingo_files::write(&directory.join(MODEL_FILE), file.to_json().as_bytes())?;
    Ok(weighed)
}

/// All but the weights; `parts` are those that the model was made of, whether it still names them or not.
fn write_beside(
    directory: &Path,
    file: &ModelFile,
    tokenizer: &Tokenizer,
    parts: &PartFiles,
) -> Result<()> {
    if !parts.is_empty() {
        flamingo_files::write(&directory.join(NOTICE), parts.notice().as_bytes())?;
    }
    flamingo_files::write(&directory.join(TOKENIZER), tokenizer.to_json()?.as_bytes())?;
    Ok(flamingo_files::write(
        &directory.join(MODEL_FILE),
        file.to_json().as_bytes(),
    )?)
}

#[cfg(test)]
pub(crate) mod tests;
