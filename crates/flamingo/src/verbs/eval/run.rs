//! `flamingo eval run`: a task asked by the paper's protocol.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use flamingo::corpus::worker::Worker;
use flamingo::engine::{Engine, EngineOptions, MediaSource};
use flamingo::eval::{
    Ablation, Ended, Results, Run, RunFile, RunFolder, RunOptions, Selection, Suite, TaskMedia,
    TaskRun, data_fingerprint, model_fingerprint,
};
use flamingo::tasks::{Examples, OwnMetric, Preset, Prompt, ReadOptions, Task, counted};
use sha2::{Digest, Sha256};

use super::lexicon::LexiconArgs;
use super::rices::{self, RicesArgs};
use super::rules::RulesArgs;
use super::task_files;
use crate::args::{MediaArgs, ModelArgs, WorkerArgs, at_least_one};
use crate::failure::{Failure, Hint, Result, say};
use crate::{interrupt, output, writer};

/// Ask a model a task's questions after 0, 4, 8, 16 and 32 shots, and score the answers.
///
/// A run has a folder: samples with the exact prompts, scores with their intervals, files to hand in. A run that was
/// stopped at any point goes on by the same command, and its files are the same to the byte, however many threads,
/// workers or prompts at once. Encoded pictures are kept for other runs in flamingo-eval/latents, or DIR/latents of
/// --output DIR, unless --latents says where. `flamingo eval TASK` is short for `flamingo eval run TASK`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  flamingo eval run own --data queries.jsonl --supports-at supports.jsonl --shots 0,4"
)]
pub(crate) struct RunArgs {
    /// The task: a benchmark, `own` (JSON lines of parts and answers) or `folder` (a folder for each class)
    #[arg(value_name = "TASK")]
    task: String,
    /// Its files: a folder, or of `own` the file of its queries
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// The folder of the run [default: flamingo-eval/TASK-HASH, a hash of what is run]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Answers that are written together at most; the samples do not depend on it
    #[arg(long, value_name = "N", default_value_t = EngineOptions::default().batch)]
    batch: usize,
    /// Print the results as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    worker: WorkerArgs,
    #[command(flatten)]
    examples: ExamplesArgs,
    #[command(flatten)]
    protocol: ProtocolArgs,
    #[command(flatten)]
    rices: RicesArgs,
    #[command(flatten)]
    rules: RulesArgs,
    #[command(flatten)]
    lexicon: LexiconArgs,
    #[command(flatten)]
    media: MediaArgs,
    #[command(flatten)]
    model: ModelArgs,
}

/// Which of the task's examples.
#[derive(Debug, Args)]
#[command(next_help_heading = "Examples")]
struct ExamplesArgs {
    /// The split that is asked [default: the paper's, or the nearest with published answers]
    #[arg(long, value_name = "NAME")]
    split: Option<String>,
    /// So many queries, spread over all of them [default: all]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    limit: Option<usize>,
    /// So many supports, of classification of each class [default: the paper's 2,048, or 32]
    #[arg(long, value_name = "N")]
    supports: Option<usize>,
    /// A file or folder of supports, where they are elsewhere
    #[arg(long, value_name = "PATH")]
    supports_at: Option<PathBuf>,
    /// What free answers of `own` are judged by
    #[arg(long, value_enum, default_value_t)]
    metric: MetricArg,
}

