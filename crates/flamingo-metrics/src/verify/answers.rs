//! Cases of VQA accuracy and of answers about videos.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::computed::{Computed, Outcome, read};
use crate::python::{Digits, Halves};
use crate::video_qa::{AnswerReading, exact_answers, ivqa as ivqa_score};
use crate::vqa::{VqaAnswer, VqaItem, VqaRules, vqa_score};
use crate::vqa_normalise::Processor;

#[derive(Deserialize)]
struct Text {
    text: String,
}

pub(super) fn normalise(case: &Value) -> Result<Computed, Outcome> {
    let Text { text } = read(case)?;
    let mut computed = Computed::new();
    for (field, processor) in [
        ("official", Processor::GtVision(Digits::Ascii)),
        ("official_python3", Processor::GtVision(Digits::Unicode)),
        ("evalai", Processor::EvalAi),
    ] {
        computed.add(field, processor.normalise(&text));
    }
    Ok(computed)
}

#[derive(Deserialize)]
struct Vqa {
    questions: Vec<Question>,
    #[serde(default = "yes")]
    answer_ids: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct Question {
    answers: Vec<String>,
    prediction: String,
    question_type: Option<String>,
    answer_type: Option<String>,
}

/// The official code under Python 3.
const PYTHON_3: VqaRules = VqaRules {
    processor: Processor::GtVision(Digits::Unicode),
    halves: Halves::ToEven,
    ..VqaRules::OFFICIAL
};

pub(super) fn vqa(case: &Value) -> Result<Computed, Outcome> {
    let Vqa {
        questions,
        answer_ids,
    } = read(case)?;
    let items: Vec<VqaItem> = questions
        .into_iter()
        .map(|question| VqaItem {
            answers: entries(question.answers, answer_ids),
            prediction: question.prediction,
            // What the annotations held where a case names no type.
            question_type: question.question_type.or_else(|| Some("x".to_owned())),
            answer_type: question.answer_type.or_else(|| Some("other".to_owned())),
        })
        .collect();
    let mut computed = Computed::new();
    for (suffix, rules) in [("", VqaRules::OFFICIAL), ("_python3", PYTHON_3)] {
        let score = vqa_score(&items, &rules)?;
        for (field, value) in [
            ("acc", json!(score.accuracies)),
            ("evalQA", json!(score.percentages)),
            ("overall", json!(score.overall)),
            ("perQuestionType", json!(score.per_question_type)),
            ("perAnswerType", json!(score.per_answer_type)),
        ] {
            computed.add(&format!("{field}{suffix}"), value);
        }
    }
    let score = vqa_score(&items, &VqaRules::OPEN_FLAMINGO)?;
    let (overall, each) = (score.overall, score.percentages);
    computed.add("open_flamingo", json!({"overall": overall, "evalQA": each}));
    let lmms = vqa_score(&items, &VqaRules::LMMS_VQAV2)?;
    computed.add("lmms_vqav2", lmms.accuracies);
    let evalai = vqa_score(&items, &VqaRules::EVALAI)?;
    computed.add("evalai_textvqa_okvqa_vizwiz", evalai.accuracies);
    Ok(computed)
}

fn entries(answers: Vec<String>, ids: bool) -> Vec<VqaAnswer> {
    let entries = answers.into_iter().zip(1..);
    entries
        .map(|(answer, id)| VqaAnswer {
            answer,
            answer_confidence: Some("yes".to_owned()),
            answer_id: ids.then_some(id),
        })
        .collect()
}

#[derive(Deserialize)]
struct Count {
    right: usize,
    total: usize,
}

pub(super) fn vqa_count(case: &Value) -> Result<Computed, Outcome> {
    let Count { right, total } = read(case)?;
    let answers = entries(vec!["no".to_owned(); 10], true);
    let item = |index: usize| VqaItem {
        answers: answers.clone(),
        prediction: if index < right { "no" } else { "yes" }.to_owned(),
        ..VqaItem::default()
    };
    let items: Vec<VqaItem> = (0..total).map(item).collect();
    let mut computed = Computed::new();
    computed.add("overall", vqa_score(&items, &VqaRules::OFFICIAL)?.overall);
    computed.add("overall_python3", vqa_score(&items, &PYTHON_3)?.overall);
    Ok(computed)
}

#[derive(Deserialize)]
struct Exact {
    answers: Vec<String>,
    predictions: Vec<Vec<String>>,
    vocabulary: Option<HashSet<String>>,
}

/// The first of the answers that were predicted for each question.
fn first(predictions: &[Vec<String>]) -> Vec<&str> {
    let first = predictions.iter().map(|ranked| ranked.first());
    first
        .map(|first| first.map_or("", String::as_str))
        .collect()
}

pub(super) fn exact(case: &Value) -> Result<Computed, Outcome> {
    let Exact {
        answers,
        predictions,
        vocabulary,
    } = read(case)?;
    let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
    let predictions = first(&predictions);
    let reading = AnswerReading::Pandas;
    let score = exact_answers(&answers, &predictions, vocabulary.as_ref(), reading)?;
    let mut computed = Computed::new();
    computed.add("acc", score.accuracies);
    computed.add("mean", score.mean);
    Ok(computed)
}

#[derive(Deserialize)]
struct Ivqa {
    answers: Vec<[String; 5]>,
    predictions: Vec<Vec<String>>,
    vocabulary: Option<HashSet<String>>,
}

pub(super) fn ivqa(case: &Value) -> Result<Computed, Outcome> {
    let Ivqa {
        answers,
        predictions,
        vocabulary,
    } = read(case)?;
    let score = |predictions: &[&str]| {
        ivqa_score(
            &answers,
            predictions,
            vocabulary.as_ref(),
            AnswerReading::Pandas,
        )
    };
    let top = score(&first(&predictions))?;
    let mut computed = Computed::new();
    computed.add("acc", top.accuracies);
    computed.add("mean", top.mean);
    // The best of all that were listed and can be.
    let longest = predictions.iter().map(Vec::len).max().unwrap_or(0);
    let mut best: Vec<Option<f64>> = vec![None; predictions.len()];
    for place in 0..longest {
        let listed: Vec<Option<&String>> =
            predictions.iter().map(|ranked| ranked.get(place)).collect();
        let texts: Vec<&str> = listed
            .iter()
            .map(|text| text.map_or("", |text| text.as_str()))
            .collect();
        for (question, accuracy) in score(&texts)?.accuracies.into_iter().enumerate() {
            let known =
                |text: &String| vocabulary.as_ref().is_none_or(|known| known.contains(text));
            if listed[question].is_some_and(known) {
                best[question] = Some(best[question].unwrap_or(0.0).max(accuracy));
            }
        }
    }
    computed.add("acc_any", best);
    Ok(computed)
}
