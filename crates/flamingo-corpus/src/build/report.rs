//! What is told of each unit and of the join; a report is written last, so where it is the rest is, too.

use serde::{Deserialize, Serialize};

use super::Stage;
use crate::folder::{self, Folder};
use crate::funnel::{Counts, Funnel, Tally};
use crate::histogram::Histograms;
use crate::write::Finished;

/// What stage `read` tells of a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadReport {
    /// The settings it was made with.
    pub settings: String,
    /// Bytes of the inputs.
    pub bytes: u64,
    /// What lies in the inputs: answers, redirects, what gives none by its reason, faults by their names.
    pub records: Counts,
    /// Answers that are pages, and what the others are.
    pub pages: Tally,
    /// Answers that are or should be images, by status.
    pub images: Counts,
}

/// What the join tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinReport {
    /// The settings it was made with.
    pub settings: String,
    /// What was found.
    pub counts: Counts,
}

/// What stage `write` tells of a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteReport {
    /// The settings it was made with.
    pub settings: String,
    /// What each step kept.
    pub funnel: Funnel,
    /// Spreads over what is written.
    pub histograms: Histograms,
    /// Written documents by language; `unknown` where there is too little text.
    pub languages: Counts,
    /// Written documents by domain: the most frequent ones.
    pub domains: Counts,
    /// Some of the written documents, chosen by hash.
    pub samples: Vec<Sample>,
    /// The files.
    pub files: Vec<Finished>,
}

/// A document that a data card may show; those of the smallest hashes are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sample {
    /// Hash of its number.
    pub hash: u64,
    /// The document.
    pub document: i64,
}

/// The report of a stage; of a unit, where the stage has units.
pub(crate) fn name(stage: Stage, unit: u32) -> String {
    match stage {
        Stage::Read => format!("read/{unit:05}/report.json"),
        Stage::Join => folder::JOINED.to_owned(),
        Stage::Write => format!("write/{unit:05}/report.json"),
        Stage::Finish => folder::MANIFEST.to_owned(),
    }
}

/// Whether the report is there and of these settings.
pub(crate) fn is_done(folder: &Folder, stage: Stage, unit: u32, settings: &str) -> bool {
    #[derive(Deserialize)]
    struct Settings {
        settings: String,
    }
    let name = name(stage, unit);
    folder.has(&name)
        && folder
            .read_json::<Settings>(&name)
            .is_ok_and(|report| report.settings == settings)
}
