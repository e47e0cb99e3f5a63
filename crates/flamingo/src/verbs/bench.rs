//! `flamingo bench`: what a model's work takes on this machine, and what share of the machine's
//! limits that is.

mod clock;
mod cost;
mod lm;
mod machine;
mod tasks;
mod training;
mod world;

use std::path::PathBuf;
use std::process::Command;

use clap::Args;
use flamingo::engine::{Engine, EngineOptions};
use flamingo::kernels::{Device, InstructionSet, Precision, WeightType};
use flamingo::weights::{Opened, Synthetic, Words, build, open_with};
use serde_json::{Map, Value, json};

use crate::args::SourceArgs;
use crate::failure::{Failure, Hint, Result};
use crate::output;
use crate::sources::part;
use crate::writer::Output;
use tasks::{LANGUAGE, TASKS, Task};

const HEADING: &str = "Measurement";

/// Measure a model on this machine.
///
/// Every task runs in a process of its own, on random pictures and tokens; a shot is 20 tokens, its
/// picture's included, a query 11. No tokenizer need be there. A task lm is of a language model alone, a GGUF file
/// or a directory: so many tokens read, and some written behind them. Writes JSON: for each task its times in seconds, its peak memory,
/// and the share that it reaches of what this machine can do: of its rate of products where they are
/// the limit, of its rate of reading memory where that is.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  flamingo bench --model DIR --tasks decode4,eval_vqa32\n  \
                        flamingo bench --model FILE.gguf"
)]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    files: SourceArgs,
    /// Measure a model with random weights instead, made in memory, in bf16 unless a task says
    /// otherwise: mid is an OpenFlamingo over OPT-125M, 3b one over OPT-1.3B, 9b one over MPT-7B
    #[arg(long, value_name = "SIZE", conflicts_with_all = ["model", "lm", "vision", "adapter"], value_parser = size)]
    synthetic: Option<&'static str>,
    /// Tasks to run; numbers in their names can be others [default: lm683 of a GGUF file, of another model encode5,
    /// encode33, prefill4, prefill32, decode0, decode4, decode32, eval_vqa4, eval_vqa32, eval_vqa32_warm,
    /// eval_vqa32_same_shots, classify4_10, classify4_10_warm, encode33_bf16, encode33_q8_0, prefill32_bf16,
    /// prefill32_q8_0, decode4_bf16, decode4_q8_0, decode4_q4_k]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', help_heading = HEADING)]
    tasks: Vec<String>,
    /// Runs of each task after one that is not counted
    #[arg(long, value_name = "N", default_value_t = 3, help_heading = HEADING)]
    reps: usize,
    /// Also write the JSON here, after every task
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    out: Option<PathBuf>,
    /// Run one task in this process
    #[arg(long, hide = true)]
    one: Option<String>,
}

/// The name of a size.
fn size(text: &str) -> Result<&'static str, String> {
    text.parse::<Synthetic>()?;
    let known = Synthetic::NAMES.into_iter();
    let mut known = known.filter(|name| name.eq_ignore_ascii_case(text));
    known
        .next()
        .ok_or_else(|| format!("there is no size `{text}`"))
}

impl BenchArgs {
    /// What is measured.
    fn tasks(&self) -> Result<Vec<Task>> {
        let model = self.files.model.as_deref();
        let default = match model.is_some_and(|model| model.ends_with(".gguf")) {
            true => vec![LANGUAGE],
            false => TASKS.to_vec(),
        };
        let names: Vec<&str> = match self.tasks.is_empty() {
            true => default,
            false => self.tasks.iter().map(String::as_str).collect(),
        };
        let tasks = names.into_iter().map(|name| match name {
            "lm" => LANGUAGE.parse().map_err(Failure::new),
            name => name.parse().map_err(Failure::new),
        });
        let hint = format!(
            "the tasks are {}; of a language model {LANGUAGE}",
            TASKS.join(", ")
        );
        tasks.collect::<Result<_>>().hint(hint)
    }

    /// A language model alone.
    fn language(&self) -> Result<PathBuf> {
        let missing = || Failure::new("there is no language model to measure");
        let model = self.files.model.as_deref().ok_or_else(missing);
        part(model.hint("give a GGUF file or a directory with --model")?)
    }

    /// The model, whose words are numbers.
    fn open(&self) -> Result<Opened> {
        match self.synthetic {
            Some(size) => Ok(size.parse::<Synthetic>().map_err(Failure::new)?.open()?),
            None => Ok(open_with(&self.files.source()?, Words::Numbers)?),
        }
    }
}

const BAR: &str = "{spinner} {bar:40.cyan} {pos} of {len}: {msg}";

