//! Few shots against fine-tuning: the same model, the same examples of a task, in the prompt or as training data.
//!
//! For each number of examples k and each seed, k supports are drawn, as many of each class as can be. Four ways to use
//! them are compared on the same queries: as shots of a prompt; to fine-tune resampler and gated blocks, after which the
//! query stands alone; for a linear head on the frozen encoder's features; and for the nearest class mean of these
//! features. A prompt holds at most [`VersusOptions::most_shots`]; of more examples it has those most similar to the
//! query, as the paper does (RICES).

mod draw;
mod heads;
mod table;
mod world;

use std::sync::Arc;
use std::time::Instant;

use flamingo_engine::{Engine, MediaSource};
use flamingo_kernels::Device;
use flamingo_sequence::{Candidates, Document};
use flamingo_tasks::counted;
use serde::Serialize;

use crate::report::escape::escape;
use crate::rices::{Looks, OwnTower, Vectors, nearest, vectors};
use crate::run::{Example, Form, Suite};
use crate::run_report::chart::{Line, Mark, chart};
use crate::statistics::{deviation, mean};
use crate::{Error, Progress, Result, Share};

pub use world::{WorldTask, world_task};

/// What is compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VersusOptions {
    /// Numbers of examples.
    pub examples: Vec<usize>,
    /// Seeds: each draws other examples, and of the demo world another task.
    pub seeds: Vec<u64>,
    /// Shots of a prompt at most. The demo model was trained on prompts of 160 tokens, which hold some 25 shots; behind
    /// more it answers by chance.
    pub most_shots: usize,
}

impl Default for VersusOptions {
    fn default() -> Self {
        Self {
            examples: vec![4, 8, 16, 32, 128, 512],
            seeds: vec![0, 1, 2],
            most_shots: 16,
        }
    }
}

/// A way to use the examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// As the shots of a prompt.
    Prompt,
    /// To fine-tune resampler and gated blocks.
    FineTuned,
    /// For a linear head on the frozen encoder's features.
    LinearHead,
    /// For the nearest mean of a class of these features.
    ClassMean,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Prompt,
        Self::FineTuned,
        Self::LinearHead,
        Self::ClassMean,
    ];

    /// What a table calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prompt => "in the prompt",
            Self::FineTuned => "resampler and gates fine-tuned",
            Self::LinearHead => "linear head on the encoder",
            Self::ClassMean => "nearest class mean",
        }
    }
}

/// One way, one number of examples, over the seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VersusFigure {
    /// Which way.
    pub way: Way,
    /// How many examples.
    pub examples: usize,
    /// Right answers of each seed, 0 to 1.
    pub accuracies: Vec<f64>,
    /// Their mean.
    pub accuracy: f64,
    /// Their standard deviation.
    pub deviation: f64,
    /// Seconds until it can answer, the mean over the seeds: training; of a prompt none.
    pub seconds_to_prepare: f64,
    /// Seconds of an answer, the mean.
    pub seconds_per_query: f64,
}

/// The comparison; its JSON is the machine-readable report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Versus {
    /// The task.
    pub task: String,
    /// Classes.
    pub classes: usize,
    /// Queries of each seed.
    pub queries: usize,
    /// What was left out, as its picture cannot be read: how many, and the first by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// What was compared.
    pub options: VersusOptions,
    /// The figures.
    pub figures: Vec<VersusFigure>,
}

/// A fine-tuned model and what it took.
pub struct Tuned {
    /// The model.
    pub engine: Engine,
    /// Seconds of its training.
    pub seconds: f64,
}

/// Fine-tunes the model on documents, whose media the source has; the number is the seed.
pub type FineTune<'a> = dyn FnMut(&[Document], &dyn MediaSource, u64) -> Result<Tuned, String> + 'a;

/// One measurement.
struct Measured {
    share: Share,
    prepare: f64,
    per_query: f64,
}

