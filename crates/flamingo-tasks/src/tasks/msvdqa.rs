//! MSVDQA: questions about YouTube's films, whose names a mapping gives: films are `vid7` or have that name.

use std::collections::HashMap;
use std::path::Path;

use super::film_qa::{FilmQa, submission};
use crate::answer::{Answered, Submission};
use crate::benchmark::Benchmark;
use crate::data::DataFolder;
use crate::error::Result;
use crate::example::Examples;
use crate::prompt::{Preset, Prompt};
use crate::prompts;
use crate::read::bytes;
use crate::task::{Protocol, ReadOptions, Task, taken};

#[derive(Debug)]
pub(crate) struct Msvdqa;

impl Task for Msvdqa {
    fn benchmark(&self) -> Option<Benchmark> {
        Some(Benchmark::Msvdqa)
    }

    fn name(&self) -> &'static str {
        Benchmark::Msvdqa.name()
    }

    fn protocol(&self) -> Protocol {
        Protocol::open("accuracy", &["test", "val"], "test")
    }

    fn prompt(&self, preset: Preset) -> Prompt {
        prompts::question(preset)
    }

    fn read(&self, data: &DataFolder, options: &ReadOptions) -> Result<Examples> {
        let split = options.split(self)?;
        let mapping = data.maybe(&["youtube_mapping.txt"])?;
        let mapping = mapping.map(mapped).transpose()?.unwrap_or_default();
        let films = FilmQa {
            data,
            names: &|number| {
                let own = format!("vid{number}");
                let mapped = mapping.get(&own).cloned();
                std::iter::once(own).chain(mapped).collect()
            },
        };
        let supports = films.set("train", data.file(self.name(), &["train_qa.json"])?)?;
        let path = data.file(self.name(), &[&format!("{split}_qa.json")])?;
        let queries = films.set(split, path)?;
        let protocol = self.protocol();
        Ok(taken(
            &protocol,
            options,
            split,
            supports,
            queries,
            films.required(path)?,
        ))
    }

    fn submission(&self, examples: &Examples, answered: &[Answered]) -> Result<Submission> {
        submission(self.name(), examples, answered)
    }
}

/// YouTube's names by number, a line each: `NAME vid7`.
fn mapped(path: &Path) -> Result<HashMap<String, String>> {
    let text = String::from_utf8_lossy(&bytes(path)?).into_owned();
    let lines = text.lines().filter_map(|line| {
        let (name, number) = line.trim().rsplit_once(char::is_whitespace)?;
        Some((number.to_owned(), name.trim().to_owned()))
    });
    Ok(lines.collect())
}
