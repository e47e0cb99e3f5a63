//! MSVDQA, MSRVTTQA (a list of `question_id` and `answer`) and iVQA (the same; ids are the rows, from 0).

use std::path::Path;

use flamingo_metrics::{AnswerReading, exact_answers, ivqa as ivqa_score};

use super::options::ScoreOptions;
use super::scored::Scored;
use crate::error::Result;
use crate::ids::Id;
use crate::pair::pair;
use crate::read::{records, table};
use crate::task::Task;

fn predicted(path: &Path) -> Result<Vec<(Id, String)>> {
    let records = records(path, &["annotations"])?;
    let answers = records
        .iter()
        .map(|record| Ok((record.id(&["question_id", "id"])?, record.text("answer")?)));
    answers.collect()
}

fn note(scored: &mut Scored, reading: AnswerReading) {
    if reading == AnswerReading::Pandas {
        let note = "annotated answers are read as the official loader does: \"None\", \"nan\" and the like are never \
                    right";
        scored.notes.push(note.to_owned());
    }
}

pub(super) fn exact(
    task: Task,
    predictions: &Path,
    annotations: &Path,
    options: &ScoreOptions,
) -> Result<Scored> {
    let questions = records(annotations, &["annotations"])?;
    let items = questions
        .iter()
        .map(|record| Ok((record.id(&["id", "question_id"])?, record.text("answer")?)));
    let items = items.collect::<Result<_>>()?;
    let (pairs, matching) = pair(items, predicted(predictions)?, options.partial)?;
    let answers: Vec<&str> = pairs.iter().map(|pair| pair.item.as_str()).collect();
    let given: Vec<&str> = pairs.iter().map(|pair| pair.prediction.as_str()).collect();
    let score = exact_answers(&answers, &given, None, options.reading)?;
    let mut scored = Scored::new(task, matching);
    scored.add("accuracy", 100.0 * score.mean);
    note(&mut scored, options.reading);
    Ok(scored)
}

pub(super) fn ivqa(
    predictions: &Path,
    annotations: &Path,
    options: &ScoreOptions,
) -> Result<Scored> {
    let rows = table(annotations)?;
    let mut items = Vec::with_capacity(rows.len());
    for (row, id) in rows.iter().zip(0..) {
        let mut five: [String; 5] = Default::default();
        for (answer, number) in five.iter_mut().zip(1..) {
            *answer = row.text(&format!("answer{number}"))?;
        }
        items.push((Id::Number(id), five));
    }
    let (pairs, matching) = pair(items, predicted(predictions)?, options.partial)?;
    let given: Vec<&str> = pairs.iter().map(|pair| pair.prediction.as_str()).collect();
    let answers: Vec<[String; 5]> = pairs.iter().map(|pair| pair.item.clone()).collect();
    let score = ivqa_score(&answers, &given, None, options.reading)?;
    let mut scored = Scored::new(Task::Ivqa, matching);
    scored.add("accuracy", 100.0 * score.mean);
    note(&mut scored, options.reading);
    Ok(scored)
}
