//! Stage `write`: a unit's pages with what the join found for them to decisions and files of documents.

use std::collections::{HashMap, HashSet};
use std::iter::Peekable;
use std::ops::Range;

use flamingo_page::Part;
use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::Stage;
use super::judge::{Case, Judge, Verdict};
use super::report::{self, Sample, WriteReport};
use super::texts::Texts;
use super::times::{Times, timed};
use crate::error::Result;
use crate::folder::{self, Folder, UnitTable};
use crate::funnel::{self, Counts, Step};
use crate::progress::Meter;
use crate::tables::column::row;
use crate::tables::{
    DecisionRow, DuplicateRow, PageRow, ParagraphRow, PlacedImageRow, Row, Rows, TableWriter,
};
use crate::write::{Outcome, OutputConfig, OutputFormat, Record, Writer, writer};

/// Pages that are decided about together.
const BATCH_PAGES: usize = 64;
/// Bytes of pictures of such pages.
const BATCH_BYTES: i64 = 32 << 20;
/// Documents of a unit that a data card may show.
const SAMPLES: usize = 12;
/// Domains of a unit that are told of.
const DOMAINS: usize = 1000;

/// Writes units.
pub(super) struct UnitWriter<'a> {
    pub(super) folder: &'a Folder,
    pub(super) output: &'a OutputConfig,
    pub(super) settings: String,
    pub(super) judge: &'a Judge,
    pub(super) meter: &'a Meter<'a>,
}

impl UnitWriter<'_> {
    /// Writes a unit's files, decisions and report.
    pub(super) fn write(&self, unit: u32) -> Result<()> {
        let mut cases = Cases::open(self.folder, unit)?;
        if self.output.format == OutputFormat::Pairs {
            cases.texts = Texts::of_unit(self.folder, unit)?;
        }
        let mut out = Output {
            writer: writer(self.folder, &format!("shards/{unit:05}"), self.output)?,
            decisions: TableWriter::create(self.folder, &decisions(unit))?,
            report: WriteReport {
                settings: self.settings.clone(),
                ..WriteReport::default()
            },
            times: Times::default(),
        };
        loop {
            let batch = cases.next_batch()?;
            if batch.is_empty() {
                break;
            }
            let verdicts: Vec<Result<Verdict>> = batch
                .into_par_iter()
                .map(|case| self.judge.judge(case))
                .collect();
            self.meter.add(verdicts.len() as u64, 0);
            verdicts
                .into_iter()
                .try_for_each(|verdict| out.push(verdict?))?;
        }
        out.finish(self.folder, unit)
    }
}

/// The table of decisions of a unit.
pub(crate) fn decisions(unit: u32) -> String {
    format!("write/{unit:05}/decisions.parquet")
}

/// A unit's files in the making, and what is counted on the way.
struct Output {
    writer: Box<dyn Writer + Send>,
    decisions: TableWriter<DecisionRow>,
    report: WriteReport,
    times: Times,
}

impl Output {
    fn push(&mut self, mut verdict: Verdict) -> Result<()> {
        self.times += verdict.times;
        let mut seconds = 0.0;
        if let Some(record) = verdict.record.take() {
            let outcome = timed(&mut seconds, || self.writer.write(&record))?;
            self.note(&mut verdict, &record, outcome);
        }
        let pairs = std::mem::take(&mut verdict.pairs);
        if !pairs.is_empty() {
            timed(&mut seconds, || self.push_pairs(&mut verdict, &pairs))?;
        }
        self.report.funnel.merge(&verdict.funnel);
        timed(&mut seconds, || self.decisions.push(verdict.decision))?;
        self.times.writing += seconds;
        Ok(())
    }

