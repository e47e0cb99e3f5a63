//! Questions about a picture, after 0 and 4 shots of the same kind and form.

use flamingo_engine::Engine;
use flamingo_world::{Episodes, QuestionKind, Split};
use serde::{Serialize, Serializer};

use crate::judge::share;
use crate::{Progress, Result, Share};

/// How questions of a kind are answered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct QuestionFigure {
    /// `count`, `color`, `place` or `which`.
    #[serde(serialize_with = "word")]
    pub kind: QuestionKind,
    /// Shots before the query; without any nothing tells in which form to answer.
    pub shots: usize,
    /// How often the likeliest answer is right in content and in form.
    pub accuracy: Share,
}

fn word<S: Serializer>(kind: &QuestionKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.word())
}

/// Numbers of shots that are compared.
pub(crate) const SHOTS: [usize; 2] = [0, 4];

/// The things asked about: held-out ones, but held-in ones where the answer is a thing's name.
pub(crate) fn things(kind: QuestionKind) -> Split {
    match kind {
        QuestionKind::Which => Split::HeldIn,
        QuestionKind::Count | QuestionKind::Colour | QuestionKind::Place => Split::HeldOut,
    }
}

/// Figures for each kind after 0 and 4 shots, `queries` questions each.
///
/// # Errors
/// If the model cannot read a prompt.
pub fn questions(
    engine: &mut Engine,
    world: &Episodes,
    queries: usize,
    progress: Progress<'_>,
) -> Result<Vec<QuestionFigure>> {
    let mut figures = Vec::new();
    for kind in QuestionKind::ALL {
        for shots in SHOTS {
            let draw = |number| world.question(kind, shots, things(kind), number);
            let accuracy = share(engine, queries, draw, &mut *progress)?;
            figures.push(QuestionFigure {
                kind,
                shots,
                accuracy,
            });
        }
    }
    Ok(figures)
}