/// A task of one seed.
pub struct VersusTask<'a> {
    /// Its examples, close-ended, all with the same candidates.
    pub suite: Suite<'a>,
    /// Their pictures.
    pub media: &'a dyn MediaSource,
}

/// Hands the task of a seed to what measures it.
pub type TaskOfSeed<'a> = dyn for<'b> FnMut(u64, &'b mut Measuring<'b>) -> Result<()> + 'a;

/// Measures a task.
pub type Measuring<'a> = dyn FnMut(&VersusTask<'_>) -> Result<()> + 'a;

/// Compares the ways on the task that `task` makes for each seed. `progress` counts measurements.
///
/// # Errors
/// If the task is not close-ended, has too few supports, or a model cannot answer.
pub fn versus(
    engine: &mut Engine,
    task: &mut TaskOfSeed<'_>,
    options: &VersusOptions,
    fine_tune: &mut FineTune<'_>,
    device: &Device,
    progress: Progress<'_>,
) -> Result<Versus> {
    let mut all: Vec<(Way, usize, Measured)> = Vec::new();
    let (mut name, mut classes, mut queries) = (String::new(), 0, 0);
    let mut left_out: Vec<String> = Vec::new();
    for &seed in &options.seeds {
        task(seed, &mut |task| {
            let problem = Problem::new(engine, task, options, seed)?;
            (name, classes) = (task.suite.task.clone(), problem.classes.len());
            queries = problem.queries.examples.len();
            for told in problem.left_out() {
                if !left_out.contains(&told) {
                    left_out.push(told);
                }
            }
            for &count in &options.examples {
                for way in Way::ALL {
                    let measured = problem.measure(way, count, engine, fine_tune, device)?;
                    all.push((way, count, measured));
                    progress(1);
                }
            }
            Ok(())
        })?;
    }
    let mut figures = Vec::new();
    for way in Way::ALL {
        for &count in &options.examples {
            let own: Vec<&Measured> = all
                .iter()
                .filter(|(w, c, _)| (*w, *c) == (way, count))
                .map(|(_, _, m)| m)
                .collect();
            let of = |value: &dyn Fn(&Measured) -> f64| {
                own.iter().map(|m| value(m)).collect::<Vec<f64>>()
            };
            let accuracies = of(&|measured| measured.share.accuracy());
            figures.push(VersusFigure {
                way,
                examples: count,
                accuracy: mean(&accuracies),
                deviation: deviation(&accuracies),
                accuracies,
                seconds_to_prepare: mean(&of(&|measured| measured.prepare)),
                seconds_per_query: mean(&of(&|measured| measured.per_query)),
            });
        }
    }
    Ok(Versus {
        task: name,
        classes,
        queries,
        left_out,
        options: options.clone(),
        figures,
    })
}

/// The task of one seed with what all ways share.
struct Problem<'a> {
    task: &'a VersusTask<'a>,
    seed: u64,
    most_shots: usize,
    classes: Arc<[String]>,
    /// Features of the frozen encoder, and seconds for those of one picture. What cannot be read is neither shown nor
    /// asked.
    supports: Looks,
    queries: Looks,
    seconds_per_picture: f64,
    /// Of the rows of `supports` and `queries`.
    support_classes: Vec<usize>,
    query_classes: Vec<usize>,
    /// Rows of `supports` in the order in which they are taken.
    order: Vec<usize>,
}

