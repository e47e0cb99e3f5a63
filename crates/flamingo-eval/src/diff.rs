//! Two runs side by side: which samples changed, and whether the scores differ by more than chance.

mod compared;
mod groups;
mod lmms;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;

use flamingo_tasks::counted;
use serde::Serialize;

use crate::statistics::{Paired, mean, paired};
use crate::{Error, Result};
pub use compared::{Compared, Group};
pub use groups::read_groups;

/// Changed samples that a report on a terminal names.
const TOLD: usize = 10;
/// Letters of an answer that it shows.
const SHOWN: usize = 60;

/// How two runs differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The first, as it was named.
    pub first: String,
    /// The second, as it was named.
    pub second: String,
    /// What both have.
    pub groups: Vec<GroupDifference>,
    /// What only one has.
    pub alone: Vec<String>,
}

/// How two sets of samples differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupDifference {
    /// What they are.
    pub name: String,
    /// Samples that both have.
    pub samples: usize,
    /// Samples that only one has.
    pub unmatched: usize,
    /// The mean score of the first.
    pub first: Option<f64>,
    /// The mean score of the second.
    pub second: Option<f64>,
    /// The paired test of the samples that have a score in both.
    pub test: Option<Paired>,
    /// Samples of which the answer or the score changed: the largest loss first, the largest gain last.
    pub changed: Vec<Change>,
}

/// A sample that changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The sample.
    pub id: String,
    /// The answer of the first.
    pub first: String,
    /// The answer of the second.
    pub second: String,
    /// The score of the first.
    pub first_score: Option<f64>,
    /// The score of the second.
    pub second_score: Option<f64>,
}

impl Change {
    fn gain(&self) -> f64 {
        self.second_score.unwrap_or(0.0) - self.first_score.unwrap_or(0.0)
    }
}

/// Compares two runs: folders of runs, samples files of ours or of lmms-eval (`..._samples_TASK.jsonl`), of which
/// `metric` names the score.
///
/// # Errors
/// If they cannot be read, or have no sample in common.
pub fn diff(first: &Path, second: &Path, metric: Option<&str>) -> Result<Difference> {
    let (a, b) = (read_groups(first, metric)?, read_groups(second, metric)?);
    let (mut groups, mut alone) = (Vec::new(), Vec::new());
    match (&a[..], &b[..]) {
        // Two files are compared whatever they are.
        ([a], [b]) => {
            let name = match a.name == b.name {
                true => a.name.clone(),
                false => format!("{} and {}", a.name, b.name),
            };
            groups.push(compare(name, a, b));
        }
        _ => {
            for one in &a {
                match b.iter().find(|other| other.name == one.name) {
                    Some(other) => groups.push(compare(one.name.clone(), one, other)),
                    None => alone.push(format!("{} (first)", one.name)),
                }
            }
            let only = b
                .iter()
                .filter(|one| a.iter().all(|other| other.name != one.name));
            alone.extend(only.map(|one| format!("{} (second)", one.name)));
        }
    }
    if groups.iter().all(|group| group.samples == 0) {
        return Err(Error::Options(format!(
            "{} and {} have no sample in common: their ids or their numbers of shots differ",
            first.display(),
            second.display()
        )));
    }
    Ok(Difference {
        first: first.display().to_string(),
        second: second.display().to_string(),
        groups,
        alone,
    })
}