    fn note(&mut self, verdict: &mut Verdict, record: &Record, outcome: Outcome) {
        if outcome != Outcome::Written {
            let reason = match outcome {
                Outcome::NoMedium => "no_medium",
                Outcome::NoText => "no_text",
                Outcome::Empty | Outcome::Written => "empty",
            };
            verdict.decision.reasons.push(reason.to_owned());
            verdict.drop_document(Step::Written, Some(reason));
            return;
        }
        verdict.written();
        self.sample(verdict);
        self.measure(record);
    }

    /// Writes the pairs of a page.
    fn push_pairs(&mut self, verdict: &mut Verdict, pairs: &[Record]) -> Result<()> {
        for pair in pairs {
            let outcome = self.writer.write(pair)?;
            verdict.pair(outcome);
            if outcome == Outcome::Written {
                self.measure(pair);
            }
        }
        if verdict.pairs_written() {
            self.sample(verdict);
        }
        Ok(())
    }

    /// Counts a page that is written and keeps it as a sample.
    fn sample(&mut self, verdict: &Verdict) {
        let decision = &verdict.decision;
        let language = decision.language.as_deref().unwrap_or("unknown");
        funnel::count(&mut self.report.languages, language);
        funnel::count(&mut self.report.domains, &decision.domain);
        self.report.samples.push(Sample {
            hash: xxh3_64(&decision.document.to_le_bytes()),
            document: decision.document,
        });
        if self.report.samples.len() >= 4 * SAMPLES {
            keep_smallest(&mut self.report.samples);
        }
    }

    fn measure(&mut self, record: &Record) {
        let histograms = &mut self.report.histograms;
        let mut words = 0;
        let mut characters = 0;
        for (part, medium) in record.parts() {
            if let Part::Text(text) = part {
                words += text.text.split_whitespace().count() as u64;
                characters += text.text.chars().count() as u64;
                continue;
            }
            if characters > 0 {
                histograms.text_characters.add(characters);
                characters = 0;
            }
            // A film's sides are not known.
            if let Some(medium) = medium.filter(|medium| medium.width > 0) {
                let side = medium.width.min(medium.height);
                histograms.image_sides.add(u64::from(side));
            }
        }
        if characters > 0 {
            histograms.text_characters.add(characters);
        }
        histograms.words.add(words);
        let images = record
            .page
            .parts
            .iter()
            .filter(|part| matches!(part, Part::Image(_)));
        histograms.images.add(images.count() as u64);
    }

    fn finish(mut self, folder: &Folder, unit: u32) -> Result<()> {
        let mut seconds = 0.0;
        self.report.files = timed(&mut seconds, || self.writer.finish())?;
        timed(&mut seconds, || self.decisions.finish())?;
        self.times.writing += seconds;
        keep_smallest(&mut self.report.samples);
        keep_most(&mut self.report.domains, DOMAINS);
        folder.write_json(&format!("write/{unit:05}/times.json"), &self.times)?;
        folder.write_json(&report::name(Stage::Write, unit), &self.report)
    }
}

/// Keeps the samples that a data card would choose first.
pub(crate) fn keep_smallest(samples: &mut Vec<Sample>) {
    samples.sort_unstable();
    samples.truncate(SAMPLES);
}

/// Keeps the names with the highest counts; of equal ones the first in the order of names.
pub(crate) fn keep_most(counts: &mut Counts, number: usize) {
    if counts.len() <= number {
        return;
    }
    let mut all: Vec<(String, u64)> = std::mem::take(counts).into_iter().collect();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    all.truncate(number);
    *counts = all.into_iter().collect();
}

/// A unit's pages, each with its rows of the join's tables.
struct Cases {
    pages: Rows<PageRow>,
    duplicates: Following<DuplicateRow>,
    images: Following<PlacedImageRow>,
    repeated: Repeated,
    texts: Texts,
    folder: Folder,
}

