//! HatefulMemes: a meme a line, hateful or not. The paper scores the seen test set, others dev or the unseen sets.

use std::sync::Arc;

use super::gather::Gather;
use crate::answer::{Answered, Submission};
use crate::benchmark::Benchmark;
use crate::data::DataFolder;
use crate::entries::Entries;
use crate::error::Result;
use crate::example::{Example, Examples, References};
use crate::judge::probability;
use crate::prompt::{Preset, Prompt};
use crate::prompts;
use crate::submission::whole;
use crate::task::{Protocol, ReadOptions, Task, taken};

#[derive(Debug)]
pub(crate) struct HatefulMemes;

impl Task for HatefulMemes {
    fn benchmark(&self) -> Option<Benchmark> {
        Some(Benchmark::HatefulMemes)
    }

    fn name(&self) -> &'static str {
        Benchmark::HatefulMemes.name()
    }

    fn protocol(&self) -> Protocol {
        Protocol::close(
            "ROC AUC",
            &["test-seen", "dev-seen", "test-unseen", "dev-unseen"],
            "test-seen",
        )
    }

    fn prompt(&self, preset: Preset) -> Prompt {
        prompts::meme(preset)
    }

    fn read(&self, data: &DataFolder, options: &ReadOptions) -> Result<Examples> {
        let split = options.split(self)?;
        let candidates: Arc<[String]> = ["yes", "no"].map(str::to_owned).into();
        let set = |name: &str, files: &[&str]| -> Result<Gather> {
            let mut gather = Gather::new(name);
            let path = data.file(self.name(), files)?;
            gather.read(path, Entries::Lines, &mut |gather, record| {
                let id = record.id(&["id"])?;
                gather.required.push(id.clone());
                let (text, picture) = (record.text("text")?, record.text("img")?);
                let label = match record.has("label") {
                    true => Some(record.number("label")? > 0.0),
                    false => None,
                };
                let picture = picture.rsplit('/').next().unwrap_or(&picture);
                if name == "train" && label.is_none() {
                    return Err(record.other("label", "0 or 1"));
                }
                if let Some(parts) = gather.picture(data, picture)? {
                    let answer = label.map(|label| if label { "yes" } else { "no" });
                    gather.push(Example {
                        candidates: Some(Arc::clone(&candidates)),
                        answer: answer.map(str::to_owned),
                        references: label.map_or(References::None, References::Hateful),
                        ..Example::new(id, parts).with("text", text)
                    });
                }
                Ok(true)
            })?;
            Ok(gather)
        };
        let queries = match split {
            "dev-seen" => set(split, &["dev_seen.jsonl", "dev.jsonl"])?,
            "dev-unseen" => set(split, &["dev_unseen.jsonl"])?,
            "test-unseen" => set(split, &["test_unseen.jsonl"])?,
            _ => set(split, &["test_seen.jsonl", "test.jsonl"])?,
        };
        let supports = set("train", &["train.jsonl"])?.set;
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
        let mut text = "id,proba,label\n".to_owned();
        let whole = whole(examples, answered);
        for (id, answered) in &whole {
            filled += usize::from(answered.is_none());
            let hateful = answered.map(|answered| probability(self.name(), answered, 0));
            let hateful = hateful.transpose()?.unwrap_or(0.5);
            let label = u8::from(hateful > 0.5);
            text.push_str(&format!("{id},{hateful},{label}\n"));
        }
        Ok(Submission {
            ending: "csv",
            bytes: text.into_bytes(),
            items: whole.len(),
            filled,
            filler: "a probability of a half",
        })
    }
}
