//! What a recipe takes, counted before anything is read: memory and operations of a step.

use flamingo_model::contrastive::ContrastiveConfig;
use flamingo_model::{
    FlamingoConfig, LanguageConfig, Learning, MicroBatch, PairsBatch, StepOperations,
    TrainingMemory,
};
use flamingo_sequence::Form;
use flamingo_weights::Store;
use serde::Serialize;

use crate::finished::Parts;
use crate::streamed::AHEAD;
use crate::{DataSpec, Error, FlamingoSpec, LanguageStart, ModelSpec, Recipe, Result, Updates};

/// What a training takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// The preset that the recipe names.
    pub preset: Option<String>,
    /// The kind of training.
    pub kind: &'static str,
    /// Processes that share the rows of each batch; each holds the whole model.
    pub processes: usize,
    /// Parameters of the whole model.
    pub parameters: u64,
    /// Those that learn.
    pub trained: u64,
    /// What a process does of each source in a step, in the order of the recipe.
    pub sources: Vec<SourceWork>,
    /// Bytes that a process takes where it works on the source that takes the most.
    pub memory: TrainingMemory,
    /// Bytes of decoded pictures that wait, of sources that are read while the training goes.
    pub waiting: f64,
    /// Operations (2 a multiply-add) of a step, of all processes.
    pub operations: f64,
    /// Those of the process that has the most rows, for which the others wait.
    pub busiest: f64,
    /// Steps of the training.
    pub steps: u64,
}

/// What a process does of a source in a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SourceWork {
    /// The source.
    pub name: String,
    /// Its rows.
    pub rows: usize,
    /// Those that are worked on at once.
    pub at_once: usize,
    /// Tokens of a row at most.
    pub length: usize,
    /// Pictures or films of a row at most.
    pub media: usize,
    /// Frames of a film at most, 1 of a picture.
    pub frames: usize,
    /// Bytes that it takes at the highest.
    pub memory: TrainingMemory,
}

impl Prediction {
    /// Bytes of a process at the highest: a step and the pictures that wait, or the finished model while it is written.
    pub fn peak(&self) -> f64 {
        self.waiting + self.memory.peak.max(self.memory.saving)
    }

    /// Seconds of a step, at `rate` operations a second of each process.
    pub fn seconds(&self, rate: f64) -> f64 {
        self.busiest / rate
    }
}

/// Counts what a recipe takes in so many processes: rows are taken to be full, of as many tokens and pictures as the recipe
/// lets them have. Sources that lie in memory as a whole are not counted. Parts of a Flamingo are looked at where they are;
/// where one is not, encoder and language model are those of the recipe's preset, whose tokens `<image>` and `<EOC>` are new.
///
/// # Errors
/// If a recipe without a preset names parts that are not there, or a training is of a kind that is not counted.
pub fn predict(recipe: &Recipe, store: &Store, processes: usize) -> Result<Prediction> {
    let takes_several = matches!(
        recipe.model,
        ModelSpec::Flamingo(_) | ModelSpec::Contrastive(_)
    );
    if processes > 1 && !takes_several {
        return Err(Error::contradiction(format!(
            "a {} training runs in one process, not in {processes}",
            recipe.kind()
        )));
    }
    match &recipe.model {
        ModelSpec::Flamingo(spec) => of_flamingo(recipe, spec, store, processes),
        ModelSpec::Contrastive(spec) => of_contrastive(recipe, &spec.config, processes),
        ModelSpec::Language(config) => Ok(of_language(recipe, config)),
        ModelSpec::FineTune(_) => Err(Error::contradiction(
            "what a fine-tuning takes is not counted: give a recipe of another kind",
        )),
    }
}

