//! NextQA's table: WUPS by type of question.

use std::collections::BTreeMap;

use serde::Serialize;

use super::lemmas::Lemmatizer;
use super::similarity::Similarity;
use super::wups;
use crate::error::{MetricError, Result};

/// A question with its answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NextQaItem {
    /// The video's id.
    pub video: String,
    /// The question's id within the video.
    pub question: String,
    /// The annotated answer.
    pub answer: String,
    /// A second annotated answer, which half of the test videos have.
    pub second: Option<String>,
    /// CW, CH; TN, TP, TC; DB, DC, DL or DO.
    pub kind: String,
    /// The answer to score.
    pub prediction: String,
}

/// What happens if a type has no question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingTypes {
    /// There is no table: the official script divides by the number of questions of each. The default.
    #[default]
    Refuse,
    /// Its mean is left out.
    LeaveOut,
}

/// The official table, per cent with alpha 0, not rounded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NextQaScore {
    /// The mean of each type and group, under the official names.
    pub table: BTreeMap<&'static str, f64>,
    /// The headline: over all questions, per cent.
    pub wups: f64,
    /// The same with alpha 0.9.
    pub wups_9: f64,
    /// Of each question, 0 to 1.
    pub scores: Vec<f64>,
}

/// Official names of a type and its group. TP counts in TPN with TN.
fn columns(kind: &str) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        "CW" => ("CW", "WUPS_C"),
        "CH" => ("CH", "WUPS_C"),
        "TN" | "TP" => ("TPN", "WUPS_T"),
        "TC" => ("TC", "WUPS_T"),
        "DB" => ("DB", "WUPS_D"),
        "DC" => ("DC", "WUPS_D"),
        "DL" => ("DL", "WUPS_D"),
        "DO" => ("DO", "WUPS_D"),
        _ => return None,
    })
}

/// The official columns.
const COLUMNS: [&str; 11] = [
    "CW", "CH", "WUPS_C", "TPN", "TC", "WUPS_T", "DB", "DC", "DL", "DO", "WUPS_D",
];

/// WUPS of a set of questions. Yes/no (DB) and count (DC) are right or wrong by equal lemmas, so that "two" is
/// not "2".
///
/// # Errors
///
/// No question, an unknown type, or a type without questions where that is refused.
pub fn nextqa_score(
    items: &[NextQaItem],
    lemmatizer: &Lemmatizer,
    similarity: &Similarity,
    missing: MissingTypes,
) -> Result<NextQaScore> {
    if items.is_empty() {
        return Err(MetricError::Nothing {
            metric: "WUPS",
            item: "question",
        });
    }
    let mut sums: BTreeMap<&'static str, (f64, usize)> = BTreeMap::new();
    let (mut scores, mut sum_9) = (Vec::with_capacity(items.len()), 0.0);
    for item in items {
        let (kind, group) = columns(&item.kind).ok_or_else(|| MetricError::UnknownType {
            video: item.video.clone(),
            question: item.question.clone(),
            found: item.kind.clone(),
            known: "CW, CH, TN, TP, TC, DB, DC, DL, DO",
        })?;
        let prediction = lemmatizer.kept(&item.prediction);
        let references: Vec<String> = std::iter::once(&item.answer)
            .chain(&item.second)
            .map(|answer| lemmatizer.kept(answer))
            .collect();
        let best = |alpha: f64| {
            let one = |reference: &String| match kind {
                "DB" | "DC" => f64::from(u8::from(*reference == prediction)),
                _ => wups(&prediction, reference, alpha, similarity),
            };
            references.iter().map(one).fold(0.0, f64::max)
        };
        let score = best(0.0);
        sum_9 += best(0.9);
        for column in [kind, group] {
            let (sum, count) = sums.entry(column).or_default();
            *sum += score;
            *count += 1;
        }
        scores.push(score);
    }
    let absent = COLUMNS.iter().find(|column| !sums.contains_key(*column));
    if let (MissingTypes::Refuse, Some(kind)) = (missing, absent) {
        return Err(MetricError::NoQuestionOfType { kind });
    }
    let questions = items.len() as f64;
    Ok(NextQaScore {
        table: sums
            .into_iter()
            .map(|(column, (sum, count))| (column, 100.0 * sum / count as f64))
            .collect(),
        wups: 100.0 * scores.iter().sum::<f64>() / questions,
        wups_9: 100.0 * sum_9 / questions,
        scores,
    })
}

#[cfg(test)]
mod tests {
    use super::super::similarity::Nltk;
    use super::super::wordnet::tests::small;
    use super::*;

    #[test]
    fn a_count_is_right_or_wrong_and_the_better_of_two_references_counts() {
        let dir = tempfile::tempdir().expect("a folder");
        let wordnet = small(dir.path());
        let lemmatizer = Lemmatizer {
            wordnet: &wordnet,
            tagger: None,
        };
        let similarity = Similarity::new(&wordnet, Nltk::From36);
        let item = |kind: &str, answer: &str, second: Option<&str>, prediction: &str| NextQaItem {
            kind: kind.to_owned(),
            answer: answer.to_owned(),
            second: second.map(str::to_owned),
            prediction: prediction.to_owned(),
            ..NextQaItem::default()
        };
        let items = [
            item("DC", "goose", None, "swan"),
            item("DO", "bell", Some("a goose"), "swans"),
        ];
        let score = |missing| nextqa_score(&items, &lemmatizer, &similarity, missing);
        let table = score(MissingTypes::LeaveOut).expect("two questions");
        assert_eq!(table.scores, [0.0, 2.0 / 3.0]);
        assert_eq!(table.table["WUPS_D"], 100.0 * (2.0 / 3.0) / 2.0);
        let error = score(MissingTypes::Refuse).expect_err("no question of type CW");
        assert!(error.to_string().contains("CW"), "{error}");
    }
}
