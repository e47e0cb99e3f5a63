//! VQAv2: questions about COCO's pictures, ten annotators each. The answers of test are not published; a submission of
//! test-dev holds all questions of test.

use super::vqa::{Form, Use, coco_picture, in_two_files, question_id, required, submission};
use crate::answer::{Answered, Submission};
use crate::benchmark::Benchmark;
use crate::data::DataFolder;
use crate::error::Result;
use crate::example::Examples;
use crate::prompt::{Preset, Prompt};
use crate::prompts;
use crate::task::{Protocol, ReadOptions, Task, taken};

#[derive(Debug)]
pub(crate) struct Vqav2;

const TEST: &str = "v2_OpenEnded_mscoco_test2015_questions.json";

impl Task for Vqav2 {
    fn benchmark(&self) -> Option<Benchmark> {
        Some(Benchmark::Vqav2)
    }

    fn name(&self) -> &'static str {
        Benchmark::Vqav2.name()
    }

    fn protocol(&self) -> Protocol {
        Protocol::open("accuracy", &["val", "test-dev", "test"], "test-dev")
    }

    fn prompt(&self, preset: Preset) -> Prompt {
        prompts::question(preset)
    }

    fn read(&self, data: &DataFolder, options: &ReadOptions) -> Result<Examples> {
        let file = |name: &str| data.file(self.name(), &[name]);
        let split = options.split(self)?;
        let (questions, annotations, pictures) = match split {
            "test-dev" => (
                "v2_OpenEnded_mscoco_test-dev2015_questions.json",
                None,
                "test2015",
            ),
            "test" => (TEST, None, "test2015"),
            _ => (
                "v2_OpenEnded_mscoco_val2014_questions.json",
                Some((file("v2_mscoco_val2014_annotations.json")?, Use::Judge)),
                "val2014",
            ),
        };
        let questions = file(questions)?;
        let form = Form {
            picture: &coco_picture(pictures),
            id: &question_id,
        };
        let queries = in_two_files(data, split, questions, annotations, form)?;
        let supports = in_two_files(
            data,
            "train",
            file("v2_OpenEnded_mscoco_train2014_questions.json")?,
            Some((file("v2_mscoco_train2014_annotations.json")?, Use::Shot)),
            Form {
                picture: &coco_picture("train2014"),
                ..form
            },
        )?;
        // EvalAI wants all questions of test in a submission of test-dev.
        let whole = data.maybe(&[TEST])?.filter(|_| split == "test-dev");
        let required = required(whole.unwrap_or(questions), form)?;
        let protocol = self.protocol();
        let mut examples = taken(&protocol, options, split, supports, queries, required);
        if split == "test-dev" && whole.is_none() {
            examples.notes.push(format!(
                "EvalAI wants all questions of test in a submission of test-dev: {TEST} is not there, so the \
                 submission holds those of test-dev only"
            ));
        }
        Ok(examples)
    }

    fn submission(&self, examples: &Examples, answered: &[Answered]) -> Result<Submission> {
        submission(self.name(), examples, answered)
    }
}
