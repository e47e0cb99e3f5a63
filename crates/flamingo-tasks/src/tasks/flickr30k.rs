//! Flickr30K: Karpathy's splits. References are those of a file in COCO's form, which users make, or else the sentences of
//! the splits. A picture's id is its file's name without ending.

use super::karpathy::{Captions, Karpathy};
use crate::answer::{Answered, Submission};
use crate::benchmark::Benchmark;
use crate::data::DataFolder;
use crate::error::Result;
use crate::example::Examples;
use crate::ids::Id;
use crate::prompt::{Preset, Prompt};
use crate::prompts;
use crate::submission::texts;
use crate::task::{Protocol, ReadOptions, Task, taken};

#[derive(Debug)]
pub(crate) struct Flickr30k;

impl Task for Flickr30k {
    fn benchmark(&self) -> Option<Benchmark> {
        Some(Benchmark::Flickr30k)
    }

    fn name(&self) -> &'static str {
        Benchmark::Flickr30k.name()
    }

    fn protocol(&self) -> Protocol {
        Protocol::open("CIDEr", &["test", "val"], "test")
    }

    fn prompt(&self, preset: Preset) -> Prompt {
        prompts::caption(preset)
    }

    fn read(&self, data: &DataFolder, options: &ReadOptions) -> Result<Examples> {
        let split = options.split(self)?;
        let karpathy = Karpathy {
            data,
            path: data.file(self.name(), &["dataset_flickr30k.json"])?,
            id: &|record| {
                let name = record.text("filename")?;
                let stem = name
                    .rsplit_once('.')
                    .map_or(name.as_str(), |(stem, _)| stem);
                Ok(Id::Text(stem.to_owned()))
            },
        };
        let supports = karpathy.set("train", Captions::Sentences)?;
        let captions = data.maybe(&["dataset_flickr30k_coco_style.json"])?;
        let captions = captions.map_or(Captions::Sentences, Captions::Of);
        let (queries, required) = karpathy.queries(split, captions)?;
        let protocol = self.protocol();
        let mut examples = taken(&protocol, options, split, supports, queries, required);
        if captions == Captions::Sentences {
            examples.notes.push(
                "references are the sentences of the splits: dataset_flickr30k_coco_style.json is not there".to_owned(),
            );
        }
        Ok(examples)
    }

    fn submission(&self, examples: &Examples, answered: &[Answered]) -> Result<Submission> {
        texts(self.name(), ["image_id", "caption"], examples, answered)
    }
}
