//! The numbers of a corpus as text: `corpus stats`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::build::{Times, Units};
use crate::error::Result;
use crate::folder::Folder;
use crate::funnel::Step;
use crate::manifest::{StepCount, steps};
use crate::summary::{Summary, times};

/// Names of a list that are shown.
const NAMES: usize = 10;

/// The numbers of a corpus, or of what is there of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// What each step kept and dropped, in order.
    pub steps: Vec<StepCount>,
    /// All other numbers.
    pub summary: Summary,
    /// Processor time by step, in seconds.
    pub seconds: Times,
}

impl Stats {
    /// The numbers of a corpus folder, finished or not.
    ///
    /// # Errors
    ///
    /// When the folder is none of a corpus, or a report cannot be read.
    pub fn of(folder: &Folder) -> Result<Self> {
        let units = Units::stored(folder)?.len();
        let summary = Summary::of(folder, units)?;
        Ok(Self {
            steps: steps(&summary),
            seconds: times(folder, units)?,
            summary,
        })
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = &self.summary.written;
        writeln!(
            f,
            "{} documents, {} images, {} films, {:.1} MB of text in {} files of {:.1} MB\n",
            written.documents,
            written.images,
            written.films,
            megabytes(written.text_bytes),
            written.files,
            megabytes(written.bytes)
        )?;
        for count in &self.steps {
            self.step(f, count)?;
        }
        list(f, "languages", self.summary.languages.iter())?;
        list(f, "domains", self.summary.domains.iter())?;
        self.times(f)
    }
}

impl Stats {
    fn step(&self, f: &mut fmt::Formatter<'_>, count: &StepCount) -> fmt::Result {
        let heading = match count.step {
            Step::Pages => Some("answers of servers"),
            Step::ParagraphsDistinct => Some("paragraphs of distinct pages"),
            Step::ImagesFound => Some("images of distinct pages"),
            _ => None,
        };
        if let Some(heading) = heading {
            writeln!(f, "{:>12}  {heading}", count.before)?;
        }
        write!(f, "{:>12}  {}", count.kept, count.step.title())?;
        let mut dropped: Vec<_> = count.dropped.iter().collect();
        dropped.sort_by_key(|(_, number)| std::cmp::Reverse(**number));
        for (at, (reason, number)) in dropped.into_iter().enumerate() {
            let before = if at == 0 { " (not:" } else { "," };
            write!(f, "{before} {reason} {number}")?;
        }
        writeln!(f, "{}", if count.dropped.is_empty() { "" } else { ")" })
    }

    fn times(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.seconds.total();
        if total <= 0.0 {
            return Ok(());
        }
        let rate = megabytes(self.summary.input_bytes) / total;
        write!(
            f,
            "{total:.1} s of processor time, {rate:.1} MB of inputs a second:"
        )?;
        for (step, seconds) in self.seconds.steps() {
            write!(f, " {step} {:.0}%", 100.0 * seconds / total)?;
        }
        writeln!(f)
    }
}

fn list<'a>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    counts: impl Iterator<Item = (&'a String, &'a u64)>,
) -> fmt::Result {
    let mut counts: Vec<_> = counts.collect();
    if counts.is_empty() {
        return Ok(());
    }
    counts.sort_by_key(|(_, number)| std::cmp::Reverse(**number));
    write!(f, "{title}:")?;
    for (name, number) in counts.iter().take(NAMES) {
        write!(f, " {name} {number}")?;
    }
    writeln!(f)
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
