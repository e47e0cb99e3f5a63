//! STAR: questions about situations in Charades' films, four choices each. The answers of test are not published.

use super::gather::{Gather, span};
use crate::answer::{Answered, Submission};
use crate::benchmark::Benchmark;
use crate::data::DataFolder;
use crate::entries::Entries;
use crate::error::Result;
use crate::example::{Example, Examples, References};
use crate::judge::text;
use crate::prompt::{Preset, Prompt};
use crate::prompts;
use crate::read::Record;
use crate::submission::{json, whole};
use crate::task::{Protocol, ReadOptions, Task, taken};

#[derive(Debug)]
pub(crate) struct Star;

impl Task for Star {
    fn benchmark(&self) -> Option<Benchmark> {
        Some(Benchmark::Star)
    }

    fn name(&self) -> &'static str {
        Benchmark::Star.name()
    }

    fn protocol(&self) -> Protocol {
        Protocol::close("accuracy, mean over types", &["val", "test"], "test")
    }

    fn prompt(&self, preset: Preset) -> Prompt {
        prompts::question(preset)
    }

    fn read(&self, data: &DataFolder, options: &ReadOptions) -> Result<Examples> {
        let split = options.split(self)?;
        let set = |name: &str| -> Result<Gather> {
            let mut gather = Gather::new(name);
            let path = data.file(self.name(), &[&format!("STAR_{name}.json")])?;
            gather.read(path, Entries::List(&[]), &mut |gather, record| {
                gather.required.push(record.id(&["question_id"])?);
                let film = record.text("video_id")?;
                let question = question(record, name != "test")?;
                let span = span(record, "start", "end")?;
                if let Some(parts) = gather.film(data, &[], Some((&film, span)))? {
                    gather.push(Example { parts, ..question });
                }
                Ok(true)
            })?;
            Ok(gather)
        };
        let queries = set(split)?;
        let supports = set("train")?.set;
        let protocol = self.protocol();
        Ok(taken(
            &protocol,
            options,
            split,
            supports,
            queries.set,
            queries.required,
        ))
    }

    fn submission(&self, examples: &Examples, answered: &[Answered]) -> Result<Submission> {
        let mut filled = 0;
        let mut items = Vec::new();
        for (id, answered) in whole(examples, answered) {
            filled += usize::from(answered.is_none());
            let answer = answered.map(|answered| text(self.name(), answered));
            let answer = answer.transpose()?.unwrap_or_default();
            items.push(serde_json::json!({"question_id": id, "answer": answer}));
        }
        json(&items, (items.len(), filled), "an empty text")
    }
}

/// An entry without its film.
fn question(record: &Record, answered: bool) -> Result<Example> {
    let id = record.id(&["question_id"])?;
    let kind = id.to_string();
    let kind = kind.split('_').next().map(str::to_owned);
    let mut choices = Vec::new();
    for choice in record.records("choices")? {
        choices.push((choice.index("choice_id")?, choice.text("choice")?));
    }
    choices.sort_by_key(|(number, _)| *number);
    let choices: Vec<String> = choices.into_iter().map(|(_, text)| text).collect();
    if choices.is_empty() {
        return Err(record.other("choices", "a list of at least one choice"));
    }
    let mut example = Example::new(id, Vec::new()).with("question", record.text("question")?);
    if answered {
        let answer = record.text("answer")?;
        let right = choices.iter().position(|choice| *choice == answer);
        let right =
            right.ok_or_else(|| record.other("answer", "the text of one of the choices"))?;
        example.references = References::Choice { right, kind };
        example.answer = Some(answer);
    }
    example.candidates = Some(choices.into());
    Ok(example)
}
