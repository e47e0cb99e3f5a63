//! The manifest: what went in, by which configuration, what each step kept, and every file with its checksum.

use flamingo_crawl::Unit;
use serde::{Deserialize, Serialize};

use crate::build::Units;
use crate::config::Config;
use crate::funnel::{Counts, Step};
use crate::summary::Summary;
use crate::write::Finished;

/// The version of manifests that this program writes.
const VERSION: u32 = 1;

/// The manifest of a corpus: `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this file: 1.
    pub version: u32,
    /// The version of the program.
    pub program: String,
    /// The settings that everything here depends on.
    pub settings: String,
    /// The configuration.
    pub config: Config,
    /// The units.
    pub inputs: Vec<Input>,
    /// What each step kept and dropped, in order.
    pub steps: Vec<StepCount>,
    /// All other numbers.
    pub summary: Summary,
    /// The files, in order.
    pub files: Vec<Finished>,
}

/// What one unit was read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The file or folder.
    pub name: String,
    /// Pages, where a unit is a part of a folder or list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<u64>,
    /// The bytes of its file, where it lies on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// What a step kept and dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepCount {
    /// The step.
    pub step: Step,
    /// How many came to it.
    pub before: u64,
    /// How many passed.
    pub kept: u64,
    /// How many did not, by the first reason of each.
    pub dropped: Counts,
}

impl Manifest {
    pub(crate) fn new(config: &Config, settings: String, units: &Units, summary: Summary) -> Self {
        Self {
            version: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            settings,
            config: config.clone(),
            inputs: (0..units.len()).map(|unit| input(units, unit)).collect(),
            steps: steps(&summary),
            files: summary.files.clone(),
            summary,
        }
    }
}

/// What each step kept and dropped, in order.
pub(crate) fn steps(summary: &Summary) -> Vec<StepCount> {
    let steps = Step::DOCUMENTS
        .iter()
        .chain(&Step::PARAGRAPHS)
        .chain(&Step::IMAGES);
    let of_pairs = Step::PAIRS.iter();
    let of_pairs = of_pairs.filter(|step| summary.funnel.tally(**step).before() > 0);
    steps
        .chain(of_pairs)
        .map(|step| {
            let tally = summary.funnel.tally(*step);
            StepCount {
                step: *step,
                before: tally.before(),
                kept: tally.kept,
                dropped: tally.dropped,
            }
        })
        .collect()
}

fn input(units: &Units, unit: u32) -> Input {
    let (name, pages) = match units.get(unit) {
        Unit::Warc { file } | Unit::Lines { file, .. } => (file.clone(), None),
        Unit::Member { file, member, .. } => (format!("{file}/{member}"), None),
        Unit::PassedOver { folder, .. } => (format!("files of {folder} that are not read"), None),
        Unit::Pages { folder, pages, .. } => (folder.clone(), Some(pages.len() as u64)),
        Unit::Films { folder, films } => (folder.clone(), Some(films.len() as u64)),
        Unit::Urls { urls } => ("a list of URLs".to_owned(), Some(urls.len() as u64)),
    };
    Input {
        name,
        pages,
        bytes: units.bytes(unit),
    }
}
