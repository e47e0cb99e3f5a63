//! The numbers of a corpus: what all units tell, added up.

use serde::{Deserialize, Serialize};

use crate::build::{
    JoinReport, ReadReport, Sample, Stage, Times, WriteReport, keep_most, keep_smallest, report,
};
use crate::error::Result;
use crate::folder::Folder;
use crate::funnel::{self, Counts, Funnel, Step};
use crate::histogram::Histograms;
use crate::write::Finished;

/// Domains that are told of.
const DOMAINS: usize = 100;

/// The numbers of a corpus.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Units.
    pub units: u32,
    /// Bytes of the inputs.
    pub input_bytes: u64,
    /// What is written.
    pub written: Written,
    /// What lies in the inputs: answers, redirects, what gives none by its reason, faults by their names.
    pub records: Counts,
    /// Answers that are or should be images, by status.
    pub images: Counts,
    /// What the join found.
    pub join: Counts,
    /// What each step kept and dropped.
    pub funnel: Funnel,
    /// Written documents by language.
    pub languages: Counts,
    /// Written documents by domain: the most frequent ones.
    pub domains: Counts,
    /// Spreads over what is written.
    pub histograms: Histograms,
    /// Documents that a data card shows.
    #[serde(skip)]
    pub(crate) samples: Vec<Sample>,
    /// The files, in order.
    #[serde(skip)]
    pub files: Vec<Finished>,
}

/// How much is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Documents, or pairs.
    pub documents: u64,
    /// Images in them.
    pub images: u64,
    /// Films in them.
    pub films: u64,
    /// Bytes of their texts.
    pub text_bytes: u64,
}

impl Summary {
    /// Adds up the reports of a folder with so many units, as far as they are there.
    ///
    /// # Errors
    ///
    /// When a report cannot be read.
    pub fn of(folder: &Folder, units: u32) -> Result<Self> {
        let mut summary = Self {
            units,
            ..Self::default()
        };
        let join = report::name(Stage::Join, 0);
        if folder.has(&join) {
            summary.join = folder.read_json::<JoinReport>(&join)?.counts;
        }
        for unit in 0..units {
            summary.add_read(folder, &report::name(Stage::Read, unit))?;
            summary.add_write(folder, &report::name(Stage::Write, unit))?;
        }
        keep_smallest(&mut summary.samples);
        keep_most(&mut summary.domains, DOMAINS);
        Ok(summary)
    }

    fn add_read(&mut self, folder: &Folder, name: &str) -> Result<()> {
        if !folder.has(name) {
            return Ok(());
        }
        let report: ReadReport = folder.read_json(name)?;
        self.input_bytes += report.bytes;
        funnel::merge(&mut self.records, &report.records);
        funnel::merge(&mut self.images, &report.images);
        self.funnel.keep_many(Step::Pages, report.pages.kept);
        for (reason, number) in &report.pages.dropped {
            self.funnel.drop_many(Step::Pages, reason, *number);
        }
        Ok(())
    }

    fn add_write(&mut self, folder: &Folder, name: &str) -> Result<()> {
        if !folder.has(name) {
            return Ok(());
        }
        let report: WriteReport = folder.read_json(name)?;
        self.funnel.merge(&report.funnel);
        self.histograms.merge(&report.histograms);
        funnel::merge(&mut self.languages, &report.languages);
        funnel::merge(&mut self.domains, &report.domains);
        self.samples.extend(report.samples);
        for file in &report.files {
            self.written.files += 1;
            self.written.bytes += file.bytes;
            self.written.documents += file.documents;
            self.written.images += file.images;
            self.written.films += file.films;
            self.written.text_bytes += file.text_bytes;
        }
        self.files.extend(report.files);
        Ok(())
    }
}

/// Processor time that the units of a folder took, by step, as far as it was told.
///
/// # Errors
///
/// When a file of times cannot be read.
pub fn times(folder: &Folder, units: u32) -> Result<Times> {
    let mut all = Times::default();
    for unit in 0..units {
        for stage in ["read", "write"] {
            let name = format!("{stage}/{unit:05}/times.json");
            if folder.has(&name) {
                all += folder.read_json::<Times>(&name)?;
            }
        }
    }
    Ok(all)
}
