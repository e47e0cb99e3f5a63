#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use flamingo_data::stream;
use flamingo_sequence::numbers_tokenizer;

use super::*;

const ROWS: usize = 103;
const IMAGE: u32 = ROWS as u32 - 1;
const END: u32 = ROWS as u32 - 2;

fn tokenizer() -> Tokenizer {
    let (json, names) = numbers_tokenizer(ROWS).unwrap();
    Tokenizer::from_bytes(&json, &names).unwrap()
}

/// Words that are the numbers 10 to 99, and 13 things of 5 or 6 pictures: thing `t` has `10 t`, `10 t + 1`, ...
fn episodes(change: impl Fn(&mut EpisodeSpec)) -> Result<Episodes> {
    let folder = tempfile::tempdir().unwrap();
    let words = folder.path().join("words.txt");
    let lines: String = (10..100).map(|word| format!("{word}\n\n")).collect();
    std::fs::write(&words, lines).unwrap();
    let mut spec = EpisodeSpec {
        words: Some(words),
        ..EpisodeSpec::default()
    };
    change(&mut spec);
    let names: Vec<String> = (0..13).map(|thing| format!("thing {thing:02}")).collect();
    let pairs = (0..13).flat_map(|thing| {
        let name = &names[thing];
        (0..5 + thing % 2).map(move |picture| (name.as_str(), 10 * thing + picture))
    });
    Episodes::new(&spec, "zoo", pairs, [9, 4], &tokenizer())
}

fn drawn(episodes: &Episodes, seed: u64, numbers: &[u64]) -> Episode {
    let mut rng = stream(seed, "test", numbers);
    let sizes = episodes.sizes(&mut rng);
    episodes.draw(sizes, &tokenizer(), &mut rng)
}

/// The shots and queries of an episode: what each shows, and its name.
fn named(episode: &Episode) -> Vec<(u32, Shown, Vec<u32>)> {
    let mut named: Vec<(u32, Shown, Vec<u32>)> = Vec::new();
    for (at, id) in episode.ids.iter().enumerate() {
        match *id {
            IMAGE => {
                let medium = episode.media[named.len()].clone();
                named.push((episode.branches[at], medium, Vec::new()));
            }
            END => {}
            id => named.last_mut().unwrap().2.push(id),
        }
    }
    named
}

#[test]
fn an_episode_has_its_shots_of_each_name_and_the_queries_show_other_pictures_of_them() {
    let episodes = episodes(|_| ()).unwrap();
    for number in 0..50 {
        let episode = drawn(&episodes, 3, &[number]);
        let named = named(&episode);
        let (shots, queries): (Vec<_>, Vec<_>) =
            named.iter().partition(|(branch, ..)| *branch == 0);
        assert_eq!(queries.len(), 6);
        let things: BTreeSet<usize> = shots.iter().map(|(_, shown, _)| shown.item / 10).collect();
        let names: BTreeSet<&Vec<u32>> = shots.iter().map(|(_, _, name)| name).collect();
        assert!((2..=5).contains(&things.len()), "{things:?}");
        assert_eq!(things.len(), names.len());
        assert_eq!(shots.len() % things.len(), 0);
        let items: BTreeSet<usize> = shots.iter().map(|(_, shown, _)| shown.item).collect();
        assert_eq!(items.len(), shots.len(), "a picture is shown once");
        for (_, shown, _) in &queries {
            assert!(things.contains(&(shown.item / 10)) && !items.contains(&shown.item));
        }
    }
}

#[test]
fn only_names_that_were_told_before_are_predicted_and_those_of_queries() {
    let episodes = episodes(|spec| spec.two_words = 0.5).unwrap();
    for number in 0..50 {
        let episode = drawn(&episodes, 4, &[number]);
        let mut told: Vec<(usize, Vec<u32>)> = Vec::new();
        let mut at = 0;
        for (branch, shown, mut name) in named(&episode) {
            let thing = shown.item / 10;
            let known = told
                .iter()
                .find(|(of, _)| *of == thing)
                .map(|(_, name)| name.clone());
            let places = at..at + 1 + name.len();
            let labels: Vec<i64> = episode.labels[places.clone()].to_vec();
            at = places.end + usize::from(branch == 0);
            if branch > 0 {
                // What is predicted last stands nowhere.
                name = known.clone().unwrap();
            }
            let mut expected: Vec<i64> = name.iter().map(|id| i64::from(*id)).collect();
            if known.is_none() {
                expected.fill(IGNORE);
            }
            if branch == 0 {
                expected.push(IGNORE);
                assert!(known.is_none_or(|known| known == name));
                told.push((thing, name));
            }
            assert_eq!(labels, expected, "{number}");
        }
        assert_eq!(at, episode.ids.len());
    }
}

