//! What `--model`, `--lm` and `--vision` mean: a path, a published name, or an id of the hub.

use std::path::{Path, PathBuf};

use flamingo::weights::{
    self, Adapter, CHECKPOINTS, Checkpoint, Hub, HubOptions, OpenFlamingoFiles, Published, Source,
    is_hub_id,
};

use crate::download_bar::DownloadBar;
use crate::failure::{Failure, Hint, Result};
use crate::{part_files, photos_model};

/// What the model in the program is called where a model is asked for.
pub(crate) const DEMO: &str = "demo";

/// The model's files, from the hub where they are not here, and its parts that are files elsewhere.
pub(crate) fn source(
    model: Option<&str>,
    lm: Option<&str>,
    vision: Option<&str>,
) -> Result<Source> {
    with_parts(without_parts(model, lm, vision)?)
}

/// A model whose parts in files elsewhere are here.
pub(crate) fn with_parts(source: Source) -> Result<Source> {
    match source {
        Source::Directory(path) => part_files::directory(&path),
        source => Ok(source),
    }
}

/// The model with what a fine-tuning has learnt over it, if a file of that is given.
pub(crate) fn adapted(base: Source, adapter: Option<&Path>) -> Source {
    match adapter {
        Some(adapter) => Source::Adapted(Box::new(base), adapter.to_path_buf()),
        None => base,
    }
}

/// As [`source`], parts in files elsewhere being left where they are.
pub(crate) fn without_parts(
    model: Option<&str>,
    lm: Option<&str>,
    vision: Option<&str>,
) -> Result<Source> {
    let Some(model) = model else {
        return Ok(flamingo::demo_model());
    };
    if is_named(model, DEMO) {
        return Ok(flamingo::demo_model());
    }
    if is_named(model, photos_model::NAME) {
        return Ok(Source::Directory(photos_model::directory()?));
    }
    let path = Path::new(model);
    if path.exists() {
        return of_path(path, lm, vision);
    }
    if let Some(published) = Published::of(model) {
        let files = OpenFlamingoFiles {
            checkpoint: fetch(&published.id())?.join(published.checkpoint),
            language: part(lm.unwrap_or(published.language))?,
            vision: part(vision.unwrap_or(published.vision))?,
        };
        return Ok(Source::OpenFlamingo(files));
    }
    if is_hub_id(model) {
        return of_path(&fetch(model)?, lm, vision);
    }
    let unknown = Failure::new(format!(
        "there is no model {model}: neither a path, nor `demo` or `photos`, nor a published OpenFlamingo, nor a hub id \
         such as org/name"
    ));
    let names: Vec<&str> = flamingo::weights::PUBLISHED
        .iter()
        .map(|p| p.name)
        .collect();
    Err(unknown).hint(format!(
        "the published OpenFlamingos are {}",
        names.join(", ")
    ))
}

/// A directory as it is, or a checkpoint with the other two parts.
fn of_path(path: &Path, lm: Option<&str>, vision: Option<&str>) -> Result<Source> {
    let (folder, checkpoint) = match path.is_dir() {
        true => (path, trained_part(path)),
        false => (path.parent().unwrap_or(Path::new("")), path.to_path_buf()),
    };
    let there = |name: &str| folder.join(name).exists();
    let alone = checkpoint.is_file() && !there("config.json") && !there("lm");
    if path.is_dir() && lm.is_none() && vision.is_none() && !alone {
        return Ok(Source::Directory(path.to_path_buf()));
    }
    if lm.is_none() && vision.is_none() && !there("lm") && !there("clip") {
        check_trained_part(&checkpoint)?;
    }
    let beside = |name: &str, flag: &str| {
        let found = folder.join(name);
        let missing = Failure::new(format!(
            "{} is an OpenFlamingo checkpoint, which holds only the trained part: there is no {} beside it",
            checkpoint.display(),
            name,
        ));
        let hint = format!("give it with {flag}, as a directory or as an id of the hub");
        found.exists().then_some(found).ok_or(missing).hint(hint)
    };
    Ok(Source::OpenFlamingo(OpenFlamingoFiles {
        language: lm.map_or_else(|| beside("lm", "--lm"), part)?,
        vision: vision.map_or_else(|| beside("clip", "--vision"), part)?,
        checkpoint,
    }))
}