pub(crate) fn run(args: &BenchArgs, threads: Option<usize>) -> Result<()> {
    if let Some(task) = &args.one {
        let result = one(args, task)?;
        return output::json_line(&result);
    }
    let tasks = args.tasks()?;
    if args.reps == 0 {
        return Err(Failure::new("--reps is 0: give 1 or more"));
    }
    let place = args.out.as_deref().map(Output::of).transpose()?;
    let of_language = |task: &Task| matches!(task, Task::Language(..));
    let every = match tasks.iter().all(of_language) {
        true => 0,
        false => every(args)?,
    };
    // Here, where it is told: what the processes of the tasks say is not shown.
    match tasks.iter().any(of_language) {
        true => drop(args.language()?),
        false => drop(args.files.source()?),
    }
    let mut results = Map::new();
    let bar = output::bar(tasks.len() as u64 + 1, BAR);
    bar.set_message("the machine");
    let machine = machine::measure();
    for task in &tasks {
        bar.inc(1);
        bar.set_message(task.to_string());
        let result = in_a_process(args, task, threads)?;
        tracing::info!("{task}: {result}");
        let name = match of_language(task) {
            true => task.to_string(),
            false => format!("{task}/every{every}"),
        };
        results.insert(name, result);
        if place.as_ref().is_some_and(Output::is_file) {
            write(args, &report(args, &machine, &results))?;
        }
    }
    // Others may have used the machine at either end.
    let report = report(args, &machine.or(machine::measure()), &results);
    bar.finish_and_clear();
    write(args, &report)?;
    match place.is_some_and(|place| place.is_stdout()) {
        true => Ok(()),
        false => output::json(&report),
    }
}

/// Writes the report to the file asked for, if any.
fn write(args: &BenchArgs, report: &Value) -> Result<()> {
    let Some(path) = &args.out else {
        return Ok(());
    };
    let text = serde_json::to_string_pretty(report)? + "\n";
    let written = flamingo_files::write(path, text.as_bytes());
    written.hint_if_full("name another place with --out FILE")
}

fn report(args: &BenchArgs, machine: &machine::Machine, results: &Map<String, Value>) -> Value {
    let mut results = results.clone();
    for (_, result) in &mut results {
        for name in ["limit", "keys_values_limit", "decode_limit"] {
            if let Some(reported) = result.get_mut(name) {
                cost::against(machine, reported);
            }
        }
    }
    json!({
        "program": format!("flamingo {}", env!("CARGO_PKG_VERSION")),
        "threads": rayon::current_num_threads(),
        "reps": args.reps,
        "cpus": std::thread::available_parallelism().map_or(1, usize::from),
        "instruction_set": format!("{:?}", InstructionSet::best()),
        "machine": machine,
        "results": results,
    })
}

/// How many language-model layers there are to a gated block.
fn every(args: &BenchArgs) -> Result<usize> {
    let file = match args.synthetic {
        Some(_) => args.open()?.file,
        None => args.files.model_file()?,
    };
    match &file.model {
        flamingo::weights::ModelConfig::Flamingo(config) => Ok(config.gated.every),
        other => Err(Failure::new(format!(
            "the model is a {}: give a flamingo",
            other.kind()
        ))),
    }
}

fn in_a_process(args: &BenchArgs, task: &Task, threads: Option<usize>) -> Result<Value> {
    let mut command = Command::new(std::env::current_exe()?);
    if let Some(threads) = threads {
        command.args(["--threads", &threads.to_string()]);
    }
    command.args(["bench", "--one", &task.to_string()]);
    command.args(["--reps", &args.reps.to_string()]);
    for (flag, value) in [
        ("--model", &args.files.model),
        ("--lm", &args.files.lm),
        ("--vision", &args.files.vision),
    ] {
        if let Some(value) = value {
            command.args([flag, value]);
        }
    }
    if let Some(adapter) = &args.files.adapter {
        command.arg("--adapter").arg(adapter);
    }
    if let Some(size) = args.synthetic {
        command.args(["--synthetic", size]);
    }
    let output = command.output()?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Ok(json!({ "error": error }));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn one(args: &BenchArgs, task: &str) -> Result<Value> {
    let task: Task = task.parse().map_err(Failure::new)?;
    if let Task::Language(tokens, weights) = task {
        let mut result = lm::run(&args.language()?, tokens, weights, args.reps)?;
        result.insert("peak_rss_mib".to_owned(), clock::peak_memory());
        return Ok(Value::Object(result));
    }
    let program = clock::memory();
    let opened = args.open()?;
    if let Task::Train(training) = task {
        let mut result = training.run(opened, args.reps)?;
        result.insert("program_mib".to_owned(), program);
        result.insert("peak_rss_mib".to_owned(), clock::peak_memory());
        return Ok(Value::Object(result));
    }
    let device = Device::flex();
    let weights = match (args.synthetic, task.weights()) {
        // In f32 few machines hold it.
        (Some(_), weights) if weights == WeightType::default() => WeightType::from(Precision::Bf16),
        (_, weights) => weights,
    };
    let options = EngineOptions {
        precision: weights.precision,
        ..EngineOptions::default()
    };
    let loaded = build(opened, &device, weights)?;
    let mut engine = Engine::new(loaded, &device, options)?;
    let mut result = task.run(&mut engine, weights, args.reps)?;
    result.insert("peak_rss_mib".to_owned(), clock::peak_memory());
    Ok(Value::Object(result))
}
