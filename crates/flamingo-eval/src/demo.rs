//! The whole demonstration: every evaluation on one seed, and prompts to look at.

use std::time::Instant;

use flamingo_engine::Engine;
use flamingo_world::{Episodes, FilmQuestion, QuestionKind, ROUNDS};
use serde::Serialize;

use crate::examples::examples;
use crate::{
    BindingFigure, CaptionFigure, DialogueFigure, Error, Example, FilmFigure, FilmQuestionFigure,
    Progress, QuestionFigure, Result, binding, binding_cells, captions, dialogues, film_questions,
    films, questions,
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
        let kinds = QuestionKind::ALL.len() + FilmQuestion::ALL.len();
        let questions = kinds * crate::questions::CELLS.len();
        let dialogues = ROUNDS * crate::dialogues::PICTURES.len();
        let films = 2;
        self.queries * (binding_cells().len() + captions + questions + dialogues + films)
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
    /// Dialogues by question.
    pub dialogues: Vec<DialogueFigure>,
    /// What things do.
    pub films: Vec<FilmFigure>,
    /// Questions about films by kind.
    pub film_questions: Vec<FilmQuestionFigure>,
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
    let dialogues = dialogues(engine, &world, n, &mut *progress)?;
    let films = films(engine, &world, n, &mut *progress)?;
    let film_questions = film_questions(engine, &world, n, &mut *progress)?;
    let seconds = start.elapsed().as_secs_f64();
    let report = DemoReport {
        binding,
        captions,
        questions,
        dialogues,
        films,
        film_questions,
        seconds,
    };
    Ok(Demo {
        report,
        examples: examples(engine, &world)?,
    })
}