/// How they are asked.
#[derive(Debug, Args)]
#[command(next_help_heading = "Protocol")]
struct ProtocolArgs {
    /// Numbers of shots [default: the paper's]
    #[arg(long, value_name = "N,..", value_delimiter = ',')]
    shots: Vec<usize>,
    /// Seeds; each draws other shots
    #[arg(long, value_name = "N,..", value_delimiter = ',', default_value = "0")]
    seeds: Vec<u64>,
    /// Whose prompts: paper or openflamingo
    #[arg(long, value_name = "PRESET", default_value_t)]
    preset: Preset,
    /// Tokens of a written answer at most [default: those of the preset]
    #[arg(long, value_name = "N")]
    max_tokens: Option<NonZeroUsize>,
    /// Beside the score, that without something in the prompts
    #[arg(long, value_enum, value_name = "WHAT,..", value_delimiter = ',')]
    ablate: Vec<AblationArg>,
    /// Average over up to 6 orders of the shots, where candidates are scored
    #[arg(long)]
    ensemble: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum AblationArg {
    /// All pictures are grey
    Blank,
    /// Shots have one another's pictures, the query another's
    ShuffleImages,
    /// Shots have one another's answers
    ShuffleLabels,
    /// Shots have no pictures
    NoShotImages,
    /// Shots have one another's pictures, the query keeps its own
    SwapShotImages,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum MetricArg {
    /// The same string as one of the answers
    #[default]
    Exact,
    /// The same after VQA's normalisation
    Normalised,
    /// VQA accuracy of ten annotators
    Vqa,
    /// CIDEr-D: the answers are captions
    Captions,
}

const BAR: &str =
    "{spinner} {bar:40.cyan} {percent:>3}%  {human_pos} of {human_len} samples, {eta} left";
/// Where runs are kept if no folder is named.
const FOLDER: &str = "flamingo-eval";
/// Requests in the queue for each row that is written.
const AHEAD: usize = 4;

pub(crate) fn run(args: &RunArgs) -> Result<()> {
    let task = args.task()?;
    let worker = args.worker.worker()?;
    let examples = args.read(&*task)?;
    task_files::tell(&examples);
    let lexicon = args.rules.lexicon(task.name(), &args.lexicon)?;
    let prompt = args.protocol.prompt(&*task);
    let read = TaskRun {
        task: &*task,
        examples: &examples,
        prompt: &prompt,
        rules: args.rules.options(false, &lexicon),
    };
    let suite = read.suite();
    let media = TaskMedia::of(&suite, args.media.reader());
    let latents = args
        .output
        .as_deref()
        .unwrap_or(Path::new(FOLDER))
        .join("latents");
    let mut engine = args.model.open_with(|options| {
        options.batch = args.batch;
        options.films = args.media.sampling();
        options.latents.get_or_insert(latents);
    })?;
    let file = args.file(&*task, &suite, &mut engine)?;
    let place = args.place(&file)?;
    interrupt::ends_with(format!(
        "what is done stands in {}; the same command goes on",
        place.display()
    ))?;
    let _lock = writer::worker(&place, worker)?;
    let folder = RunFolder::open(&place, &file, worker.index)?;
    if !args.rices.is_random() && args.protocol.seeds.len() > 1 {
        say("note: each seed has the same shots: one seed tells as much\n");
    }
    let selection = args.selection(&suite, &engine, &media, &place)?;
    let run = Run::new(suite, &file.options, selection, worker)?;
    match args.go(&run, &mut engine, &media, &folder, &file)? {
        Ended::Finished(results) => args.told(&results, &place),
        Ended::Waiting(missing) => output::line(&waiting(worker, missing)),
    }
}

fn waiting(worker: Worker, missing: usize) -> String {
    format!(
        "worker {} of {} is done; {} of others {} not: the last one writes the results",
        worker.index,
        worker.count,
        counted(missing, "unit"),
        if missing == 1 { "is" } else { "are" }
    )
}

impl ProtocolArgs {
    fn prompt(&self, task: &dyn Task) -> Prompt {
        let preset = task.prompt(self.preset);
        Prompt {
            max_new_tokens: self
                .max_tokens
                .map_or(preset.max_new_tokens, NonZeroUsize::get),
            ..preset
        }
    }
}

impl RunArgs {
    fn task(&self) -> Result<Box<dyn Task>> {
        let found = task_files::named(&self.task)?;
        if found.name() != "own" {
            return Ok(found);
        }
        Ok(Box::new(flamingo::tasks::Own {
            metric: match self.examples.metric {
                MetricArg::Exact => OwnMetric::Exact,
                MetricArg::Normalised => OwnMetric::Normalised,
                MetricArg::Vqa => OwnMetric::Vqa,
                MetricArg::Captions => OwnMetric::Captions,
            },
        }))
    }

    fn read(&self, task: &dyn Task) -> Result<Examples> {
        let options = ReadOptions {
            split: self.examples.split.clone(),
            supports: self.examples.supports,
            seed: 0,
            limit: self.examples.limit,
            supports_at: self.examples.supports_at.clone(),
        };
        task_files::examples(task, &self.data, &options)
    }

    /// What is run.
    fn file(&self, task: &dyn Task, suite: &Suite<'_>, engine: &mut Engine) -> Result<RunFile> {
        let protocol = &self.protocol;
        let shots = match protocol.shots.is_empty() {
            true => task.protocol().shots.to_vec(),
            false => protocol.shots.clone(),
        };
        let options = RunOptions {
            shots,
            seeds: protocol.seeds.clone(),
            ablations: protocol.ablate.iter().map(|what| (*what).into()).collect(),
            ensemble: protocol.ensemble,
        };
        let own = suite
            .queries
            .iter()
            .flat_map(|query| query.supports.iter().flatten());
        let all = suite.supports.iter().chain(&suite.queries).chain(own);
        Ok(RunFile {
            task: suite.task.clone(),
            data: self.data.display().to_string(),
            model: self
                .model
                .files
                .model
                .clone()
                .unwrap_or_else(|| "demo".to_owned()),
            model_fingerprint: model_fingerprint(engine)?,
            data_fingerprint: data_fingerprint(all),
            preset: protocol.preset.to_string(),
            rules: self.rules.told(),
            selection: self.rices.told(),
            films: self.media.films(),
            supports: suite.supports.len(),
            queries: suite.queries.len(),
            options: Run::options_for(suite, &options)?,
            form: suite.form.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }

    fn place(&self, file: &RunFile) -> Result<PathBuf> {
        if let Some(output) = &self.output {
            return Ok(output.clone());
        }
        let hash = Sha256::digest(serde_json::to_vec(file)?);
        let hash: String = hash[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Path::new(FOLDER).join(format!("{}-{hash}", file.task)))
    }

    fn selection(
        &self,
        suite: &Suite<'_>,
        engine: &Engine,
        media: &dyn MediaSource,
        place: &Path,
    ) -> Result<Selection> {
        let most = self.protocol.shots.iter().copied().max();
        let most = most.unwrap_or(32);
        rices::selection(&self.rices, suite, engine, media, place, most)
    }

    fn go(
        &self,
        run: &Run<'_>,
        engine: &mut Engine,
        media: &dyn MediaSource,
        folder: &RunFolder,
        file: &RunFile,
    ) -> Result<Ended> {
        let bar = output::bar(run.samples_to_ask(folder) as u64, BAR);
        let ended = run.go(
            engine,
            media,
            folder,
            file,
            self.batch * AHEAD,
            &mut |samples| {
                bar.inc(samples as u64);
            },
        );
        bar.finish_and_clear();
        ended.hint_if_full("make room: what is done stands, and the same command goes on")
    }

    fn told(&self, results: &Results, place: &Path) -> Result<()> {
        match self.json {
            true => output::json(results)?,
            false => {
                output::line(&results.to_string())?;
                let place = place.display();
                output::line(&format!(
                    "\nsamples, results and what can be handed in: {place}\na page of it: flamingo eval report {place}"
                ))?;
            }
        }
        let failed = results.cells.iter().all(|cell| cell.failed == cell.samples);
        match failed {
            true => Err(Failure::new(
                "no query could be answered: the notes say why",
            )),
            false => Ok(()),
        }
    }
}

impl From<AblationArg> for Ablation {
    fn from(what: AblationArg) -> Self {
        match what {
            AblationArg::Blank => Self::Blank,
            AblationArg::ShuffleImages => Self::ShuffleImages,
            AblationArg::ShuffleLabels => Self::ShuffleLabels,
            AblationArg::NoShotImages => Self::NoShotImages,
            AblationArg::SwapShotImages => Self::SwapShotImages,
        }
    }
}
