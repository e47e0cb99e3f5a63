//! Repetitions in JSON Lines of pages: the same tables and statements as for a corpus, in a temporary folder.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use flamingo_corpus::build::{Counts, Global};
use flamingo_corpus::deduplication::Deduplication;
use flamingo_corpus::folder::{self, Folder, UnitTable};
use flamingo_corpus::signature::{Fingerprint, paragraph_hash, registrable_domain, url_key};
use flamingo_corpus::tables::{DuplicateRow, ImageUse, PageRow, ParagraphRow, Rows, TableWriter};
use flamingo_files::{Draft, FolderLock, Target};
use flamingo_page::{Page, Part};
use rayon::prelude::*;
use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::join::Deduplicator;
use crate::lines::{Chunk, Chunks};

/// Examples of each reason in a [`Report`].
const EXAMPLES: usize = 5;

/// What became of the lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Lines that were not empty.
    pub lines: u64,
    /// Lines that stay.
    pub kept: u64,
    /// Lines that go, by reason: `malformed`, `too_long`, `same_url`, `same_page`, `near_duplicate`.
    pub dropped: Counts,
    /// Paragraphs that went from lines that stay.
    pub dropped_paragraphs: u64,
    /// The first few of each reason.
    pub examples: Vec<Example>,
}

/// A line that went because of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Example {
    /// Why.
    pub reason: String,
    /// The page's URL.
    pub url: String,
    /// The URL of the page that stays.
    pub of: String,
}

/// Writes the lines of `inputs` (JSON of [`Page`]s, with whatever other keys) that stay to `output`, in their order
/// and as they were but for repeated paragraphs, and tells what became of the others.
///
/// # Errors
///
/// When a file cannot be read or written, or the join fails. Lines that are no pages are counted.
pub fn dedup_jsonl(
    inputs: &[PathBuf],
    output: &Path,
    deduplicator: &Deduplicator,
    config: &Deduplication,
) -> Result<Report> {
    let draft = Draft::create(output)?;
    // A cluster sees what lies beside the output; it does not see this machine's temporary files.
    let beside = match Target::of(output)? {
        Target::File(path) => path.parent().unwrap_or(Path::new(".")).to_path_buf(),
        Target::Descriptor(_) | Target::Stream(_) => PathBuf::from("."),
    };
    clear(&beside);
    let scratch = tempfile::Builder::new()
        .prefix(SCRATCH)
        .tempdir_in(&beside)
        .map_err(Error::file(&beside))?;
    let _lock = FolderLock::alone(scratch.path(), "dedup")?;
    let folder = Folder::open(scratch.path(), 0)?;
    for (unit, input) in inputs.iter().enumerate() {
        read(input, unit, &folder, config)?;
    }
    deduplicator
        .join(&folder, config)
        .map_err(flamingo_corpus::Error::Join)?;
    let repeated = Repeated::open(&folder)?;
    write(inputs, draft, &folder, &repeated)
}

/// How the names of temporary folders begin.
const SCRATCH: &str = ".dedup-";

/// Removes the temporary folders of processes that are gone. What cannot be removed disturbs nobody.
fn clear(beside: &Path) {
    for entry in std::fs::read_dir(beside).into_iter().flatten().flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let is_scratch = name.to_string_lossy().starts_with(SCRATCH);
        if is_scratch && path.join(".lock").is_file() && FolderLock::alone(&path, "clear").is_ok() {
            let _ = std::fs::remove_dir_all(&path);
        }
    }
}

/// Makes the table of pages of an input.
fn read(input: &Path, unit: usize, folder: &Folder, config: &Deduplication) -> Result<()> {
    let mut table = TableWriter::create(folder, &UnitTable::Pages.of(unit as u32))?;
    let mut chunks = Chunks::open(input, unit)?;
    while let Some(chunk) = chunks.next()? {
        let rows: Vec<Option<PageRow>> = chunk
            .par_iter()
            .map(|line| page(line.text.as_deref()?).map(|page| row(line.document, &page, config)))
            .collect();
        rows.into_iter()
            .flatten()
            .try_for_each(|row| table.push(row))?;
    }
    Ok(table.finish()?)
}

fn page(line: &[u8]) -> Option<Page> {
    serde_json::from_slice(line).ok()
}

/// The page's row, with the columns that statements read.
fn row(document: i64, page: &Page, config: &Deduplication) -> PageRow {
    let fingerprint = Fingerprint::of(page, config.band_rows);
    let images = page
        .parts
        .iter()
        .enumerate()
        .filter_map(|(position, part)| match part {
            Part::Image(image) => Some(ImageUse {
                position: position as i32,
                choice: 0,
                url_key: url_key(&image.url),
            }),
            _ => None,
        });
    PageRow {
        document,
        url: page.url.clone(),
        url_key: url_key(&page.url),
        domain: registrable_domain(&page.url),
        text_hash: fingerprint.text_hash,
        bands: fingerprint.bands,
        signature: fingerprint.signature,
        paragraphs: fingerprint.paragraphs,
        images: images.collect(),
        ..PageRow::default()
    }
}

/// The paragraphs that go, by domain.
struct Repeated(HashMap<String, HashSet<i64>>);