impl<'a> Problem<'a> {
    fn new(
        engine: &Engine,
        task: &'a VersusTask<'a>,
        options: &VersusOptions,
        seed: u64,
    ) -> Result<Self> {
        let suite = &task.suite;
        let refuse = |message: String| Err(Error::Options(message));
        let Some(classes) = suite.queries.first().map(|query| query.candidates.clone()) else {
            return refuse("the task has no queries".to_owned());
        };
        if classes.len() < 2
            || suite
                .queries
                .iter()
                .any(|query| query.candidates != classes)
        {
            return refuse(format!(
                "{} is not the choice of one of the same two classes or more for every query: give a folder of classes",
                suite.task
            ));
        }
        let class = |example: &Example| {
            let found = classes.iter().position(|class| *class == example.answer);
            found.ok_or_else(|| {
                Error::Options(format!("{}: its answer is none of the classes", example.id))
            })
        };
        let of_all = |examples: &[Example], looks: &Looks| {
            let read = looks.examples.iter();
            read.map(|&at| class(&examples[at]))
                .collect::<Result<Vec<_>>>()
        };
        let started = Instant::now();
        let mut tower = OwnTower(engine);
        let supports = vectors(&suite.supports, task.media, &mut tower, &mut |_| {})?;
        let queries = vectors(&suite.queries, task.media, &mut tower, &mut |_| {})?;
        let pictures = (supports.examples.len() + queries.examples.len()).max(1) as f64;
        let seconds_per_picture = started.elapsed().as_secs_f64() / pictures;
        if queries.examples.is_empty() {
            return refuse(format!(
                "queries: {}: nothing is left to ask",
                queries.told(&suite.queries)
            ));
        }
        let most = options.examples.iter().copied().max().unwrap_or(0);
        if most > supports.examples.len() {
            let damaged = match supports.damaged.is_empty() {
                true => String::new(),
                false => format!(", {}", supports.told(&suite.supports)),
            };
            return refuse(format!(
                "{most} examples are asked for, the task has {}{damaged}: ask for fewer",
                counted(supports.examples.len(), "support")
            ));
        }
        let support_classes = of_all(&suite.supports, &supports)?;
        let query_classes = of_all(&suite.queries, &queries)?;
        Ok(Self {
            seconds_per_picture,
            order: draw::balanced(seed, &support_classes, classes.len()),
            task,
            seed,
            most_shots: options.most_shots,
            classes,
            support_classes,
            query_classes,
            supports,
            queries,
        })
    }

    /// The example of a row of `supports`.
    fn support(&self, row: usize) -> &Example {
        &self.task.suite.supports[self.supports.examples[row]]
    }

    /// The examples of the rows of `queries`.
    fn asked_queries(&self) -> impl Iterator<Item = &Example> {
        let queries = &self.task.suite.queries;
        self.queries.examples.iter().map(|&at| &queries[at])
    }

    fn left_out(&self) -> Vec<String> {
        let suite = &self.task.suite;
        let sets = [
            ("supports", &self.supports, &suite.supports),
            ("queries", &self.queries, &suite.queries),
        ];
        sets.into_iter()
            .filter(|(_, looks, _)| !looks.damaged.is_empty())
            .map(|(what, looks, examples)| format!("{what}: {}", looks.told(examples)))
            .collect()
    }

    fn measure(
        &self,
        way: Way,
        count: usize,
        engine: &mut Engine,
        fine_tune: &mut FineTune<'_>,
        device: &Device,
    ) -> Result<Measured> {
        let drawn = &self.order[..count];
        match way {
            Way::Prompt => self.prompt(drawn, engine, device),
            Way::FineTuned => self.tuned(drawn, fine_tune),
            Way::LinearHead => Ok(self.head(drawn, &heads::linear)),
            Way::ClassMean => Ok(self.head(drawn, &heads::class_means)),
        }
    }

    fn prompt(&self, drawn: &[usize], engine: &mut Engine, device: &Device) -> Result<Measured> {
        let suite = &self.task.suite;
        let shots: Vec<Vec<usize>> = match drawn.len() > self.most_shots {
            false => vec![drawn.to_vec(); self.queries.examples.len()],
            true => {
                let mut table = Vectors::default();
                for &support in drawn {
                    table
                        .push(self.supports.vectors.row(support))
                        .map_err(Error::Options)?;
                }
                let found = nearest(&self.queries.vectors, &table, self.most_shots, device);
                let most_similar_last =
                    |found: Vec<usize>| found.into_iter().rev().map(|at| drawn[at]).collect();
                found.into_iter().map(most_similar_last).collect()
            }
        };
        let prompts = self.asked_queries().zip(&shots).map(|(query, shots)| {
            let shots = shots.iter().map(|&shot| self.support(shot));
            let shots: Vec<&Example> = shots.collect();
            asked(&shots, query, &suite.form)
        });
        let prompts: Vec<Candidates> = prompts.collect();
        self.scored(engine, &prompts, 0.0)
    }

