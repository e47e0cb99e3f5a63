//! Questions about a film of a held-out thing, after 0 and 4 films of which the same was asked.

use flamingo_engine::Engine;
use flamingo_world::{Episodes, FilmQuestion, Pictures, QuestionTask, Split};
use serde::{Serialize, Serializer};

use crate::binding::word as pictures_word;
use crate::judge::share;
use crate::questions::CELLS;
use crate::{Progress, Result, Share};

/// How questions of a kind are answered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FilmQuestionFigure {
    /// `motion`, `color` or `group`.
    #[serde(serialize_with = "word")]
    pub kind: FilmQuestion,
    /// Films with their answers before the query.
    pub shots: usize,
    /// `real`, or the control `blank`: every frame is gray.
    #[serde(serialize_with = "pictures_word")]
    pub pictures: Pictures,
    /// How often the likeliest answer is the right one.
    pub accuracy: Share,
}

impl FilmQuestionFigure {
    /// Whether it is of gray pictures: a figure that should be near chance.
    pub fn is_control(&self) -> bool {
        self.pictures != Pictures::Real
    }
}

fn word<S: Serializer>(kind: &FilmQuestion, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.word())
}

/// The question of a figure.
pub(crate) fn task(
    kind: FilmQuestion,
    shots: usize,
    pictures: Pictures,
) -> QuestionTask<FilmQuestion> {
    QuestionTask {
        kind,
        shots,
        blank: pictures == Pictures::Blank,
        things: Split::HeldOut,
    }
}

/// Figures for each kind after 0 and 4 shots, and of gray films after 4; `queries` questions each.
///
/// # Errors
/// If the model cannot read a prompt.
pub fn film_questions(
    engine: &mut Engine,
    world: &Episodes,
    queries: usize,
    progress: Progress<'_>,
) -> Result<Vec<FilmQuestionFigure>> {
    let mut figures = Vec::new();
    for kind in FilmQuestion::ALL {
        for (shots, pictures) in CELLS {
            let draw = |number| world.film_question(&task(kind, shots, pictures), number);
            let accuracy = share(engine, queries, draw, &mut *progress)?;
            figures.push(FilmQuestionFigure {
                kind,
                shots,
                pictures,
                accuracy,
            });
        }
    }
    Ok(figures)
}
