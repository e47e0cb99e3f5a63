//! Evaluation: prompts made on demand with their pictures in memory, never written, never trained
//! on. Episode `index` has the same things, names and query whatever the number of shots.

use std::collections::BTreeMap;

use flamingo_image::{Film, Image, Media};
use flamingo_sequence::{Document, Part};
use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};

use crate::captions::{GROUP, OUTPUT, caption, film_prompt};
use crate::cast::Cast;
use crate::dialogues::Dialogue;
use crate::film_questions::FilmQuestion;
use crate::films::{FilmScene, Motion};
use crate::names::NameUse;
use crate::questions::{AnswerForm, QuestionKind};
use crate::rng::stream;
use crate::scene::{Scene, Subject};
use crate::things::{Thing, groups, held_in, held_out};

/// A prompt with candidate answers, of which one is right.
#[derive(Clone, Debug)]
pub struct Episode {
    /// Shots and query; its media are keys of `media`, such as `episode/17/3.png`.
    pub document: Document,
    /// The pictures and films.
    pub media: BTreeMap<String, Media>,
    /// The texts that may follow the document, each with its leading space.
    pub candidates: Vec<String>,
    /// Which candidate is right.
    pub answer: usize,
}

/// Which things are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Those of the training.
    HeldIn,
    /// Those that no training shows.
    HeldOut,
}

impl Split {
    /// The things of the split.
    pub fn things(self) -> &'static [&'static Thing] {
        match self {
            Self::HeldIn => held_in(),
            Self::HeldOut => held_out(),
        }
    }
}

/// What the shots show; a model that does better than chance on the last two does not look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pictures {
    /// Pictures of the things that are named.
    Real,
    /// Plain gray ones.
    Blank,
    /// Real ones, but each shot has a name drawn at random.
    ShuffledLabels,
}

/// Fast binding: made-up names for things, learnt from the shots (paper, section 1; Frozen, 2021).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindingTask {
    /// How many things and names, 1 to 20.
    pub names: usize,
    /// Shots of each.
    pub shots_each: usize,
    /// What the shots show.
    pub pictures: Pictures,
    /// Which things are shown.
    pub things: Split,
}

/// A question and how it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuestionTask<K = QuestionKind> {
    /// The kind of question.
    pub kind: K,
    /// Shots of the same kind.
    pub shots: usize,
    /// Every picture or film is plain gray: a model that still answers better than chance does not look.
    pub blank: bool,
    /// Which things are shown.
    pub things: Split,
}

/// What a caption query asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptionTask {
    /// The thing's name; candidates are the names of all things of the split.
    Name,
    /// The thing's group; candidates are all groups.
    Group,
}

/// Makes the episodes of one evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Episodes {
    /// All randomness comes from it.
    pub seed: u64,
    /// Width and height of the pictures, in pixels.
    pub side: u32,
}

impl Episodes {
    /// A binding episode: the shots in random order, then a fresh picture of one of the things.
    pub fn binding(&self, task: &BindingTask, index: u64) -> Episode {
        let mut rng = stream(self.seed, "episode binding", index);
        let cast = Cast::draw(
            task.things.things(),
            task.names,
            NameUse::Evaluation,
            &mut rng,
        );
        let answer = rng.random_range(0..task.names);
        let query = Scene::draw(Subject::One(cast.things[answer]), &mut rng);
        let mut order = cast.order.repeat(task.shots_each);
        order.shuffle(&mut rng);
        let mut prompt = Prompt::new(index, false);
        for who in order {
            let scene = Scene::draw(Subject::One(cast.things[who]), &mut rng);
            let random_name = rng.random_range(0..task.names);
            let (image, name) = match task.pictures {
                Pictures::Real => (scene.render(self.side), who),
                Pictures::Blank => (Image::solid(self.side, self.side, BLANK), who),
                Pictures::ShuffledLabels => (scene.render(self.side), random_name),
            };
            prompt.image(image);
            prompt.finished(caption(&cast.names[name]));
        }
        prompt.image(query.render(self.side));
        let candidates = cast.names.iter().map(|name| format!(" {name}")).collect();
        prompt.query(OUTPUT.to_owned(), candidates, answer)
    }

    /// A picture to be named without shots.
    pub fn caption(&self, task: CaptionTask, things: Split, index: u64) -> Episode {
        let mut rng = stream(self.seed, "episode caption", index);
        let things = things.things();
        let thing = *things
            .choose(&mut rng)
            .expect("there are things in both splits");
        let mut prompt = Prompt::new(index, false);
        prompt.image(Scene::draw(Subject::One(thing), &mut rng).render(self.side));
        let (before, words, right): (_, Vec<&str>, _) = match task {
            CaptionTask::Name => (OUTPUT, things.iter().map(|t| t.name).collect(), thing.name),
            CaptionTask::Group => (GROUP, groups().to_vec(), thing.group),
        };
        let answer = words.iter().position(|word| *word == right);
        let candidates = words.iter().map(|word| format!(" {word}")).collect();
        let answer = answer.expect("the right word is among the candidates");
        prompt.query(before.to_owned(), candidates, answer)
    }

