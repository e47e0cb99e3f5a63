//! Samples files of lmms-eval: `DATE_samples_TASK.jsonl`, an object a line with `doc_id`, `filtered_resps` and the
//! metrics by their names.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use super::compared::{Compared, Group};
use crate::{Error, Result};

/// What stands between date and task in a file's name.
const MARK: &str = "_samples_";
/// Keys that are no metric.
const OTHERS: [&str; 14] = [
    "doc_id",
    "doc",
    "target",
    "arguments",
    "input",
    "resps",
    "filtered_resps",
    "filter",
    "metrics",
    "doc_hash",
    "prompt_hash",
    "target_hash",
    "token_counts",
    "schema_version",
];

/// The task that a file's name tells, if it is such a file.
pub(super) fn task_of(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?.strip_suffix(".jsonl")?;
    let (_, task) = name.split_once(MARK)?;
    Some(task.to_owned())
}

/// The samples of a file; `metric` names the score, which is the first metric where it does not.
pub(super) fn read(path: &Path, task: &str, metric: Option<&str>) -> Result<Group> {
    let text = fs::read_to_string(path)
        .map_err(|error| Error::Folder(format!("cannot read {}: {error}", path.display())))?;
    let mut samples = Vec::new();
    for (number, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let told = |what: String| {
            Error::Folder(format!("{}, line {}: {what}", path.display(), number + 1))
        };
        let fields: Map<String, Value> =
            serde_json::from_str(line).map_err(|error| told(error.to_string()))?;
        let id = match fields.get("doc_id") {
            Some(Value::String(id)) => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            _ => return Err(told("there is no `doc_id`, a number or a text".to_owned())),
        };
        let score = match metric {
            Some(metric) => fields.get(metric).and_then(number_in),
            None => fields
                .iter()
                .filter(|(name, _)| !OTHERS.contains(&name.as_str()))
                .find_map(|(_, value)| number_in(value)),
        };
        samples.push(Compared {
            id,
            answer: fields
                .get("filtered_resps")
                .or(fields.get("resps"))
                .map_or_else(String::new, text_in),
            score,
        });
    }
    if let (Some(metric), true) = (metric, samples.iter().all(|sample| sample.score.is_none())) {
        return Err(Error::Options(format!(
            "no sample of {} has a number as `{metric}`: name another metric",
            path.display()
        )));
    }
    Ok(Group {
        name: task.to_owned(),
        samples,
    })
}

/// A metric: a number, a truth value, or the first of them in an object or list.
fn number_in(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        Value::Object(fields) => fields
            .get("score")
            .and_then(number_in)
            .or_else(|| fields.values().find_map(number_in)),
        Value::Array(values) => values.first().and_then(number_in),
        Value::Null | Value::String(_) => None,
    }
}

/// The first text.
fn text_in(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.first().map_or_else(String::new, text_in),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_file_of_lmms_eval_is_known_by_its_name_and_its_first_metric_is_the_score() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder
            .path()
            .join("20260102_030405_samples_textvqa_val.jsonl");
        let lines = [
            r#"{"doc_id": 3, "target": "a", "filtered_resps": ["pig"], "doc_hash": "x", "exact_match": 0.3, "other": 1}"#,
            r#"{"doc_id": 5, "target": "b", "filtered_resps": "cow", "exact_match": {"score": true}}"#,
        ];
        fs::write(&path, lines.join("\n")).unwrap();
        let task = task_of(&path).unwrap();
        assert_eq!(task, "textvqa_val");
        let group = read(&path, &task, None).unwrap();
        let of = |sample: &Compared| (sample.id.clone(), sample.answer.clone(), sample.score);
        let found: Vec<_> = group.samples.iter().map(of).collect();
        assert_eq!(
            found,
            [
                ("3".into(), "pig".into(), Some(0.3)),
                ("5".into(), "cow".into(), Some(1.0))
            ]
        );
        let other = read(&path, &task, Some("other")).unwrap();
        assert_eq!(other.samples[0].score, Some(1.0));
        assert!(read(&path, &task, Some("none")).is_err());
        assert_eq!(task_of(Path::new("04-shots-seed-0.jsonl")), None);
    }
}
