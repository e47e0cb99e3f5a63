//! STAR: a list of `question_id` and `answer`, the text of a choice or its number.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::judged::Judged;
use super::options::ScoreOptions;
use super::scored::Scored;
use crate::benchmark::Benchmark;
use crate::error::Result;
use crate::pair::pair;
use crate::read::{form, records};

/// A question: its type, the right text, and the choices by number.
struct Question {
    kind: String,
    answer: String,
    choices: Vec<(u64, String)>,
}

pub(super) fn score(
    predictions: &Path,
    annotations: &Path,
    options: &ScoreOptions,
) -> Result<Scored> {
    let mut items = Vec::new();
    for question in records(annotations, &["questions"])? {
        let id = question.id(&["question_id"])?;
        let kind = id
            .to_string()
            .split('_')
            .next()
            .unwrap_or_default()
            .to_owned();
        let choices = question.records("choices")?;
        let choices = choices
            .iter()
            .map(|choice| Ok((choice.index("choice_id")? as u64, choice.text("choice")?)));
        let choices = choices.collect::<Result<_>>()?;
        items.push((
            id,
            Question {
                kind,
                answer: question.text("answer")?,
                choices,
            },
        ));
    }
    let predicted = records(predictions, &["questions"])?;
    let predicted = predicted.iter().map(|record| {
        let answer = record.get("answer").cloned().unwrap_or_default();
        let id = record.id(&["question_id"])?;
        match answer.is_string() || answer.is_u64() {
            true => Ok((id, answer)),
            false => Err(form(
                predictions,
                format!("the answer of {id} is neither a text nor a choice's number"),
            )),
        }
    });
    let (pairs, matching) = pair(items, predicted.collect::<Result<_>>()?, options.partial)?;
    let right = pairs.iter().map(|pair| {
        let question = &pair.item;
        let given = match &pair.prediction {
            Value::String(text) => Some(text.as_str()),
            number => {
                let mut choices = question.choices.iter();
                let choice = choices.find(|(id, _)| Some(*id) == number.as_u64());
                choice.map(|(_, text)| text.as_str())
            }
        };
        (
            question.kind.as_str(),
            given == Some(question.answer.as_str()),
        )
    });
    let mut judged = Judged::default();
    by_type(&mut judged, &right.collect::<Vec<_>>());
    Ok(Scored::new(Benchmark::Star, matching, judged))
}

/// The shares of right answers: the mean over types of question, over all questions, and of each type.
pub(crate) fn by_type(judged: &mut Judged, answers: &[(&str, bool)]) {
    let mut types: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for &(kind, right) in answers {
        let (found, count) = types.entry(kind).or_default();
        *found += usize::from(right);
        *count += 1;
    }
    let percent = |(right, count): (usize, usize)| 100.0 * right as f64 / count.max(1) as f64;
    let of_types: Vec<f64> = types.values().map(|&counts| percent(counts)).collect();
    let mean = of_types.iter().sum::<f64>() / of_types.len().max(1) as f64;
    let all = answers.iter().filter(|(_, right)| *right).count();
    judged.add("accuracy, mean over types", mean);
    judged.add("accuracy, over questions", percent((all, answers.len())));
    for (kind, counts) in types {
        judged.add(format!("accuracy, {kind}"), percent(counts));
    }
}