/// Compares two sets of samples by their ids.
pub fn compare(name: String, first: &Group, second: &Group) -> GroupDifference {
    let by_id: HashMap<&str, &Compared> = second
        .samples
        .iter()
        .map(|sample| (sample.id.as_str(), sample))
        .collect();
    let pairs: Vec<(&Compared, &Compared)> = first
        .samples
        .iter()
        .filter_map(|sample| Some((sample, *by_id.get(sample.id.as_str())?)))
        .collect();
    let scored: Vec<(f64, f64)> = pairs
        .iter()
        .filter_map(|(a, b)| Some((a.score?, b.score?)))
        .collect();
    let (a, b): (Vec<f64>, Vec<f64>) = scored.into_iter().unzip();
    let changes = pairs
        .iter()
        .filter(|(a, b)| a.answer != b.answer || a.score != b.score);
    let mut changed: Vec<Change> = changes
        .map(|(a, b)| Change {
            id: a.id.clone(),
            first: a.answer.clone(),
            second: b.answer.clone(),
            first_score: a.score,
            second_score: b.score,
        })
        .collect();
    changed.sort_by(|a, b| a.gain().total_cmp(&b.gain()));
    let some = |scores: &[f64]| (!scores.is_empty()).then(|| mean(scores));
    GroupDifference {
        name,
        samples: pairs.len(),
        unmatched: first.samples.len() + second.samples.len() - 2 * pairs.len(),
        first: some(&a),
        second: some(&b),
        test: paired(&a, &b),
        changed,
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "first:  {}\nsecond: {}", self.first, self.second)?;
        for group in &self.groups {
            write!(f, "\n\n{group}")?;
        }
        if !self.alone.is_empty() {
            write!(f, "\n\nonly in one: {}", self.alone.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for GroupDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, counted(self.samples, "sample"))?;
        if self.unmatched > 0 {
            write!(f, ", {} only in one", self.unmatched)?;
        }
        if let (Some(first), Some(second)) = (self.first, self.second) {
            write!(f, "\n  mean score {first:.4}, then {second:.4}")?;
        }
        if let Some(test) = &self.test {
            write!(
                f,
                "\n  difference {:+.4} ± {:.4} (standard error), 95% [{:+.4}, {:+.4}], ",
                test.difference, test.standard_error, test.interval.low, test.interval.high
            )?;
            match test.t {
                Some(t) => write!(f, "t {t:.2}, ")?,
                None => write!(f, "no spread, ")?,
            }
            write!(f, "p {:.2}", test.p)?;
            if test.p < 0.005 {
                write!(f, " ({:.1e})", test.p)?;
            }
        }
        write!(f, "\n  {} changed", self.changed.len())?;
        for change in told(&self.changed) {
            let score =
                |score: Option<f64>| score.map_or_else(|| "-".into(), |s| format!("{s:.2}"));
            write!(
                f,
                "\n  {}: {:?} ({}) -> {:?} ({})",
                change.id,
                cut(&change.first),
                score(change.first_score),
                cut(&change.second),
                score(change.second_score)
            )?;
        }
        let left_out = self.changed.len() - told(&self.changed).count();
        if left_out > 0 {
            write!(f, "\n  and {left_out} more: --json names all")?;
        }
        Ok(())
    }
}

/// The worst and the best.
fn told(changed: &[Change]) -> impl Iterator<Item = &Change> {
    let half = TOLD / 2;
    let last = changed
        .len()
        .saturating_sub(half)
        .max(half.min(changed.len()));
    changed[..half.min(changed.len())]
        .iter()
        .chain(&changed[last..])
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn group(scores: &[(&str, &str, f64)]) -> Group {
        let samples = scores.iter().map(|(id, answer, score)| Compared {
            id: (*id).into(),
            answer: (*answer).into(),
            score: Some(*score),
        });
        Group {
            name: "4 shots".into(),
            samples: samples.collect(),
        }
    }

    #[test]
    fn changed_samples_are_sorted_from_the_largest_loss_to_the_largest_gain() {
        let first = group(&[
            ("a", "pig", 1.0),
            ("b", "pig", 0.0),
            ("c", "cow", 1.0),
            ("d", "x", 0.0),
        ]);
        let second = group(&[
            ("c", "cow", 1.0),
            ("b", "ant", 1.0),
            ("a", "ant", 0.0),
            ("e", "y", 0.0),
        ]);
        let compared = compare("4 shots".into(), &first, &second);
        assert_eq!((compared.samples, compared.unmatched), (3, 2));
        let changed: Vec<&str> = compared
            .changed
            .iter()
            .map(|change| change.id.as_str())
            .collect();
        assert_eq!(changed, ["a", "b"]);
        assert_eq!(compared.test.map(|test| test.difference), Some(0.0));
        let told = compared.to_string();
        assert!(
            told.contains("a: \"pig\" (1.00) -> \"ant\" (0.00)"),
            "{told}"
        );
        assert!(told.contains("3 samples, 2 only in one"), "{told}");
    }

    #[test]
    fn of_many_changes_the_worst_and_the_best_are_told() {
        let change = |at: usize| Change {
            id: at.to_string(),
            first: String::new(),
            second: String::new(),
            first_score: Some(0.0),
            second_score: Some(at as f64),
        };
        for count in [0, 3, 7, 10, 11, 23] {
            let changes: Vec<Change> = (0..count).map(change).collect();
            let ids: Vec<usize> = told(&changes).map(|c| c.id.parse().unwrap()).collect();
            let expected: Vec<usize> = match count {
                ..=10 => (0..count).collect(),
                _ => (0..5).chain(count - 5..count).collect(),
            };
            assert_eq!(ids, expected, "{count}");
        }
    }
}