    /// A question after `shots` of the same kind, answered in the same form. Candidates are the
    /// answers in both forms. Without shots nothing precedes the query (paper, section 3: text-only
    /// shots are for open-ended answers; these are ranked), and nothing tells the form.
    pub fn question(&self, task: &QuestionTask, index: u64) -> Episode {
        let mut rng = stream(self.seed, "episode question", index);
        let (kind, things) = (task.kind, task.things.things());
        let form = *AnswerForm::ALL.choose(&mut rng).expect("there are forms");
        let query = kind.draw_scene(things, &mut rng);
        let mut prompt = Prompt::new(index, task.blank);
        for _ in 0..task.shots {
            let scene = kind.draw_scene(things, &mut rng);
            prompt.image(scene.render(self.side));
            prompt.finished(kind.text(&scene, form));
        }
        prompt.image(query.render(self.side));
        let candidates = kind.candidates(&query);
        let right = kind.answer(&query, form);
        let answer = candidates.iter().position(|candidate| *candidate == right);
        let answer = answer.expect("the right answer is among the candidates");
        prompt.query(kind.prompt(&query), candidates, answer)
    }

    /// Question `round`, from 0, of a dialogue about one picture, behind all that was said before it.
    pub fn dialogue(&self, round: usize, blank: bool, things: Split, index: u64) -> Episode {
        let mut rng = stream(self.seed, "episode dialogue", index);
        let dialogue = Dialogue::draw(things.things(), &mut rng);
        let asked = &dialogue.rounds[round];
        let right = asked.candidates.iter().position(|c| *c == asked.answer);
        let answer = right.expect("the right answer is among the candidates");
        let mut prompt = Prompt::new(index, blank);
        prompt.image(dialogue.scene.render(self.side));
        prompt.query(dialogue.prompt(round), asked.candidates.clone(), answer)
    }

    /// A question about a film after films of which the same was asked.
    pub fn film_question(&self, task: &QuestionTask<FilmQuestion>, index: u64) -> Episode {
        let mut rng = stream(self.seed, "episode film question", index);
        let things = task.things.things();
        let query = task.kind.draw_film(things, &mut rng);
        let mut prompt = Prompt::new(index, task.blank);
        for _ in 0..task.shots {
            let film = task.kind.draw_film(things, &mut rng);
            prompt.film(film.render(self.side));
            prompt.finished(task.kind.text(&film));
        }
        prompt.film(query.render(self.side));
        let candidates = task.kind.candidates();
        let right = task.kind.answer(&query);
        let answer = candidates.iter().position(|candidate| *candidate == right);
        let answer = answer.expect("the right answer is among the candidates");
        prompt.query(task.kind.prompt().to_owned(), candidates, answer)
    }

    /// A film to be continued by what the thing does: `Output: the animal` and the motions.
    pub fn film(&self, things: Split, index: u64) -> Episode {
        let mut rng = stream(self.seed, "episode film", index);
        let thing = *things
            .things()
            .choose(&mut rng)
            .expect("there are things in both splits");
        let answer = rng.random_range(0..Motion::ALL.len());
        let film = FilmScene::draw(thing, Motion::ALL[answer], &mut rng);
        let mut prompt = Prompt::new(index, false);
        prompt.film(film.render(self.side));
        let candidates = Motion::ALL.map(|motion| format!(" {}", motion.words()));
        prompt.query(film_prompt(&film), candidates.to_vec(), answer)
    }
}

const BLANK: [u8; 3] = [128; 3];

fn gray(image: &Image) -> Image {
    Image::solid(image.width, image.height, BLANK)
}

/// A prompt under way.
struct Prompt {
    index: u64,
    blank: bool,
    parts: Vec<Part>,
    media: BTreeMap<String, Media>,
}

impl Prompt {
    fn new(index: u64, blank: bool) -> Self {
        Self {
            index,
            blank,
            parts: Vec::new(),
            media: BTreeMap::new(),
        }
    }

    fn image(&mut self, image: Image) {
        let image = if self.blank { gray(&image) } else { image };
        let key = format!("episode/{}/{}.png", self.index, self.media.len());
        self.parts.push(Part::Image(key.clone()));
        self.media.insert(key, Media::Image(image));
    }

    fn film(&mut self, mut film: Film) {
        if self.blank {
            film.frames = film.frames.iter().map(gray).collect();
        }
        let key = format!("episode/{}/{}", self.index, self.media.len());
        self.parts.push(Part::Video(key.clone()));
        self.media.insert(key, Media::Film(film));
    }

    fn finished(&mut self, text: String) {
        self.parts.extend([Part::Text(text), Part::End]);
    }

