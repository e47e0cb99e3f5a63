//! HatefulMemes: a CSV file `id,proba,label`.

use std::path::Path;

use flamingo_metrics::roc_auc;

use super::options::ScoreOptions;
use super::scored::Scored;
use crate::error::Result;
use crate::ids::Id;
use crate::pair::pair;
use crate::read::{lines, table};
use crate::task::Task;

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
    let area = roc_auc(&labels, &scores)?;
    let right = pairs
        .iter()
        .filter(|pair| pair.item == (pair.prediction >= 0.5))
        .count();
    let mut scored = Scored::new(Task::HatefulMemes, matching);
    scored.add("ROC AUC", area.map(|area| 100.0 * area));
    scored.add(
        "accuracy",
        100.0 * right as f64 / labels.len().max(1) as f64,
    );
    if area.is_none() {
        let note = "all memes have the same label, so ROC AUC has no value";
        scored.notes.push(note.to_owned());
    }
    Ok(scored)
}
