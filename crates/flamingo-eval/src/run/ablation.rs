//! Prompts in which something is taken away: does the model look?

use std::fmt;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flamingo_data::stream;
use flamingo_image::Image;
use flamingo_sequence::Part;
use serde::{Deserialize, Serialize};

use super::example::Example;
use super::prompt::{Prompt, is_medium, text_only};
use super::selection::cycle;

/// What is taken from a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ablation {
    /// All pictures and films are one grey picture.
    Blank,
    /// Each shot has another shot's pictures, and the query those of another query.
    ShuffleImages,
    /// Each shot has another shot's answer.
    ShuffleLabels,
    /// The shots have no pictures.
    NoShotImages,
    /// Each shot has another shot's pictures; the query keeps its own.
    SwapShotImages,
}

impl Ablation {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Blank,
        Self::ShuffleImages,
        Self::ShuffleLabels,
        Self::NoShotImages,
        Self::SwapShotImages,
    ];

    /// Its name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::ShuffleImages => "shuffle-images",
            Self::ShuffleLabels => "shuffle-labels",
            Self::NoShotImages => "no-shot-images",
            Self::SwapShotImages => "swap-shot-images",
        }
    }

    /// Whether a prompt without shots is another one by it.
    pub fn changes_the_query(self) -> bool {
        matches!(self, Self::Blank | Self::ShuffleImages)
    }
}

impl fmt::Display for Ablation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Examples that lend what a prompt lacks.
#[derive(Clone, Copy)]
pub(super) struct Lenders<'a> {
    /// Another query.
    pub(super) query: Option<&'a Example>,
    /// A support that is none of the shots: the only shot of a prompt has nobody to exchange with.
    pub(super) support: Option<&'a Example>,
}

/// The prompt of query number `query` without what the ablation takes; `seed` says who exchanges with whom.
pub(super) fn ablated(
    ablation: Ablation,
    mut prompt: Prompt,
    lenders: Lenders<'_>,
    seed: u64,
    query: usize,
) -> Prompt {
    match ablation {
        Ablation::Blank => {
            let shots = prompt.shots.iter_mut().map(|shot| &mut shot.question);
            for parts in shots.chain([&mut prompt.query]) {
                parts.iter_mut().for_each(blank);
            }
        }
        Ablation::NoShotImages => {
            for shot in &mut prompt.shots {
                shot.question = text_only(&shot.question);
            }
        }
        Ablation::ShuffleLabels => {
            let answers = exchanged(
                prompt
                    .shots
                    .iter()
                    .map(|shot| shot.answer.clone())
                    .collect(),
                lenders.support.map(|example| example.answer.clone()),
                seed,
                query,
            );
            for (shot, answer) in prompt.shots.iter_mut().zip(answers) {
                shot.answer = answer;
            }
        }
        Ablation::ShuffleImages | Ablation::SwapShotImages => {
            let pictures = exchanged(
                prompt
                    .shots
                    .iter()
                    .map(|shot| media(&shot.question))
                    .collect(),
                lenders.support.map(|example| media(&example.question)),
                seed,
                query,
            );
            for (shot, pictures) in prompt.shots.iter_mut().zip(pictures) {
                lend(&mut shot.question, &pictures);
            }
            if let (Ablation::ShuffleImages, Some(other)) = (ablation, lenders.query) {
                lend(&mut prompt.query, &media(&other.question));
            }
        }
    }
    prompt
}

/// The values in other places, none in its own; a single one is the lender's.
fn exchanged<T: Clone>(values: Vec<T>, lender: Option<T>, seed: u64, query: usize) -> Vec<T> {
    if let ([_], Some(lender)) = (&values[..], lender) {
        return vec![lender];
    }
    let mut rng = stream(seed, "exchange", &[query as u64]);
    let places = cycle(&mut rng, values.len());
    places
        .into_iter()
        .map(|place| values[place].clone())
        .collect()
}

/// The pictures and films of these parts.
pub(super) fn media(parts: &[Part]) -> Vec<Part> {
    parts
        .iter()
        .filter(|part| is_medium(part))
        .cloned()
        .collect()
}

/// Puts other pictures in the places of the pictures; again from the first where they are too few.
fn lend(parts: &mut [Part], pictures: &[Part]) {
    let places = parts.iter_mut().filter(|part| is_medium(part));
    for (place, picture) in places.zip(pictures.iter().cycle()) {
        *place = picture.clone();
    }
}

fn blank(part: &mut Part) {
    match part {
        Part::Image(place) | Part::Video(place) => place.clone_from(&BLANK),
        Part::Text(_) | Part::End | Part::Token(_) => {}
    }
}

/// A grey picture, as a document names it.
static BLANK: LazyLock<String> = LazyLock::new(|| {
    let png = Image::solid(64, 64, [127; 3]).to_png();
    format!("data:image/png;base64,{}", STANDARD.encode(png))
});

#[cfg(test)]
mod tests {
    use super::*;

    fn example(number: usize) -> Example {
        Example {
            id: number.to_string(),
            question: vec![
                Part::Image(format!("{number}.png")),
                Part::Text("Output:".into()),
            ],
            answer: format!(" name {number}"),
            ..Example::default()
        }
    }

    fn changed(ablation: Ablation, shots: usize) -> (Prompt, Prompt) {
        let examples: Vec<Example> = (0..shots).map(example).collect();
        let prompt = Prompt::new(&examples, &example(97));
        let (other, spare) = (example(98), example(99));
        let lenders = Lenders {
            query: Some(&other),
            support: Some(&spare),
        };
        (prompt.clone(), ablated(ablation, prompt, lenders, 3, 5))
    }

    #[test]
    fn exchanged_pictures_and_answers_are_never_the_own_ones() {
        for shots in [1, 2, 5, 32] {
            let (plain, swapped) = changed(Ablation::SwapShotImages, shots);
            let (_, shuffled) = changed(Ablation::ShuffleImages, shots);
            let (_, labels) = changed(Ablation::ShuffleLabels, shots);
            for number in 0..shots {
                let own = &plain.shots[number];
                assert_ne!(own.question, swapped.shots[number].question);
                assert_eq!(own.answer, swapped.shots[number].answer);
                assert_ne!(own.answer, labels.shots[number].answer);
                assert_eq!(own.question, labels.shots[number].question);
            }
            assert_eq!(swapped.query, plain.query);
            assert_eq!(labels.query, plain.query);
            assert_eq!(shuffled.query, example(98).question);
            assert_eq!(shuffled.shots, swapped.shots);
        }
    }

    #[test]
    fn no_picture_is_left_where_none_may_be() {
        let (_, blank) = changed(Ablation::Blank, 3);
        let pictures = blank.shots.iter().flat_map(|shot| media(&shot.question));
        for part in pictures.chain(media(&blank.query)) {
            assert_eq!(part, Part::Image(BLANK.clone()));
        }
        let (plain, without) = changed(Ablation::NoShotImages, 3);
        assert_eq!(without.query, plain.query);
        for shot in &without.shots {
            assert_eq!(shot.question, [Part::Text("Output:".into())]);
        }
    }
}
