//! `models/photos` from its photos: a training by recipe between published parts, and what was trained of it in eight
//! bits.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, bail};
use clap::Args;

use crate::command::{cargo, run as execute};

const PHOTOS: &str = "target/photos-data";
/// Of textbooks, made by `corpus build`.
const PAGES: &str = "target/photos-data/corpus/shards";
const RECIPE: &str = "recipes/photos/flamingo.toml";
/// What the recipe names as `run`.
const RUN: &str = "target/photos-runs/flamingo";
const MODEL: &str = "models/photos";
const CURVES: &str = "docs/photos-model/flamingo.svg";
/// What may be stored in the repository.
const MOST_BYTES: u64 = 18_000_000;

/// How the model is made.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Go on where an earlier call was stopped
    #[arg(long)]
    resume: bool,
    /// The device to train on, as for `flamingo train`
    #[arg(long)]
    device: Option<String>,
}

/// Makes the model.
///
/// # Errors
/// If the photos are not there, or a step fails; `--resume` goes on from there.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    if !Path::new(PHOTOS).is_dir() {
        bail!("there are no photos in {PHOTOS}: `cargo xtask photos-data` puts them there");
    }
    if !Path::new(PAGES).is_dir() {
        bail!(
            "there are no pages in {PAGES}: docs/photos-model.md says how `corpus build` makes them"
        );
    }
    let start = Instant::now();
    let mut train = cargo("run --quiet -- train");
    train.arg(RECIPE);
    if options.resume {
        train.arg("--resume");
    }
    if let Some(device) = &options.device {
        train.args(["--device", device]);
    }
    execute(&mut train)?;
    let seconds = start.elapsed().as_secs();
    let mut convert =
        cargo("run --quiet -- weights convert --trained --dtype q8_0 --quantise-resampler --out");
    execute(convert.args([MODEL, &format!("{RUN}/model")]))?;
    let bytes = weigh(Path::new(MODEL))?;
    let curves = Path::new(CURVES);
    let folder = curves.parent().context("it is in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    fs::copy(format!("{RUN}/curves.svg"), curves)
        .with_context(|| format!("cannot copy the curves of {RUN} to {CURVES}"))?;
    eprintln!(
        "trained in {} min {:02} s; {MODEL} has {bytes} bytes",
        seconds / 60,
        seconds % 60
    );
    Ok(())
}

/// The bytes of all files of a model.
fn weigh(model: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    let entries =
        fs::read_dir(model).with_context(|| format!("cannot list {}", model.display()))?;
    for entry in entries {
        bytes += entry?.metadata()?.len();
    }
    if bytes > MOST_BYTES {
        bail!(
            "{} has {bytes} bytes, the repository takes {MOST_BYTES}: make the model smaller",
            model.display()
        );
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_model_that_is_too_large_for_the_repository_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("NOTICE"), b"12345").unwrap();
        assert_eq!(weigh(folder.path()).unwrap(), 5);
        let weights = fs::File::create(folder.path().join("model.safetensors")).unwrap();
        weights.set_len(MOST_BYTES).unwrap();
        let message = weigh(folder.path()).unwrap_err().to_string();
        assert!(message.contains("18000005 bytes"), "{message}");
    }

    #[test]
    fn the_recipe_writes_where_the_model_is_taken_from_and_reads_the_photos() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let text = fs::read_to_string(root.join(RECIPE)).unwrap();
        let recipe: toml::Table = text.parse().unwrap();
        assert_eq!(recipe["run"].as_str(), Some(RUN));
        let sources = recipe["data"].as_array().unwrap();
        assert!(
            sources
                .iter()
                .all(|source| source["path"].as_str().unwrap().starts_with(PHOTOS))
        );
    }
}
