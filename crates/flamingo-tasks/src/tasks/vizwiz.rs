//! VizWiz: photos and questions of blind people. A question is known by its picture, in the task's own form and in
//! OpenFlamingo's, which numbers questions; so a submission fits both.

use super::vqa::{Form, Use, in_one_file, in_two_files, required};
use crate::answer::{Answered, Submission};
use crate::benchmark::Benchmark;
use crate::data::DataFolder;
use crate::error::Result;
use crate::example::{Examples, Set};
use crate::ids::Id;
use crate::prompt::{Preset, Prompt};
use crate::prompts;
use crate::read::Record;
use crate::submission::texts;
use crate::task::{Protocol, ReadOptions, Task, taken};

#[derive(Debug)]
pub(crate) struct Vizwiz;

impl Task for Vizwiz {
    fn benchmark(&self) -> Option<Benchmark> {
        Some(Benchmark::Vizwiz)
    }

    fn name(&self) -> &'static str {
        Benchmark::Vizwiz.name()
    }

    fn protocol(&self) -> Protocol {
        Protocol::open("accuracy", &["val", "test"], "test-dev")
    }

    fn prompt(&self, preset: Preset) -> Prompt {
        prompts::question(preset)
    }

    fn read(&self, data: &DataFolder, options: &ReadOptions) -> Result<Examples> {
        let split = options.split(self)?;
        let picture = |record: &Record| record.text("image").or_else(|_| record.text("image_id"));
        let form = Form {
            picture: &picture,
            id: &|record| picture(record).map(Id::Text),
        };
        let set = |split: &str| -> Result<(Set, Vec<Id>)> {
            let own = format!("{split}.json");
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
        texts(self.name(), ["image", "answer"], examples, answered)
    }
}
