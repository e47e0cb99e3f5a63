//! TextVQA: questions about words on pictures; its own form, or VQA's as OpenFlamingo converts it. Pictures of train and
//! val lie in one folder.

use super::vqa::{Form, Use, in_one_file, in_two_files, question_id, required, submission};
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
pub(crate) struct Textvqa;

impl Task for Textvqa {
    fn benchmark(&self) -> Option<Benchmark> {
        Some(Benchmark::Textvqa)
    }

    fn name(&self) -> &'static str {
        Benchmark::Textvqa.name()
    }

    fn protocol(&self) -> Protocol {
        Protocol::open("accuracy", &["val", "test"], "val")
    }

    fn prompt(&self, preset: Preset) -> Prompt {
        let prompt = prompts::question(preset);
        match preset {
            Preset::Paper => prompt,
            Preset::OpenFlamingo => Prompt {
                max_new_tokens: 10,
                ..prompt
            },
        }
    }

    fn read(&self, data: &DataFolder, options: &ReadOptions) -> Result<Examples> {
        let split = options.split(self)?;
        let form = Form {
            picture: &|record| Ok(format!("{}.jpg", record.id(&["image_id"])?)),
            id: &question_id,
        };
        let set = |split: &str| -> Result<(Set, Vec<Id>)> {
            let own = format!("TextVQA_0.5.1_{split}.json");
            let questions = format!("{split}_questions_vqa_format.json");
            let path = data.file(self.name(), &[&own, &questions])?;
            let of = match split {
                "train" => Some(Use::Shot),
                "test" => None,
                _ => Some(Use::Judge),
            };
            let set = if path.ends_with(&own) {
                in_one_file(data, split, path, of, form)?
            } else {
                let annotations = format!("{split}_annotations_vqa_format.json");
                let annotations = match of {
                    None => None,
                    Some(of) => Some((data.file(self.name(), &[&annotations])?, of)),
                };
                in_two_files(data, split, path, annotations, form)?
            };
            Ok((set, required(path, form)?))
        };
        let (queries, required) = set(split)?;
        let (supports, _) = set("train")?;
        let protocol = self.protocol();
        Ok(taken(
            &protocol, options, split, supports, queries, required,
        ))
    }

    fn submission(&self, examples: &Examples, answered: &[Answered]) -> Result<Submission> {
        submission(self.name(), examples, answered)
    }
}
