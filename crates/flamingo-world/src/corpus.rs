//! Texts for the language model: what the pages say, with the words of a picture where it stood.
//!
//! A language model that has read these copies a name from where its thing's word stood before;
//! the gated layers only have to write the word of a picture into the stream.

use flamingo_sequence::{Document, Part};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::captions::{
    caption, description, film_caption, film_group_caption, full_caption, group_caption,
    written_caption,
};
use crate::cast::{Cast, MANY};
use crate::dialogues::Dialogue;
use crate::film_questions::FilmQuestion;
use crate::films::{FilmScene, Motion};
use crate::names::{NameUse, draw_names};
use crate::questions::{AnswerForm, QuestionKind};
use crate::rng::stream;
use crate::scene::{Scene, Subject};
use crate::things::{Thing, held_in};

/// How hard the texts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextLevel {
    /// Half recited lists, otherwise few names: copying is learnt here first.
    Easy,
    /// A tenth recited lists, three tenths names (up to six, or many), and all that pages say, questions
    /// above all.
    Full,
}

impl TextLevel {
    /// Of ten texts, how many are recited lists and how many bind names.
    fn shares(self) -> [u32; 2] {
        match self {
            Self::Easy => [5, 4],
            Self::Full => [1, 3],
        }
    }

    /// Names of most texts that bind them, and the share of those with many.
    fn most_names(self) -> (usize, f64) {
        match self {
            Self::Easy => (3, 0.0),
            Self::Full => (6, MANY),
        }
    }
}

/// Text `index` of the world of `seed`; at most `longest` chunks.
///
/// Some bind made-up names to the words of things, some are recited lists; the others are what
/// pages say of pictures and films. What stands for a picture is a text part of its own, the first
/// of its chunk.
pub fn text(seed: u64, level: TextLevel, longest: usize, index: u64) -> Document {
    let subject = match level {
        TextLevel::Easy => "easy text",
        TextLevel::Full => "text",
    };
    let mut rng = stream(seed, subject, index);
    let [recites, binds] = level.shares();
    match rng.random_range(0..10) {
        kind if kind < recites => recited(&mut rng),
        kind if kind < recites + binds => binding(level.most_names(), longest, &mut rng),
        _ => Document::new(match rng.random_range(0..20) {
            0 => sentences(&mut rng),
            1..3 => captions(&mut rng),
            3 => films(&mut rng),
            4 => film_questions(&mut rng),
            5..9 => dialogues(&mut rng),
            _ => questions(&mut rng),
        }),
    }
}

/// A chunk: the words that stand for a picture, what is said of it, the end.
fn chunk(picture: String, said: String) -> [Part; 3] {
    [Part::Text(picture), Part::Text(said), Part::End]
}

/// How a binding text gives a thing its name.
#[derive(Clone, Copy)]
enum BindingForm {
    /// ` pig-face` `Output: daxo` and the end of the chunk, as after a picture.
    Output,
    /// ` pig-face` `: daxo` and the end of the chunk.
    Colon,
    /// ` pig-face` ` daxo,` one after the other.
    List,
}

fn binding((most, many): (usize, f64), longest: usize, rng: &mut ChaCha8Rng) -> Document {
    let cast = Cast::training(held_in(), most, many, longest, rng);
    let form = match rng.random_range(0..10) {
        0..5 => BindingForm::Output,
        5..7 => BindingForm::Colon,
        _ => BindingForm::List,
    };
    let mut parts = Vec::new();
    for (thing, name) in cast.appearances() {
        let said = match form {
            BindingForm::Output => caption(name),
            BindingForm::Colon => format!(": {name}"),
            BindingForm::List => format!(" {name},"),
        };
        parts.extend(chunk(format!(" {}", thing.name), said));
        if matches!(form, BindingForm::List) {
            parts.pop();
        }
    }
    if matches!(form, BindingForm::List) {
        parts.push(Part::End);
    }
    Document::new(parts)
}

/// A list of words and names, said two or three times: the plainest lesson in copying.
fn recited(rng: &mut ChaCha8Rng) -> Document {
    let mut once = String::new();
    for name in draw_names(rng.random_range(3..=10), NameUse::Training, rng) {
        let word = any_thing(rng).name;
        once += " ";
        once += if rng.random_bool(0.6) { &name } else { word };
        once += if rng.random_bool(0.2) { "," } else { "" };
    }
    let text = (once + ".").repeat(rng.random_range(2..=3));
    Document::new([Part::Text(text), Part::End])
}

fn any_thing(rng: &mut ChaCha8Rng) -> &'static Thing {
    held_in().choose(rng).expect("there are things in training")
}

