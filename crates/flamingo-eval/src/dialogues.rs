//! Dialogues about one picture: each question behind all that was said before it.

use flamingo_engine::Engine;
use flamingo_world::{Episodes, Pictures, ROUNDS, Split};
use serde::Serialize;

use crate::binding::word;
use crate::judge::share;
use crate::{Progress, Result, Share};

/// How one of the questions of dialogues is answered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DialogueFigure {
    /// Which question, from 1; the answers to those before it are told.
    pub round: usize,
    /// `real`, or the control `blank`: the picture is gray.
    #[serde(serialize_with = "word")]
    pub pictures: Pictures,
    /// How often the likeliest answer is the right one.
    pub accuracy: Share,
}

impl DialogueFigure {
    /// Whether it is of gray pictures: a figure that should be near chance.
    pub fn is_control(&self) -> bool {
        self.pictures != Pictures::Real
    }
}

/// What the picture shows.
pub(crate) const PICTURES: [Pictures; 2] = [Pictures::Real, Pictures::Blank];

/// Figures for each question of dialogues about held-in things, whose names are among the answers; of a
/// gray picture, too.
///
/// # Errors
/// If the model cannot read a prompt.
pub fn dialogues(
    engine: &mut Engine,
    world: &Episodes,
    queries: usize,
    progress: Progress<'_>,
) -> Result<Vec<DialogueFigure>> {
    let mut figures = Vec::new();
    for pictures in PICTURES {
        for round in 0..ROUNDS {
            let blank = pictures == Pictures::Blank;
            let draw = |number| world.dialogue(round, blank, Split::HeldIn, number);
            let accuracy = share(engine, queries, draw, &mut *progress)?;
            let round = round + 1;
            figures.push(DialogueFigure {
                round,
                pictures,
                accuracy,
            });
        }
    }
    Ok(figures)
}
