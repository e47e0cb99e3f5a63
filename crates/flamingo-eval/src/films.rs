//! Films: what a thing does (`moves left`, `grows`, ...), without shots.

use flamingo_engine::Engine;
use flamingo_world::{Episodes, Split};
use serde::Serialize;

use crate::captions::split;
use crate::judge::share;
use crate::{Progress, Result, Share};

/// How films of a split are described.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FilmFigure {
    /// `held-in` or `held-out`.
    #[serde(serialize_with = "split")]
    pub things: Split,
    /// How often the likeliest motion is the one shown.
    pub accuracy: Share,
}

/// Figures for held-in and held-out things, `queries` films each.
///
/// # Errors
/// If the model cannot read a prompt.
pub fn films(
    engine: &mut Engine,
    world: &Episodes,
    queries: usize,
    progress: Progress<'_>,
) -> Result<Vec<FilmFigure>> {
    let mut figures = Vec::new();
    for things in [Split::HeldIn, Split::HeldOut] {
        let draw = |number| world.film(things, number);
        let accuracy = share(engine, queries, draw, &mut *progress)?;
        figures.push(FilmFigure { things, accuracy });
    }
    Ok(figures)
}
