//! MSRVTTQA: questions about the films of MSR-VTT, `video7.mp4`.

use super::film_qa::{FilmQa, submission};
use crate::answer::{Answered, Submission};
use crate::benchmark::Benchmark;
use crate::data::DataFolder;
use crate::error::Result;
use crate::example::Examples;
use crate::prompt::{Preset, Prompt};
use crate::prompts;
use crate::task::{Protocol, ReadOptions, Task, taken};

#[derive(Debug)]
pub(crate) struct Msrvttqa;

impl Task for Msrvttqa {
    fn benchmark(&self) -> Option<Benchmark> {
        Some(Benchmark::Msrvttqa)
    }

    fn name(&self) -> &'static str {
        Benchmark::Msrvttqa.name()
    }

    fn protocol(&self) -> Protocol {
        Protocol::open("accuracy", &["test", "val"], "test")
    }

    fn prompt(&self, preset: Preset) -> Prompt {
        prompts::question(preset)
    }

    fn read(&self, data: &DataFolder, options: &ReadOptions) -> Result<Examples> {
        let split = options.split(self)?;
        let films = FilmQa {
            data,
            names: &|number| vec![format!("video{number}")],
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
