//! `models/demo` from nothing: the demo world, then a training by recipe for each of the model's three parts. What it took is written to `docs/demo-model/`.

use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;

use crate::command::{cargo, run as execute};

const WORLD: &str = "target/demo-world";
const MODEL: &str = "models/demo";
const REPORT: &str = "docs/demo-model";
/// Recipes and runs, in the order in which each needs those before it.
const STAGES: [&str; 3] = ["vision", "language", "flamingo"];
const MODEL_FILES: [&str; 3] = ["model.safetensors", "tokenizer.json", "flamingo.json"];
/// What may be stored in the repository.
const MOST_BYTES: u64 = 25_000_000;

/// How the model is made.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Go on where an earlier call was stopped
    #[arg(long)]
    resume: bool,
    /// Only the world, which `flamingo ablate` needs, if it is not there
    #[arg(long, conflicts_with_all = ["resume", "device"])]
    world: bool,
    /// The device to train on, as for `flamingo train`
    #[arg(long)]
    device: Option<String>,
}

/// Makes the model.
///
/// # Errors
/// If a stage fails; `--resume` goes on from there.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    if options.world {
        return make_world().map(drop);
    }
    let stages = STAGES
        .map(Stage::read)
        .into_iter()
        .collect::<anyhow::Result<Vec<_>>>()?;
    if !options.resume {
        remove(Path::new(WORLD))?;
        stages.iter().try_for_each(|stage| remove(&stage.run))?;
    }
    let start = Instant::now();
    let mut times = vec![("world", make_world()?)];
    for stage in &stages {
        times.push((stage.name, stage.train(options)?));
    }
    let whole = times.iter().all(|(_, time)| time.is_some());
    let label = if whole { "in all" } else { "this call" };
    times.push((label, Some(start.elapsed())));
    keep(&stages, &times)
}

fn make_world() -> anyhow::Result<Option<Duration>> {
    let folder = Path::new(WORLD);
    if folder.exists() {
        eprintln!("{WORLD} is there");
        return Ok(None);
    }
    let start = Instant::now();
    let mut command = cargo("run --quiet --package flamingo-world --example write_world --");
    execute(command.arg(folder))?;
    Ok(Some(start.elapsed()))
}

/// A training by recipe.
struct Stage {
    name: &'static str,
    recipe: String,
    /// The folder that the recipe names as `run`.
    run: PathBuf,
}

impl Stage {
    fn read(name: &'static str) -> anyhow::Result<Self> {
        let recipe = format!("recipes/demo/{name}.toml");
        let text = fs::read_to_string(&recipe).with_context(|| format!("cannot read {recipe}"))?;
        let run = run_folder(&text).with_context(|| format!("in {recipe}"))?;
        Ok(Self { name, recipe, run })
    }

    fn model(&self) -> PathBuf {
        self.run.join("model")
    }

    fn train(&self, options: &Options) -> anyhow::Result<Option<Duration>> {
        // The last file of a finished model is written last.
        if self.model().join(MODEL_FILES[2]).exists() {
            eprintln!("{} is there", self.model().display());
            return Ok(None);
        }
        let mut command = cargo("run --quiet -- train");
        command.arg(&self.recipe);
        if options.resume && self.run.exists() {
            command.arg("--resume");
        }
        if let Some(device) = &options.device {
            command.args(["--device", device]);
        }
        let start = Instant::now();
        execute(&mut command)?;
        Ok(Some(start.elapsed()))
    }
}

fn run_folder(recipe: &str) -> anyhow::Result<PathBuf> {
    let recipe: toml::Table = recipe.parse()?;
    let run = recipe.get("run").and_then(toml::Value::as_str);
    Ok(run
        .context("the recipe does not name its `run` folder")?
        .into())
}

/// The bytes of a model directory.
fn weigh(model: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for name in MODEL_FILES {
        let path = model.join(name);
        let data = fs::metadata(&path).with_context(|| format!("{} is missing", path.display()))?;
        bytes += data.len();
    }
    if bytes > MOST_BYTES {
        bail!(
            "{} has {bytes} bytes, the repository takes {MOST_BYTES}: save f16 weights or make the \
             model smaller",
            model.display()
        );
    }
    Ok(bytes)
}

/// Copies the model and the curves to where the repository has them, and writes what it took.
fn keep(stages: &[Stage], times: &[(&str, Option<Duration>)]) -> anyhow::Result<()> {
    let model = stages.last().context("there are stages")?.model();
    let bytes = weigh(&model)?;
    for folder in [MODEL, REPORT] {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {folder}"))?;
    }
    for name in MODEL_FILES {
        copy(&model.join(name), &Path::new(MODEL).join(name))?;
    }
    for stage in stages {
        let curves = Path::new(REPORT).join(format!("{}.svg", stage.name));
        copy(&stage.run.join("curves.svg"), &curves)?;
    }
    let text = times_table(times)? + &format!("\nOn {}. The model has {bytes} bytes.\n", machine());
    let path = Path::new(REPORT).join("times.md");
    fs::write(&path, &text).with_context(|| format!("cannot write {}", path.display()))?;
    eprintln!("\n{text}\nwrote {MODEL} and {REPORT}");
    Ok(())
}

fn times_table(times: &[(&str, Option<Duration>)]) -> anyhow::Result<String> {
    let mut table = String::from("| stage | time |\n|---|---|\n");
    for (stage, time) in times {
        writeln!(table, "| {stage} | {} |", shown(*time))?;
    }
    Ok(table)
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::copy(from, to)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Minutes and seconds; stages of an earlier call have none.
fn shown(time: Option<Duration>) -> String {
    let Some(time) = time else {
        return "from an earlier call".to_owned();
    };
    let seconds = time.as_secs();
    format!("{} min {:02} s", seconds / 60, seconds % 60)
}

/// The processor, as Linux names it, and how many of its threads we may use.
fn machine() -> String {
    let threads = available_parallelism().map_or(1, usize::from);
    let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = information
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("an unnamed processor", |rest| {
            rest.trim_start_matches([' ', '\t', ':'])
        });
    format!("{threads} threads of {model}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_model_that_is_too_large_for_the_repository_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let message = weigh(folder.path()).unwrap_err().to_string();
        assert!(
            message.contains("model.safetensors is missing"),
            "{message}"
        );
        for name in MODEL_FILES {
            fs::write(folder.path().join(name), b"12345").unwrap();
        }
        assert_eq!(weigh(folder.path()).unwrap(), 15);
        let weights = fs::File::create(folder.path().join(MODEL_FILES[0])).unwrap();
        weights.set_len(MOST_BYTES).unwrap();
        let message = weigh(folder.path()).unwrap_err().to_string();
        assert!(message.contains("25000010 bytes"), "{message}");
    }

    #[test]
    fn a_stage_finds_its_run_folder_in_the_recipe() {
        let recipe = "run = \"target/x\"\n[model.language]\nrun = \"no\"\n";
        assert_eq!(run_folder(recipe).unwrap(), Path::new("target/x"));
        assert!(
            run_folder("seed = 1")
                .unwrap_err()
                .to_string()
                .contains("`run`")
        );
    }

    #[test]
    fn times_are_printed_in_minutes() {
        assert_eq!(shown(Some(Duration::from_secs(3725))), "62 min 05 s");
        assert_eq!(shown(None), "from an earlier call");
    }
}
