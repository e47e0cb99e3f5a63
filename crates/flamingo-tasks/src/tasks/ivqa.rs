//! iVQA: a question a row, five annotators. A question's id is its row, from 0; films are clips named
//! `{video_id}_{start}_{end}`, or whole films.

use super::film_qa::submission;
use super::gather::{Gather, place_id, places, span};
use crate::answer::{Answered, Submission};
use crate::benchmark::Benchmark;
use crate::data::DataFolder;
use crate::entries::Entries;
use crate::error::Result;
use crate::example::{Example, Examples, References};
use crate::prompt::{Preset, Prompt};
use crate::prompts;
use crate::task::{Protocol, ReadOptions, Task, taken};

#[derive(Debug)]
pub(crate) struct Ivqa;

impl Task for Ivqa {
    fn benchmark(&self) -> Option<Benchmark> {
        Some(Benchmark::Ivqa)
    }

    fn name(&self) -> &'static str {
        Benchmark::Ivqa.name()
    }

    fn protocol(&self) -> Protocol {
        Protocol::open("accuracy", &["test", "val"], "test")
    }

    fn prompt(&self, preset: Preset) -> Prompt {
        prompts::question(preset)
    }

    fn read(&self, data: &DataFolder, options: &ReadOptions) -> Result<Examples> {
        let split = options.split(self)?;
        let set = |name: &str| -> Result<Gather> {
            let mut gather = Gather::new(name);
            let path = data.file(self.name(), &[&format!("{name}.csv")])?;
            gather.read(path, Entries::Rows, &mut |gather, record| {
                let id = place_id(gather.place);
                let mut five: [String; 5] = Default::default();
                for (answer, number) in five.iter_mut().zip(1..) {
                    *answer = record.text(&format!("answer{number}"))?;
                }
                let film = record.text("video_id")?;
                let question = record.text("question")?;
                let seconds = span(record, "start", "end").ok();
                let mut cut = vec![film.clone()];
                if let (Ok(start), Ok(end)) = (record.text("start"), record.text("end")) {
                    cut.insert(0, format!("{film}_{start}_{end}"));
                }
                let whole = seconds.map(|span| (film.as_str(), span));
                if whole.is_some() {
                    cut.pop();
                }
                if let Some(parts) = gather.film(data, &cut, whole)? {
                    gather.push(Example {
                        answer: most_frequent(&five).map(str::to_owned),
                        references: References::Five(five),
                        ..Example::new(id, parts).with("question", question)
                    });
                }
                Ok(true)
            })?;
            Ok(gather)
        };
        let queries = set(split)?.set;
        let required = places(queries.entries);
        let supports = set("train")?.set;
        let protocol = self.protocol();
        Ok(taken(
            &protocol, options, split, supports, queries, required,
        ))
    }

    fn submission(&self, examples: &Examples, answered: &[Answered]) -> Result<Submission> {
        submission(self.name(), examples, answered)
    }
}

/// The answer that most annotators gave, the first of equal ones: a shot's.
fn most_frequent(answers: &[String; 5]) -> Option<&str> {
    let count = |wanted: &String| answers.iter().filter(|answer| *answer == wanted).count();
    let mut best: Option<&String> = None;
    for answer in answers.iter().filter(|answer| !answer.is_empty()) {
        if best.is_none_or(|best| count(answer) > count(best)) {
            best = Some(answer);
        }
    }
    best.map(String::as_str)
}