impl Repeated {
    fn open(folder: &Folder) -> Result<Self> {
        let mut domains: HashMap<String, HashSet<i64>> = HashMap::new();
        for row in Rows::<ParagraphRow>::open(folder, folder::PARAGRAPHS)? {
            let row = row?;
            domains.entry(row.domain).or_default().insert(row.paragraph);
        }
        Ok(Repeated(domains))
    }

    /// The line without repeated paragraphs, and how many those were; `None` where it has none.
    fn without(&self, page: &Page, line: &[u8]) -> Option<(Vec<u8>, u64)> {
        let paragraphs = self.0.get(&registrable_domain(&page.url))?;
        let mut value: Value = serde_json::from_slice(line).ok()?;
        let parts = value.get_mut("parts")?.as_array_mut()?;
        let before = parts.len();
        parts.retain(|part| {
            let text = part.get("text").and_then(Value::as_str);
            !text.is_some_and(|text| paragraphs.contains(&paragraph_hash(text)))
        });
        let dropped = (before - parts.len()) as u64;
        (dropped > 0).then(|| (value.to_string().into_bytes(), dropped))
    }
}

/// What a line becomes.
enum Fate {
    Malformed,
    TooLong,
    Duplicate(DuplicateRow),
    Kept {
        line: Vec<u8>,
        dropped_paragraphs: u64,
    },
}

fn write(
    inputs: &[PathBuf],
    mut draft: Draft,
    folder: &Folder,
    repeated: &Repeated,
) -> Result<Report> {
    let mut report = Report::default();
    let mut examples = Examples::open(folder)?;
    let mut duplicates = Rows::<DuplicateRow>::open(folder, folder::DOCUMENTS)?.peekable();
    for (unit, input) in inputs.iter().enumerate() {
        let mut chunks = Chunks::open(input, unit)?;
        while let Some(chunk) = chunks.next()? {
            examples.look_at(&chunk);
            let mut doomed = HashMap::new();
            while let Some(row) = duplicates
                .next_if(|row| row.as_ref().map_or(true, |row| chunk.reaches(row.document)))
            {
                let row = row?;
                doomed.insert(row.document, row);
            }
            for fate in fates(chunk, &doomed, repeated) {
                let taken = report.take(fate, &mut draft);
                taken.map_err(|error| draft.failed(error))?;
            }
        }
    }
    draft.commit()?;
    report.examples = examples.finish();
    Ok(report)
}

fn fates(chunk: Chunk, doomed: &HashMap<i64, DuplicateRow>, repeated: &Repeated) -> Vec<Fate> {
    let fate = |line: crate::lines::Line| {
        let Some(text) = line.text else {
            return Fate::TooLong;
        };
        if let Some(row) = doomed.get(&line.document) {
            return Fate::Duplicate(row.clone());
        }
        let Some(page) = page(&text) else {
            return Fate::Malformed;
        };
        let (line, dropped_paragraphs) = repeated.without(&page, &text).unwrap_or((text, 0));
        Fate::Kept {
            line,
            dropped_paragraphs,
        }
    };
    chunk.into_par_iter().map(fate).collect()
}

impl Report {
    fn take(&mut self, fate: Fate, output: &mut impl Write) -> std::io::Result<()> {
        self.lines += 1;
        let reason = match fate {
            Fate::Malformed => "malformed".to_owned(),
            Fate::TooLong => "too_long".to_owned(),
            Fate::Duplicate(row) => row.reason,
            Fate::Kept {
                line,
                dropped_paragraphs,
            } => {
                self.kept += 1;
                self.dropped_paragraphs += dropped_paragraphs;
                output.write_all(&line)?;
                return output.write_all(b"\n");
            }
        };
        *self.dropped.entry(reason).or_default() += 1;
        Ok(())
    }
}

/// The first few duplicates of each reason; their URLs come with the lines.
struct Examples {
    rows: Vec<DuplicateRow>,
    urls: BTreeMap<i64, String>,
}

impl Examples {
    fn open(folder: &Folder) -> Result<Self> {
        let mut rows: Vec<DuplicateRow> = Vec::new();
        for row in Rows::<DuplicateRow>::open(folder, folder::DOCUMENTS)? {
            let row = row?;
            if rows
                .iter()
                .filter(|other| other.reason == row.reason)
                .count()
                < EXAMPLES
            {
                rows.push(row);
            }
        }
        let urls = rows.iter().flat_map(|row| [row.document, row.of]);
        let urls = urls.map(|document| (document, String::new())).collect();
        Ok(Examples { rows, urls })
    }

    fn look_at(&mut self, chunk: &Chunk) {
        for line in chunk.iter() {
            if let Some(url) = self.urls.get_mut(&line.document) {
                *url = line
                    .text
                    .as_deref()
                    .and_then(page)
                    .map(|page| page.url)
                    .unwrap_or_default();
            }
        }
    }

    fn finish(self) -> Vec<Example> {
        let url = |document| self.urls.get(&document).cloned().unwrap_or_default();
        let examples = self.rows.iter().map(|row| Example {
            reason: row.reason.clone(),
            url: url(row.document),
            of: url(row.of),
        });
        examples.collect()
    }
}
