//! HatefulMemes: a CSV file `id,proba,label`.

use std::path::Path;

use flamingo_metrics::roc_auc;

use super::judged::{Judged, samples};
use super::options::ScoreOptions;
use super::scored::Scored;
use crate::benchmark::Benchmark;
use crate::error::Result;
use crate::ids::Id;
use crate::pair::pair;
use crate::read::{lines, table};

pub(super) fn score(
    predictions: &Path,
    annotations: &Path,
    options: &ScoreOptions,
) -> Result<Scored> {
    let memes = lines(annotations)?;
    let items = memes
        .iter()
        .map(|meme| Ok((meme.id(&["id"])?, meme.number("label")? > 0.0)));
    let rows = table(predictions)?;
    // A CSV file knows no types: what looks like a number is one.
    let predicted = rows.iter().map(|row| {
        let id = row.text("id")?;
        let id = id.trim().parse().map_or(Id::Text(id), Id::Number);
        Ok((id, row.parsed::<f64>("proba", "a probability")?))
    });
    let (pairs, matching) = pair(
        items.collect::<Result<_>>()?,
        predicted.collect::<Result<_>>()?,
        options.partial,
    )?;
    let labels: Vec<bool> = pairs.iter().map(|pair| pair.item).collect();
    let scores: Vec<f64> = pairs.iter().map(|pair| pair.prediction).collect();
    let judged = judged(&labels, &scores)?;
    Ok(Scored::new(Benchmark::HatefulMemes, matching, judged))
}

/// The area under the curve of probabilities of being hateful, and the share of right ones.
pub(crate) fn judged(labels: &[bool], scores: &[f64]) -> Result<Judged> {
    let area = roc_auc(labels, scores)?;
    let both = labels.iter().zip(scores);
    let right = both.map(|(&label, &score)| f64::from(label == (score >= 0.5)));
    let right: Vec<f64> = right.collect();
    let answers = scores
        .iter()
        .map(|&score| if score >= 0.5 { "yes" } else { "no" });
    let mut judged = Judged::of(samples(answers, right.iter().copied()));
    judged.add("ROC AUC", area.map(|area| 100.0 * area));
    let share = right.iter().sum::<f64>() / labels.len().max(1) as f64;
    judged.add("accuracy", 100.0 * share);
    if area.is_none() {
        judged.note("all memes have the same label, so ROC AUC has no value");
    }
    Ok(judged)
}
