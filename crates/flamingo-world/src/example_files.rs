//! `examples/`: one binding episode of the demo world as files that a person can pass to the
//! program. What it shows is held out of every training.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use flamingo_image::Media;
use flamingo_sequence::{Candidates, Document, Part};
use flamingo_world::{BindingTask, Episode, Episodes, Pictures, Split};

const EPISODES: Episodes = Episodes { seed: 0, side: 48 };
const EPISODE: u64 = 4;
const TASK: BindingTask = BindingTask {
    names: 2,
    shots_each: 2,
    pictures: Pictures::Real,
    things: Split::HeldOut,
};

/// Writes `shots.jsonl`, `query.json`, `candidates.jsonl` and their pictures.
///
/// # Errors
/// If a file cannot be written.
pub(crate) fn write(folder: &Path) -> anyhow::Result<()> {
    for (name, bytes) in files()? {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .with_context(|| format!("cannot create {}", parent.display()))?;
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!("wrote {}", path.display());
    }
    Ok(())
}

/// The contents of each file, by its path within the folder.
fn files() -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
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
                let Some(Media::Image(picture)) = media.get(&key) else {
                    bail!("the episode has no picture `{key}`");
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
    let query = chunks.pop().context("an episode ends with its query")?;
    let shots = chunks
        .iter()
        .map(serde_json::to_string)
        .collect::<Result<Vec<_>, _>>()?;
    files.insert("shots.jsonl".into(), (shots.join("\n") + "\n").into_bytes());
    files.insert(
        "query.json".into(),
        (serde_json::to_string(&query)? + "\n").into_bytes(),
    );
    let scored = Candidates {
        document: query,
        candidates,
    };
    files.insert(
        "candidates.jsonl".into(),
        (serde_json::to_string(&scored)? + "\n").into_bytes(),
    );
    Ok(files)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_examples_are_those_that_the_command_writes() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        for (name, bytes) in files().unwrap() {
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
        let files = files().unwrap();
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
