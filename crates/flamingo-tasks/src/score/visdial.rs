//! VisDial: a list of `image_id`, `round_id` from 1 and `ranks` of the 100 options, 1 the best.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use flamingo_metrics::{ndcg, rank_score};

use super::options::ScoreOptions;
use super::scored::Scored;
use crate::error::{Result, TaskError};
use crate::ids::{Id, Matching};
use crate::pair::pair;
use crate::read::{Record, form, json, record, records};
use crate::task::Task;

pub(super) fn score(
    predictions: &Path,
    annotations: &[PathBuf],
    options: &ScoreOptions,
) -> Result<Scored> {
    let mut scored: Option<Scored> = None;
    let mut take = |matching: Matching| {
        let scored = scored.get_or_insert_with(|| Scored::new(Task::Visdial, Matching::default()));
        // The larger set is the one to tell of.
        if matching.annotated > scored.matching.annotated {
            scored.matching = matching;
        }
    };
    let mut metrics: Vec<(&str, Option<f64>)> = Vec::new();
    for path in annotations {
        let value = json(path)?;
        let file = match value.is_array() {
            true => None,
            false => Some(record(path, "the file".to_owned(), value)?),
        };
        match file {
            None => {
                let dense = dense(path)?;
                // Predictions of the other nine rounds are no mistake.
                let rounds = dense
                    .iter()
                    .map(|(id, _)| id.to_string())
                    .collect::<Vec<_>>();
                let ranks = ranks(predictions)?;
                let ranks = ranks
                    .into_iter()
                    .filter(|(id, _)| rounds.contains(&id.to_string()));
                let (pairs, matching) = pair(dense, ranks.collect(), options.partial)?;
                let gains = pairs.iter().map(|pair| ndcg(&pair.prediction, &pair.item));
                let gains = gains.collect::<Result<Vec<_>, _>>()?;
                let count = gains.len() as f64;
                let sum: Option<f64> = gains.into_iter().sum();
                metrics.insert(0, ("NDCG", sum.map(|sum| 100.0 * sum / count)));
                take(matching);
            }
            Some(file) => {
                let (pairs, matching) =
                    pair(rounds(path, &file)?, ranks(predictions)?, options.partial)?;
                let true_ranks = pairs.iter().map(|pair| {
                    let rank = pair.prediction.get(pair.item).copied();
                    rank.ok_or_else(|| {
                        form(path, format!("gt_index {} is beyond the ranks", pair.item))
                    })
                });
                let score = rank_score(&true_ranks.collect::<Result<Vec<_>>>()?)?;
                metrics.extend([
                    ("MRR", Some(100.0 * score.mrr)),
                    ("R@1", Some(100.0 * score.recall_1)),
                    ("R@5", Some(100.0 * score.recall_5)),
                    ("R@10", Some(100.0 * score.recall_10)),
                    ("mean rank", Some(score.mean)),
                ]);
                take(matching);
            }
        }
    }
    let mut scored = scored.ok_or_else(|| TaskError::Needs {
        task: Task::Visdial,
        what: "a file of annotations".to_owned(),
    })?;
    for (name, value) in metrics {
        if name == "NDCG" && value.is_none() {
            let note = "a round has no relevant option, so NDCG has no value";
            scored.notes.push(note.to_owned());
        }
        scored.add(name, value);
    }
    Ok(scored)
}

fn id(image: &Id, round: impl std::fmt::Display) -> Id {
    Id::Text(format!("{image}, round {round}"))
}

fn dense(path: &Path) -> Result<Vec<(Id, Vec<f64>)>> {
    let records = records(path, &[])?;
    let rounds = records.iter().map(|record| {
        let name = if record.has("gt_relevance") {
            "gt_relevance"
        } else {
            "relevance"
        };
        let id = id(&record.id(&["image_id"])?, record.id(&["round_id"])?);
        Ok((id, record.numbers(name)?))
    });
    rounds.collect()
}

/// Every round's true option.
fn rounds(path: &Path, file: &Record) -> Result<Vec<(Id, usize)>> {
    let data = file.get("data").cloned();
    let data = data.ok_or_else(|| form(path, "is neither a list of rounds nor has `data`"))?;
    let data = record(path, "`data`".to_owned(), data)?;
    let mut items = Vec::new();
    for dialogue in data.records("dialogs")? {
        let image = dialogue.id(&["image_id"])?;
        for (round, turn) in dialogue.records("dialog")?.iter().enumerate() {
            // The last round of a test dialogue has options and no answer.
            if turn.has("gt_index") {
                items.push((id(&image, round + 1), turn.index("gt_index")?));
            }
        }
    }
    Ok(items)
}

fn ranks(path: &Path) -> Result<Vec<(Id, Vec<usize>)>> {
    let records = records(path, &[])?;
    let mut all = Vec::with_capacity(records.len());
    for record in &records {
        let id = id(&record.id(&["image_id"])?, record.id(&["round_id"])?);
        let ranks: Vec<usize> = record
            .numbers("ranks")?
            .iter()
            .map(|&rank| rank as usize)
            .collect();
        let mut seen: HashMap<usize, usize> = HashMap::new();
        ranks
            .iter()
            .for_each(|&rank| *seen.entry(rank).or_default() += 1);
        if (1..=ranks.len()).any(|rank| seen.get(&rank) != Some(&1)) {
            let count = ranks.len();
            return Err(form(
                path,
                format!("{id}: `ranks` are not 1 to {count}, each once"),
            ));
        }
        all.push((id, ranks));
    }
    Ok(all)
}
