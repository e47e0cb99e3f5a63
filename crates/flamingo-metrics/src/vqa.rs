//! VQA accuracy: VQAv2, OKVQA, TextVQA, VizWiz.
//!
//! Agrees with `vqaEval.py` of GT-Vision-Lab/VQA (a013f0043c1e), with `vqa_metric.py` of OpenFlamingo
//! (655f693fbfa0), and with lmms-eval (75571cfe0fa3), by [`VqaRules`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{MetricError, Result};
use crate::python::{Digits, Halves, round2};
use crate::vqa_normalise::{Processor, one_line};

/// One annotator's answer, with what else the annotation says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VqaAnswer {
    /// The answer.
    pub answer: String,
    /// `yes`, `maybe` or `no`.
    #[serde(default)]
    pub answer_confidence: Option<String>,
    /// The annotator, from 1; files made by OpenFlamingo for VizWiz have none.
    #[serde(default)]
    pub answer_id: Option<i64>,
}

/// A question with its annotators' answers and the answer to score.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VqaItem {
    /// The annotators' answers, usually ten.
    pub answers: Vec<VqaAnswer>,
    /// The answer to score.
    pub prediction: String,
    /// What the question begins with, in VQAv2.
    pub question_type: Option<String>,
    /// `yes/no`, `number` or `other`.
    pub answer_type: Option<String>,
}

/// The rules that the official versions disagree about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VqaRules {
    /// When answers are normalised.
    pub when: When,
    /// How.
    pub processor: Processor,
    /// Who the other annotators are.
    pub others: Others,
    /// How percentages are rounded to two decimals.
    pub halves: Halves,
}

/// When answers are normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Not at all where the annotators' strings are all the same: then "No" is wrong for ten times "no".
    UnlessUnanimous,
    /// Always.
    Always,
}

/// Who the other annotators are, whose answers are counted when one is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// Those whose entries differ. Without `answer_id`, equal entries drop out together, so that ten equal
    /// answers and the right prediction score 0.
    Different,
    /// All but the one.
    Rest,
}

impl VqaRules {
    /// GT-Vision-Lab/VQA under Python 2: the official code. The default.
    pub const OFFICIAL: Self = Self {
        when: When::UnlessUnanimous,
        processor: Processor::GtVision(Digits::Ascii),
        others: Others::Different,
        halves: Halves::AwayFromZero,
    };
    /// OpenFlamingo's copy, whose published figures these are: always normalises; Python 3. Of VizWiz, whose
    /// entries have no `answer_id` there, equal answers drop out together.
    pub const OPEN_FLAMINGO: Self = Self {
        when: When::Always,
        processor: Processor::GtVision(Digits::Unicode),
        others: Others::Different,
        halves: Halves::ToEven,
    };
    /// lmms-eval's VQAv2: the official normalisation, always.
    pub const LMMS_VQAV2: Self = Self::OPEN_FLAMINGO;
    /// lmms-eval's TextVQA, OK-VQA and VizWiz: EvalAI's processor, every annotator counts for himself.
    pub const EVALAI: Self = Self {
        when: When::Always,
        processor: Processor::EvalAi,
        others: Others::Rest,
        halves: Halves::ToEven,
    };
}

impl Default for VqaRules {
    fn default() -> Self {
        Self::OFFICIAL
    }
}

/// The accuracy of a set of questions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VqaScore {
    /// Per cent, rounded to two decimals.
    pub overall: f64,
    /// Per cent for each question type, rounded; empty if no question has one.
    pub per_question_type: BTreeMap<String, f64>,
    /// Per cent for each answer type, rounded.
    pub per_answer_type: BTreeMap<String, f64>,
    /// 0 to 1 for each question, not rounded.
    pub accuracies: Vec<f64>,
    /// Per cent for each question, rounded.
    pub percentages: Vec<f64>,
}

