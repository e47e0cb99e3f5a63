//! Questions about a film: `Question: what does it do? Answer: moves left`.

use rand::Rng;
use rand::seq::IndexedRandom;

use crate::films::{FilmScene, Motion};
use crate::scene::COLOURS;
use crate::things::{Thing, groups};

/// What is asked about a film.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilmQuestion {
    /// What the thing does.
    Motion,
    /// The colour of the background.
    Colour,
    /// The group of the thing.
    Group,
}

impl FilmQuestion {
    /// All questions.
    pub const ALL: [Self; 3] = [Self::Motion, Self::Colour, Self::Group];

    /// The question's word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Motion => "motion",
            Self::Colour => "color",
            Self::Group => "group",
        }
    }

    /// The prompt, to be continued by the answer.
    pub fn prompt(self) -> &'static str {
        match self {
            Self::Motion => "Question: what does it do? Answer:",
            Self::Colour => "Question: what color? Answer:",
            Self::Group => "Question: what is it? Answer:",
        }
    }

    /// A random film of one of the things.
    pub fn draw_film(self, things: &[&'static Thing], rng: &mut impl Rng) -> FilmScene {
        let thing = *things.choose(rng).expect("there are things to choose from");
        let motion = *Motion::ALL.choose(rng).expect("there are motions");
        FilmScene::draw(thing, motion, rng)
    }

    /// The answer for the film, with a space before it.
    pub fn answer(self, film: &FilmScene) -> String {
        match self {
            Self::Motion => format!(" {}", film.motion.words()),
            Self::Colour => format!(" {}", film.background.colour.name),
            Self::Group => format!(" {}", film.thing.group),
        }
    }

    /// Every answer there is, right or wrong.
    pub fn candidates(self) -> Vec<String> {
        let words: Vec<&str> = match self {
            Self::Motion => Motion::ALL.iter().map(|motion| motion.words()).collect(),
            Self::Colour => COLOURS.iter().map(|colour| colour.name).collect(),
            Self::Group => groups().to_vec(),
        };
        words.iter().map(|word| format!(" {word}")).collect()
    }

    /// Prompt and answer.
    pub fn text(self, film: &FilmScene) -> String {
        format!("{}{}", self.prompt(), self.answer(film))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;
    use crate::things::held_in;

    #[test]
    fn the_answer_is_one_of_the_candidates() {
        for question in FilmQuestion::ALL {
            for index in 0..30 {
                let film = question.draw_film(held_in(), &mut stream(1, "test", index));
                assert!(question.candidates().contains(&question.answer(&film)));
            }
        }
    }
}
