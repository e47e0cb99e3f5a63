//! Trainings that are killed.

use std::fs;
use std::path::Path;
use std::time::Instant;

use clap::Args;

use super::program::{Killing, files, same};

/// Which trainings are killed.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    killing: Killing,
    /// Steps of a training
    #[arg(long, default_value_t = 400)]
    steps: u64,
    /// Steps between two checkpoints
    #[arg(long, default_value_t = 10)]
    every: u64,
}

const TRAIN: [&str; 3] = ["train", "recipe.toml", "--resume"];

/// Trains once in one go, then with kills, and compares.
///
/// # Errors
/// If the bytes differ, or a training fails.
pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    let program = options.killing.program("train")?;
    write_recipe(&program.folder, options)?;
    let took = program.whole(&TRAIN)?;
    let run = program.folder.join("run");
    let checkpoints = run.join("checkpoints");
    // The model and all that a step needs; not the figures, which tell the time.
    let compared = |name: &str| name.starts_with("model") || name.starts_with("checkpoints");
    let whole = files(&run, compared)?;
    eprintln!(
        "in one go: {:.1} s, {} files",
        took.as_secs_f64(),
        whole.len()
    );
    fs::remove_dir_all(&run)?;
    let mut moments = options.killing.moments();
    let (mut kills, mut during, mut ends) = (0, 0, 0);
    while kills < options.killing.kills {
        // Some steps, and the start of the program.
        let moment = moments.next(took / 4);
        let writing = || is_writing(&checkpoints);
        let wants_writing = kills % 2 == 1;
        let began = Instant::now();
        let training = program.start(&TRAIN)?;
        let is_time = || began.elapsed() >= moment && (!wants_writing || writing());
        if program.kill(training, is_time)? {
            kills += 1;
            let left = writing();
            during += u32::from(left);
            let left = if left {
                ", a checkpoint half written"
            } else {
                ""
            };
            eprintln!(
                "kill {kills} after {:.2} s{left}",
                began.elapsed().as_secs_f64()
            );
        } else {
            same(&whole, &files(&run, compared)?)?;
            ends += 1;
            eprintln!("done after {kills} kills, the same bytes; once more from the start");
            fs::remove_dir_all(&run)?;
        }
    }
    program.whole(&TRAIN)?;
    same(&whole, &files(&run, compared)?)?;
    eprintln!(
        "{kills} kills, {during} of them with a checkpoint half written; {} trainings that ended, each with the same bytes",
        ends + 1
    );
    Ok(())
}

/// Whether a checkpoint is in the making.
fn is_writing(checkpoints: &Path) -> bool {
    let entries = fs::read_dir(checkpoints).into_iter().flatten().flatten();
    entries
        .into_iter()
        .any(|entry| entry.file_name().to_string_lossy().starts_with('.'))
}

fn write_recipe(folder: &Path, options: &Options) -> anyhow::Result<()> {
    let lines: String = (0..200)
        .map(|number| {
            let text = format!(
                "number {number} is a red pig, a dog and {} birds",
                number % 7
            );
            format!("{{\"parts\": [{{\"text\": \"{text}\"}}, {{\"end\": true}}]}}\n")
        })
        .collect();
    fs::write(folder.join("text.jsonl"), lines)?;
    let tokenizer = fs::canonicalize("models/demo/tokenizer.json")?;
    let (steps, every) = (options.steps, options.every);
    let recipe = format!(
        r#"run = "run"
threads = 1
tokenizer = {tokenizer:?}
tokens = {{ bos = "<BOS>", eos = "<EOS>", pad = "<PAD>", image = "<image>", end_of_chunk = "<EOC>" }}

[model.language]
vocabulary = 2758
width = 64
layers = 2
heads = 2
key_value_heads = 2
head_dim = 32
ffw_width = 128
positions = {{ kind = "rotary", fraction = 0.5, base = 10000.0 }}
norm = "layer_norm"
norm_epsilon = 1e-5
residual = "sequential"
activation = "gelu_tanh"
gated_ffw = false
attention_bias = false
ffw_bias = true
query_key_norm = "none"
tied_head = true

[[data]]
name = "text"
format = "jsonl"
path = "text.jsonl"
batch = 4
length = 16

[schedule]
steps = {steps}
rate = 1e-3

[checkpoint]
every = {every}
"#
    );
    Ok(fs::write(folder.join("recipe.toml"), recipe)?)
}
