//! `flamingo eval versus-fine-tuned`: the same examples in the prompt, or as training data.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use clap::Args;
use flamingo::data::StoreSettings;
use flamingo::engine::{Engine, EngineOptions, MediaSource};
use flamingo::eval::versus::{Tuned, Versus, VersusOptions, VersusTask, Way, versus, world_task};
use flamingo::eval::{Judge, Judgement, Reply, Suite, TaskMedia};
use flamingo::image::{Media, Wanted};
use flamingo::sequence::{Document, Part};
use flamingo::tasks::ReadOptions;
use flamingo::train::{
    DataSpec, FlamingoSpec, InitPart, InitSpec, ModelSpec, Options, Recipe, Resume, Schedule,
    Silent, train,
};
use flamingo::weights::{ModelConfig, Source};

use super::task_files::{self, TaskFiles};
use crate::args::{MediaArgs, ModelArgs};
use crate::failure::{Failure, Hint, Result};
use crate::writer::Output;
use crate::{interrupt, output, part_files, sources};

/// Compare few shots with fine-tuning: the same model, the same examples.
///
/// For 4 to 512 examples of a task: how often is the answer right, and how many seconds does it take, with the examples in
/// the prompt, with the resampler and the gated blocks fine-tuned on them, with a linear head on the frozen encoder, and
/// by the nearest class mean? The task is made-up names for things of the demo world that no training has shown, or the
/// classes of a folder.
#[derive(Debug, Args)]
pub(crate) struct VersusArgs {
    /// A folder with a folder for each class, in place of the demo world
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Numbers of examples
    #[arg(long, value_name = "N,..", value_delimiter = ',', default_values_t = VersusOptions::default().examples)]
    examples: Vec<usize>,
    /// Seeds; each draws other examples, and of the demo world other things and names
    #[arg(long, value_name = "N,..", value_delimiter = ',', default_values_t = VersusOptions::default().seeds)]
    seeds: Vec<u64>,
    /// Things of the demo world that are told apart
    #[arg(long, value_name = "N", default_value_t = 4)]
    classes: usize,
    /// Queries of each seed
    #[arg(long, value_name = "N", default_value_t = 100)]
    queries: usize,
    /// Shots of a prompt at most; of more examples it has those most similar to the query
    #[arg(long, value_name = "N", default_value_t = VersusOptions::default().most_shots)]
    most_shots: usize,
    /// Write a page with a chart
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    media: MediaArgs,
    #[command(flatten)]
    tuning: TuningArgs,
    #[command(flatten)]
    model: ModelArgs,
}

/// How the model is fine-tuned.
#[derive(Debug, Args)]
#[command(next_help_heading = "Fine-tuning")]
struct TuningArgs {
    /// Updates
    #[arg(long, value_name = "N", default_value_t = 100)]
    steps: u64,
    /// Learning rate, after a warm-up of a tenth of the steps
    #[arg(long, value_name = "R", default_value_t = 1e-3)]
    rate: f64,
    /// Examples of an update at most
    #[arg(long, value_name = "N", default_value_t = 32)]
    tuning_batch: usize,
}

const BAR: &str =
    "{spinner} {bar:40.cyan} {percent:>3}%  {human_pos} of {human_len} measurements, {eta} left";

