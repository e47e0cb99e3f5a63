//! RareAct: a matrix of scores, a row for each row of `rareact.csv`, a column for each class; `.npy` or JSON.

use std::path::Path;

use flamingo_metrics::{Clip, rareact_mwap};
use serde_json::Value;

use super::judged::Judged;
use super::scored::Scored;
use crate::benchmark::Benchmark;
use crate::error::Result;
use crate::ids::Matching;
use crate::npy;
use crate::read::{Record, form, json, table};

pub(super) fn score(predictions: &Path, annotations: &Path) -> Result<Scored> {
    let rows = table(annotations)?;
    let clips = rows.iter().map(clip).collect::<Result<Vec<_>>>()?;
    let scores = match predictions.extension().is_some_and(|end| end == "npy") {
        true => npy::matrix(predictions)?,
        false => json_matrix(predictions)?,
    };
    let count = clips.len();
    let matching = Matching {
        annotated: count,
        predicted: count,
        scored: count,
        ..Matching::default()
    };
    let judged = judged(&clips, &scores)?;
    Ok(Scored::new(Benchmark::Rareact, matching, judged))
}

/// mWAP of a matrix, a row a clip.
pub(crate) fn judged(clips: &[Clip], scores: &[Vec<f64>]) -> Result<Judged> {
    let score = rareact_mwap(clips, scores)?;
    let mut judged = Judged::default();
    judged.add("mWAP", 100.0 * score.mean);
    let actions = score.per_action.len();
    judged.note(format!("the mean of {actions} actions with positive clips"));
    Ok(judged)
}

/// A row of `rareact.csv`.
pub(crate) fn clip(row: &Record) -> Result<Clip> {
    Ok(Clip {
        video: row.text("video_id")?,
        class: row.parsed("class_id", "a class's number")?,
        verb: row.text("verb")?,
        noun: row.text("noun")?,
        annotation: row.parsed("annotation", "0 to 4")?,
    })
}

fn json_matrix(path: &Path) -> Result<Vec<Vec<f64>>> {
    let value = json(path)?;
    let rows = value.as_array().map(|rows| rows.iter().map(row));
    let rows = rows.and_then(Iterator::collect::<Option<Vec<_>>>);
    rows.ok_or_else(|| form(path, "is no list of rows of numbers"))
}

fn row(row: &Value) -> Option<Vec<f64>> {
    row.as_array()?.iter().map(Value::as_f64).collect()
}
