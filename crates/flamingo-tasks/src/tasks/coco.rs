//! COCO captions: Karpathy's splits. References are those of 2014's validation set, in which all test pictures lie;
//! supports are of `train` alone, without `restval`.

use super::karpathy::{Captions, Karpathy};
use crate::answer::{Answered, Submission};
use crate::benchmark::Benchmark;
use crate::data::DataFolder;
use crate::error::Result;
use crate::example::Examples;
use crate::prompt::{Preset, Prompt};
use crate::prompts;
use crate::submission::texts;
use crate::task::{Protocol, ReadOptions, Task, taken};

#[derive(Debug)]
pub(crate) struct Coco;

impl Task for Coco {
    fn benchmark(&self) -> Option<Benchmark> {
        Some(Benchmark::Coco)
    }

    fn name(&self) -> &'static str {
        Benchmark::Coco.name()
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
            path: data.file(self.name(), &["dataset_coco.json"])?,
            id: &|record| record.id(&["cocoid"]),
        };
        let supports = karpathy.set("train", Captions::Sentences)?;
        let captions = data.file(self.name(), &["captions_val2014.json"])?;
        let (queries, required) = karpathy.queries(split, Captions::Of(captions))?;
        let protocol = self.protocol();
        Ok(taken(
            &protocol, options, split, supports, queries, required,
        ))
    }

    fn submission(&self, examples: &Examples, answered: &[Answered]) -> Result<Submission> {
        texts(self.name(), ["image_id", "caption"], examples, answered)
    }
}
