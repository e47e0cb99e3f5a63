//! What is written beside a picture: captions, and the words that stand for a picture in pure text.

use crate::films::FilmScene;
use crate::scene::{Scene, Subject};
use crate::things::Thing;
use crate::vocabulary::NUMBERS;

/// What precedes a caption (paper, section 3: `Output: {caption}`).
pub const OUTPUT: &str = "Output:";
/// What precedes the name of a thing's group.
pub const GROUP: &str = "Group:";

/// `Output: pig-face`, also for a made-up name.
pub fn caption(name: &str) -> String {
    format!("{OUTPUT} {name}")
}

/// `Group: animal`.
pub fn group_caption(thing: &Thing) -> String {
    format!("{GROUP} {}", thing.group)
}

/// A caption that tells all of a scene: `Output: three pig-face on red`.
pub fn full_caption(scene: &Scene) -> String {
    format!("{OUTPUT}{}", description(scene))
}

/// A caption that tells what is written alone: `Output: it says red`.
pub fn written_caption(word: &str) -> String {
    format!("{OUTPUT} it says {word}")
}

/// The words of a scene, with a space before them: ` three pig-face on red`. In pure text they stand
/// where the picture would stand.
pub fn description(scene: &Scene) -> String {
    let colour = scene.background.colour.name;
    let shown = match scene.subject {
        Subject::One(thing) => format!(" {} on {colour}", thing.name),
        Subject::Several(thing, count) => {
            format!(" {} {} on {colour}", NUMBERS[count - 1], thing.name)
        }
        Subject::At(thing, place) => format!(" {} {} on {colour}", place.word(), thing.name),
        Subject::Pair(left, right) => {
            format!(" left {} right {} on {colour}", left.name, right.name)
        }
    };
    match &scene.writing {
        Some(writing) => format!("{shown} says {}", writing.word),
        None => shown,
    }
}

/// `Output: the pig-face moves left`.
pub fn film_caption(film: &FilmScene) -> String {
    let (thing, motion) = (film.thing.name, film.motion.words());
    format!("{OUTPUT} the {thing} {motion}")
}

/// `Output: the animal moves left`: says it with words known even of a thing never seen.
pub fn film_group_caption(film: &FilmScene) -> String {
    format!("{} {}", film_prompt(film), film.motion.words())
}

/// `Output: the animal`, to be continued by the motion.
pub fn film_prompt(film: &FilmScene) -> String {
    format!("{OUTPUT} the {}", film.thing.group)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;
    use crate::scene::{Background, Place};
    use crate::things::things;

    #[test]
    fn a_caption_says_what_the_scene_holds() {
        let (pig, dog) = (find("pig-face"), find("dog"));
        let said = |subject| {
            let mut scene = Scene::draw(subject, &mut stream(1, "test", 0));
            scene.background.colour = crate::COLOURS[0];
            full_caption(&scene)
        };
        assert_eq!(said(Subject::One(pig)), "Output: pig-face on red");
        assert_eq!(said(Subject::Several(dog, 3)), "Output: three dog on red");
        assert_eq!(said(Subject::At(dog, Place::Top)), "Output: top dog on red");
        assert_eq!(
            said(Subject::Pair(pig, dog)),
            "Output: left pig-face right dog on red"
        );
        let mut rng = stream(1, "test", 0);
        let background = Background {
            colour: crate::COLOURS[0],
            ..Background::draw(&mut rng)
        };
        let written = Scene::written(dog, background, "blue", &mut rng);
        assert_eq!(full_caption(&written), "Output: dog on red says blue");
        assert_eq!(group_caption(pig), "Group: animal");
    }

    fn find(name: &str) -> &'static Thing {
        let found = things().iter().find(|thing| thing.name == name);
        found.expect("the thing exists")
    }
}
