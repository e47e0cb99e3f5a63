//! Dialogues of several rounds about one picture: what was said before decides what is asked now.

use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};

use crate::questions::{AnswerForm, QuestionKind};
use crate::scene::{Scene, Subject};
use crate::things::Thing;

/// Rounds of a dialogue.
pub const ROUNDS: usize = 3;

/// Names among which an answer that is a name is ranked.
const NAMES: usize = 8;

/// A question and its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// The prompt, to be continued by the answer: `Question: what is left? Answer:`.
    pub question: &'static str,
    /// The answer, with a space before it.
    pub answer: String,
    /// Every answer that is to be considered, the right one among them.
    pub candidates: Vec<String>,
}

/// A picture and what is said about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Dialogue {
    /// What the picture shows.
    pub scene: Scene,
    /// The [`ROUNDS`] rounds in their order.
    pub rounds: Vec<Round>,
}

impl Dialogue {
    /// A random dialogue about things out of `things`, two of them or several copies of one.
    pub fn draw(things: &[&'static Thing], rng: &mut impl Rng) -> Self {
        let kinds = [QuestionKind::Which, QuestionKind::Count];
        let kind = kinds.choose(rng).expect("there are two kinds");
        let scene = kind.draw_scene(things, rng);
        Self::about(scene, things, rng)
    }

    /// A random dialogue about a scene of two things, or of several copies of one.
    ///
    /// Of two things, one is asked for by its side and then *the other*: which one that is, only the round
    /// before tells. What else is asked comes before, between or behind.
    ///
    /// # Panics
    ///
    /// If the scene shows anything else.
    pub(crate) fn about(scene: Scene, things: &[&'static Thing], rng: &mut impl Rng) -> Self {
        let mut rounds = match scene.subject {
            Subject::Pair(left, right) => of_two(left, right, things, rng),
            Subject::Several(thing, _) => of_one(thing, &scene, things, rng),
            subject => panic!("no dialogue is about {subject:?}"),
        };
        let at = rng.random_range(0..ROUNDS);
        rounds.insert(at, said(QuestionKind::Colour, &scene));
        Self { scene, rounds }
    }

    /// All that is said before the answer of `round`, counted from 0.
    pub fn prompt(&self, round: usize) -> String {
        let told = |round: &Round| format!("{}{} ", round.question, round.answer);
        let before: String = self.rounds[..round].iter().map(told).collect();
        before + self.rounds[round].question
    }

    /// The whole dialogue.
    pub fn text(&self) -> String {
        let last = self.rounds.len() - 1;
        self.prompt(last) + &self.rounds[last].answer
    }
}

/// One of two things by its side, then the other.
fn of_two(
    left: &Thing,
    right: &Thing,
    things: &[&'static Thing],
    rng: &mut impl Rng,
) -> Vec<Round> {
    let (question, one, other) = match rng.random() {
        true => ("Question: what is left? Answer:", left, right),
        false => ("Question: what is right? Answer:", right, left),
    };
    let named = named(&[one, other], things, rng);
    let round = |question, thing: &Thing| Round {
        question,
        answer: format!(" {}", thing.name),
        candidates: named.clone(),
    };
    vec![
        round(question, one),
        round("Question: and the other? Answer:", other),
    ]
}

/// How many copies there are, and of what, in either order.
fn of_one(
    thing: &Thing,
    scene: &Scene,
    things: &[&'static Thing],
    rng: &mut impl Rng,
) -> Vec<Round> {
    let what = Round {
        question: "Question: what is it? Answer:",
        answer: format!(" {}", thing.name),
        candidates: named(&[thing], things, rng),
    };
    let mut rounds = vec![said(QuestionKind::Count, scene), what];
    rounds.shuffle(rng);
    rounds
}

/// A question as it is asked alone, answered in the first form.
fn said(kind: QuestionKind, scene: &Scene) -> Round {
    let candidates = kind.candidates(scene);
    let half = candidates.len() / 2;
    Round {
        question: kind.question(),
        answer: kind.answer(scene, AnswerForm::First),
        candidates: candidates.into_iter().take(half).collect(),
    }
}

/// The names of `shown` and of others, [`NAMES`] in all where there are so many.
fn named(shown: &[&Thing], things: &[&'static Thing], rng: &mut impl Rng) -> Vec<String> {
    let mut names: Vec<&str> = shown.iter().map(|thing| thing.name).collect();
    let mut others: Vec<&str> = things.iter().map(|thing| thing.name).collect();
    others.retain(|name| !names.contains(name));
    names.dedup();
    let missing = NAMES.saturating_sub(names.len());
    names.extend(others.choose_multiple(rng, missing));
    names.shuffle(rng);
    names.iter().map(|name| format!(" {name}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;
    use crate::things::held_in;

    #[test]
    fn every_round_has_its_answer_among_its_candidates_and_the_text_says_all() {
        for index in 0..100 {
            let dialogue = Dialogue::draw(held_in(), &mut stream(2, "test", index));
            assert_eq!(dialogue.rounds.len(), ROUNDS);
            for round in &dialogue.rounds {
                let same = round.candidates.iter().filter(|c| **c == round.answer);
                assert_eq!(same.count(), 1, "{round:?}");
                assert!(dialogue.text().contains(&round.answer));
            }
            assert_eq!(dialogue.text().matches("Question:").count(), ROUNDS);
            assert!(dialogue.text().starts_with(&dialogue.prompt(0)));
        }
    }

    #[test]
    fn the_other_is_the_one_that_was_not_named_before() {
        let mut found = 0;
        for index in 0..100 {
            let dialogue = Dialogue::draw(held_in(), &mut stream(2, "test", index));
            let Subject::Pair(left, right) = dialogue.scene.subject else {
                continue;
            };
            let at = |start: &str| {
                let round = dialogue
                    .rounds
                    .iter()
                    .position(|r| r.question.starts_with(start));
                round.map(|round| (round, dialogue.rounds[round].answer.clone()))
            };
            let (first, named) = at("Question: what is left")
                .or(at("Question: what is right"))
                .unwrap_or_default();
            let (second, other) = at("Question: and").unwrap_or_default();
            assert!(first < second);
            let mut both = [named, other];
            both.sort();
            let mut wanted = [format!(" {}", left.name), format!(" {}", right.name)];
            wanted.sort();
            assert_eq!(both, wanted);
            found += 1;
        }
        assert!(found > 20);
    }
}
