//! A user's own task: JSON lines of parts, with answers or candidates.
//!
//! ```json
//! {"id": "7", "parts": [{"image": "cat.jpg"}, {"text": "What is it?"}], "answers": ["a cat", "cat"]}
//! {"id": "8", "parts": [{"image": "dog.jpg"}, {"text": "What is it?"}], "candidates": ["a cat", "a dog"], "answer": "a dog"}
//! ```
//!
//! A folder holds `queries.jsonl` and, for shots, `supports.jsonl`; or queries are one file and supports another. Queries
//! are of one kind, with candidates or without. A line may bring its own `supports`, of which the shots of this query are
//! then drawn.

use std::path::{Path, PathBuf};

use flamingo_metrics::VqaAnswer;
use flamingo_sequence::Part;
use serde::Deserialize;
use serde_json::Value;

use crate::answer::{Answered, Submission};
use crate::benchmark::Benchmark;
use crate::data::DataFolder;
use crate::error::Result;
use crate::example::{Example, Examples, References, Set, Span, VqaReferences};
use crate::ids::Id;
use crate::judge::text;
use crate::prompt::{Preset, Prompt};
use crate::prompts;
use crate::read::bytes;
use crate::submission::whole;
use crate::task::{Protocol, ReadOptions, Task, taken};

/// What free answers are judged by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OwnMetric {
    /// Right if it is the same string as one of the answers.
    #[default]
    Exact,
    /// The same after VQA's normalisation: case, articles, marks, number words, contractions.
    Normalised,
    /// VQA accuracy: the answers are annotators', three of whom make it right. Wants ten of them.
    Vqa,
    /// CIDEr-D, BLEU and ROUGE-L: the answers are captions.
    Captions,
}

/// A user's own task.
#[derive(Clone, Copy, Debug, Default)]
pub struct Own {
    /// What free answers are judged by.
    pub metric: OwnMetric,
}

/// A line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default)]
    id: Option<Value>,
    parts: Vec<Part>,
    #[serde(default)]
    answer: Option<String>,
    #[serde(default)]
    answers: Vec<String>,
    #[serde(default)]
    candidates: Vec<String>,
    #[serde(default)]
    supports: Option<Vec<Line>>,
}

impl Task for Own {
    fn benchmark(&self) -> Option<Benchmark> {
        None
    }

    fn name(&self) -> &'static str {
        "own"
    }

    fn protocol(&self) -> Protocol {
        let metric = match self.metric {
            OwnMetric::Exact | OwnMetric::Normalised | OwnMetric::Vqa => "accuracy",
            OwnMetric::Captions => "CIDEr",
        };
        Protocol::open(metric, &["queries"], "queries")
    }

    fn prompt(&self, preset: Preset) -> Prompt {
        prompts::own(preset)
    }

    fn read(&self, data: &DataFolder, options: &ReadOptions) -> Result<Examples> {
        let split = options.split(self)?;
        let folder = data.root().is_dir();
        let queries = match folder {
            true => data.root().join("queries.jsonl"),
            false => data.root().to_owned(),
        };
        let beside = folder.then(|| data.root().join("supports.jsonl"));
        let supports_at = options
            .supports_at
            .clone()
            .or(beside.filter(|path| path.is_file()));
        let supports = match &supports_at {
            Some(path) => self.set(path, true)?,
            None => Set::default(),
        };
        let mut queries = self.set(&queries, false)?;
        keep_one_kind(&mut queries);
        let required = queries.examples.iter();
        let required = required.map(|example| example.id.clone()).collect();
        let protocol = self.protocol();
        Ok(taken(
            &protocol, options, split, supports, queries, required,
        ))
    }

    /// A line a query: its `id` and the answer.
    fn submission(&self, examples: &Examples, answered: &[Answered]) -> Result<Submission> {
        let mut bytes = Vec::new();
        let (mut items, mut filled) = (0, 0);
        for (id, answered) in whole(examples, answered) {
            items += 1;
            filled += usize::from(answered.is_none());
            let answer = answered.map(|answered| text(self.name(), answered));
            let answer = answer.transpose()?.unwrap_or_default();
            let line = serde_json::json!({"id": id, "answer": answer});
            bytes.extend(line.to_string().into_bytes());
            bytes.push(b'\n');
        }
        Ok(Submission {
            ending: "jsonl",
            bytes,
            items,
            filled,
            filler: "an empty text",
        })
    }
}