    fn query(mut self, text: String, candidates: Vec<String>, answer: usize) -> Episode {
        self.parts.push(Part::Text(text));
        Episode {
            document: Document {
                id: Some(self.index.to_string()),
                parts: self.parts,
            },
            media: self.media,
            candidates,
            answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialogues::ROUNDS;

    const EPISODES: Episodes = Episodes { seed: 1, side: 13 };
    const TASK: BindingTask = BindingTask {
        names: 5,
        shots_each: 2,
        pictures: Pictures::Real,
        things: Split::HeldOut,
    };

    fn asked<K>(kind: K, shots: usize) -> QuestionTask<K> {
        QuestionTask {
            kind,
            shots,
            blank: false,
            things: Split::HeldIn,
        }
    }

    #[test]
    fn a_blank_prompt_says_the_same_of_gray_pictures() {
        let (task, blank) = (
            asked(QuestionKind::Meme, 2),
            QuestionTask {
                blank: true,
                ..asked(QuestionKind::Meme, 2)
            },
        );
        let (real, blank) = (EPISODES.question(&task, 3), EPISODES.question(&blank, 3));
        assert_eq!(texts(&real), texts(&blank));
        assert_eq!(real.answer, blank.answer);
        let of = |media: &Media| match media {
            Media::Image(image) => image.clone(),
            Media::Film(film) => film.frames[0].clone(),
        };
        assert!(
            blank
                .media
                .values()
                .all(|media| of(media) == gray(&of(media)))
        );
        assert!(
            real.media
                .values()
                .all(|media| of(media) != gray(&of(media)))
        );
    }

    fn texts(episode: &Episode) -> Vec<&str> {
        let parts = episode.document.parts.iter();
        let texts = parts.filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    #[test]
    fn every_medium_of_a_document_is_in_memory() {
        for index in 0..5 {
            let mut episodes = vec![
                EPISODES.binding(&TASK, index),
                EPISODES.caption(CaptionTask::Name, Split::HeldIn, index),
                EPISODES.film(Split::HeldOut, index),
            ];
            for kind in QuestionKind::ALL {
                episodes.push(EPISODES.question(&asked(kind, 3), index));
            }
            for kind in FilmQuestion::ALL {
                episodes.push(EPISODES.film_question(&asked(kind, 2), index));
            }
            for round in 0..ROUNDS {
                episodes.push(EPISODES.dialogue(round, false, Split::HeldIn, index));
            }
            for episode in episodes {
                let keys: Vec<_> = episode.document.media().map(|(_, _, key)| key).collect();
                assert_eq!(keys.len(), episode.media.len());
                assert!(keys.iter().all(|key| episode.media.contains_key(*key)));
                assert!(episode.answer < episode.candidates.len());
            }
        }
    }

    #[test]
    fn each_name_has_its_shots_and_the_query_is_open() {
        let episode = EPISODES.binding(&TASK, 17);
        let texts = texts(&episode);
        for name in &episode.candidates {
            let shot = format!("Output:{name}");
            assert_eq!(texts.iter().filter(|text| **text == shot).count(), 2);
        }
        assert_eq!(texts.last(), Some(&"Output:"));
        assert_eq!(episode.document.parts.len(), 3 * 10 + 2);
    }

    #[test]
    fn names_and_query_do_not_depend_on_the_shots() {
        let query = |shots_each, pictures| {
            let task = BindingTask {
                shots_each,
                pictures,
                ..TASK
            };
            let episode = EPISODES.binding(&task, 3);
            let key = episode
                .document
                .media()
                .last()
                .map(|(_, _, key)| key.to_owned());
            let query = key.and_then(|key| episode.media.get(&key).cloned());
            (episode.candidates, episode.answer, query)
        };
        let zero = query(0, Pictures::Real);
        assert_eq!(zero, query(4, Pictures::Real));
        assert_eq!(zero, query(2, Pictures::Blank));
        assert_eq!(zero, query(2, Pictures::ShuffledLabels));
    }

    #[test]
    fn shuffled_labels_are_right_no_more_often_than_chance() {
        let shuffled = BindingTask {
            pictures: Pictures::ShuffledLabels,
            ..TASK
        };
        let (mut right, mut all) = (0, 0);
        for index in 0..100 {
            let (real, other) = (
                EPISODES.binding(&TASK, index),
                EPISODES.binding(&shuffled, index),
            );
            assert_eq!(real.media, other.media);
            for (a, b) in texts(&real).iter().zip(texts(&other)).take(10) {
                right += usize::from(*a == b);
                all += 1;
            }
        }
        let share = f64::from(right as u32) / f64::from(all);
        assert!((0.15..0.25).contains(&share), "{share}");
    }

    #[test]
    fn without_shots_a_question_stands_alone() {
        let episode = EPISODES.question(&asked(QuestionKind::Count, 0), 5);
        assert_eq!(episode.media.len(), 1);
        assert_eq!(texts(&episode).len(), 1);
        let again = EPISODES.question(&asked(QuestionKind::Count, 4), 5);
        assert_eq!(again.media.len(), 5);
        assert_eq!(again.answer, episode.answer);
    }

    #[test]
    fn every_answer_comes_up() {
        let answers: std::collections::BTreeSet<_> = (0..100)
            .map(|index| EPISODES.film(Split::HeldOut, index).answer)
            .collect();
        assert_eq!(answers.len(), Motion::ALL.len());
    }
}
