//! ImageNet and Kinetics700: a list of `id` and `labels`, the classes best first (or one `label`).
//!
//! ImageNet's annotations are a folder with a folder a class; a picture's id is its file name. Those of Kinetics
//! are the CSV file; a clip's id is `{youtube_id}_{start}_{end}`, six digits each.

use std::fs;
use std::path::Path;

use super::judged::Judged;
use super::options::ScoreOptions;
use super::scored::Scored;
use crate::benchmark::Benchmark;
use crate::error::{Result, TaskError};
use crate::ids::Id;
use crate::pair::pair;
use crate::read::{form, records, table};

pub(super) fn score(
    task: Benchmark,
    predictions: &Path,
    annotations: &Path,
    options: &ScoreOptions,
) -> Result<Scored> {
    let items = match task {
        Benchmark::Kinetics700 => clips(annotations)?,
        _ => pictures(annotations)?,
    };
    let predicted = records(predictions, &["predictions"])?;
    let predicted = predicted.iter().map(|record| {
        let labels = match record.has("labels") {
            true => record.texts("labels")?,
            false => vec![record.text("label")?],
        };
        Ok((record.id(&["id", "image"])?, labels))
    });
    let (pairs, matching) = pair(items, predicted.collect::<Result<_>>()?, options.partial)?;
    if pairs.is_empty() {
        return Err(form(
            predictions,
            "holds no prediction of an annotated item",
        ));
    }
    let within = |k: usize| {
        let right = pairs.iter().filter(|pair| {
            pair.prediction
                .iter()
                .take(k)
                .any(|label| *label == pair.item)
        });
        100.0 * right.count() as f64 / pairs.len() as f64
    };
    let mut judged = Judged::default();
    judged.add("top-1", within(1));
    if pairs.iter().any(|pair| pair.prediction.len() > 1) {
        judged.add("top-5", within(5));
    }
    Ok(Scored::new(task, matching, judged))
}

fn pictures(folder: &Path) -> Result<Vec<(Id, String)>> {
    let entries = |folder: &Path| {
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
        entries.map_err(|source| TaskError::Io {
            path: folder.to_owned(),
            source,
        })
    };
    let name = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut items = Vec::new();
    for class in entries(folder)? {
        if class.path().is_dir() {
            for picture in entries(&class.path())? {
                items.push((Id::Text(name(&picture)), name(&class)));
            }
        }
    }
    if items.is_empty() {
        return Err(form(folder, "holds no folders of classes with pictures"));
    }
    items.sort_by_key(|(id, _)| id.to_string());
    Ok(items)
}

fn clips(path: &Path) -> Result<Vec<(Id, String)>> {
    let rows = table(path)?;
    let clips = rows.iter().map(|row| {
        let start: u64 = row.parsed("time_start", "whole seconds")?;
        let end: u64 = row.parsed("time_end", "whole seconds")?;
        let id = format!("{}_{start:06}_{end:06}", row.text("youtube_id")?);
        Ok((Id::Text(id), row.text("label")?))
    });
    clips.collect()
}