    fn tuned(&self, drawn: &[usize], fine_tune: &mut FineTune<'_>) -> Result<Measured> {
        let form = &self.task.suite.form;
        let documents: Vec<Document> = drawn
            .iter()
            .map(|&support| crate::run::shot_document(self.support(support)))
            .collect();
        let mut tuned =
            fine_tune(&documents, self.task.media, self.seed).map_err(Error::Options)?;
        let prompts: Vec<Candidates> = self
            .asked_queries()
            .map(|query| asked(&[], query, form))
            .collect();
        self.scored(&mut tuned.engine, &prompts, tuned.seconds)
    }

    fn scored(
        &self,
        engine: &mut Engine,
        prompts: &[Candidates],
        prepare: f64,
    ) -> Result<Measured> {
        engine.clear_caches();
        let started = Instant::now();
        let scores = engine.score(prompts, self.task.media, self.task.suite.form.rank_by)?;
        let mut share = Share::default();
        for (scores, class) in scores.iter().zip(&self.query_classes) {
            share.count(scores.best == *class);
        }
        Ok(Measured {
            share,
            prepare,
            per_query: started.elapsed().as_secs_f64() / prompts.len() as f64,
        })
    }

    fn head(
        &self,
        drawn: &[usize],
        fit: &dyn Fn(&Vectors, &[usize], usize) -> heads::Head,
    ) -> Measured {
        let started = Instant::now();
        let mut table = Vectors::default();
        for &support in drawn {
            // They have one width.
            let _ = table.push(self.supports.vectors.row(support));
        }
        let classes: Vec<usize> = drawn
            .iter()
            .map(|&support| self.support_classes[support])
            .collect();
        let head = fit(&table, &classes, self.classes.len());
        let prepare =
            started.elapsed().as_secs_f64() + self.seconds_per_picture * drawn.len() as f64;
        let started = Instant::now();
        let mut share = Share::default();
        for (at, class) in self.query_classes.iter().enumerate() {
            share.count(head.class(self.queries.vectors.row(at)) == *class);
        }
        let queries = self.query_classes.len() as f64;
        Measured {
            share,
            prepare,
            per_query: started.elapsed().as_secs_f64() / queries + self.seconds_per_picture,
        }
    }
}

fn asked(shots: &[&Example], query: &Example, form: &Form) -> Candidates {
    Candidates {
        document: crate::run::prompt_document(shots, query, form),
        candidates: query.candidates.to_vec(),
    }
}

impl Versus {
    /// The accuracies as a chart: SVG in a page of its own.
    pub fn page(&self) -> String {
        let line = |(nth, way): (usize, Way)| Line {
            name: way.name().to_owned(),
            series: Some(nth),
            dashed: false,
            points: self
                .figures
                .iter()
                .filter(|figure| figure.way == way)
                .map(|figure| {
                    let (accuracy, deviation) = (figure.accuracy * 100.0, figure.deviation * 100.0);
                    let mut mark = Mark::with_deviation(figure.examples, accuracy, deviation);
                    // No answers are more than right.
                    mark.bar = mark.bar.map(|(low, high)| (low.max(0.0), high.min(100.0)));
                    mark
                })
                .collect(),
        };
        let lines: Vec<Line> = Way::ALL.into_iter().enumerate().map(line).collect();
        let title = format!(
            "{}: right answers in per cent over the number of examples",
            self.task
        );
        crate::run_report::plain_page(
            &title,
            &format!(
                "{}<pre>{}</pre>",
                chart(&lines, &title, &|examples| examples.to_string()),
                escape(&self.to_string())
            ),
        )
    }
}