fn of_flamingo(
    recipe: &Recipe,
    spec: &FlamingoSpec,
    store: &Store,
    processes: usize,
) -> Result<Prediction> {
    let (config, has_new) = shapes(recipe, spec, store)?;
    config.check()?;
    let batches: Vec<Batch> = recipe
        .data
        .iter()
        .map(|data| Batch::of(data, &config, processes))
        .collect();
    let language = spec.language != LanguageStart::Frozen;
    let learning = Learning {
        precision: recipe.precision,
        tables: has_new && !language,
        language,
        encodes: recipe.cache.features.is_none(),
        recompute: recipe.recompute,
        parts: parts(recipe, batches.iter().map(Batch::parts)),
    };
    let works = recipe.data.iter().zip(&batches).map(|(data, batch)| {
        let memory = TrainingMemory::of_flamingo(&config, &learning, &batch.at_once());
        batch.work(data, memory)
    });
    let of_rows =
        |batch: &Batch, rows| StepOperations::of(&config, &learning, &batch.of_rows(rows)).total();
    let sources = recipe.data.iter().zip(&batches);
    let operations = sources.map(|(data, batch)| Operations {
        all: of_rows(batch, data.batch),
        busiest: of_rows(batch, batch.rows),
    });
    let side = config.vision.image_size();
    let waiting = recipe.data.iter().zip(&batches).map(|(data, batch)| {
        // Besides those that wait, one is at work and one is being put there.
        let batches = if data.stream.is_some() { AHEAD + 2 } else { 0 };
        (batches * batch.rows * batch.media * batch.frames * 3 * side * side * size_of::<f32>())
            as f64
    });
    let parameters = flamingo_model::describe(&config).total;
    Ok(finished(
        recipe,
        processes,
        parameters,
        works.collect(),
        waiting.sum(),
        operations.collect(),
    ))
}

/// The model, and whether some of its tokens are new to its language model.
fn shapes(recipe: &Recipe, spec: &FlamingoSpec, store: &Store) -> Result<(FlamingoConfig, bool)> {
    let init = recipe
        .init
        .as_ref()
        .ok_or_else(|| Error::contradiction("`init` is missing"))?;
    let own = |vision, language| FlamingoConfig {
        vision,
        resampler: Some(spec.resampler.clone()),
        project_media: spec.project_media,
        media_projection_bias: false,
        gated: spec.gated.clone(),
        language,
    };
    match (recipe.check_parts_there(), &spec.preset) {
        (Err(_), Some(preset)) => {
            let preset = FlamingoConfig::preset(preset)?;
            let vision = match init.image_size {
                Some(size) => preset
                    .vision
                    .with_image_size(size)
                    .map_err(|what| Error::contradiction(format!("init.image_size: {what}")))?,
                None => preset.vision,
            };
            Ok((own(vision, preset.language), !init.tokens.frozen))
        }
        (absent, _) => {
            absent?;
            let parts = Parts::load(init, store)?;
            let config = own(parts.vision.config.clone(), parts.language.config.clone());
            Ok((config, parts.new_tokens.learn()))
        }
    }
}

/// Parts of a step whose gradients are summed.
fn parts(recipe: &Recipe, of_sources: impl Iterator<Item = usize>) -> usize {
    match recipe.updates {
        Updates::Accumulate => of_sources.sum(),
        Updates::RoundRobin => of_sources.max().unwrap_or(1),
    }
}

fn of_contrastive(
    recipe: &Recipe,
    config: &ContrastiveConfig,
    processes: usize,
) -> Result<Prediction> {
    config.check()?;
    let batch = |data: &DataSpec| {
        let rows = data.batch.div_ceil(processes);
        PairsBatch {
            of_all: data.batch,
            at_once: data.micro_batch.unwrap_or(rows).min(rows),
            length: data.length,
        }
    };
    // In parts, each tower's gradients are sums, too.
    let of_sources = recipe
        .data
        .iter()
        .map(|data| 1 + usize::from(batch(data).is_in_parts()));
    let parts = parts(recipe, of_sources);
    let (mut works, mut operations, mut waiting) = (Vec::new(), Vec::new(), 0.0);
    let side = config.vision.image_size();
    for data in &recipe.data {
        let (rows, batch) = (data.batch.div_ceil(processes), batch(data));
        let memory = TrainingMemory::of_contrastive(config, parts, &batch).ok_or_else(|| {
            Error::contradiction(
                "what a training of an EfficientNet keeps is not counted: give a recipe with another encoder",
            )
        })?;
        works.push(SourceWork {
            at_once: batch.at_once,
            ..work(data, rows, [1, 1], memory)
        });
        let pair = config.vision.flops_per_image() + config.text.flops(data.length);
        let passes = if batch.is_in_parts() { 4.0 } else { 3.0 };
        let encoded = passes * pair as f64;
        // Each process makes all scores.
        let scores = 3.0 * (2 * data.batch * config.joint_width) as f64 * data.batch as f64;
        operations.push(Operations {
            all: data.batch as f64 * encoded + processes as f64 * scores,
            busiest: rows as f64 * encoded + scores,
        });
        // Besides those that wait, one is at work and one is being put there.
        let batches = if data.stream.is_some() { AHEAD + 2 } else { 0 };
        waiting += (batches * rows * 3 * side * side) as f64;
    }
    let parameters = config.parameters();
    Ok(finished(
        recipe, processes, parameters, works, waiting, operations,
    ))
}

