//! RareAct: rare actions in films, chosen among all 149. There are no supports: the paper scores with 0 shots. Films are
//! clips named `{video_id}_{start}_{end}`, or whole films.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::gather::{Gather, place_id, places, span};
use crate::answer::{Answered, Submission};
use crate::benchmark::Benchmark;
use crate::data::DataFolder;
use crate::entries::{Entries, each};
use crate::error::{Result, TaskError};
use crate::example::{Example, Examples, References, Set};
use crate::judge::likelihoods;
use crate::npy::written;
use crate::prompt::{Preset, Prompt};
use crate::prompts;
use crate::score::rareact::clip;
use crate::submission::whole;
use crate::task::{Protocol, ReadOptions, Supports, Task, taken};

#[derive(Debug)]
pub(crate) struct Rareact;

impl Task for Rareact {
    fn benchmark(&self) -> Option<Benchmark> {
        Some(Benchmark::Rareact)
    }

    fn name(&self) -> &'static str {
        Benchmark::Rareact.name()
    }

    fn protocol(&self) -> Protocol {
        Protocol {
            supports: Supports::None,
            shots: &[0],
            ..Protocol::close("mWAP", &["test"], "test")
        }
    }

    fn prompt(&self, preset: Preset) -> Prompt {
        prompts::action(preset)
    }

    fn read(&self, data: &DataFolder, options: &ReadOptions) -> Result<Examples> {
        let split = options.split(self)?;
        let path = data.file(self.name(), &["rareact.csv"])?;
        let mut actions = BTreeMap::new();
        each(path, Entries::Rows, &mut |record| {
            let clip = record.and_then(|record| clip(&record));
            actions.extend(clip.ok().map(|clip| (clip.class, clip)));
        })?;
        let candidates: Arc<[String]> = actions
            .values()
            .map(|clip| format!("a person {} {}", clip.verb, clip.noun))
            .collect();
        if actions.keys().copied().ne(0..actions.len()) {
            return Err(TaskError::Task {
                task: self.name().to_owned(),
                reason: format!(
                    "the {} classes of {} are not numbered from 0 without a gap",
                    actions.len(),
                    path.display()
                ),
            });
        }
        let mut gather = Gather::new(split);
        gather.read(path, Entries::Rows, &mut |gather, record| {
            let id = place_id(gather.place);
            let clip = clip(record)?;
            let span = span(record, "start", "end")?;
            let (start, end) = (record.text("start")?, record.text("end")?);
            let cut = [format!("{}_{start}_{end}", clip.video)];
            if let Some(parts) = gather.film(data, &cut, Some((&clip.video, span)))? {
                gather.push(Example {
                    candidates: Some(Arc::clone(&candidates)),
                    references: References::Clip(clip.clone()),
                    ..Example::new(id, parts)
                });
            }
            Ok(true)
        })?;
        let protocol = self.protocol();
        let queries = gather.set;
        let required = places(queries.entries);
        Ok(taken(
            &protocol,
            options,
            split,
            Set::default(),
            queries,
            required,
        ))
    }

    fn submission(&self, examples: &Examples, answered: &[Answered]) -> Result<Submission> {
        let mut rows = Vec::new();
        for (_, answered) in whole(examples, answered) {
            let scores = answered.map(|answered| likelihoods(self.name(), answered));
            rows.push(scores.transpose()?);
        }
        let filled = rows.iter().filter(|row| row.is_none()).count();
        let known = rows.iter().flatten().copied().flatten();
        let least = known
            .copied()
            .filter(|score| score.is_finite())
            .fold(0.0, f64::min);
        let columns = rows
            .iter()
            .flatten()
            .map(|row| row.len())
            .max()
            .unwrap_or_default();
        let rows = rows.iter().map(|row| match row {
            Some(row) => row.to_vec(),
            None => vec![least; columns],
        });
        let rows: Vec<Vec<f64>> = rows.collect();
        Ok(Submission {
            ending: "npy",
            bytes: written(&rows),
            items: rows.len(),
            filled,
            filler: "the lowest of all scores",
        })
    }
}
