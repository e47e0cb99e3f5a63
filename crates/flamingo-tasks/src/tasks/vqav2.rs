//! VQAv2: questions about COCO's pictures, ten annotators each. The answers of test are not published; a submission of
//! test-dev holds all questions of test.

use super::vqa::{coco_picture, questions_and_annotations, required, submission};
use crate::benchmark::Benchmark;
use crate::data::DataFolder;
use crate::error::Result;
use crate::example::Examples;
use crate::judge::judge;
use crate::prompt::{Preset, Prompt};
use crate::prompts;
use crate::sample::{drawn, limited};
use crate::score::{Judged, ScoreOptions};
use crate::task::{Answered, Protocol, ReadOptions, Submission, Task};

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
                Some(file("v2_mscoco_val2014_annotations.json")?),
                "val2014",
            ),
        };
        let picture = coco_picture(pictures);
        let mut queries =
            questions_and_annotations(data, split, file(questions)?, annotations, &picture)?;
        let mut supports = questions_and_annotations(
            data,
            "train",
            file("v2_OpenEnded_mscoco_train2014_questions.json")?,
            Some(file("v2_mscoco_train2014_annotations.json")?),
            &coco_picture("train2014"),
        )?;
        let mut notes = Vec::new();
        let whole = match split {
            "test-dev" => data.maybe(&[TEST])?,
            _ => None,
        };
        if split == "test-dev" && whole.is_none() {
            notes.push(format!(
                "EvalAI wants all questions of test in a submission of test-dev: {TEST} is not there, so the submission \
                 holds those of test-dev only"
            ));
        }
        let required = match whole {
            Some(path) => required(path)?,
            None => required(file(questions)?)?,
        };
        supports.examples = drawn(
            supports.examples,
            Some(options.count(&self.protocol())),
            options.seed,
        );
        queries.examples = limited(queries.examples, options.limit);
        Ok(Examples {
            split: split.to_owned(),
            supports,
            queries,
            required,
            notes,
        })
    }

    fn judge(&self, answered: &[Answered], options: &ScoreOptions) -> Result<Judged> {
        judge(self.name(), self.benchmark(), answered, options)
    }

    fn submission(&self, examples: &Examples, answered: &[Answered]) -> Result<Submission> {
        submission(self.name(), examples, answered)
    }
}
