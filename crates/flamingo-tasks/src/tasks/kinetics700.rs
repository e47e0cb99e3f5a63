//! Kinetics700: actions in clips of ten seconds, which are fetched by the user; some are gone. There are two releases, of
//! 2019 and 2020, whose clips differ.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::classes::best;
use super::gather::Gather;
use crate::answer::{Answered, Submission};
use crate::benchmark::Benchmark;
use crate::data::DataFolder;
use crate::entries::{Entries, each};
use crate::error::Result;
use crate::example::{Example, Examples, References, Set};
use crate::ids::Id;
use crate::prompt::{Preset, Prompt};
use crate::prompts;
use crate::submission::{json, whole};
use crate::task::{Protocol, ReadOptions, Supports, Task, taken};

#[derive(Debug)]
pub(crate) struct Kinetics700;

const TRAIN: [&str; 3] = [
    "train.csv",
    "kinetics700_train.csv",
    "kinetics700_2020_train.csv",
];
const VAL: [&str; 4] = [
    "validate.csv",
    "val.csv",
    "kinetics700_val.csv",
    "kinetics700_2020_val.csv",
];

impl Task for Kinetics700 {
    fn benchmark(&self) -> Option<Benchmark> {
        Some(Benchmark::Kinetics700)
    }

    fn name(&self) -> &'static str {
        Benchmark::Kinetics700.name()
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
        let train = data.file(self.name(), &TRAIN)?;
        let val = data.file(self.name(), &VAL)?;
        let clips = Clips {
            data,
            labels: labels([train, val])?,
        };
        let queries = clips.set(split, val)?;
        let supports = clips.set("train", train)?.set;
        let protocol = self.protocol();
        let examples = taken(
            &protocol,
            options,
            split,
            supports,
            queries.set,
            queries.required,
        );
        let notes = vec![
            release(&examples.supports, train),
            release(&examples.queries, val),
        ];
        Ok(Examples { notes, ..examples })
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

/// The classes, in the alphabet's order.
fn labels(paths: [&Path; 2]) -> Result<Arc<[String]>> {
    let mut labels = BTreeSet::new();
    for path in paths {
        each(path, Entries::Rows, &mut |record| {
            labels.extend(record.and_then(|record| record.text("label")).ok());
        })?;
    }
    Ok(labels.into_iter().collect())
}

/// Which file it was, and how much of it is there.
fn release(set: &Set, path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (usable, entries) = (set.usable, set.entries);
    format!(
        "{}: {usable} of {entries} clips of {name} are there",
        set.name
    )
}

/// What clips are read with.
struct Clips<'a> {
    data: &'a DataFolder,
    labels: Arc<[String]>,
}

impl Clips<'_> {
    /// The clips of a file.
    fn set(&self, name: &str, path: &Path) -> Result<Gather> {
        let mut gather = Gather::new(name);
        gather.read(path, Entries::Rows, &mut |gather, record| {
            let start: u64 = record.parsed("time_start", "whole seconds")?;
            let end: u64 = record.parsed("time_end", "whole seconds")?;
            let clip = format!("{}_{start:06}_{end:06}", record.text("youtube_id")?);
            let label = record.text("label")?;
            let right = self.labels.binary_search(&label);
            let right = right.map_err(|_| record.other("label", "a class"))?;
            let id = Id::Text(clip.clone());
            gather.required.push(id.clone());
            if let Some(parts) = gather.film(self.data, &[clip], None)? {
                gather.push(Example {
                    answer: Some(label),
                    candidates: Some(Arc::clone(&self.labels)),
                    references: References::Choice { right, kind: None },
                    ..Example::new(id, parts)
                });
            }
            Ok(true)
        })?;
        Ok(gather)
    }
}
