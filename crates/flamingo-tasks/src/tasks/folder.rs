//! A folder with a folder for each class, of pictures or films: which class is it?
//!
//! With `train` and `val` (or `test`) below it, shots are drawn from `train`. Without, half of each class, the same for
//! every seed, are supports and the others are asked.

use std::path::Path;
use std::sync::Arc;

use flamingo_sequence::Part;

use super::classes::entries;
use crate::answer::{Answered, Submission};
use crate::benchmark::Benchmark;
use crate::data::DataFolder;
use crate::error::{Result, TaskError};
use crate::example::{Example, Examples, References, Set};
use crate::ids::Id;
use crate::judge::text;
use crate::prompt::{Preset, Prompt};
use crate::prompts;
use crate::sample::drawn;
use crate::submission::{json, whole};
use crate::task::{Protocol, ReadOptions, Supports, Task, taken};

/// A folder with a folder for each class.
#[derive(Clone, Copy, Debug, Default)]
pub struct Folder;

const PICTURES: [&str; 8] = ["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff"];
const FILMS: [&str; 8] = ["mp4", "webm", "mkv", "avi", "mov", "m4v", "mpg", "mpeg"];

impl Task for Folder {
    fn benchmark(&self) -> Option<Benchmark> {
        None
    }

    fn name(&self) -> &'static str {
        "folder"
    }

    fn protocol(&self) -> Protocol {
        Protocol {
            supports: Supports::EachClass(32),
            ..Protocol::close("top-1", &["val"], "val")
        }
    }

    fn prompt(&self, preset: Preset) -> Prompt {
        prompts::class(preset)
    }

    fn read(&self, data: &DataFolder, options: &ReadOptions) -> Result<Examples> {
        let split = options.split(self)?;
        let root = data.root();
        let train = root.join("train");
        let asked = ["val", "test"].map(|name| root.join(name));
        let asked = asked.into_iter().find(|folder| folder.is_dir());
        let (mut supports, mut queries) = match (train.is_dir(), asked) {
            (true, Some(asked)) => (classes(&train)?, classes(&asked)?),
            _ => halves(classes(root)?),
        };
        let mut names: Vec<String> = supports
            .examples
            .iter()
            .chain(&queries.examples)
            .filter_map(|example| example.answer.clone())
            .collect();
        names.sort();
        names.dedup();
        if names.len() < 2 {
            return Err(TaskError::Task {
                task: self.name().to_owned(),
                reason: format!(
                    "{} has {} folders with pictures or films: it needs one for each of two classes or more",
                    root.display(),
                    names.len()
                ),
            });
        }
        let candidates: Arc<[String]> = names.as_slice().into();
        for example in supports.examples.iter_mut().chain(&mut queries.examples) {
            let place = example
                .answer
                .as_ref()
                .and_then(|answer| names.binary_search(answer).ok());
            example.references = References::Choice {
                right: place.unwrap_or_default(),
                kind: None,
            };
            example.candidates = Some(Arc::clone(&candidates));
        }
        let required = queries.examples.iter();
        let required = required.map(|example| example.id.clone()).collect();
        let protocol = self.protocol();
        Ok(taken(
            &protocol, options, split, supports, queries, required,
        ))
    }

    /// A list of `id` and `label`.
    fn submission(&self, examples: &Examples, answered: &[Answered]) -> Result<Submission> {
        let mut filled = 0;
        let mut items = Vec::new();
        for (id, answered) in whole(examples, answered) {
            filled += usize::from(answered.is_none());
            let label = answered.map(|answered| text(self.name(), answered));
            let label = label.transpose()?.unwrap_or_default();
            items.push(serde_json::json!({"id": id, "label": label}));
        }
        json(&items, (items.len(), filled), "an empty text")
    }
}

/// The pictures and films of a folder of classes.
fn classes(folder: &Path) -> Result<Set> {
    let mut set = Set {
        name: folder.display().to_string(),
        ..Set::default()
    };
    for (class, path) in entries(folder)? {
        if !path.is_dir() {
            continue;
        }
        for (name, path) in entries(&path)? {
            set.entries += 1;
            let ending = path.extension().and_then(|ending| ending.to_str());
            let ending = ending.unwrap_or_default().to_lowercase();
            let part = match path.to_str() {
                Some(path) if PICTURES.contains(&ending.as_str()) => Part::Image(path.to_owned()),
                Some(path) if FILMS.contains(&ending.as_str()) => Part::Video(path.to_owned()),
                _ => {
                    set.dropped
                        .add("neither a picture nor a film", format!("{class}/{name}"));
                    continue;
                }
            };
            let mut example = Example::new(Id::Text(format!("{class}/{name}")), vec![part]);
            example.answer = Some(class.replace('_', " "));
            set.examples.push(example);
        }
    }
    Ok(set)
}

/// Half of each class as supports, the others as queries in their order.
fn halves(all: Set) -> (Set, Set) {
    let mut counts = std::collections::HashMap::new();
    for example in &all.examples {
        *counts.entry(example.answer.clone()).or_insert(0_usize) += 1;
    }
    let order = drawn(all.examples.clone(), None, 0);
    let mut taken = std::collections::HashMap::new();
    let mut ids = std::collections::HashSet::new();
    for example in order {
        let taken = taken.entry(example.answer.clone()).or_insert(0_usize);
        if *taken < counts[&example.answer] / 2 {
            *taken += 1;
            ids.insert(example.id);
        }
    }
    let (supports, queries): (Vec<_>, Vec<_>) = all
        .examples
        .into_iter()
        .partition(|example| ids.contains(&example.id));
    let part = |examples: Vec<Example>, dropped| Set {
        name: all.name.clone(),
        entries: all.entries,
        examples,
        dropped,
        ..Set::default()
    };
    (
        part(supports, crate::example::Dropped::default()),
        part(queries, all.dropped.clone()),
    )
}
