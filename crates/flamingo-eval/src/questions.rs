//! Questions about a picture, after 0 and 4 shots of the same kind and form.

use flamingo_engine::Engine;
use flamingo_world::{Episodes, Pictures, QuestionKind, QuestionTask, Split};
use serde::{Serialize, Serializer};

use crate::binding::word as pictures_word;
use crate::judge::share;
use crate::{Progress, Result, Share};

/// How questions of a kind are answered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct QuestionFigure {
    /// `count`, `color`, `place`, `which`, `read` or `meme`.
    #[serde(serialize_with = "word")]
    pub kind: QuestionKind,
    /// Shots before the query; without any nothing tells in which form to answer.
    pub shots: usize,
    /// `real`, or the control `blank`: every picture is gray, the query's too.
    #[serde(serialize_with = "pictures_word")]
    pub pictures: Pictures,
    /// How often the likeliest answer is right in content and in form.
    pub accuracy: Share,
}

impl QuestionFigure {
    /// Whether it is of gray pictures: a figure that should be near chance.
    pub fn is_control(&self) -> bool {
        self.pictures != Pictures::Real
    }
}

fn word<S: Serializer>(kind: &QuestionKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.word())
}

/// Numbers of shots that are compared, and whether all pictures are gray.
pub(crate) const CELLS: [(usize, Pictures); 3] = [
    (0, Pictures::Real),
    (4, Pictures::Real),
    (4, Pictures::Blank),
];

/// The head of a cell's column: `4 shots`, `4, blank`.
pub(crate) fn cell_label((shots, pictures): (usize, Pictures)) -> String {
    match pictures {
        Pictures::Blank => format!("{shots}, blank"),
        _ => format!("{shots} shots"),
    }
}

/// The things asked about: held-out ones, but held-in ones where the answer is a thing's name.
pub(crate) fn things(kind: QuestionKind) -> Split {
    match kind {
        QuestionKind::Which => Split::HeldIn,
        _ => Split::HeldOut,
    }
}

/// The question of a figure.
pub(crate) fn task(kind: QuestionKind, shots: usize, pictures: Pictures) -> QuestionTask {
    QuestionTask {
        kind,
        shots,
        blank: pictures == Pictures::Blank,
        things: things(kind),
    }
}

/// Figures for each kind after 0 and 4 shots, and of gray pictures after 4; `queries` questions each.
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
        for (shots, pictures) in CELLS {
            let draw = |number| world.question(&task(kind, shots, pictures), number);
            let accuracy = share(engine, queries, draw, &mut *progress)?;
            figures.push(QuestionFigure {
                kind,
                shots,
                pictures,
                accuracy,
            });
        }
    }
    Ok(figures)
}
