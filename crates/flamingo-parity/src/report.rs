//! What agrees and what does not.

use std::fmt;

use serde::Serialize;

/// How one thing compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Within the tolerance.
    Agrees,
    /// Not within it.
    Differs,
    /// We did not compute it.
    Missing,
    /// Not comparable, for the reason noted.
    Left,
}

/// One thing that was compared.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// Its name in the case.
    pub name: String,
    /// How it compares.
    pub status: Status,
    /// Cosine of the angle between the two, of tensors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cosine: Option<f64>,
    /// Largest absolute difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub absolute: Option<f64>,
    /// That, as a share of the largest expected value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relative: Option<f64>,
    /// What the relative difference may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<f64>,
    /// What there is to say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Line {
    pub(crate) fn exact(name: impl Into<String>, same: bool, note: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            status: if same {
                Status::Agrees
            } else {
                Status::Differs
            },
            cosine: None,
            absolute: None,
            relative: None,
            tolerance: None,
            note: note.into(),
        }
    }

    pub(crate) fn with(name: impl Into<String>, status: Status, note: impl Into<String>) -> Self {
        Self {
            status,
            ..Self::exact(name, true, note)
        }
    }
}

/// All of a case.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The case's directory.
    pub case: String,
    /// What was compared, in the order in which it is computed.
    pub lines: Vec<Line>,
    /// The first that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_difference: Option<String>,
    /// The largest relative difference of a tensor.
    pub largest_relative: f64,
    /// Whether nothing differs and nothing is missing.
    pub agrees: bool,
}

impl Report {
    pub(crate) fn new(case: String, lines: Vec<Line>) -> Self {
        let bad = |line: &&Line| matches!(line.status, Status::Differs | Status::Missing);
        let first = lines.iter().find(bad).map(|line| line.name.clone());
        let relative = lines
            .iter()
            .filter(|line| line.cosine.is_some())
            .filter_map(|line| line.relative);
        Self {
            case,
            largest_relative: relative.fold(0.0, f64::max),
            agrees: first.is_none(),
            first_difference: first,
            lines,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .lines
            .iter()
            .map(|line| line.name.chars().count())
            .max()
            .unwrap_or(4)
            .clamp(4, 84);
        writeln!(
            f,
            "{:<width$}  {:>10}  {:>9}  {:>9}",
            "name", "cosine", "absolute", "relative"
        )?;
        for line in &self.lines {
            let number = |value: Option<f64>| value.map_or(String::new(), |v| format!("{v:.1e}"));
            let cosine = line.cosine.map_or(String::new(), |v| format!("{v:.8}"));
            let status = match line.status {
                Status::Agrees if line.absolute.is_none() && line.note.is_empty() => "equal",
                Status::Agrees => "",
                Status::Differs => "DIFFERS ",
                Status::Missing => "MISSING ",
                Status::Left => "left out: ",
            };
            let text = format!(
                "{:<width$}  {cosine:>10}  {:>9}  {:>9}  {status}{}",
                line.name,
                number(line.absolute),
                number(line.relative),
                line.note
            );
            writeln!(f, "{}", text.trim_end())?;
        }
        let compared = self
            .lines
            .iter()
            .filter(|line| line.status != Status::Left)
            .count();
        let left = self.lines.len() - compared;
        let left = match left {
            0 => String::new(),
            left => format!("; {left} left out"),
        };
        match &self.first_difference {
            None => write!(
                f,
                "\nall {compared} agree; the largest relative difference of a tensor is {:.1e}{left}",
                self.largest_relative
            ),
            Some(name) => {
                let bad = self
                    .lines
                    .iter()
                    .filter(|l| matches!(l.status, Status::Differs | Status::Missing));
                write!(
                    f,
                    "\n{} of {compared} do not agree; the first is {name}{left}",
                    bad.count()
                )
            }
        }
    }
}
