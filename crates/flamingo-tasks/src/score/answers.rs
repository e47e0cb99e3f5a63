//! MSVDQA, MSRVTTQA (a list of `question_id` and `answer`) and iVQA (the same; ids are the rows, from 0).

use std::path::Path;

use flamingo_metrics::{AnswerReading, AnswerScore, exact_answers, ivqa as ivqa_score};

use super::judged::{Judged, samples};
use super::options::ScoreOptions;
use super::scored::Scored;
use crate::benchmark::Benchmark;
use crate::error::Result;
use crate::ids::Id;
use crate::pair::pair;
use crate::read::{records, table};

fn predicted(path: &Path) -> Result<Vec<(Id, String)>> {
    let records = records(path, &["annotations"])?;
    let answers = records
        .iter()
        .map(|record| Ok((record.id(&["question_id", "id"])?, record.text("answer")?)));
    answers.collect()
}

/// The share of right answers, and whose reading of the annotated ones.
fn judged(given: &[&str], score: AnswerScore, reading: AnswerReading) -> Judged {
    let mut judged = Judged::of(samples(given.iter().copied(), score.accuracies));
    judged.add("accuracy", 100.0 * score.mean);
    if reading == AnswerReading::Pandas {
        judged.note(
            "annotated answers are read as the official loader does: \"None\", \"nan\" and the like are never right",
        );
    }
    judged
}

/// Answers that are right if they are the same string.
pub(crate) fn judged_exact(
    answers: &[&str],
    given: &[&str],
    options: &ScoreOptions,
) -> Result<Judged> {
    let score = exact_answers(answers, given, None, options.reading)?;
    Ok(judged(given, score, options.reading))
}

/// Answers of which five annotators decide.
pub(crate) fn judged_ivqa(
    answers: &[[String; 5]],
    given: &[&str],
    options: &ScoreOptions,
) -> Result<Judged> {
    let score = ivqa_score(answers, given, None, options.reading)?;
    Ok(judged(given, score, options.reading))
}

pub(super) fn exact(
    task: Benchmark,
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
    let judged = judged_exact(&answers, &given, options)?;
    Ok(Scored::new(task, matching, judged))
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
    let judged = judged_ivqa(&answers, &given, options)?;
    Ok(Scored::new(Benchmark::Ivqa, matching, judged))
}
