//! Fast binding: made-up names for things never seen, learnt from the shots (paper, section 1;
//! "Multimodal few-shot learning with frozen language models", 2021).

use flamingo_engine::Engine;
use flamingo_world::{BindingTask, Episodes, Pictures, Split};
use serde::{Serialize, Serializer};

use crate::judge::{add, pieces};
use crate::{Progress, Result, Share};

/// One cell of a table of names.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BindingFigure {
    /// Things and names in the prompt.
    pub names: usize,
    /// Shots of each.
    pub shots_each: usize,
    /// `real`, or the controls `blank` and `shuffled-labels`.
    #[serde(serialize_with = "word")]
    pub pictures: Pictures,
    /// How often the likeliest name is the right one.
    pub accuracy: Share,
    /// The same of the class whose mean is nearest to the query by the encoder's features, where that was
    /// asked: of real shots of photos.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_mean: Option<Share>,
    /// The same of both, weighed as for labels, where there are several shots of each to weigh them by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<Share>,
    /// Over how many queries.
    pub queries: usize,
}

impl BindingFigure {
    /// Whether shots are blank or their labels shuffled: a figure that should be near chance.
    pub fn is_control(&self) -> bool {
        self.pictures != Pictures::Real
    }

    /// The accuracy of guessing.
    pub fn chance(&self) -> f64 {
        1.0 / self.names as f64
    }
}

pub(crate) fn word<S: Serializer>(pictures: &Pictures, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(pictures_word(*pictures))
}

/// The word for what the shots show.
pub(crate) fn pictures_word(pictures: Pictures) -> &'static str {
    match pictures {
        Pictures::Real => "real",
        Pictures::Blank => "blank",
        Pictures::ShuffledLabels => "shuffled-labels",
    }
}

/// The cells of the demo's table: 2 and 5 names of held-out things, after 0, 1, 2 and 4 shots of
/// each, and the controls after 1 and 4; 10 and 20 names, after as many shots as make 20, and the
/// controls after 1.
pub fn binding_cells() -> Vec<BindingTask> {
    let mut cells = Vec::new();
    for (pictures, shots) in [
        (Pictures::Real, &[0, 1, 2, 4][..]),
        (Pictures::Blank, &[1, 4]),
        (Pictures::ShuffledLabels, &[1, 4]),
    ] {
        for names in [2, 5, 10, 20] {
            let most = if names > 5 { 20 / names } else { usize::MAX };
            let cell = |&shots_each| BindingTask {
                names,
                shots_each,
                pictures,
                things: Split::HeldOut,
            };
            let shots = shots.iter().filter(|&&shots_each| shots_each <= most);
            cells.extend(shots.map(cell));
        }
    }
    cells
}

/// A figure for each cell, over the same `queries` episodes: episode `i` has the same things, names
/// and query in all cells of as many names.
///
/// All cells of a few episodes are asked before the next ones, so that what cells share is encoded
/// once: the query, and the shots of a real prompt and of its shuffled twin.
///
/// # Errors
/// If the model cannot read a prompt.
pub fn binding(
    engine: &mut Engine,
    world: &Episodes,
    cells: &[BindingTask],
    queries: usize,
    progress: Progress<'_>,
) -> Result<Vec<BindingFigure>> {
    let mut shares = vec![Share::default(); cells.len()];
    for numbers in pieces(queries) {
        for (share, cell) in shares.iter_mut().zip(cells) {
            let draw = |number| world.binding(cell, number);
            add(share, engine, numbers.clone(), draw, &mut *progress)?;
        }
    }
    let figure = |(cell, accuracy): (&BindingTask, Share)| BindingFigure {
        names: cell.names,
        shots_each: cell.shots_each,
        pictures: cell.pictures,
        accuracy,
        class_mean: None,
        label: None,
        queries: accuracy.queries,
    };
    Ok(cells.iter().zip(shares).map(figure).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_number_of_shots_and_both_controls_for_every_number_of_names() {
        let cells = binding_cells();
        let count = |pictures, names| {
            cells
                .iter()
                .filter(|c| c.pictures == pictures && c.names == names)
                .count()
        };
        for names in [2, 5] {
            assert_eq!(count(Pictures::Real, names), 4);
            assert_eq!(count(Pictures::Blank, names), 2);
            assert_eq!(count(Pictures::ShuffledLabels, names), 2);
        }
        for (names, shots) in [(10, 3), (20, 2)] {
            assert_eq!(count(Pictures::Real, names), shots);
            assert_eq!(count(Pictures::Blank, names), 1);
        }
        assert!(cells.iter().all(|cell| cell.things == Split::HeldOut));
    }
}
