//! One binding episode as files that a person can pass to the program. What it shows is held out of every training.

use std::collections::BTreeMap;

use flamingo_image::Media;
use flamingo_sequence::{Candidates, Document, Part};
use serde::Serialize;

use crate::episodes::{BindingTask, Episode, Episodes, Pictures, Split};

const EPISODES: Episodes = Episodes { seed: 0, side: 48 };
const EPISODE: u64 = 4;
const TASK: BindingTask = BindingTask {
    names: 2,
    shots_each: 2,
    pictures: Pictures::Real,
    things: Split::HeldOut,
};

/// The contents of `shots.jsonl`, `query.json`, `candidates.jsonl` and their pictures, by path.
pub fn example_files() -> BTreeMap<String, Vec<u8>> {
    let Episode {
        document,
        media,
        candidates,
        ..
    } = EPISODES.binding(&TASK, EPISODE);
    let mut chunks: Vec<Document> = vec![Document::default()];
    let mut files = BTreeMap::new();
    let mut shown = 0;
    for part in document.parts {
        let ends = part == Part::End;
        let part = match part {
            Part::Image(key) => {
                let Media::Image(picture) = &media[&key] else {
                    unreachable!("names are bound to pictures, not to films");
                };
                shown += 1;
                let name = format!("pictures/{shown}.png");
                files.insert(name.clone(), picture.to_png());
                Part::Image(name)
            }
            other => other,
        };
        if let Some(chunk) = chunks.last_mut() {
            chunk.parts.push(part);
        }
        if ends {
            chunks.push(Document::default());
        }
    }
    let query = chunks.pop().expect("an episode ends with its query");
    files.insert("shots.jsonl".into(), lines(&chunks));
    files.insert("query.json".into(), lines(&[&query]));
    let scored = Candidates {
        document: query,
        candidates,
    };
    files.insert("candidates.jsonl".into(), lines(&[scored]));
    files
}

fn lines<T: Serialize>(values: &[T]) -> Vec<u8> {
    let mut text = String::new();
    for value in values {
        text += &serde_json::to_string(value).expect("documents are JSON");
        text.push('\n');
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_examples_are_those_that_the_command_writes() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        for (name, bytes) in example_files() {
            let there = fs::read(folder.join(&name)).unwrap();
            // Pixels may differ by a rounding between machines; texts may not.
            let same = name.ends_with(".png") || there == bytes;
            assert!(
                same,
                "examples/{name} is not what `cargo xtask examples` writes: run it"
            );
        }
    }

    #[test]
    fn shots_are_finished_chunks_and_the_query_is_open() {
        let files = example_files();
        let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
        let shots: Vec<Document> = text("shots.jsonl")
            .lines()
            .map(|line| Document::from_json(line).unwrap())
            .collect();
        assert_eq!(shots.len(), TASK.names * TASK.shots_each);
        assert!(
            shots
                .iter()
                .all(|shot| shot.parts.last() == Some(&Part::End))
        );
        let query = Document::from_json(&text("query.json")).unwrap();
        assert_eq!(query.parts.last(), Some(&Part::Text("Output:".into())));
        let pictures = files.keys().filter(|name| name.ends_with(".png")).count();
        assert_eq!(pictures, shots.len() + 1);
    }
}
