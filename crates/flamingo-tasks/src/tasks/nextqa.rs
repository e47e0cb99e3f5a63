//! NextQA, open-ended: questions by film, a second reference for half of the films of test.

use std::path::Path;

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
use crate::read::{Record, json as read_json};
use crate::score::nextqa::{Answers, answers, id as id_of, split_id};
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
        let paths = data.maybe(&["map_vid_vidorID.json"])?;
        let files = Files {
            data,
            second: second.map(answers).transpose()?,
            paths: paths.map(read_json).transpose()?.unwrap_or_default(),
        };
        let file = |name: &str| data.file(self.name(), &[&format!("{name}.csv")]);
        let queries = files.set(split, file(split)?)?;
        let supports = files.set("train", file("train")?)?.set;
        let protocol = self.protocol();
        let mut examples = taken(
            &protocol,
            options,
            split,
            supports,
            queries.set,
            queries.required,
        );
        if files.second.is_none() && split == "test" {
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

/// What questions are read with.
struct Files<'a> {
    data: &'a DataFolder,
    /// Second annotators' answers.
    second: Option<Answers>,
    /// VidOR's paths by film.
    paths: Value,
}

impl Files<'_> {
    /// The questions of a file.
    fn set(&self, name: &str, path: &Path) -> Result<Gather> {
        let mut gather = Gather::new(name);
        gather.read(path, Entries::Rows, &mut |gather, record| {
            if record.has("a0") {
                return Err(multiple_choice(path));
            }
            let (film, number) = (record.text("video")?, record.text("qid")?);
            let id = id_of(&film, &number);
            gather.required.push(id.clone());
            let example = Example {
                answer: Some(record.text("answer")?),
                references: self.references(record, &film, number, name == "test")?,
                ..Example::new(id, Vec::new())
                    .with("question", record.text("question")?)
                    .with("video", &film)
            };
            let path = self.paths.get(&film).and_then(Value::as_str);
            let inner = path.and_then(|path| path.rsplit('/').next());
            let inner = inner.map(str::to_owned);
            let names: Vec<String> = std::iter::once(film).chain(inner).collect();
            if let Some(parts) = gather.film(self.data, &names, None)? {
                gather.push(Example { parts, ..example });
            }
            Ok(true)
        })?;
        Ok(gather)
    }

    fn references(
        &self,
        record: &Record,
        film: &str,
        number: String,
        test: bool,
    ) -> Result<References> {
        let second = self.second.as_ref().filter(|_| test);
        let second = second.and_then(|second| second.get(&(film.to_owned(), number)));
        Ok(References::Words {
            answer: record.text("answer")?,
            second: second.cloned(),
            kind: record.text("type")?,
        })
    }
}

fn multiple_choice(path: &Path) -> TaskError {
    TaskError::Task {
        task: Benchmark::Nextqa.name().to_owned(),
        reason: format!(
            "{} is of NExT-QA's multiple choice, whose questions are others: give the files of NExT-OE",
            path.display()
        ),
    }
}
