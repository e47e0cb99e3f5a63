//! Questions about a picture, `Question: how many? Answer: three`, whose page decides the form of
//! the answer: only the shots tell which form, or which of two things, is meant.

use rand::Rng;
use rand::seq::IndexedRandom;

use crate::scene::{Background, COLOURS, MAX_COUNT, Place, Scene, Subject};
use crate::things::Thing;
use crate::vocabulary::NUMBERS;
use crate::writing::WRITTEN;

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
    /// The word that is written on the picture.
    Read,
    /// Whether a colour's word that is written on the picture is true of the background: neither the word
    /// nor the picture alone tells. As in the paper's prompts of memes, the question says the word, too.
    Meme,
}

/// How a page answers: each kind of question has two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerForm {
    /// `three`, `red`, `left`, `yes`; of two things the left one.
    First,
    /// `3`, `it is red`, `on the left`, `it says red`, `true`; of two things the right one.
    Second,
}

impl AnswerForm {
    /// Both forms.
    pub const ALL: [Self; 2] = [Self::First, Self::Second];
}

impl QuestionKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::Count,
        Self::Colour,
        Self::Place,
        Self::Which,
        Self::Read,
        Self::Meme,
    ];

    /// A random kind to learn: what is harder to find out comes more often.
    pub(crate) fn draw(rng: &mut impl Rng) -> Self {
        let weight = |kind: &Self| match kind {
            Self::Which => 3,
            Self::Meme => 2,
            _ => 1,
        };
        let drawn = Self::ALL.choose_weighted(rng, weight);
        *drawn.expect("all weights are positive")
    }

    /// The kind's word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Colour => "color",
            Self::Place => "place",
            Self::Which => "which",
            Self::Read => "read",
            Self::Meme => "meme",
        }
    }

    /// What is asked of every picture.
    pub(crate) fn question(self) -> &'static str {
        match self {
            Self::Count => "Question: how many? Answer:",
            Self::Colour => "Question: what color? Answer:",
            Self::Place => "Question: where? Answer:",
            Self::Which => "Question: which? Answer:",
            Self::Read => "Question: what is written? Answer:",
            Self::Meme => "true? Answer:",
        }
    }

    /// The prompt, to be continued by the answer.
    pub fn prompt(self, scene: &Scene) -> String {
        match self {
            Self::Meme => format!("Question: it says {}. {}", written(scene), self.question()),
            _ => self.question().to_owned(),
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
            Self::Read => {
                let word = *WRITTEN.choose(rng).expect("there are words");
                return Scene::written(thing, Background::draw(rng), word, rng);
            }
            Self::Meme => {
                let background = Background::draw(rng);
                let others = COLOURS.iter().filter(|other| **other != background.colour);
                let others: Vec<_> = others.collect();
                let word = match rng.random() {
                    true => background.colour.name,
                    false => others.choose(rng).expect("there are other colours").name,
                };
                return Scene::written(thing, background, word, rng);
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
            (Self::Read, _) => said_word(written(scene), form),
            (Self::Meme, _) => said_verdict(written(scene) == scene.background.colour.name, form),
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
                Self::Read => WRITTEN.iter().map(|word| said_word(word, form)).collect(),
                Self::Meme => [true, false].map(|is| said_verdict(is, form)).into(),
            }
        };
        AnswerForm::ALL.into_iter().flat_map(of).collect()
    }

    /// Prompt and answer: `Question: how many? Answer: three`.
    pub fn text(self, scene: &Scene, form: AnswerForm) -> String {
        format!("{}{}", self.prompt(scene), self.answer(scene, form))
    }
}

fn written(scene: &Scene) -> &'static str {
    let writing = scene.writing.as_ref();
    writing.expect("something is written on the scene").word
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

fn said_word(word: &str, form: AnswerForm) -> String {
    match form {
        AnswerForm::First => format!(" {word}"),
        AnswerForm::Second => format!(" it says {word}"),
    }
}

fn said_verdict(is: bool, form: AnswerForm) -> String {
    let word = match (form, is) {
        (AnswerForm::First, true) => "yes",
        (AnswerForm::First, false) => "no",
        (AnswerForm::Second, true) => "true",
        (AnswerForm::Second, false) => "false",
    };
    format!(" {word}")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

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
    fn neither_the_word_nor_the_colour_of_a_meme_tells_its_verdict() {
        let mut of_word: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
        let mut of_colour = of_word.clone();
        for index in 0..4_000 {
            let kind = QuestionKind::Meme;
            let scene = kind.draw_scene(held_in(), &mut stream(9, "test", index));
            let verdict = usize::from(kind.answer(&scene, AnswerForm::First) == " yes");
            let word = scene.writing.as_ref().map_or("", |writing| writing.word);
            of_word.entry(word).or_default()[verdict] += 1;
            of_colour.entry(scene.background.colour.name).or_default()[verdict] += 1;
        }
        for [no, yes] in of_word.into_values().chain(of_colour.into_values()) {
            let share = yes as f64 / (yes + no) as f64;
            assert!((0.42..0.58).contains(&share), "{share}");
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