impl Own {
    /// The lines of a file.
    fn set(&self, path: &Path, answered: bool) -> Result<Set> {
        let bytes = bytes(path)?;
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let mut set = Set {
            name: path.display().to_string(),
            ..Set::default()
        };
        let mut seen = std::collections::HashSet::new();
        for (line, number) in text.split(|&byte| byte == b'\n').zip(1..) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            set.entries += 1;
            let read = serde_json::from_slice::<Line>(line).map_err(|error| error.to_string());
            let example =
                read.and_then(|line| self.example(line, Id::Number(number), &folder, answered));
            match example {
                Err(reason) => set
                    .dropped
                    .add("broken line", format!("line {number}: {reason}")),
                Ok(example) => {
                    if let Some(missing) = missing(&example) {
                        set.dropped.add(
                            "picture or film that is not there",
                            format!("line {number}: {missing}"),
                        );
                    } else if seen.insert(example.id.to_string()) {
                        set.examples.push(example);
                    } else {
                        set.dropped.add("id that came before", &example.id);
                    }
                }
            }
        }
        Ok(set)
    }

    fn example(
        &self,
        line: Line,
        number: Id,
        folder: &Path,
        answered: bool,
    ) -> Result<Example, String> {
        let id = match line.id {
            None => number,
            Some(value) => Id::of(&value).ok_or("`id` is neither a whole number nor a text")?,
        };
        if line.parts.is_empty() {
            return Err("`parts` is empty".to_owned());
        }
        let answers: Vec<String> = line.answer.into_iter().chain(line.answers).collect();
        if answered && answers.is_empty() {
            return Err("a support needs `answer` or `answers`".to_owned());
        }
        let parts = line.parts.into_iter();
        let parts = parts.map(|part| placed(part, folder)).collect();
        let mut example = Example::new(id, parts);
        example.references = self.references(&answers, &line.candidates)?;
        example.answer = answers.into_iter().next();
        example.candidates = (!line.candidates.is_empty()).then(|| line.candidates.into());
        let supports = line.supports.map(|lines| {
            let lines = lines.into_iter().zip(1..);
            lines
                .map(|(line, number)| {
                    let support = self.example(line, Id::Number(number), folder, true);
                    support.map_err(|reason| format!("`supports` {number}: {reason}"))
                })
                .collect::<Result<Vec<_>, _>>()
        });
        example.supports = supports.transpose()?;
        Ok(example)
    }

    fn references(&self, answers: &[String], candidates: &[String]) -> Result<References, String> {
        let Some(first) = answers.first() else {
            return Ok(References::None);
        };
        if !candidates.is_empty() {
            let right = candidates.iter().position(|candidate| candidate == first);
            let right = right.ok_or_else(|| format!("{first:?} is none of the candidates"))?;
            return Ok(References::Choice { right, kind: None });
        }
        let trimmed = answers.iter().map(|answer| answer.trim().to_owned());
        Ok(match self.metric {
            OwnMetric::Exact => References::Exact(trimmed.collect()),
            OwnMetric::Normalised => References::Normalised(trimmed.collect()),
            OwnMetric::Captions => References::Captions(trimmed.collect()),
            OwnMetric::Vqa => References::Vqa(VqaReferences {
                answers: trimmed
                    .map(|answer| VqaAnswer {
                        answer,
                        ..VqaAnswer::default()
                    })
                    .collect(),
                ..VqaReferences::default()
            }),
        })
    }
}

/// A score is of answers of one kind, that of the first query that has an answer: others are dropped.
fn keep_one_kind(set: &mut Set) {
    let is_answered = |example: &Example| example.references != References::None;
    let Some(first) = set.examples.iter().find(|example| is_answered(example)) else {
        return;
    };
    let is_closed = first.candidates.is_some();
    let examples = std::mem::take(&mut set.examples);
    for example in examples {
        let other = match (is_answered(&example), example.candidates.is_some()) {
            (false, _) => Some("no answer, where others have one"),
            (true, closed) if closed == is_closed => None,
            (true, true) => Some("candidates, where those before have none"),
            (true, false) => Some("no candidates, where those before have some"),
        };
        match other {
            None => set.examples.push(example),
            Some(reason) => set.dropped.add(reason, &example.id),
        }
    }
}

/// A part whose picture or film is where the file says, seen from the file's folder.
fn placed(part: Part, folder: &Path) -> Part {
    let place = |place: String| match is_address(&place) || Path::new(&place).is_absolute() {
        true => place,
        false => folder.join(&place).to_str().map_or(place, str::to_owned),
    };
    match part {
        Part::Image(path) => Part::Image(place(path)),
        Part::Video(path) => Part::Video(place(path)),
        other => other,
    }
}

fn is_address(place: &str) -> bool {
    ["http://", "https://", "data:"]
        .iter()
        .any(|start| place.starts_with(start))
}

/// The first picture or film that should be on this disk and is not.
fn missing(example: &Example) -> Option<String> {
    let own = example.supports.iter().flatten();
    let mut parts = own.flat_map(|support| &support.parts).chain(&example.parts);
    parts.find_map(|part| {
        let path = match part {
            Part::Image(path) => path.as_str(),
            Part::Video(path) => Span::split(path).0,
            Part::Text(_) | Part::End | Part::Token(_) => return None,
        };
        let there = is_address(path) || PathBuf::from(path).exists();
        (!there).then(|| path.to_owned())
    })
}
