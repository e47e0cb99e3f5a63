//! Texts for the language model: what the pages say, with the words of a picture where it stood.
//!
//! A language model that has read these copies a name from where its thing's word stood before;
//! the gated layers only have to write the word of a picture into the stream.

use flamingo_sequence::{Document, Part};
use rand::Rng;
use rand::seq::{IndexedRandom, index};
use rand_chacha::ChaCha8Rng;

use crate::captions::{
    caption, description, film_caption, film_group_caption, full_caption, group_caption,
};
use crate::cast::Cast;
use crate::films::{FilmScene, Motion};
use crate::names::{NameUse, draw_names};
use crate::questions::{AnswerForm, QuestionKind};
use crate::rng::stream;
use crate::scene::{Scene, Subject};
use crate::things::{Thing, held_in};

/// Text `index` of the world of `seed`; at most `longest` chunks.
///
/// Half of them bind made-up names to the words of things; the others are recited lists, captions,
/// questions and films.
pub fn text(seed: u64, longest: usize, index: u64) -> Document {
    let mut rng = stream(seed, "text", index);
    let chunks = match rng.random_range(0..10) {
        0..5 => binding(longest, &mut rng),
        5..7 => return recited(&mut rng),
        7 => captions(&mut rng),
        8 => questions(&mut rng),
        _ => films(&mut rng),
    };
    let parts = |chunk| [Part::Text(chunk), Part::End];
    Document::new(chunks.into_iter().flat_map(parts))
}

fn binding(longest: usize, rng: &mut ChaCha8Rng) -> Vec<String> {
    let cast = Cast::training(held_in(), longest, rng);
    let chunk = |(thing, name): (&Thing, &str)| format!(" {} {}", thing.name, caption(name));
    cast.appearances().map(chunk).collect()
}

/// A list of words or names, said again and again: the plainest lesson in copying.
fn recited(rng: &mut ChaCha8Rng) -> Document {
    let count = rng.random_range(3..=8);
    let list: Vec<String> = if rng.random() {
        draw_names(count, NameUse::Training, rng)
    } else {
        let chosen = index::sample(rng, held_in().len(), count);
        chosen
            .into_iter()
            .map(|index| held_in()[index].name.to_owned())
            .collect()
    };
    let once = format!(" {}", list.join(" "));
    let text = once.repeat(rng.random_range(2..=4));
    Document::new([Part::Text(text), Part::End])
}

fn any_thing(rng: &mut ChaCha8Rng) -> &'static Thing {
    held_in().choose(rng).expect("there are things in training")
}

fn captions(rng: &mut ChaCha8Rng) -> Vec<String> {
    let form = rng.random_range(0..3);
    let chunk = |_| {
        let thing = any_thing(rng);
        let scene = Scene::draw(Subject::One(thing), rng);
        let said = match form {
            0 => caption(thing.name),
            1 => full_caption(&scene),
            _ => group_caption(thing),
        };
        format!("{} {said}", description(&scene))
    };
    (0..4).map(chunk).collect()
}

fn questions(rng: &mut ChaCha8Rng) -> Vec<String> {
    let kind = *QuestionKind::ALL.choose(rng).expect("there are kinds");
    let form = *AnswerForm::ALL.choose(rng).expect("there are forms");
    let chunk = |_| {
        let scene = kind.draw_scene(held_in(), rng);
        format!("{} {}", description(&scene), kind.text(&scene, form))
    };
    (0..5).map(chunk).collect()
}

fn films(rng: &mut ChaCha8Rng) -> Vec<String> {
    let by_name: bool = rng.random();
    let chunk = |_| {
        let motion = *Motion::ALL.choose(rng).expect("there are motions");
        let film = FilmScene::draw(any_thing(rng), motion, rng);
        let said = if by_name {
            film_caption(&film)
        } else {
            film_group_caption(&film)
        };
        format!(" {} {} {said}", film.thing.name, motion.words())
    };
    (0..4).map(chunk).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::things::held_out;
    use crate::tokenizer::tokenizer_json;

    fn said(document: &Document) -> String {
        let text = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            _ => "\n".to_owned(),
        };
        document.parts.iter().map(text).collect()
    }

    #[test]
    fn texts_are_made_of_words_and_syllables_alone() {
        let tokenizer = tokenizers::Tokenizer::from_bytes(tokenizer_json()).unwrap();
        for index in 0..300 {
            let text = said(&super::text(1, 11, index));
            for word in text.split_whitespace() {
                let tokens = tokenizer.encode(format!(" {word}"), false).unwrap();
                assert!(tokens.len() <= 2, "{word}: {:?}", tokens.get_tokens());
            }
        }
    }

    #[test]
    fn texts_never_name_what_is_held_out() {
        for index in 0..300 {
            let text = said(&super::text(1, 11, index));
            let words: Vec<&str> = text.split_whitespace().collect();
            assert!(held_out().iter().all(|thing| !words.contains(&thing.name)));
        }
    }
}
