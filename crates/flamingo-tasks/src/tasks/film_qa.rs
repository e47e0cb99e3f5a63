//! Questions about films in xudejing's form, which MSVDQA and MSRVTTQA share: one right answer each.

use std::path::Path;

use super::gather::Gather;
use crate::answer::{Answered, Submission};
use crate::data::DataFolder;
use crate::entries::{Entries, each};
use crate::error::Result;
use crate::example::{Example, Examples, References, Set};
use crate::ids::Id;
use crate::submission::texts;

/// Where films are.
pub(super) struct FilmQa<'a> {
    pub(super) data: &'a DataFolder,
    /// The names that a film may have, by its number.
    pub(super) names: &'a dyn Fn(usize) -> Vec<String>,
}

const QUESTIONS: Entries = Entries::List(&[]);

impl FilmQa<'_> {
    /// The questions of a file.
    pub(super) fn set(&self, name: &str, path: &Path) -> Result<Set> {
        let mut gather = Gather::new(name);
        gather.read(path, QUESTIONS, &mut |gather, record| {
            let (id, question) = (record.id(&["id"])?, record.text("question")?);
            let answer = record.text("answer")?;
            let names = (self.names)(record.index("video_id")?);
            if let Some(parts) = gather.film(self.data, &names, None)? {
                gather.push(Example {
                    answer: Some(answer.clone()),
                    references: References::Exact(vec![answer]),
                    ..Example::new(id, parts).with("question", question)
                });
            }
            Ok(true)
        })?;
        Ok(gather.set)
    }

    /// The ids of a file, in order.
    pub(super) fn required(&self, path: &Path) -> Result<Vec<Id>> {
        let mut ids = Vec::new();
        each(path, QUESTIONS, &mut |record| {
            ids.extend(record.and_then(|record| record.id(&["id"])).ok());
        })?;
        Ok(ids)
    }
}

/// A list of `question_id` and `answer`.
pub(super) fn submission(
    task: &str,
    examples: &Examples,
    answered: &[Answered],
) -> Result<Submission> {
    texts(task, ["question_id", "answer"], examples, answered)
}
