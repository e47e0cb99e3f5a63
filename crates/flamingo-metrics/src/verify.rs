//! Cases that the official code computed: computed by us, and compared.
//!
//! A file holds a case a line, a JSON object. What it holds says which metric it is of: `labels` and `scores`
//! are ROC AUC's, `kind: caption` is the tokeniser's. Where the official code ended in an exception
//! (`error`), an error is right.

mod answers;
mod captions;
mod case;
mod compare;
mod computed;
mod rankings;
mod words;

use std::fmt;
use std::fs;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::error::{MetricError, Result};
use compare::difference;
use computed::{Computed, Outcome};

pub use computed::{TOLERANCE, TOLERANCE_F32, VerifyResources};

/// How the cases of a file came out.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FileReport {
    /// The file.
    pub file: String,
    /// How many cases it holds.
    pub cases: usize,
    /// How many agree, to the tolerance.
    pub agree: usize,
    /// The largest difference of a number, those that agree included.
    pub worst: f64,
    /// The first case that differs.
    pub first: Option<Difference>,
    /// Cases that were not computed.
    pub not_computed: usize,
    /// Why the first of them was not.
    pub reason: Option<String>,
    /// Parts of cases that were taken as given, for the lack of a tagger.
    pub taken_as_given: usize,
}

/// How a case differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The line in the file, from 1.
    pub line: usize,
    /// The case's own number.
    pub id: Value,
    /// What differs.
    pub field: String,
    /// What the official code computed.
    pub expected: Value,
    /// What we compute.
    pub ours: Value,
}

impl FileReport {
    /// Whether every case was computed and agrees.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.agree == self.cases
    }
}

impl fmt::Display for FileReport {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self {
            file,
            cases,
            agree,
            worst,
            ..
        } = self;
        write!(
            f,
            "{file}: {agree} of {cases} agree, worst difference {worst:.1e}"
        )?;
        if self.taken_as_given > 0 {
            let given = self.taken_as_given;
            write!(
                f,
                "\n  {given} taken from the lemmas that they give: no tagger of NLTK's"
            )?;
        }
        if let (count @ 1.., Some(reason)) = (self.not_computed, &self.reason) {
            write!(f, "\n  {count} not computed: {reason}")?;
        }
        if let Some(first) = &self.first {
            let Difference {
                line,
                id,
                field,
                expected,
                ours,
            } = first;
            write!(
                f,
                "\n  first: line {line}, case {id}, {field}: {expected}, ours {ours}"
            )?;
        }
        Ok(())
    }
}

/// Computes every case of a file and compares.
///
/// # Errors
///
/// A file that cannot be read, or a line that is no JSON object.
pub fn verify_file(path: &Path, resources: &VerifyResources) -> Result<FileReport> {
    let told = |reason| MetricError::File {
        path: path.to_owned(),
        reason,
    };
    let text = fs::read_to_string(path).map_err(|error| told(error.to_string()))?;
    let mut report = FileReport {
        file: path.display().to_string(),
        ..FileReport::default()
    };
    // Not `lines()`: a text may hold other ends of lines.
    for (index, line) in text
        .split('\n')
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let case: Value = serde_json::from_str(line)
            .map_err(|error| told(format!("line {}: {error}", index + 1)))?;
        report.add(index + 1, &case, case::compute(&case, resources));
    }
    Ok(report)
}

impl FileReport {
    fn add(&mut self, line: usize, case: &Value, outcome: Outcome) {
        self.cases += 1;
        let differs = |field: &str, expected: &Value, ours: &Value| Difference {
            line,
            id: case.get("id").cloned().unwrap_or_default(),
            field: field.to_owned(),
            expected: expected.clone(),
            ours: ours.clone(),
        };
        let mut first = None;
        match (outcome, case.get("error")) {
            (Outcome::NotComputed(reason), _) => {
                self.not_computed += 1;
                self.reason.get_or_insert(reason);
                return;
            }
            (Outcome::Refused(_), Some(_)) => {}
            (Outcome::Refused(error), None) => {
                first = Some(differs("a score", &Value::Null, &Value::from(error)));
            }
            (Outcome::Computed(_), Some(error)) => {
                first = Some(differs("an error", error, &Value::from("a score")));
            }
            (Outcome::Computed(computed), None) => {
                self.taken_as_given += usize::from(computed.taken_as_given);
                for (field, ours) in &computed.fields {
                    let Some(expected) = Computed::expected(case, field) else {
                        continue;
                    };
                    match difference(expected, ours) {
                        Some(size) if size <= computed.tolerance => {
                            self.worst = self.worst.max(size)
                        }
                        size => {
                            self.worst = self.worst.max(size.unwrap_or(0.0));
                            first.get_or_insert_with(|| differs(field, expected, ours));
                        }
                    }
                }
            }
        }
        match first {
            None => self.agree += 1,
            Some(difference) => {
                self.first.get_or_insert(difference);
            }
        }
    }
}
