//! What the tasks in VQA's form share: a file of questions, a file of annotations, matched by id.

use std::collections::HashMap;
use std::path::Path;

use crate::data::DataFolder;
use crate::entries::{Entries, each};
use crate::error::Result;
use crate::example::{Example, Examples, References, Set, VqaReferences};
use crate::ids::Id;
use crate::read::Record;
use crate::score::vqa::answers;
use crate::submission::texts;
use crate::task::{Answered, Submission};

/// The name of an entry's picture.
pub(super) type PictureName<'a> = &'a dyn Fn(&Record) -> Result<String>;

pub(super) const QUESTIONS: Entries = Entries::List(&["questions", "data"]);
const ANNOTATIONS: Entries = Entries::List(&["annotations"]);

/// The names of COCO's pictures.
pub(super) fn coco_picture(split: &'static str) -> impl Fn(&Record) -> Result<String> {
    move |record| {
        Ok(format!(
            "COCO_{split}_{:012}.jpg",
            record.index("image_id")?
        ))
    }
}

/// What the annotators of a question say.
struct Annotation {
    id: Id,
    references: VqaReferences,
}

fn annotations(path: &Path, set: &mut Set) -> Result<HashMap<String, Annotation>> {
    let mut found = HashMap::new();
    each(path, ANNOTATIONS, &mut |record| {
        let annotation = record.and_then(|record| {
            let id = record.id(&["question_id"])?;
            let references = references(&record)?;
            Ok(Annotation { id, references })
        });
        match annotation {
            Ok(annotation) => {
                let id = annotation.id.to_string();
                if found.insert(id.clone(), annotation).is_some() {
                    set.dropped.add("annotated twice, the last counts", id);
                }
            }
            Err(error) => set.dropped.add("broken annotation", error.reason()),
        }
    })?;
    Ok(found)
}

/// What the annotators of an entry say.
pub(super) fn references(record: &Record) -> Result<VqaReferences> {
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

/// An example of a question and what was annotated.
pub(super) fn example(
    id: Id,
    parts: Vec<flamingo_sequence::Part>,
    question: &str,
    references: Option<VqaReferences>,
) -> Example {
    let mut example = Example::new(id, parts).with("question", question);
    if let Some(references) = references {
        // The first annotator's answer is the shot's, as in OpenFlamingo.
        example.answer = references.answers.first().map(|entry| entry.answer.clone());
        example.references = References::Vqa(references);
    }
    example
}

/// The questions of a file with the annotations of another, or without any.
pub(super) fn questions_and_annotations(
    data: &DataFolder,
    name: &str,
    questions: &Path,
    annotations_at: Option<&Path>,
    picture: PictureName,
) -> Result<Set> {
    let mut set = Set {
        name: name.to_owned(),
        ..Set::default()
    };
    let mut annotated = match annotations_at {
        Some(path) => Some(annotations(path, &mut set)?),
        None => None,
    };
    let mut stop = Ok(());
    each(questions, QUESTIONS, &mut |record| {
        set.entries += 1;
        let question = record.and_then(|record| {
            let id = record.id(&["question_id"])?;
            Ok((id, picture(&record)?, record.text("question")?))
        });
        let (id, picture, question) = match question {
            Ok(question) => question,
            Err(error) => return set.dropped.add("broken question", error.reason()),
        };
        let annotation = match &mut annotated {
            None => None,
            Some(annotated) => match annotated.remove(&id.to_string()) {
                Some(annotation) => Some(annotation),
                None => return set.dropped.add("question without an annotation", id),
            },
        };
        if let Some(annotation) = &annotation
            && annotation.id.kind() != id.kind()
        {
            let name = format!("{id}: {}, annotated as {}", id.kind(), annotation.id.kind());
            set.noticed.add("id of another type", name);
        }
        match data.picture(&picture) {
            Ok(Some(part)) => {
                let references = annotation.map(|annotation| annotation.references);
                set.examples
                    .push(example(id, vec![part], &question, references));
            }
            Ok(None) => set.dropped.add("picture that is not there", picture),
            Err(error) => stop = Err(error),
        }
    })?;
    stop?;
    let mut left: Vec<String> = annotated.unwrap_or_default().into_keys().collect();
    left.sort_by_key(|id| (id.len(), id.clone()));
    for id in left {
        set.dropped.add("annotation without a question", id);
    }
    set.usable = set.examples.len();
    Ok(set)
}

/// The ids of a file of questions, in order.
pub(super) fn required(questions: &Path) -> Result<Vec<Id>> {
    let mut ids = Vec::new();
    each(questions, QUESTIONS, &mut |record| {
        ids.extend(record.and_then(|record| record.id(&["question_id"])).ok());
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
