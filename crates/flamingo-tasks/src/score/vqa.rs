//! VQAv2, OKVQA, TextVQA, VizWiz: a list of `question_id` (of VizWiz also `image`) and `answer`.

use std::path::Path;

use flamingo_metrics::{VqaAnswer, VqaItem, VqaRules, vqa_score};

use super::judged::{Judged, samples};
use super::options::{ScoreOptions, VqaVersion};
use super::scored::Scored;
use crate::benchmark::Benchmark;
use crate::error::Result;
use crate::ids::Id;
use crate::pair::pair;
use crate::read::{Record, records};

/// Where ids stand: VQA's own form, and VizWiz', which knows questions by their picture.
const IDS: [&str; 2] = ["question_id", "image"];

pub(super) fn score(
    task: Benchmark,
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
    Ok(Scored::new(task, matching, judged(task, &items, options)?))
}

/// VQA accuracy, and by kind of answer.
pub(crate) fn judged(task: Benchmark, items: &[VqaItem], options: &ScoreOptions) -> Result<Judged> {
    let rules = match options.vqa {
        VqaVersion::Official => VqaRules::OFFICIAL,
        VqaVersion::OpenFlamingo => VqaRules::OPEN_FLAMINGO,
        VqaVersion::EvalAi => VqaRules::EVALAI,
    };
    let stems = options.stems.filter(|_| task == Benchmark::Okvqa);
    let stemmed: Vec<VqaItem>;
    let items = match stems {
        None => items,
        Some(stems) => {
            let stem = |item: &VqaItem| VqaItem {
                prediction: stems.stem(&item.prediction, options.wordnet),
                ..item.clone()
            };
            stemmed = items.iter().map(stem).collect();
            &stemmed
        }
    };
    let result = vqa_score(items, &rules)?;
    let answers = items.iter().map(|item| item.prediction.as_str());
    let mut judged = Judged::of(samples(answers, result.accuracies));
    judged.add("accuracy", result.overall);
    for (kind, value) in result.per_answer_type {
        judged.add(format!("accuracy, {kind}"), value);
    }
    match (task, stems) {
        (Benchmark::Okvqa, None) => judged.note(
            "the annotated answers are stemmed: a prediction scores only if it is stemmed likewise",
        ),
        (Benchmark::Okvqa, Some(stems)) => judged.note(format!(
            "predictions are stemmed by {} words of the annotations{}",
            stems.len(),
            if options.wordnet.is_some() {
                ", all others by WordNet"
            } else {
                "; all others are left as they are, as WordNet was not given"
            }
        )),
        _ => {}
    }
    Ok(judged)
}

fn item(record: &Record, version: VqaVersion) -> Result<VqaItem> {
    let answers = annotators(answers(record)?, version);
    Ok(VqaItem {
        answers,
        question_type: record.text("question_type").ok(),
        answer_type: record.text("answer_type").ok(),
        ..VqaItem::default()
    })
}

/// The annotators by these rules: all but OpenFlamingo's know one without a number from the others.
pub(crate) fn annotators(answers: Vec<VqaAnswer>, version: VqaVersion) -> Vec<VqaAnswer> {
    if version == VqaVersion::OpenFlamingo {
        return answers;
    }
    let own = |(index, entry): (usize, VqaAnswer)| VqaAnswer {
        answer_id: entry.answer_id.or_else(|| i64::try_from(index).ok()),
        ..entry
    };
    answers.into_iter().enumerate().map(own).collect()
}

/// The annotated answers of a question.
pub(crate) fn answers(record: &Record) -> Result<Vec<VqaAnswer>> {
    // TextVQA's own form holds ten strings, all others ten entries.
    match record.texts("answers") {
        Ok(texts) => Ok(texts
            .into_iter()
            .map(|answer| VqaAnswer {
                answer,
                ..VqaAnswer::default()
            })
            .collect()),
        Err(_) => entries(record),
    }
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