pub(crate) fn run(args: &VersusArgs) -> Result<()> {
    let options = VersusOptions {
        examples: args.examples.clone(),
        seeds: args.seeds.clone(),
        most_shots: args.most_shots,
    };
    let place = args.html.as_deref().map(Output::of).transpose()?;
    interrupt::ends_with("nothing was written; the same command begins anew")?;
    let draft = place.as_ref().map(Output::begin).transpose()?;
    let source = args.model.files.source()?;
    let mut engine = args.model.open()?;
    let device = args.model.device.open()?;
    let work = tempfile::tempdir()
        .map_err(|error| Failure::new(format!("cannot make a folder to work in: {error}")))?;
    let model = directory(&source, work.path())?;
    let tuning = Tuning {
        args: &args.tuning,
        model: &model,
        config: flamingo_config(&engine)?,
        work: work.path(),
    };
    let count = options.examples.len() * options.seeds.len() * Way::ALL.len();
    let bar = output::bar(count as u64, BAR);
    let most = options.examples.iter().copied().max().unwrap_or(0);
    let side = engine.preprocess().size as u32;
    let mut task =
        |seed: u64, with: &mut dyn FnMut(&VersusTask<'_>) -> flamingo::eval::Result<()>| match &args
            .data
        {
            Some(folder) => of_folder(args, folder, with),
            None => of_world(args, seed, most, side, with),
        };
    let done = versus(
        &mut engine,
        &mut task,
        &options,
        &mut |documents, media, seed| {
            tuning
                .tune(documents, media, seed)
                .map_err(|failure| failure.to_string())
        },
        &device,
        &mut |measured| bar.inc(measured as u64),
    );
    bar.finish_and_clear();
    let done: Versus = done?;
    if let Some(mut draft) = draft {
        let written = draft.add(done.page().as_bytes());
        written
            .and_then(|()| draft.commit())
            .hint_if_full("make room, then give the same command again")?;
    }
    match args.json {
        true => output::json(&done),
        false => output::line(&done.to_string()),
    }
}

fn of_world(
    args: &VersusArgs,
    seed: u64,
    supports: usize,
    side: u32,
    with: &mut dyn FnMut(&VersusTask<'_>) -> flamingo::eval::Result<()>,
) -> flamingo::eval::Result<()> {
    let made = world_task(seed, args.classes, supports, args.queries, side);
    let suite = Suite {
        task: "names in the demo world".to_owned(),
        supports: made.supports,
        queries: made.queries,
        form: made.form,
        judge: &NoJudge,
    };
    with(&VersusTask {
        suite,
        media: &made.media,
    })
}

fn of_folder(
    args: &VersusArgs,
    folder: &Path,
    with: &mut dyn FnMut(&VersusTask<'_>) -> flamingo::eval::Result<()>,
) -> flamingo::eval::Result<()> {
    let wrong = |error: &dyn std::fmt::Display| flamingo::eval::Error::Options(error.to_string());
    let options = ReadOptions {
        supports: Some(usize::MAX),
        limit: Some(args.queries),
        ..ReadOptions::default()
    };
    let files = task_files::named("folder")
        .and_then(|task| TaskFiles::read(task, folder, &options))
        .map_err(|failure| wrong(&failure))?;
    let read = files.task_run();
    let suite = read.suite();
    let media = TaskMedia::of(&suite, args.media.reader());
    with(&VersusTask {
        suite,
        media: &media,
    })
}

/// Right is what is likeliest: nobody else judges.
struct NoJudge;

impl Judge for NoJudge {
    fn answer(&self, reply: &Reply) -> String {
        reply.raw.clone()
    }

    fn judge(&self, _: &[(usize, &Reply)]) -> std::result::Result<Judgement, String> {
        Err("this task is compared, not judged".to_owned())
    }

    fn submission(
        &self,
        _: &[(usize, &Reply)],
    ) -> std::result::Result<Option<(String, Vec<u8>)>, String> {
        Ok(None)
    }
}

/// The model as a directory, as a recipe names it.
fn directory(source: &Source, work: &Path) -> Result<PathBuf> {
    match source {
        Source::Directory(path) | Source::WithParts(path, _) => Ok(path.clone()),
        Source::Adapted(..) => Err(Failure::new(
            "fine-tuning starts from a whole model: make one of it with `flamingo weights convert --adapter`",
        )),
        Source::Embedded {
            model_file,
            tokenizer,
            weights,
        } => {
            let folder = work.join("model");
            fs::create_dir_all(&folder).map_err(|error| {
                Failure::new(format!("cannot create {}: {error}", folder.display()))
            })?;
            for (name, bytes) in [
                ("tokenizer.json", tokenizer),
                ("model.safetensors", weights),
                ("flamingo.json", model_file),
            ] {
                flamingo_files::write(&folder.join(name), bytes)?;
            }
            Ok(folder)
        }
        _ => Err(Failure::new(
            "fine-tuning starts from a model of ours: make one of it with `flamingo weights convert`",
        )),
    }
}

fn flamingo_config(engine: &Engine) -> Result<FlamingoSpec> {
    let wrong =
        || Failure::new("the model is no Flamingo with a resampler: there is nothing to fine-tune");
    let ModelConfig::Flamingo(config) = &engine.model_file().model else {
        return Err(wrong());
    };
    Ok(FlamingoSpec {
        preset: None,
        resampler: config.resampler.clone().ok_or_else(wrong)?,
        gated: config.gated.clone(),
        project_media: config.project_media,
        sees: engine.model_file().sees,
        language: flamingo::train::LanguageStart::Frozen,
    })
}

/// Fine-tunes a model.
struct Tuning<'a> {
    args: &'a TuningArgs,
    model: &'a Path,
    config: FlamingoSpec,
    work: &'a Path,
}

impl Tuning<'_> {
    fn tune(&self, documents: &[Document], media: &dyn MediaSource, seed: u64) -> Result<Tuned> {
        let folder = self.work.join(format!("tuned-{}-{seed}", documents.len()));
        let data = self
            .work
            .join(format!("examples-{}-{seed}", documents.len()));
        let data = examples(&data, documents, media)?;
        let options = Options {
            device: flamingo::kernels::Device::default(),
            parts: part_files::store(),
            resume: Resume::Fresh,
            together: std::sync::Arc::new(flamingo::train::Alone),
            stop: Arc::new(AtomicBool::new(false)),
            base: None,
            // Its examples are pictures.
            ffmpeg: None,
            stores: StoreSettings::default(),
        };
        let recipe = self.recipe(&folder, data, documents.len(), seed);
        let started = Instant::now();
        let summary = train(&recipe, &options, &mut Silent)?;
        let seconds = started.elapsed().as_secs_f64();
        let model = summary
            .model
            .ok_or_else(|| Failure::new("the fine-tuning was stopped"))?;
        let source = sources::with_parts(Source::Directory(model))?;
        let engine = Engine::open(&source, &options.device, EngineOptions::default())?;
        Ok(Tuned { engine, seconds })
    }

    fn recipe(&self, folder: &Path, data: PathBuf, examples: usize, seed: u64) -> Recipe {
        let TuningArgs {
            steps,
            rate,
            tuning_batch,
        } = *self.args;
        let data = DataSpec {
            form: Some(flamingo::sequence::Form::Pair),
            p_space: Some(0.0),
            ..DataSpec::new(
                "examples",
                flamingo::data::Format::Jsonl,
                &data,
                examples.min(tuning_batch),
            )
        };
        let schedule = Schedule {
            steps,
            rate,
            warmup: steps.div_ceil(10),
            shape: flamingo::train::Shape::Cosine,
            decay_from: 0,
            floor: 0.1,
        };
        Recipe {
            seed,
            init: Some(InitSpec {
                vision: InitPart::Path(self.model.to_path_buf()),
                language: InitPart::Path(self.model.to_path_buf()),
                trained: Some(self.model.to_path_buf()),
                image_size: None,
                tokens: flamingo::train::NewTokensSpec::default(),
            }),
            checkpoint: flamingo::train::CheckpointSpec { every: 0, keep: 1 },
            log: flamingo::train::LogSpec {
                every: steps.max(1),
                ..Default::default()
            },
            ..Recipe::new(
                folder,
                ModelSpec::Flamingo(self.config.clone()),
                vec![data],
                schedule,
            )
        }
    }
}

/// Writes examples as JSON lines, their pictures beside them.
fn examples(folder: &Path, documents: &[Document], media: &dyn MediaSource) -> Result<PathBuf> {
    fs::create_dir_all(folder)
        .map_err(|error| Failure::new(format!("cannot create {}: {error}", folder.display())))?;
    let mut lines = String::new();
    for (at, document) in documents.iter().enumerate() {
        let mut document = document.clone();
        // A pair's chunk ends by itself.
        document.parts.retain(|part| *part != Part::End);
        for part in &mut document.parts {
            if let Part::Image(place) = part {
                let Media::Image(image) = media.media(place, &Wanted::default())? else {
                    return Err(Failure::new(format!(
                        "{place} is no picture: examples are pictures"
                    )));
                };
                let name = format!("{at}.png");
                flamingo_files::write(&folder.join(&name), &image.to_png())?;
                *place = name;
            }
        }
        lines += &serde_json::to_string(&document)?;
        lines.push('\n');
    }
    let path = folder.join("examples.jsonl");
    flamingo_files::write(&path, lines.as_bytes())?;
    Ok(path)
}
