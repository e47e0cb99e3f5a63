//! OKVQA: questions about COCO's pictures that need knowledge of the world, in VQA's form. Its answers are stemmed by the
//! makers, of which the stems of predictions are learnt.

use super::vqa::{Form, Use, coco_picture, in_two_files, question_id, required, submission};
use crate::answer::{Answered, Submission};
use crate::benchmark::Benchmark;
use crate::data::DataFolder;
use crate::error::Result;
use crate::example::{Examples, Set};
use crate::ids::Id;
use crate::prompt::{Preset, Prompt};
use crate::prompts;
use crate::task::{Protocol, ReadOptions, Task, taken};

#[derive(Debug)]
pub(crate) struct Okvqa;

impl Task for Okvqa {
    fn benchmark(&self) -> Option<Benchmark> {
        Some(Benchmark::Okvqa)
    }

    fn name(&self) -> &'static str {
        Benchmark::Okvqa.name()
    }

    fn protocol(&self) -> Protocol {
        Protocol::open("accuracy", &["val"], "val")
    }

    fn prompt(&self, preset: Preset) -> Prompt {
        let prompt = prompts::question(preset);
        // OpenFlamingo's answers of this task are not cut at commas.
        let stops = prompt.stops.iter().filter(|stop| *stop != ", ").cloned();
        Prompt {
            stops: stops.collect(),
            ..prompt
        }
    }

    fn read(&self, data: &DataFolder, options: &ReadOptions) -> Result<Examples> {
        let split = options.split(self)?;
        let file = |name: String| data.file(self.name(), &[&name]);
        let set = |split: &str, pictures: &'static str, of: Use| -> Result<(Set, Vec<Id>)> {
            let questions = file(format!("OpenEnded_mscoco_{pictures}_questions.json"))?;
            let annotations = file(format!("mscoco_{pictures}_annotations.json"))?;
            let form = Form {
                picture: &coco_picture(pictures),
                id: &question_id,
            };
            let set = in_two_files(data, split, questions, Some((annotations, of)), form)?;
            Ok((set, required(questions, form)?))
        };
        let (queries, required) = set(split, "val2014", Use::Judge)?;
        let (supports, _) = set("train", "train2014", Use::Shot)?;
        let protocol = self.protocol();
        Ok(taken(
            &protocol, options, split, supports, queries, required,
        ))
    }

    fn submission(&self, examples: &Examples, answered: &[Answered]) -> Result<Submission> {
        submission(self.name(), examples, answered)
    }
}