/// The trained part of an OpenFlamingo in a folder, under the name that it has there.
fn trained_part(folder: &Path) -> PathBuf {
    let [first, second] = CHECKPOINTS.map(|name| folder.join(name));
    match !first.is_file() && second.is_file() {
        true => second,
        false => first,
    }
}

/// Refuses a file of weights that is not the trained part of an OpenFlamingo.
fn check_trained_part(path: &Path) -> Result<()> {
    if let Ok(adapter) = Adapter::open(path) {
        let failure = Failure::new(format!(
            "{} is what a fine-tuning has learnt, no model by itself",
            path.display()
        ));
        let base = adapter.header.base.name;
        return Err(failure).hint(format!("--model {base} --adapter {}", path.display()));
    }
    let checkpoint = Checkpoint::open(&[path.to_path_buf()]).map_err(weights::Error::from)?;
    if is_trained_part(&checkpoint) {
        return Ok(());
    }
    let some: Vec<&str> = checkpoint.names().take(3).collect();
    let failure = Failure::new(format!(
        "{} is no model by itself, nor an OpenFlamingo checkpoint: it holds {} tensors ({}, ...)",
        path.display(),
        checkpoint.len(),
        some.join(", ")
    ));
    Err(failure)
        .hint("give the folder of the model; `flamingo weights inspect` shows what a file holds")
}

/// Whether these are the resampler and the gated blocks of an OpenFlamingo.
pub(crate) fn is_trained_part(checkpoint: &Checkpoint) -> bool {
    let trained = |name: &str| {
        let name = name.strip_prefix("module.").unwrap_or(name);
        name.starts_with("perceiver.") || name.contains("gated_cross_attn_layer")
    };
    checkpoint.names().any(trained)
}

/// Whether a text names a model of the program.
pub(crate) fn is_ours(text: &str) -> bool {
    is_named(text, DEMO) || is_named(text, photos_model::NAME)
}

/// Whether a text names this model of the program, and no folder that holds a model: one of photos may have that name.
pub(crate) fn is_named(text: &str, name: &str) -> bool {
    text == name && !Path::new(text).join("flamingo.json").exists()
}

/// A path, or what a hub id stands for.
pub(crate) fn part(text: &str) -> Result<PathBuf> {
    if is_named(text, photos_model::NAME) {
        return photos_model::directory();
    }
    let path = Path::new(text);
    if path.exists() {
        return Ok(path.to_path_buf());
    }
    match is_hub_id(text) {
        true => fetch(text),
        false => Err(Failure::new(format!(
            "there is no {text}: neither a path nor a hub id such as org/name"
        ))),
    }
}

/// The files of a hub id: safetensors where there are some, else PyTorch's.
fn fetch(id: &str) -> Result<PathBuf> {
    let hub = Hub::new(HubOptions::from_vars(|name| std::env::var(name).ok()));
    let hint = "a model that is here already can be given as a directory";
    let has = |folder: &Path, wanted: &dyn Fn(&str) -> bool| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.file_name())
            .any(|name| wanted(&name.to_string_lossy()))
    };
    let safe = hub.resolve(
        id,
        &|name| is_text(name) || name.ends_with(".safetensors"),
        &mut DownloadBar::default(),
    );
    match safe {
        Ok(folder) if has(&folder, &|name| name.ends_with(".safetensors")) => Ok(folder),
        Ok(_) | Err(flamingo::weights::HubError::NothingWanted { .. }) => hub
            .resolve(
                id,
                &|name| is_text(name) || is_torch(name),
                &mut DownloadBar::default(),
            )
            .hint(hint),
        Err(error) => Err(error).hint(hint),
    }
}

/// Configurations and tokenizers, at the top of the repository.
fn is_text(name: &str) -> bool {
    let small = [".json", "merges.txt", "tokenizer.model", "spiece.model"];
    !name.contains('/') && small.iter().any(|end| name.ends_with(end))
}

fn is_torch(name: &str) -> bool {
    !name.contains('/')
        && (name.ends_with(".bin") || name.ends_with(".pt"))
        && name != "training_args.bin"
}
