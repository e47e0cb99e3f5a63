//! VisDial: a list of `image_id`, `round_id` from 1 and `ranks` of the 100 options, 1 the best.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use flamingo_metrics::{ndcg, rank_score};

use super::judged::Judged;
use super::options::ScoreOptions;
use super::scored::Scored;
use crate::benchmark::Benchmark;
use crate::error::{Result, TaskError};
use crate::ids::{Id, Matching};
use crate::pair::pair;
use crate::read::{Record, form, json, record, records};

pub(super) fn score(
    predictions: &Path,
    annotations: &[PathBuf],
    options: &ScoreOptions,
) -> Result<Scored> {
    let mut larger: Option<Matching> = None;
    let mut take = |matching: Matching| {
        // The larger set is the one to tell of.
        if larger
            .as_ref()
            .is_none_or(|old| matching.annotated > old.annotated)
        {
            larger = Some(matching);
        }
    };
    let mut gains = None;
    let mut places = None;
    for path in annotations {
        let value = json(path)?;
        if value.is_array() {
            let dense = dense(path)?;
            // Predictions of the other nine rounds are no mistake.
            let rounds: HashSet<String> = dense.iter().map(|(id, _)| id.to_string()).collect();
            let ranks = ranks(predictions)?.into_iter();
            let ranks = ranks.filter(|(id, _)| rounds.contains(&id.to_string()));
            let (pairs, matching) = pair(dense, ranks.collect(), options.partial)?;
            let found = pairs.iter().map(|pair| ndcg(&pair.prediction, &pair.item));
            gains = Some(found.collect::<Result<Vec<_>, _>>()?);
            take(matching);
        } else {
            let file = record(path, "the file".to_owned(), value)?;
            let rounds = rounds(path, &file)?;
            let (pairs, matching) = pair(rounds, ranks(predictions)?, options.partial)?;
            let found = pairs.iter().map(|pair| {
                let rank = pair.prediction.get(pair.item).copied();
                rank.ok_or_else(|| {
                    form(path, format!("gt_index {} is beyond the ranks", pair.item))
                })
            });
            places = Some(found.collect::<Result<Vec<_>>>()?);
            take(matching);
        }
    }
    let matching = larger.ok_or_else(|| TaskError::Needs {
        task: Benchmark::Visdial,
        what: "a file of annotations".to_owned(),
    })?;
    let mut judged = Judged::default();
    add(&mut judged, gains.as_deref(), places.as_deref())?;
    Ok(Scored::new(Benchmark::Visdial, matching, judged))
}

/// NDCG of the rounds whose options' relevance was annotated, and the figures of the place of the answer given.
pub(crate) fn add(
    judged: &mut Judged,
    gains: Option<&[Option<f64>]>,
    places: Option<&[usize]>,
) -> Result<()> {
    if let Some(gains) = gains {
        let sum: Option<f64> = gains.iter().copied().sum();
        judged.add("NDCG", sum.map(|sum| 100.0 * sum / gains.len() as f64));
        if sum.is_none() {
            judged.note("a round has no relevant option, so NDCG has no value");
        }
    }
    if let Some(places) = places {
        let score = rank_score(places)?;
        judged.add("MRR", 100.0 * score.mrr);
        judged.add("R@1", 100.0 * score.recall_1);
        judged.add("R@5", 100.0 * score.recall_5);
        judged.add("R@10", 100.0 * score.recall_10);
        judged.add("mean rank", score.mean);
    }
    Ok(())
}

/// A round's id.
pub(crate) fn id(image: &Id, round: impl std::fmt::Display) -> Id {
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
