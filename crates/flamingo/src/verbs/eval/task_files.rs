//! What the files of a task hold, for all verbs that read them.

use std::path::{Path, PathBuf};

use clap::Args;
use flamingo::eval::TaskRun;
use flamingo::tasks::{
    DataFolder, Examples, Preset, Prompt, ReadOptions, Set, Task, counted, task,
};

use super::lexicon::Lexicon;
use super::rules::RulesArgs;
use crate::args::at_least_one;
use crate::failure::{Failure, Hint, Result, say};

/// A task's queries.
#[derive(Debug, Args)]
pub(super) struct TaskFilesArgs {
    /// The task: a benchmark, `own` (JSON lines of parts and answers) or `folder` (a folder for each class)
    #[arg(value_name = "TASK")]
    task: String,
    /// Its files: a folder, or of `own` the file of its queries
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// The split whose queries are taken [default: the paper's, or the nearest with published answers]
    #[arg(long, value_name = "NAME")]
    split: Option<String>,
    /// So many queries, spread over all of them [default: all]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    limit: Option<usize>,
}

impl TaskFilesArgs {
    /// The task that is named.
    pub(super) fn task(&self) -> Result<Box<dyn Task>> {
        named(&self.task)
    }

    /// What its files hold, and told what of them cannot be used.
    pub(super) fn read(&self, task: Box<dyn Task>) -> Result<TaskFiles> {
        let options = ReadOptions {
            split: self.split.clone(),
            limit: self.limit,
            ..ReadOptions::default()
        };
        let files = TaskFiles::read(task, &self.data, &options)?;
        tell(&files.examples);
        Ok(files)
    }
}

/// A task of this name.
pub(super) fn named(name: &str) -> Result<Box<dyn Task>> {
    task(name).hint("`flamingo eval run --help` says what a task is")
}

/// A task with what its files hold, asked by the paper's prompts and the rules' defaults.
pub(super) struct TaskFiles {
    pub(super) task: Box<dyn Task>,
    pub(super) examples: Examples,
    prompt: Prompt,
    lexicon: Lexicon,
}

impl TaskFiles {
    /// Reads them.
    pub(super) fn read(task: Box<dyn Task>, data: &Path, options: &ReadOptions) -> Result<Self> {
        Ok(Self {
            examples: examples(&*task, data, options)?,
            prompt: task.prompt(Preset::default()),
            lexicon: Lexicon::default(),
            task,
        })
    }

    pub(super) fn task_run(&self) -> TaskRun<'_> {
        TaskRun {
            task: &*self.task,
            examples: &self.examples,
            prompt: &self.prompt,
            rules: RulesArgs::default().options(false, &self.lexicon),
        }
    }
}

/// The examples of a task's files, of which there is at least one query.
pub(super) fn examples(task: &dyn Task, data: &Path, options: &ReadOptions) -> Result<Examples> {
    let examples = task.read(&DataFolder::new(data), options)?;
    if examples.queries.examples.is_empty() {
        let dropped = &examples.queries.dropped;
        return Err(Failure::new(format!(
            "{} holds no query that can be asked: {dropped}",
            data.display()
        )));
    }
    Ok(examples)
}

/// What of the files cannot be used, before anything is asked.
pub(super) fn tell(examples: &Examples) {
    let sets: [(&str, &Set); 2] = [
        ("support", &examples.supports),
        ("query", &examples.queries),
    ];
    for (what, set) in sets {
        if set.dropped.count() > 0 {
            say(&format!(
                "warning: {} of {} {} left out: {}\n",
                set.dropped.count(),
                counted(set.entries, what),
                if set.dropped.count() == 1 {
                    "is"
                } else {
                    "are"
                },
                set.dropped
            ));
        }
        if set.noticed.count() > 0 {
            say(&format!(
                "note: of {}: {}\n",
                counted(set.entries, what),
                set.noticed
            ));
        }
    }
    for note in &examples.notes {
        say(&format!("note: {note}\n"));
    }
}
