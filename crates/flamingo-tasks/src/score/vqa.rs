//! VQAv2, OKVQA, TextVQA, VizWiz: a list of `question_id` (of VizWiz also `image`) and `answer`.

use std::path::Path;

use flamingo_metrics::{VqaAnswer, VqaItem, VqaRules, vqa_score};

use super::options::{ScoreOptions, VqaVersion};
use super::scored::Scored;
use crate::error::Result;
use crate::ids::Id;
use crate::pair::pair;
use crate::read::{Record, records};
use crate::task::Task;

/// Where ids stand: VQA's own form, and VizWiz', which knows questions by their picture.
const IDS: [&str; 2] = ["question_id", "image"];

pub(super) fn score(
    task: Task,
    predictions: &Path,
    annotations: &Path,
    options: &ScoreOptions,
) -> Result<Scored> {
    let annotated = records(annotations, &["annotations", "data"])?;
    let items = annotated
        .iter()
        .map(|record| Ok((record.id(&IDS)?, item(record, options.vqa)?)));
    let items: Vec<(Id, VqaItem)> = items.collect::<Result<_>>()?;
    let predicted = records(predictions, &["annotations"])?;
    let predicted = predicted
        .iter()
        .map(|record| Ok((record.id(&IDS)?, record.text("answer")?)));
    let (pairs, matching) = pair(items, predicted.collect::<Result<_>>()?, options.partial)?;
    let items: Vec<VqaItem> = pairs
        .into_iter()
        .map(|pair| VqaItem {
            prediction: pair.prediction,
            ..pair.item
        })
        .collect();
    let rules = match options.vqa {
        VqaVersion::Official => VqaRules::OFFICIAL,
        VqaVersion::OpenFlamingo => VqaRules::OPEN_FLAMINGO,
        VqaVersion::EvalAi => VqaRules::EVALAI,
    };
    let result = vqa_score(&items, &rules)?;
    let mut scored = Scored::new(task, matching);
    scored.add("accuracy", result.overall);
    for (kind, value) in result.per_answer_type {
        scored.add(format!("accuracy, {kind}"), value);
    }
    if task == Task::Okvqa {
        let note =
            "the annotated answers are stemmed: a prediction scores only if it is stemmed likewise";
        scored.notes.push(note.to_owned());
    }
    Ok(scored)
}

fn item(record: &Record, version: VqaVersion) -> Result<VqaItem> {
    // TextVQA's own form holds ten strings, all others ten entries.
    let answers = match record.texts("answers") {
        Ok(texts) => texts
            .into_iter()
            .map(|answer| VqaAnswer {
                answer,
                ..VqaAnswer::default()
            })
            .collect(),
        Err(_) => entries(record)?,
    };
    let own = |index: usize, entry: VqaAnswer| VqaAnswer {
        answer_id: entry.answer_id.or_else(|| i64::try_from(index).ok()),
        ..entry
    };
    let answers: Vec<VqaAnswer> = match version {
        VqaVersion::OpenFlamingo => answers,
        // An annotator without a number is an annotator nevertheless.
        VqaVersion::Official | VqaVersion::EvalAi => answers
            .into_iter()
            .enumerate()
            .map(|(index, entry)| own(index, entry))
            .collect(),
    };
    Ok(VqaItem {
        answers,
        question_type: record.text("question_type").ok(),
        answer_type: record.text("answer_type").ok(),
        ..VqaItem::default()
    })
}

fn entries(record: &Record) -> Result<Vec<VqaAnswer>> {
    let entries = record.records("answers")?;
    let entries = entries.iter().map(|entry| {
        Ok(VqaAnswer {
            answer: entry.text("answer")?,
            answer_confidence: entry.text("answer_confidence").ok(),
            answer_id: entry.get("answer_id").and_then(serde_json::Value::as_i64),
        })
    });
    entries.collect()
}
