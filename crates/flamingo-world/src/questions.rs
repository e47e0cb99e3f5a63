//! Questions about a picture, `Question: how many? Answer: three`, whose page decides the form of
//! the answer: only the shots tell which form, or which of two things, is meant.

use rand::Rng;
use rand::seq::IndexedRandom;

use crate::scene::{COLOURS, MAX_COUNT, Place, Scene, Subject};
use crate::things::Thing;
use crate::vocabulary::NUMBERS;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuestionKind {
    /// How many copies of a thing there are.
    Count,
    /// The colour of the background.
    Colour,
    /// At which edge the thing is.
    Place,
    /// One of two things; the page's rule says whether the left or the right one.
    Which,
}

/// How a page answers: each kind of question has two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerForm {
    /// `three`, `red`, `left`; of two things the left one.
    First,
    /// `3`, `it is red`, `on the left`; of two things the right one.
    Second,
}

impl AnswerForm {
    /// Both forms.
    pub const ALL: [Self; 2] = [Self::First, Self::Second];
}

impl QuestionKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Count, Self::Colour, Self::Place, Self::Which];

    /// The kind's word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Colour => "color",
            Self::Place => "place",
            Self::Which => "which",
        }
    }

    /// The prompt, to be continued by the answer.
    pub fn prompt(self) -> &'static str {
        match self {
            Self::Count => "Question: how many? Answer:",
            Self::Colour => "Question: what color? Answer:",
            Self::Place => "Question: where? Answer:",
            Self::Which => "Question: which? Answer:",
        }
    }

    /// A scene of which this can be asked, with things out of `things` (at least two).
    pub fn draw_scene(self, things: &[&'static Thing], rng: &mut impl Rng) -> Scene {
        let thing = *things.choose(rng).expect("there are things to choose from");
        let subject = match self {
            Self::Count => Subject::Several(thing, rng.random_range(1..=MAX_COUNT)),
            Self::Colour => Subject::One(thing),
            Self::Place => Subject::At(thing, Place::ALL[rng.random_range(0..4)]),
            Self::Which => {
                let others = things.iter().filter(|other| **other != thing);
                let others: Vec<_> = others.copied().collect();
                Subject::Pair(thing, others.choose(rng).copied().unwrap_or(thing))
            }
        };
        Scene::draw(subject, rng)
    }

    /// The answer for the scene, with a space before it.
    ///
    /// # Panics
    ///
    /// If the scene does not show what is asked for.
    pub fn answer(self, scene: &Scene, form: AnswerForm) -> String {
        match (self, scene.subject) {
            (Self::Count, Subject::Several(_, count)) => said_count(count, form),
            (Self::Colour, _) => said_colour(scene.background.colour.name, form),
            (Self::Place, Subject::At(_, place)) => said_place(place, form),
            (Self::Which, Subject::Pair(left, right)) => match form {
                AnswerForm::First => format!(" {}", left.name),
                AnswerForm::Second => format!(" {}", right.name),
            },
            (kind, subject) => panic!("{kind:?} cannot be asked about {subject:?}"),
        }
    }

    /// Every answer there is for the scene, right or wrong, in both forms.
    pub fn candidates(self, scene: &Scene) -> Vec<String> {
        let of = |form: AnswerForm| -> Vec<String> {
            match self {
                Self::Count => (1..=MAX_COUNT).map(|n| said_count(n, form)).collect(),
                Self::Colour => COLOURS.iter().map(|c| said_colour(c.name, form)).collect(),
                Self::Place => Place::ALL.iter().map(|&p| said_place(p, form)).collect(),
                Self::Which => vec![self.answer(scene, form)],
            }
        };
        AnswerForm::ALL.into_iter().flat_map(of).collect()
    }

    /// Prompt and answer: `Question: how many? Answer: three`.
    pub fn text(self, scene: &Scene, form: AnswerForm) -> String {
        format!("{}{}", self.prompt(), self.answer(scene, form))
    }
}

fn said_count(count: usize, form: AnswerForm) -> String {
    match form {
        AnswerForm::First => format!(" {}", NUMBERS[count - 1]),
        AnswerForm::Second => format!(" {count}"),
    }
}

fn said_colour(colour: &str, form: AnswerForm) -> String {
    match form {
        AnswerForm::First => format!(" {colour}"),
        AnswerForm::Second => format!(" it is {colour}"),
    }
}

fn said_place(place: Place, form: AnswerForm) -> String {
    match form {
        AnswerForm::First => format!(" {}", place.word()),
        AnswerForm::Second => format!(" on the {}", place.word()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::rng::stream;
    use crate::things::held_in;

    #[test]
    fn the_answer_is_one_of_the_candidates_and_no_two_are_the_same() {
        for kind in QuestionKind::ALL {
            for index in 0..50 {
                let scene = kind.draw_scene(held_in(), &mut stream(9, "test", index));
                let candidates = kind.candidates(&scene);
                let distinct: BTreeSet<_> = candidates.iter().collect();
                assert_eq!(distinct.len(), candidates.len());
                for form in AnswerForm::ALL {
                    assert!(candidates.contains(&kind.answer(&scene, form)));
                }
            }
        }
    }

    #[test]
    fn the_two_forms_never_give_the_same_answer() {
        for kind in QuestionKind::ALL {
            let scene = kind.draw_scene(held_in(), &mut stream(4, "test", 1));
            let [first, second] = AnswerForm::ALL.map(|form| kind.answer(&scene, form));
            assert_ne!(first, second);
        }
    }
}