fn sentences(rng: &mut ChaCha8Rng) -> Vec<Part> {
    let mut text = String::new();
    for _ in 0..rng.random_range(3..=6) {
        let scene = Scene::draw(Subject::One(any_thing(rng)), rng);
        let (one, other) = (any_thing(rng).name, any_thing(rng).name);
        let colour = scene.background.colour.name;
        text += &match rng.random_range(0..5) {
            0 => format!(" this picture shows a {one} on {colour}."),
            1 => format!(" there is a {one} and a {other}."),
            2 => format!(" here is the {one}."),
            3 => format!(" {one} is near the {other}."),
            _ => {
                let name = &draw_names(1, NameUse::Training, rng)[0];
                format!(" the {one} is called {name}. the {one} is called {name}.")
            }
        };
    }
    vec![Part::Text(text), Part::End]
}

fn captions(rng: &mut ChaCha8Rng) -> Vec<Part> {
    let form = rng.random_range(0..4);
    let mut parts = Vec::new();
    for _ in 0..4 {
        let thing = any_thing(rng);
        let scene = Scene::draw(Subject::One(thing), rng);
        parts.extend(match form {
            0 => chunk(format!(" {}", thing.name), caption(thing.name)),
            1 => chunk(description(&scene), full_caption(&scene)),
            2 => {
                let kind = QuestionKind::draw(rng);
                let scene = kind.draw_scene(held_in(), rng);
                let said = match (&scene.writing, kind) {
                    (Some(writing), QuestionKind::Read) => written_caption(writing.word),
                    _ => full_caption(&scene),
                };
                chunk(description(&scene), said)
            }
            _ => chunk(format!(" {}", thing.name), group_caption(thing)),
        });
    }
    parts
}

fn questions(rng: &mut ChaCha8Rng) -> Vec<Part> {
    let kind = QuestionKind::draw(rng);
    let form = *AnswerForm::ALL.choose(rng).expect("there are forms");
    let mut parts = Vec::new();
    for _ in 0..5 {
        let scene = kind.draw_scene(held_in(), rng);
        let shown = match kind {
            // The question says the word.
            QuestionKind::Meme => description(&Scene {
                writing: None,
                ..scene.clone()
            }),
            _ => description(&scene),
        };
        parts.extend(chunk(shown, kind.text(&scene, form)));
    }
    parts
}

fn dialogues(rng: &mut ChaCha8Rng) -> Vec<Part> {
    let mut parts = Vec::new();
    for _ in 0..3 {
        let dialogue = Dialogue::draw(held_in(), rng);
        parts.extend(chunk(description(&dialogue.scene), dialogue.text()));
    }
    parts
}

fn film_questions(rng: &mut ChaCha8Rng) -> Vec<Part> {
    let question = *FilmQuestion::ALL.choose(rng).expect("there are questions");
    let mut parts = Vec::new();
    for _ in 0..4 {
        let film = question.draw_film(held_in(), rng);
        let (thing, colour) = (film.thing.name, film.background.colour.name);
        let shown = format!(" {thing} {} on {colour}", film.motion.words());
        parts.extend(chunk(shown, question.text(&film)));
    }
    parts
}

fn films(rng: &mut ChaCha8Rng) -> Vec<Part> {
    let by_name: bool = rng.random();
    let mut parts = Vec::new();
    for _ in 0..4 {
        let motion = *Motion::ALL.choose(rng).expect("there are motions");
        let film = FilmScene::draw(any_thing(rng), motion, rng);
        let said = match by_name {
            true => film_caption(&film),
            false => film_group_caption(&film),
        };
        let shown = format!(" {} {}", film.thing.name, motion.words());
        parts.extend(chunk(shown, said));
    }
    parts
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::things::held_out;
    use crate::tokenizer::tokenizer_json;

    fn text_of(index: u64) -> Document {
        let levels = [TextLevel::Easy, TextLevel::Full];
        text(1, levels[index as usize % 2], 11, index)
    }

    fn said(document: &Document) -> String {
        let text = |part: &Part| match part {
            Part::Text(text) => format!("{text} "),
            _ => "\n".to_owned(),
        };
        document.parts.iter().map(text).collect()
    }

    #[test]
    fn texts_are_made_of_words_and_syllables_alone() {
        let tokenizer = tokenizers::Tokenizer::from_bytes(tokenizer_json()).unwrap();
        for index in 0..300 {
            let text = said(&text_of(index)).replace([',', '.', ':', '?'], "");
            for word in text.split_whitespace() {
                let tokens = tokenizer.encode(format!(" {word}"), false).unwrap();
                assert!(tokens.len() <= 2, "{word}: {:?}", tokens.get_tokens());
            }
        }
    }

    #[test]
    fn texts_never_name_what_is_held_out() {
        for index in 0..300 {
            let text = said(&text_of(index)).replace([',', '.'], "");
            let words: Vec<&str> = text.split_whitespace().collect();
            assert!(held_out().iter().all(|thing| !words.contains(&thing.name)));
        }
    }
}