#[test]
fn every_query_stands_right_behind_the_shots_and_sees_its_own_picture() {
    let episodes = episodes(|spec| spec.two_words = 1.0).unwrap();
    let episode = drawn(&episodes, 5, &[]);
    let shots = episode
        .branches
        .iter()
        .filter(|branch| **branch == 0)
        .count();
    let expected: Vec<i64> = (0..shots as i64)
        .chain((0..6).flat_map(|_| [shots as i64, shots as i64 + 1]))
        .collect();
    assert_eq!(episode.positions, expected);
    let mut media = 0;
    for (id, sees) in episode.ids.iter().zip(&episode.sees) {
        media += usize::from(*id == IMAGE);
        assert_eq!(*sees, media - 1..media);
    }
    assert_eq!(media, episode.media.len());
}

#[test]
fn a_composite_shows_the_same_halves_of_the_same_two_things_in_all_its_pictures() {
    let episodes = episodes(|spec| {
        spec.composites = 1.0;
        spec.names = [2, 3];
    })
    .unwrap();
    for number in 0..20 {
        let episode = drawn(&episodes, 6, &[number]);
        let mut things: BTreeSet<(usize, usize, Arc<[bool]>)> = BTreeSet::new();
        for shown in &episode.media {
            let (other, half) = shown.over.clone().unwrap();
            assert_eq!(half.iter().filter(|over| **over).count(), 4);
            things.insert((shown.item / 10, other / 10, half));
        }
        assert!((2..=3).contains(&things.len()));
        let whole: BTreeSet<usize> = things.iter().flat_map(|(a, b, _)| [*a, *b]).collect();
        assert_eq!(
            whole.len(),
            2 * things.len(),
            "no two composites share a thing"
        );
    }
}

#[test]
fn too_few_things_words_or_pictures_are_told_with_both_numbers() {
    let told = |change: fn(&mut EpisodeSpec)| episodes(change).err().unwrap().to_string();
    let few = told(|spec| {
        spec.names = [2, 7];
        spec.composites = 0.1;
    });
    assert!(few.contains("up to 14 things, and 13 of 13"), "{few}");
    let few = told(|spec| {
        spec.names = [2, 7];
        spec.shots = [1, 5];
    });
    assert!(
        few.contains("up to 7 things, and 6 of 13 have the 6 pictures"),
        "{few}"
    );
    let few = told(|spec| spec.words = None);
    assert!(
        few.contains("there are 0 words") && few.contains("up to 10"),
        "{few}"
    );
    let check = |change: fn(&mut EpisodeSpec)| {
        let mut spec = EpisodeSpec::default();
        change(&mut spec);
        spec.check().err().unwrap_or_default()
    };
    assert_eq!(check(|_| ()), "");
    assert!(check(|spec| spec.names = [1, 3]).contains("names is [1, 3]"));
    assert!(check(|spec| spec.composites = 1.5).contains("1.5"));
    assert!(check(|spec| spec.mirrored = -0.5).contains("episode.mirrored is -0.5"));
    assert!(check(|spec| spec.queries = 0).contains("queries"));
}

#[test]
fn a_pair_shows_what_its_one_text_says() {
    let text = |text: &str| Part::Text(text.into());
    let image = || Part::Image("a.png".into());
    let thing_of = |parts: Vec<Part>| thing(&Document::new(parts)).map(str::to_owned);
    assert_eq!(
        thing_of(vec![image(), text(" sea horse ")]).as_deref(),
        Some("sea horse")
    );
    assert_eq!(thing_of(vec![image(), image(), text("a")]), None);
    assert_eq!(thing_of(vec![image(), text("a"), text("b")]), None);
    assert_eq!(thing_of(vec![Part::Video("a".into()), text("a")]), None);
    assert_eq!(thing_of(vec![text("a")]), None);
}

#[test]
fn a_mirrored_episode_turns_some_components_and_others_none() {
    let mirrors = |mirrored: f64| -> Vec<Option<Vec<bool>>> {
        let episodes = episodes(|spec| spec.mirrored = mirrored).unwrap();
        let mirror = |number| drawn(&episodes, 7, &[number]).mirror;
        (0..40)
            .map(|number| mirror(number).map(|m| m.to_vec()))
            .collect()
    };
    assert!(mirrors(0.0).iter().all(Option::is_none));
    let some = mirrors(0.5);
    let turned = some.iter().flatten().count();
    assert!((10..30).contains(&turned), "{turned}");
    let all: BTreeSet<Vec<bool>> = mirrors(1.0).into_iter().flatten().collect();
    assert!(all.len() > 8, "{all:?}");
    assert!(all.iter().all(|mirror| mirror.len() == 4));
}
