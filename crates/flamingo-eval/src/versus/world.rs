//! A task of the demo world: made-up names for things that no training has shown.

use std::collections::HashMap;
use std::sync::Arc;

use flamingo_data::stream;
use flamingo_engine::RankBy;
use flamingo_image::Media;
use flamingo_sequence::Part;
use flamingo_world::{NameUse, OUTPUT, Scene, Subject, draw_names, held_out};
use rand::seq::index::sample;

use crate::run::{Example, Form};

/// The examples of a task, and its pictures in memory.
#[derive(Clone, Debug)]
pub struct WorldTask {
    /// Supports.
    pub supports: Vec<Example>,
    /// Queries.
    pub queries: Vec<Example>,
    /// Pictures by name.
    pub media: HashMap<String, Media>,
    /// How prompts are made.
    pub form: Form,
}

/// A task of `classes` held-out things with names that no training has used, pictures of `side` pixels.
pub fn world_task(
    seed: u64,
    classes: usize,
    supports: usize,
    queries: usize,
    side: u32,
) -> WorldTask {
    let mut rng = stream(seed, "versus", &[classes as u64]);
    let things = held_out();
    let drawn: Vec<_> = sample(&mut rng, things.len(), classes.min(things.len()))
        .into_iter()
        .map(|thing| things[thing])
        .collect();
    let names = draw_names(drawn.len(), NameUse::Evaluation, &mut rng);
    let candidates: Arc<[String]> = names.iter().map(|name| format!(" {name}")).collect();
    let mut media = HashMap::new();
    let mut example = |kind: &str, number: usize| {
        let class = number % drawn.len();
        let picture = Scene::draw(Subject::One(drawn[class]), &mut rng).render(side);
        let place = format!("{kind}/{number}.png");
        media.insert(place.clone(), Media::Image(picture));
        Example {
            id: format!("{kind} {number}"),
            question: vec![Part::Image(place), Part::Text(OUTPUT.to_owned())],
            answer: candidates[class].clone(),
            candidates: candidates.clone(),
            references: vec![names[class].clone()],
            supports: None,
        }
    };
    let supports = (0..supports)
        .map(|number| example("support", number))
        .collect();
    let queries = (0..queries)
        .map(|number| example("query", number))
        .collect();
    WorldTask {
        supports,
        queries,
        media,
        form: Form {
            rank_by: RankBy::Sum,
            ..Form::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_its_examples_and_every_example_its_picture() {
        let task = world_task(3, 5, 23, 11, 8);
        assert_eq!(
            (task.supports.len(), task.queries.len(), task.media.len()),
            (23, 11, 34)
        );
        for example in task.supports.iter().chain(&task.queries) {
            assert!(example.candidates.contains(&example.answer));
            let Part::Image(place) = &example.question[0] else {
                panic!("a picture comes first");
            };
            assert!(task.media.contains_key(place));
        }
        assert_ne!(task.supports[0].answer, task.supports[1].answer);
        assert_eq!(task.supports[0].answer, task.supports[5].answer);
    }
}
