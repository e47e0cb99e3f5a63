//! ImageNet 2012: a folder a class. A class's number is the rank of its folder's name; the names come from a file of the
//! user's, as the archives have none that people would say.

use std::path::Path;
use std::sync::Arc;

use flamingo_sequence::Part;

use super::classes::{best, entries, imagenet_names};
use super::gather::{Gather, ids};
use crate::answer::{Answered, Submission};
use crate::benchmark::Benchmark;
use crate::data::DataFolder;
use crate::error::{Result, TaskError};
use crate::example::{Example, Examples, References, Set};
use crate::ids::Id;
use crate::prompt::{Preset, Prompt};
use crate::prompts;
use crate::submission::{json, whole};
use crate::task::{Protocol, ReadOptions, Supports, Task, taken};

#[derive(Debug)]
pub(crate) struct Imagenet;

impl Task for Imagenet {
    fn benchmark(&self) -> Option<Benchmark> {
        Some(Benchmark::Imagenet)
    }

    fn name(&self) -> &'static str {
        Benchmark::Imagenet.name()
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
        let folder = |name: &str| {
            data.files()?.folder(name).ok_or_else(|| TaskError::Task {
                task: self.name().to_owned(),
                reason: format!(
                    "the folder {name} with a folder a class is not below {}",
                    data.root().display()
                ),
            })
        };
        let supports = pictures("train", folder("train")?)?;
        let queries = pictures(split, folder(split)?)?;
        let mut classes: Vec<String> = supports
            .examples
            .iter()
            .chain(&queries.examples)
            .filter_map(|example| example.answer.clone())
            .collect();
        classes.sort();
        classes.dedup();
        let (names, mut notes) = imagenet_names(data, &classes)?;
        let named = |mut set: Set| {
            for example in &mut set.examples {
                let class = example.answer.take().unwrap_or_default();
                let right = classes.binary_search(&class).unwrap_or_default();
                example.answer = Some(names[right].clone());
                example.references = References::Choice { right, kind: None };
                example.candidates = Some(Arc::clone(&names));
            }
            set
        };
        // Drawn by class, before two classes may have one name.
        let protocol = self.protocol();
        let required = ids(&queries);
        let drawn = taken(&protocol, options, split, supports, queries, required);
        notes.extend(drawn.notes);
        Ok(Examples {
            supports: named(drawn.supports),
            queries: named(drawn.queries),
            labels: classes.clone(),
            notes,
            ..drawn
        })
    }

    fn submission(&self, examples: &Examples, answered: &[Answered]) -> Result<Submission> {
        let mut filled = 0;
        let mut items = Vec::new();
        for (id, answered) in whole(examples, answered) {
            filled += usize::from(answered.is_none());
            let labels = answered.map(|answered| best(self.name(), answered, &examples.labels));
            let labels = labels.transpose()?.unwrap_or_default();
            items.push(serde_json::json!({"id": id, "labels": labels}));
        }
        json(&items, (items.len(), filled), "no label")
    }
}

/// The pictures of a folder of classes, each called by the name of its folder.
fn pictures(name: &str, folder: &Path) -> Result<Set> {
    let mut gather = Gather::new(name);
    for (class, path) in entries(folder)? {
        if !path.is_dir() {
            gather.set.entries += 1;
            let reason = "picture in no folder of a class";
            gather.set.dropped.add(reason, class);
            continue;
        }
        for (picture, path) in entries(&path)? {
            gather.set.entries += 1;
            match path.to_str() {
                Some(path) => gather.push(Example {
                    answer: Some(class.clone()),
                    ..Example::new(Id::Text(picture), vec![Part::Image(path.to_owned())])
                }),
                None => gather.set.dropped.add("path that is no UTF-8", picture),
            }
        }
    }
    Ok(gather.set)
}
