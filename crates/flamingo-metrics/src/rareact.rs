//! RareAct's mWAP: weighted average precision, averaged over the actions.
//!
//! Agrees with `compute_score.py` of antoine77340/RareAct (e9166df56e35) without its sampling.

use std::collections::HashMap;

use crate::error::{MetricError, Result, same_length};
use crate::python::is_missing;
use crate::ranked::weighted_average_precision;

/// A row of `rareact.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clip {
    /// The video that the clip is cut of.
    pub video: String,
    /// The column of the clip's action in the scores.
    pub class: usize,
    /// What is done.
    pub verb: String,
    /// What it is done to.
    pub noun: String,
    /// 1 shows the action; 2, 3 and 4 show one of its words or neither but are hard to tell; 0 does not.
    pub annotation: i64,
}

/// The mean over the actions that are shown at least once, and each of them.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightedAp {
    /// 0 to 1.
    pub mean: f64,
    /// Verb and noun, 0 to 1, in the order in which the actions first come.
    pub per_action: Vec<(String, f64)>,
}

/// The groups whose clips share a weight: one for each video that they are of.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Group {
    Positive,
    Hard,
    Negative,
}

/// Two words as pandas compares them: one of its words for a missing value equals nothing, itself included.
fn same(a: &str, b: &str) -> bool {
    a == b && !is_missing(a)
}

/// mWAP of `scores[clip][class]`.
///
/// For each action: its own clips, and the positive clips of all other actions as negatives, hard ones if
/// verb or noun is the same. A clip weighs 1 / (clips of its video in the same group).
///
/// # Errors
///
/// Not a row of scores for each clip, a class beyond a row, a score that is no finite number, or no positive
/// clip.
pub fn rareact_mwap(clips: &[Clip], scores: &[Vec<f64>]) -> Result<WeightedAp> {
    same_length(("clips", clips.len()), ("rows of scores", scores.len()))?;
    let actions = actions(clips);
    let mut per_action = Vec::new();
    for &(verb, noun, class) in &actions {
        let is_action = |clip: &Clip| {
            [(&clip.verb, verb), (&clip.noun, noun)]
                .iter()
                .all(|(a, b)| a == b || (is_missing(a) && is_missing(b)))
        };
        let mut samples: Vec<(usize, Group)> = Vec::new();
        for (index, clip) in clips.iter().enumerate() {
            let (verb_same, noun_same) = (same(&clip.verb, verb), same(&clip.noun, noun));
            if is_action(clip) {
                samples.push((
                    index,
                    match clip.annotation {
                        1 => Group::Positive,
                        0 => Group::Negative,
                        _ => Group::Hard,
                    },
                ));
            }
            if clip.annotation == 1 && !(verb_same && noun_same) {
                let hard = verb_same || noun_same;
                samples.push((index, if hard { Group::Hard } else { Group::Negative }));
            }
        }
        if samples.iter().any(|(_, group)| *group == Group::Positive) {
            let ap = weighted(clips, scores, class, &samples)?;
            per_action.push((format!("{verb} {noun}"), ap));
        }
    }
    if per_action.is_empty() {
        return Err(MetricError::Nothing {
            metric: "mWAP",
            item: "clip with annotation 1",
        });
    }
    let sum: f64 = per_action.iter().map(|(_, ap)| ap).sum();
    Ok(WeightedAp {
        mean: sum / per_action.len() as f64,
        per_action,
    })
}

/// The actions in the order in which they first come, each with the class of its last clip.
fn actions(clips: &[Clip]) -> Vec<(&str, &str, usize)> {
    let key = |word: &'_ str| {
        if is_missing(word) {
            String::new()
        } else {
            word.to_owned()
        }
    };
    let mut places = HashMap::new();
    let mut actions: Vec<(&str, &str, usize)> = Vec::new();
    for clip in clips {
        let place = *places
            .entry((key(&clip.verb), key(&clip.noun)))
            .or_insert(actions.len());
        match actions.get_mut(place) {
            Some(action) => action.2 = clip.class,
            None => actions.push((&clip.verb, &clip.noun, clip.class)),
        }
    }
    actions
}

fn weighted(
    clips: &[Clip],
    scores: &[Vec<f64>],
    class: usize,
    samples: &[(usize, Group)],
) -> Result<f64> {
    let mut counts: HashMap<(Group, &str), f64> = HashMap::new();
    for &(index, group) in samples {
        *counts.entry((group, &clips[index].video)).or_default() += 1.0;
    }
    let mut labels = Vec::with_capacity(samples.len());
    let mut values = Vec::with_capacity(samples.len());
    let mut weights = Vec::with_capacity(samples.len());
    for &(index, group) in samples {
        let row = &scores[index];
        values.push(*row.get(class).ok_or(MetricError::Bound {
            what: "class",
            index,
            value: class,
            bound: row.len(),
        })?);
        labels.push(group == Group::Positive);
        weights.push(1.0 / counts[&(group, clips[index].video.as_str())]);
    }
    weighted_average_precision(&labels, &values, &weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(video: &str, class: usize, verb: &str, noun: &str, annotation: i64) -> Clip {
        Clip {
            video: video.to_owned(),
            class,
            verb: verb.to_owned(),
            noun: noun.to_owned(),
            annotation,
        }
    }

    #[test]
    fn clips_of_one_video_weigh_one_together_and_positives_of_others_are_negatives() {
        let clips = [
            clip("p", 0, "peel", "lemon", 1),
            clip("q", 0, "peel", "lemon", 0),
            clip("q", 0, "peel", "lemon", 0),
            clip("r", 1, "hammer", "phone", 1),
        ];
        let scores = [
            vec![0.5, 0.1],
            vec![0.9, 0.2],
            vec![0.8, 0.3],
            vec![0.7, 0.9],
        ];
        let score = rareact_mwap(&clips, &scores).expect("two actions with positives");
        // Above the one positive stand two clips of one video, 1 together, and one of another, 1.
        let expected = 1.0 / 3.0;
        assert_eq!(score.per_action[0].0, "peel lemon");
        assert!(
            (score.per_action[0].1 - expected).abs() < 1e-12,
            "{score:?}"
        );
        assert!(
            (score.mean - (expected + 1.0) / 2.0).abs() < 1e-12,
            "{score:?}"
        );
    }

    #[test]
    fn without_positives_there_is_no_score() {
        let score = rareact_mwap(&[clip("p", 0, "peel", "lemon", 0)], &[vec![0.5]]);
        assert!(matches!(score, Err(MetricError::Nothing { .. })));
    }
}
