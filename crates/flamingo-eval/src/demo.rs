//! The whole demonstration: every evaluation on one seed, and prompts to look at.

use std::time::Instant;

use flamingo_engine::Engine;
use flamingo_world::{Episodes, QuestionKind};
use serde::Serialize;

use crate::examples::examples;
use crate::{
    BindingFigure, CaptionFigure, Error, Example, FilmFigure, Progress, QuestionFigure, Result,
    binding, binding_cells, captions, films, questions,
};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoOptions {
    /// Queries of each figure.
    pub queries: usize,
    /// All episodes follow from it.
    pub seed: u64,
}

impl Default for DemoOptions {
    fn default() -> Self {
        Self {
            queries: 500,
            seed: 1,
        }
    }
}

impl DemoOptions {
    /// Queries of all figures together: the length of a progress bar.
    pub fn total_queries(&self) -> usize {
        let captions = 2 * 2;
        let questions = QuestionKind::ALL.len() * crate::questions::SHOTS.len();
        let films = 2;
        self.queries * (binding_cells().len() + captions + questions + films)
    }
}

/// The figures; its JSON is the machine-readable report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DemoReport {
    /// Made-up names learnt from shots.
    pub binding: Vec<BindingFigure>,
    /// Names and groups of pictures.
    pub captions: Vec<CaptionFigure>,
    /// Questions by kind.
    pub questions: Vec<QuestionFigure>,
    /// What things do.
    pub films: Vec<FilmFigure>,
    /// Wall-clock time of all figures.
    pub seconds: f64,
}

/// The figures and some prompts behind them.
#[derive(Clone, Debug)]
pub struct Demo {
    /// The figures.
    pub report: DemoReport,
    /// The first prompts of some cells, as they come: none is picked for its answer.
    pub examples: Vec<Example>,
}

/// Runs everything. Pictures are drawn in the size that the model's encoder takes.
///
/// # Errors
/// If there are no queries or the model cannot read a prompt.
pub fn demo(engine: &mut Engine, options: &DemoOptions, progress: Progress<'_>) -> Result<Demo> {
    if options.queries == 0 {
        return Err(Error::NoQueries);
    }
    let start = Instant::now();
    let world = Episodes {
        seed: options.seed,
        side: engine.preprocess().size as u32,
    };
    let n = options.queries;
    let binding = binding(engine, &world, &binding_cells(), n, &mut *progress)?;
    let captions = captions(engine, &world, n, &mut *progress)?;
    let questions = questions(engine, &world, n, &mut *progress)?;
    let films = films(engine, &world, n, &mut *progress)?;
    let seconds = start.elapsed().as_secs_f64();
    let report = DemoReport {
        binding,
        captions,
        questions,
        films,
        seconds,
    };
    Ok(Demo {
        report,
        examples: examples(engine, &world)?,
    })
}
