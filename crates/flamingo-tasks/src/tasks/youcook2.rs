//! YouCook2: captions of segments of cooking films. A segment is the item that is shown and scored; its id is the film's and
//! its own, joined by an underscore. The sentences of test are not published.

use std::path::Path;

use super::gather::{Gather, span_of};
use crate::answer::{Answered, Submission};
use crate::benchmark::Benchmark;
use crate::data::DataFolder;
use crate::entries::Entries;
use crate::error::{Result, TaskError};
use crate::example::{Example, Examples, References};
use crate::ids::Id;
use crate::prompt::{Preset, Prompt};
use crate::prompts;
use crate::read::Record;
use crate::submission::texts;
use crate::task::{Protocol, ReadOptions, Task, taken};

#[derive(Debug)]
pub(crate) struct Youcook2;

impl Task for Youcook2 {
    fn benchmark(&self) -> Option<Benchmark> {
        Some(Benchmark::Youcook2)
    }

    fn name(&self) -> &'static str {
        Benchmark::Youcook2.name()
    }

    fn protocol(&self) -> Protocol {
        Protocol::open("CIDEr", &["val", "test"], "val")
    }

    fn prompt(&self, preset: Preset) -> Prompt {
        prompts::caption(preset)
    }

    fn read(&self, data: &DataFolder, options: &ReadOptions) -> Result<Examples> {
        let split = options.split(self)?;
        let file = |name: &str| data.file(self.name(), &[name]);
        let annotated = file("youcookii_annotations_trainval.json")?;
        let queries = match split {
            "test" => segments(
                data,
                ("testing", split),
                file("youcookii_annotations_test_segments_only.json")?,
            )?,
            _ => segments(data, ("validation", split), annotated)?,
        };
        let supports = segments(data, ("training", "train"), annotated)?.set;
        let protocol = self.protocol();
        Ok(taken(
            &protocol,
            options,
            split,
            supports,
            queries.set,
            queries.required,
        ))
    }

    fn submission(&self, examples: &Examples, answered: &[Answered]) -> Result<Submission> {
        texts(self.name(), ["image_id", "caption"], examples, answered)
    }
}

/// The segments of the films of a subset, called by the names that the file and we have for it.
fn segments(data: &DataFolder, (subset, name): (&str, &str), path: &Path) -> Result<Gather> {
    let mut gather = Gather::new(name);
    gather.read(
        path,
        Entries::Values(Some("database")),
        &mut |gather, film| {
            if film.text("subset")? != subset {
                return Ok(false);
            }
            for segment in film.records("annotations")? {
                if let Err(error) = take(data, gather, film.name(), &segment, subset != "testing") {
                    match error {
                        TaskError::Form { .. } => {
                            gather.set.dropped.add("broken segment", error.reason())
                        }
                        other => return Err(other),
                    }
                }
            }
            // A segment is an entry, not a film.
            Ok(false)
        },
    )?;
    Ok(gather)
}

fn take(
    data: &DataFolder,
    gather: &mut Gather,
    film: &str,
    segment: &Record,
    answered: bool,
) -> Result<()> {
    gather.set.entries += 1;
    let id = Id::Text(format!("{film}_{}", segment.id(&["id"])?));
    gather.required.push(id.clone());
    let span = span_of(segment, "segment")?;
    let sentence = answered.then(|| segment.text("sentence")).transpose()?;
    if let Some(parts) = gather.film(data, &[], Some((film, span)))? {
        let mut example = Example::new(id, parts);
        if let Some(sentence) = sentence {
            example.references = References::Captions(vec![sentence.clone()]);
            example.answer = Some(sentence);
        }
        gather.push(example);
    }
    Ok(())
}
