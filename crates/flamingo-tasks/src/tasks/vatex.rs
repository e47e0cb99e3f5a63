//! VATEX: ten English captions a film. Many films are gone, and CIDEr of those that are left has another scale.

use serde_json::{Map, Value};

use super::gather::Gather;
use crate::answer::{Answered, Submission};
use crate::benchmark::Benchmark;
use crate::data::DataFolder;
use crate::entries::Entries;
use crate::error::Result;
use crate::example::{Example, Examples, References};
use crate::judge::text;
use crate::prompt::{Preset, Prompt};
use crate::prompts;
use crate::submission::{json, whole};
use crate::task::{Protocol, ReadOptions, Task, taken};

#[derive(Debug)]
pub(crate) struct Vatex;

impl Task for Vatex {
    fn benchmark(&self) -> Option<Benchmark> {
        Some(Benchmark::Vatex)
    }

    fn name(&self) -> &'static str {
        Benchmark::Vatex.name()
    }

    fn protocol(&self) -> Protocol {
        Protocol::open("CIDEr", &["test", "val"], "test")
    }

    fn prompt(&self, preset: Preset) -> Prompt {
        prompts::caption(preset)
    }

    fn read(&self, data: &DataFolder, options: &ReadOptions) -> Result<Examples> {
        let split = options.split(self)?;
        let set = |name: &str, file: &str| -> Result<Gather> {
            let mut gather = Gather::new(name);
            let path = data.file(self.name(), &[file])?;
            gather.read(path, Entries::List(&[]), &mut |gather, record| {
                let (id, film) = (record.id(&["videoID"])?, record.text("videoID")?);
                let captions = record.texts("enCap")?;
                gather.required.push(id.clone());
                if captions.is_empty() {
                    return Err(record.other("enCap", "a list of at least one caption"));
                }
                if let Some(parts) = gather.film(data, &[film], None)? {
                    gather.push(Example {
                        answer: captions.first().cloned(),
                        references: References::Captions(captions),
                        ..Example::new(id, parts)
                    });
                }
                Ok(true)
            })?;
            Ok(gather)
        };
        let queries = match split {
            "val" => set(split, "vatex_validation_v1.0.json")?,
            _ => set(split, "vatex_public_test_english_v1.1.json")?,
        };
        let supports = set("train", "vatex_training_v1.0.json")?.set;
        let protocol = self.protocol();
        let mut examples = taken(
            &protocol,
            options,
            split,
            supports,
            queries.set,
            queries.required,
        );
        let (some, all) = (examples.queries.usable, examples.required.len());
        if some < all {
            examples.notes.push(format!(
                "{some} of {all} films are there: CIDEr's weights of words come from their references alone"
            ));
        }
        Ok(examples)
    }

    fn submission(&self, examples: &Examples, answered: &[Answered]) -> Result<Submission> {
        let mut filled = 0;
        let mut captions = Map::new();
        for (id, answered) in whole(examples, answered) {
            filled += usize::from(answered.is_none());
            let caption = answered.map(|answered| text(self.name(), answered));
            let caption = caption.transpose()?.unwrap_or_default();
            captions.insert(id.to_string(), Value::from(caption));
        }
        json(&captions, (captions.len(), filled), "an empty text")
    }
}
