//! NextQA, open-ended: questions by film, a second reference for half of the films of test.

use serde_json::{Map, Value};

use super::gather::Gather;
use crate::answer::{Answered, Submission};
use crate::benchmark::Benchmark;
use crate::data::DataFolder;
use crate::entries::Entries;
use crate::error::{Result, TaskError};
use crate::example::{Example, Examples, References};
use crate::judge::text;
use crate::prompt::{Preset, Prompt};
use crate::prompts;
use crate::read::json as read_json;
use crate::score::nextqa::{answers, id as id_of, split_id};
use crate::submission::{json, whole};
use crate::task::{Protocol, ReadOptions, Task, taken};

#[derive(Debug)]
pub(crate) struct Nextqa;

impl Task for Nextqa {
    fn benchmark(&self) -> Option<Benchmark> {
        Some(Benchmark::Nextqa)
    }

    fn name(&self) -> &'static str {
        Benchmark::Nextqa.name()
    }

    fn protocol(&self) -> Protocol {
        Protocol::open("WUPS", &["test", "val"], "test")
    }

    fn prompt(&self, preset: Preset) -> Prompt {
        prompts::question(preset)
    }

    fn read(&self, data: &DataFolder, options: &ReadOptions) -> Result<Examples> {
        let split = options.split(self)?;
        let second = data.maybe(&["add_reference_answer_test.json"])?;
        let missing = second.is_none() && split == "test";
        let second = second.map(answers).transpose()?.unwrap_or_default();
        let paths = data.maybe(&["map_vid_vidorID.json"])?;
        let paths = paths.map(read_json).transpose()?.unwrap_or_default();
        let set = |name: &str| -> Result<Gather> {
            let mut gather = Gather::new(name);
            let path = data.file(self.name(), &[&format!("{name}.csv")])?;
            gather.read(path, Entries::Rows, &mut |gather, record| {
                if record.has("a0") {
                    return Err(TaskError::Task {
                        task: self.name().to_owned(),
                        reason: format!(
                            "{} is of NExT-QA's multiple choice, whose questions are others: give the files of NExT-OE",
                            path.display()
                        ),
                    });
                }
                let (video, number) = (record.text("video")?, record.text("qid")?);
                let id = id_of(&video, &number);
                gather.required.push(id.clone());
                let key = (video, number);
                let references = References::Words {
                    answer: record.text("answer")?,
                    second: second.get(&key).filter(|_| name == "test").cloned(),
                    kind: record.text("type")?,
                };
                let question = record.text("question")?;
                let (video, _) = key;
                let inner = paths.get(&video).and_then(Value::as_str);
                let inner = inner.and_then(|path| path.rsplit('/').next()).map(str::to_owned);
                let names: Vec<String> = std::iter::once(video.clone()).chain(inner).collect();
                if let Some(parts) = gather.film(data, &names, None)? {
                    gather.push(Example {
                        answer: record.text("answer").ok(),
                        references,
                        ..Example::new(id, parts)
                            .with("question", question)
                            .with("video", video)
                    });
                }
                Ok(true)
            })?;
            Ok(gather)
        };
        let queries = set(split)?;
        let supports = set("train")?.set;
        let protocol = self.protocol();
        let mut examples = taken(
            &protocol,
            options,
            split,
            supports,
            queries.set,
            queries.required,
        );
        if missing {
            let note = "add_reference_answer_test.json is not there: half of the films of test have a second reference \
                        in it, by which the published figures are higher";
            examples.notes.push(note.to_owned());
        }
        Ok(examples)
    }

    fn submission(&self, examples: &Examples, answered: &[Answered]) -> Result<Submission> {
        let mut filled = 0;
        let mut videos: Map<String, Value> = Map::new();
        let whole = whole(examples, answered);
        for (id, answered) in &whole {
            filled += usize::from(answered.is_none());
            let answer = answered.map(|answered| text(self.name(), answered));
            let answer = answer.transpose()?.unwrap_or_default();
            let id = id.to_string();
            let (video, question) = split_id(&id);
            let questions = videos
                .entry(video)
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(questions) = questions {
                questions.insert(question.to_owned(), Value::from(answer));
            }
        }
        json(&videos, (whole.len(), filled), "an empty text")
    }
}
