//! Captions without shots: the thing's own name among all names of its split, and its group among
//! all groups.

use flamingo_engine::Engine;
use flamingo_world::{CaptionTask, Episodes, Split};
use serde::{Serialize, Serializer};

use crate::judge::share;
use crate::{Progress, Result, Share};

/// How pictures of a split are named.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CaptionFigure {
    /// `held-in` or `held-out`; names of held-out things are in no training text.
    #[serde(serialize_with = "split")]
    pub things: Split,
    /// How often the likeliest name is the thing's.
    pub exact: Share,
    /// How often the likeliest group is the thing's.
    pub group: Share,
}

pub(crate) fn split<S: Serializer>(things: &Split, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(split_word(*things))
}

/// The word for a split.
pub(crate) fn split_word(things: Split) -> &'static str {
    match things {
        Split::HeldIn => "held-in",
        Split::HeldOut => "held-out",
    }
}

/// Figures for held-in and held-out things, `queries` pictures each.
///
/// # Errors
/// If the model cannot read a prompt.
pub fn captions(
    engine: &mut Engine,
    world: &Episodes,
    queries: usize,
    progress: Progress<'_>,
) -> Result<Vec<CaptionFigure>> {
    let mut figures = Vec::new();
    for things in [Split::HeldIn, Split::HeldOut] {
        let mut of = |task: CaptionTask| {
            let draw = |number| world.caption(task, things, number);
            share(engine, queries, draw, &mut *progress)
        };
        let (exact, group) = (of(CaptionTask::Name)?, of(CaptionTask::Group)?);
        figures.push(CaptionFigure {
            things,
            exact,
            group,
        });
    }
    Ok(figures)
}