/// The accuracy of one answer, 0 to 1: the mean over annotators of min(1, matches among the others / 3).
#[must_use]
pub fn vqa_accuracy(item: &VqaItem, rules: &VqaRules) -> f64 {
    if item.answers.is_empty() {
        return 0.0;
    }
    let raw: Vec<String> = item
        .answers
        .iter()
        .map(|entry| one_line(&entry.answer))
        .collect();
    let unanimous = raw.windows(2).all(|two| two[0] == two[1]);
    let (texts, prediction) = match rules.when == When::UnlessUnanimous && unanimous {
        true => (raw, one_line(&item.prediction)),
        false => (
            raw.iter()
                .map(|text| rules.processor.normalise(text))
                .collect(),
            rules.processor.normalise(&item.prediction),
        ),
    };
    let identity = |index: usize| {
        let entry = &item.answers[index];
        (&texts[index], &entry.answer_confidence, entry.answer_id)
    };
    let counts = |left_out: usize, other: usize| match rules.others {
        Others::Rest => other != left_out,
        Others::Different => identity(other) != identity(left_out),
    };
    let sum: f64 = (0..texts.len())
        .map(|left_out| {
            let matches = (0..texts.len())
                .filter(|&other| texts[other] == prediction && counts(left_out, other))
                .count();
            (matches as f64 / 3.0).min(1.0)
        })
        .sum();
    sum / texts.len() as f64
}

/// The accuracy of a set of questions.
///
/// # Errors
///
/// No question, or one without answers.
pub fn vqa_score(items: &[VqaItem], rules: &VqaRules) -> Result<VqaScore> {
    if items.is_empty() {
        return Err(MetricError::Nothing {
            metric: "VQA accuracy",
            item: "question",
        });
    }
    if let Some(index) = items.iter().position(|item| item.answers.is_empty()) {
        return Err(MetricError::NoReference { index });
    }
    let accuracies: Vec<f64> = items.iter().map(|item| vqa_accuracy(item, rules)).collect();
    let percent = |values: &[f64]| {
        let sum: f64 = values.iter().sum();
        round2(100.0 * sum / values.len() as f64, rules.halves)
    };
    let by = |kind: fn(&VqaItem) -> Option<&String>| {
        let mut groups: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for (item, &accuracy) in items.iter().zip(&accuracies) {
            if let Some(kind) = kind(item) {
                groups.entry(kind.clone()).or_default().push(accuracy);
            }
        }
        groups
            .into_iter()
            .map(|(kind, values)| (kind, percent(&values)))
            .collect()
    };
    Ok(VqaScore {
        overall: percent(&accuracies),
        per_question_type: by(|item| item.question_type.as_ref()),
        per_answer_type: by(|item| item.answer_type.as_ref()),
        percentages: accuracies
            .iter()
            .map(|accuracy| round2(100.0 * accuracy, rules.halves))
            .collect(),
        accuracies,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(answers: &[(&str, usize)], ids: bool, prediction: &str) -> VqaItem {
        let texts = answers
            .iter()
            .flat_map(|&(text, count)| std::iter::repeat_n(text, count));
        VqaItem {
            answers: texts
                .zip(1..)
                .map(|(text, id)| VqaAnswer {
                    answer: text.to_owned(),
                    answer_confidence: Some("yes".to_owned()),
                    answer_id: ids.then_some(id),
                })
                .collect(),
            prediction: prediction.to_owned(),
            ..VqaItem::default()
        }
    }

    #[test]
    fn one_to_four_of_ten_annotators_score_three_six_nine_and_ten_tenths() {
        for (count, expected) in [(0, 0.0), (1, 0.3), (2, 0.6), (3, 0.9), (4, 1.0), (9, 1.0)] {
            let item = item(&[("teal", count), ("plum", 10 - count)], true, "teal");
            let accuracy = vqa_accuracy(&item, &VqaRules::OFFICIAL);
            assert!((accuracy - expected).abs() < 1e-12, "{count}: {accuracy}");
        }
    }

    #[test]
    fn unanimous_answers_are_not_normalised_by_the_official_code_alone() {
        let item = item(&[("kiwi", 10)], true, "Kiwi.");
        assert_eq!(vqa_accuracy(&item, &VqaRules::OFFICIAL), 0.0);
        assert_eq!(vqa_accuracy(&item, &VqaRules::OPEN_FLAMINGO), 1.0);
        assert_eq!(vqa_accuracy(&item, &VqaRules::EVALAI), 1.0);
    }

    #[test]
    fn equal_entries_without_ids_drop_out_together_in_the_official_code() {
        let item = item(&[("unanswerable", 10)], false, "unanswerable");
        assert_eq!(vqa_accuracy(&item, &VqaRules::OPEN_FLAMINGO), 0.0);
        assert_eq!(vqa_accuracy(&item, &VqaRules::EVALAI), 1.0);
    }
}