impl Cases {
    fn open(folder: &Folder, unit: u32) -> Result<Self> {
        let documents = i64::from(unit) << 32..i64::from(unit + 1) << 32;
        Ok(Self {
            pages: Rows::open(folder, &UnitTable::Pages.of(unit))?,
            duplicates: Following::open(folder, folder::DOCUMENTS, documents.clone())?,
            images: Following::open(folder, folder::IMAGES, documents)?,
            repeated: Repeated::of_unit(folder, unit)?,
            texts: Texts::default(),
            folder: folder.clone(),
        })
    }

    fn next_batch(&mut self) -> Result<Vec<Case>> {
        let mut batch = Vec::new();
        let mut bytes = 0;
        while batch.len() < BATCH_PAGES && bytes < BATCH_BYTES {
            let Some(row) = self.pages.next().transpose()? else {
                break;
            };
            let mut images = self.images.of(row.document)?;
            for image in &mut images {
                image.file = self.folder.locate(&image.file);
            }
            bytes += images.iter().map(|image| image.bytes).sum::<i64>();
            batch.push(Case {
                duplicate: self.duplicates.of(row.document)?.into_iter().next(),
                repeated: self.repeated.texts(&row),
                texts: self.texts.of(&row),
                images,
                row,
            });
        }
        Ok(batch)
    }
}

/// A row that belongs to a document, in a table that is sorted by it.
trait OfDocument: Row {
    fn document(&self) -> i64;
}

impl OfDocument for DuplicateRow {
    fn document(&self) -> i64 {
        self.document
    }
}

impl OfDocument for PlacedImageRow {
    fn document(&self) -> i64 {
        self.document
    }
}

/// A sorted table that is read alongside the documents.
struct Following<R: OfDocument>(Peekable<Rows<R>>);

impl<R: OfDocument> Following<R> {
    fn open(folder: &Folder, name: &str, documents: Range<i64>) -> Result<Self> {
        Ok(Self(
            Rows::open_documents(folder, name, documents)?.peekable(),
        ))
    }

    /// The rows of a document; those before it are passed over.
    fn of(&mut self, document: i64) -> Result<Vec<R>> {
        let mut rows = Vec::new();
        let is_due = |row: &Result<R>| row.as_ref().map_or(true, |row| row.document() <= document);
        while let Some(row) = self.0.next_if(is_due) {
            let row = row?;
            if row.document() == document {
                rows.push(row);
            }
        }
        Ok(rows)
    }
}

row! {
    /// What of a page says which paragraphs it has.
    PageParagraphs {
        /// The domain.
        domain: String,
        /// The hash of each text.
        paragraphs: Vec<i64>,
    }
}

/// The paragraphs of a unit that repeat in their domains.
#[derive(Default)]
struct Repeated(HashMap<String, HashSet<i64>>);

impl Repeated {
    fn of_unit(folder: &Folder, unit: u32) -> Result<Self> {
        let mut repeated = Rows::<ParagraphRow>::open(folder, folder::PARAGRAPHS)?.peekable();
        if repeated.peek().is_none() {
            return Ok(Self::default());
        }
        let mut own: HashMap<String, HashSet<i64>> = HashMap::new();
        for page in Rows::<PageParagraphs>::open(folder, &UnitTable::Pages.of(unit))? {
            let page = page?;
            own.entry(page.domain).or_default().extend(page.paragraphs);
        }
        let mut found = Self::default();
        for row in repeated {
            let row = row?;
            let is_own = own
                .get(&row.domain)
                .is_some_and(|own| own.contains(&row.paragraph));
            if is_own {
                found.0.entry(row.domain).or_default().insert(row.paragraph);
            }
        }
        Ok(found)
    }

    /// Which of a page's texts are such paragraphs, counted from 0.
    fn texts(&self, row: &PageRow) -> Vec<usize> {
        let Some(repeated) = self.0.get(&row.domain) else {
            return Vec::new();
        };
        let texts = row.paragraphs.iter().enumerate();
        texts
            .filter(|(_, hash)| repeated.contains(hash))
            .map(|(text, _)| text)
            .collect()
    }
}