fn of_language(recipe: &Recipe, config: &LanguageConfig) -> Prediction {
    let parts = parts(recipe, recipe.data.iter().map(|_| 1));
    let works = recipe.data.iter().map(|data| {
        let memory = TrainingMemory::of_language(config, parts, [data.batch, data.length]);
        work(data, data.batch, [0, 0], memory)
    });
    let operations = recipe.data.iter().map(|data| {
        let token = config.flops_per_token(data.length.div_ceil(2)) as f64;
        let all = 3.0 * (data.batch * data.length) as f64 * token;
        Operations { all, busiest: all }
    });
    let (works, operations) = (works.collect(), operations.collect());
    finished(recipe, 1, config.parameters(), works, 0.0, operations)
}

fn finished(
    recipe: &Recipe,
    processes: usize,
    parameters: u64,
    sources: Vec<SourceWork>,
    waiting: f64,
    operations: Vec<Operations>,
) -> Prediction {
    let memory = sources.iter().map(|source| source.memory);
    let memory = memory.max_by(|a, b| a.peak.total_cmp(&b.peak));
    let memory = memory.unwrap_or_default();
    let in_turn = match recipe.updates {
        Updates::Accumulate => 1.0,
        Updates::RoundRobin => sources.len() as f64,
    };
    Prediction {
        preset: recipe.preset().map(str::to_owned),
        kind: recipe.kind(),
        processes,
        parameters,
        trained: (memory.trained / size_of::<f32>() as f64) as u64,
        sources,
        memory,
        waiting,
        operations: operations.iter().map(|of| of.all).sum::<f64>() / in_turn,
        busiest: operations.iter().map(|of| of.busiest).sum::<f64>() / in_turn,
        steps: recipe.schedule.steps,
    }
}

fn work(data: &DataSpec, rows: usize, media: [usize; 2], memory: TrainingMemory) -> SourceWork {
    SourceWork {
        name: data.name.clone(),
        rows,
        at_once: rows,
        length: data.length,
        media: media[0],
        frames: media[1],
        memory,
    }
}

/// Operations of a source in a step: of all processes, and of the one with the most rows.
struct Operations {
    all: f64,
    busiest: f64,
}

/// A process's rows of a source in a step.
struct Batch {
    rows: usize,
    at_once: usize,
    length: usize,
    media: usize,
    frames: usize,
}

impl Batch {
    fn of(data: &DataSpec, config: &FlamingoConfig, processes: usize) -> Self {
        let rows = data.batch.div_ceil(processes);
        let paper = flamingo_data::Framing::of(data.form.unwrap_or(data.format.form()));
        let media = match (&data.episode, paper.form) {
            (Some(episode), _) => episode.names[1] * episode.shots[1] + episode.queries,
            (None, Form::Page) => data.max_media.unwrap_or(paper.max_media),
            (None, Form::Pair) => 1,
        };
        let of_films = data.fps.is_some() || data.frames.is_some() || data.frame_rate.is_some();
        Self {
            rows,
            at_once: data.micro_batch.unwrap_or(rows).min(rows),
            length: data.length,
            media,
            frames: match of_films {
                true => data.frames.unwrap_or(config.frames()),
                false => 1,
            },
        }
    }

    fn parts(&self) -> usize {
        self.rows.div_ceil(self.at_once.max(1))
    }

    fn of_rows(&self, rows: usize) -> MicroBatch {
        MicroBatch {
            rows,
            length: self.length,
            media: rows * self.media,
            frames: self.frames,
            // A text may show a single picture, at its beginning.
            stretch: self.length,
            targets: rows * self.length,
        }
    }

    fn at_once(&self) -> MicroBatch {
        self.of_rows(self.at_once)
    }

    fn work(&self, data: &DataSpec, memory: TrainingMemory) -> SourceWork {
        SourceWork {
            at_once: self.at_once,
            ..work(data, self.rows, [self.media, self.frames], memory)
        }
    }
}
