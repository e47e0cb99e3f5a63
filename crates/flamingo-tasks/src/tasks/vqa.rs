//! What the tasks in VQA's form share: questions in one file and annotations in another, matched by id; or both in one.

use std::collections::HashMap;
use std::path::Path;

use flamingo_sequence::Part;

use super::gather::Gather;
use crate::answer::{Answered, Submission};
use crate::data::DataFolder;
use crate::entries::{Entries, each};
use crate::error::Result;
use crate::example::{Example, Examples, References, Set, VqaReferences};
use crate::ids::Id;
use crate::read::Record;
use crate::score::vqa::answers;
use crate::submission::texts;

/// How a file's entries are known.
#[derive(Clone, Copy)]
pub(super) struct Form<'a> {
    /// The name of an entry's picture.
    pub(super) picture: &'a dyn Fn(&Record) -> Result<String>,
    /// The id that a submission knows it by.
    pub(super) id: &'a dyn Fn(&Record) -> Result<Id>,
}

pub(super) const QUESTIONS: Entries = Entries::List(&["questions", "data"]);
const ANNOTATIONS: Entries = Entries::List(&["annotations"]);

/// The id of a question.
pub(super) fn question_id(record: &Record) -> Result<Id> {
    record.id(&["question_id"])
}

/// The names of COCO's pictures.
pub(super) fn coco_picture(split: &'static str) -> impl Fn(&Record) -> Result<String> {
    move |record| {
        let number = record.index("image_id")?;
        Ok(format!("COCO_{split}_{number:012}.jpg"))
    }
}

/// What is made of a question's annotators.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// A shot's answer: the first annotator's, as in OpenFlamingo.
    Shot,
    /// All that answers are judged by, too.
    Judge,
}

/// What the annotators of a question say.
struct Annotation {
    id: Id,
    answer: Option<String>,
    references: References,
}

impl Annotation {
    fn of(record: &Record, id: Id, of: Use) -> Result<Self> {
        let references = references(record)?;
        let answer = references.answers.first().map(|entry| entry.answer.clone());
        let references = match of {
            Use::Shot => References::None,
            Use::Judge => References::Vqa(references),
        };
        Ok(Self {
            id,
            answer,
            references,
        })
    }
}

fn annotations(path: &Path, of: Use, set: &mut Set) -> Result<HashMap<String, Annotation>> {
    let mut found = HashMap::new();
    each(path, ANNOTATIONS, &mut |record| {
        let annotation =
            record.and_then(|record| Annotation::of(&record, question_id(&record)?, of));
        match annotation {
            Ok(annotation) => {
                let id = annotation.id.to_string();
                if found.insert(id.clone(), annotation).is_some() {
                    set.dropped.add("annotated before, the last counts", id);
                }
            }
            Err(error) => set.dropped.add("broken annotation", error.reason()),
        }
    })?;
    Ok(found)
}

/// What the annotators of an entry say.
fn references(record: &Record) -> Result<VqaReferences> {
    let answers = answers(record)?;
    if answers.is_empty() {
        return Err(record.other("answers", "a list of at least one answer"));
    }
    Ok(VqaReferences {
        answers,
        question_type: record.text("question_type").ok(),
        answer_type: record.text("answer_type").ok(),
    })
}

fn example(id: Id, parts: Vec<Part>, question: &str, annotation: Option<Annotation>) -> Example {
    let mut example = Example::new(id, parts).with("question", question);
    if let Some(annotation) = annotation {
        example.answer = annotation.answer;
        example.references = annotation.references;
    }
    example
}

/// The questions of a file with the annotations of another, or without any.
pub(super) fn in_two_files(
    data: &DataFolder,
    name: &str,
    questions: &Path,
    annotations_at: Option<(&Path, Use)>,
    form: Form,
) -> Result<Set> {
    let mut gather = Gather::new(name);
    let mut annotated = match annotations_at {
        Some((path, of)) => Some(annotations(path, of, &mut gather.set)?),
        None => None,
    };
    gather.read(questions, QUESTIONS, &mut |gather, record| {
        let number = question_id(record)?;
        let question = record.text("question")?;
        let annotation = match &mut annotated {
            None => None,
            Some(annotated) => match annotated.remove(&number.to_string()) {
                Some(annotation) => Some(annotation),
                None => {
                    let reason = "question without an annotation";
                    gather.set.dropped.add(reason, &number);
                    return Ok(true);
                }
            },
        };
        if let Some(Annotation { id, .. }) = &annotation
            && id.kind() != number.kind()
        {
            let kinds = format!("{number}: {}, annotated as {}", number.kind(), id.kind());
            gather.set.noticed.add("id of another type", kinds);
        }
        if let Some(parts) = gather.picture(data, &(form.picture)(record)?)? {
            gather.push(example((form.id)(record)?, parts, &question, annotation));
        }
        Ok(true)
    })?;
    let mut left: Vec<String> = annotated.unwrap_or_default().into_keys().collect();
    left.sort_by_key(|id| (id.len(), id.clone()));
    for id in left {
        gather.set.dropped.add("annotation without a question", id);
    }
    Ok(gather.set)
}

/// The questions of a file that has their answers, if they are published.
pub(super) fn in_one_file(
    data: &DataFolder,
    name: &str,
    path: &Path,
    answered: Option<Use>,
    form: Form,
) -> Result<Set> {
    let mut gather = Gather::new(name);
    gather.read(path, QUESTIONS, &mut |gather, record| {
        let (id, question) = ((form.id)(record)?, record.text("question")?);
        let annotation = answered.map(|of| Annotation::of(record, id.clone(), of));
        let annotation = annotation.transpose()?;
        if let Some(parts) = gather.picture(data, &(form.picture)(record)?)? {
            gather.push(example(id, parts, &question, annotation));
        }
        Ok(true)
    })?;
    Ok(gather.set)
}

/// The ids of a file of questions, in order.
pub(super) fn required(questions: &Path, form: Form) -> Result<Vec<Id>> {
    let mut ids = Vec::new();
    each(questions, QUESTIONS, &mut |record| {
        ids.extend(record.and_then(|record| (form.id)(&record)).ok());
    })?;
    Ok(ids)
}

/// A list of `question_id` and `answer`.
pub(super) fn submission(
    task: &str,
    examples: &Examples,
    answered: &[Answered],
) -> Result<Submission> {
    texts(task, ["question_id", "answer"], examples, answered)
}
