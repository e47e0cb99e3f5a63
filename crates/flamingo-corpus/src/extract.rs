//! Pages without a build: a line of JSON for each page of the inputs, with what filters would decide.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};
use std::path::Path;

use flamingo_crawl::{
    Answer, FetchConfig, Item, Items, ReadOptions, Refusal, RobotsIndex, RobotsTexts, Unit,
};
use flamingo_files::{Draft, Target};
use flamingo_page::Page;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::content::{content, is_page};
use crate::counts::{self, Counts};
use crate::error::{Error, Result};
use crate::filters::{Decision, Filters, decide};
use crate::measures::Measures;
use crate::permission::Permission;

/// Bytes of bodies that are looked at together, for each thread: enough to share, little enough that the memory of one batch
/// serves the next.
const BATCH_BYTES: usize = 512 << 10;
/// Items that are looked at together.
const BATCH_ITEMS: usize = 256;

/// How pages are read and judged.
#[derive(Debug)]
pub struct Extractor {
    filters: Filters,
    permission: Permission,
    /// A page that asks not to be in an index may be read; it does not pass.
    listing: Permission,
    agent: String,
    read: ReadOptions,
}

/// What was read, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Extracted {
    /// Lines: pages of the inputs.
    pub pages: u64,
    /// Pages that pass the filters.
    pub kept: u64,
    /// Bytes of pages, decompressed.
    pub bytes: u64,
    /// Why pages do not pass, each counted by its first reason.
    pub reasons: Counts,
    /// What of the inputs is no page, or was damaged, by name.
    pub other: Counts,
}

impl Extracted {
    /// A page that had passed, or had not for this reason, may not be used.
    fn forbid(&mut self, reason: Option<&String>) {
        match reason {
            None => self.kept -= 1,
            Some(reason) => {
                if let Some(count) = self.reasons.get_mut(reason) {
                    *count -= 1;
                }
            }
        }
        self.reasons.retain(|_, count| *count > 0);
        counts::count(&mut self.reasons, ROBOTS);
    }
}

/// A line of the output.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(flatten)]
    page: &'a Page,
    decisions: Decisions,
}

/// What is decided about a page.
#[derive(Serialize)]
struct Decisions {
    kept: bool,
    /// Why not: those of robots and headers, or all of the filters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
    /// Texts that filters would drop, by the index of their part.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<crate::filters::DroppedPart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    measures: Option<Measures>,
}

/// A page on its way out.
struct Ready {
    line: Vec<u8>,
    bytes: u64,
    reason: Option<String>,
}

impl Extractor {
    /// One that judges by these settings.
    ///
    /// # Errors
    ///
    /// When a list of those who opted out cannot be read.
    pub fn new(filters: Filters, fetch: &FetchConfig, read: ReadOptions) -> Result<Self> {
        let (listing, use_of): (Vec<_>, Vec<_>) = fetch
            .refusals
            .iter()
            .partition(|refusal| **refusal == Refusal::NoIndex);
        let asking = |refusals| FetchConfig {
            refusals,
            ..fetch.clone()
        };
        Ok(Self {
            filters,
            permission: Permission::new(&asking(use_of))?,
            listing: Permission::new(&asking(listing))?,
            agent: fetch.product_token().to_owned(),
            read,
        })
    }

    /// Writes a line for each page of the units to a new file, or to standard output (`-`), a pipe or a device. A page
    /// that may not be used has no parts.
    ///
    /// Pages come in the order of the inputs, whatever the number of threads, and no more than a few of them are held.
    ///
    /// # Errors
    ///
    /// When an input cannot be opened or the file cannot be written.
    pub fn extract(
        &self,
        units: &[Unit],
        output: &Path,
        progress: &(dyn Fn(&Extracted) + Sync),
    ) -> Result<Extracted> {
        let mut run = Run {
            extracted: Extracted::default(),
            robots: RobotsTexts::default(),
            lines: Lines::create(output)?,
        };
        for unit in units {
            let mut items = unit.open(&self.read)?;
            while self.batch(unit, &mut items, &mut run)? {
                progress(&run.extracted);
            }
            for (name, count) in items.counts().iter() {
                counts::add(&mut run.extracted.other, name, count);
            }
        }
        let Run {
            mut extracted,
            robots,
            lines,
        } = run;
        if robots.is_empty() {
            lines.finish()?;
        } else {
            let robots = RobotsIndex::new(&self.agent, &robots);
            forbid(lines, output, &robots, &mut extracted)?;
        }
        Ok(extracted)
    }

    /// Whether there was anything left to read.
    fn batch(&self, unit: &Unit, items: &mut Items, run: &mut Run) -> Result<bool> {
        let mut answers = Vec::new();
        let (mut bytes, mut count) = (0, 0);
        let batch_bytes = BATCH_BYTES * rayon::current_num_threads();
        while bytes < batch_bytes && count < BATCH_ITEMS {
            let Some(item) = items.next().transpose()? else {
                break;
            };
            count += 1;
            let Item::Answer(answer) = item else { continue };
            if run.robots.collect(&answer) {
                continue;
            }
            if answer.is_success() && is_page(&answer) {
                bytes += answer.body.len();
                answers.push(answer);
            }
        }
        let ready: Vec<Ready> = answers
            .into_par_iter()
            .map(|answer| self.ready(unit, &answer))
            .collect();
        ready.into_iter().try_for_each(|ready| run.push(ready))?;
        Ok(count > 0)
    }

    fn ready(&self, unit: &Unit, answer: &Answer) -> Ready {
        let bytes = answer.body.len() as u64;
        let (page, decisions) = match content(answer, &self.permission) {
            Ok((page, robots)) => {
                let header = self.listing.header(&answer.directives).content;
                let unlisted = header.or_else(|| self.listing.page(&robots).content);
                let decisions = self.judge(&page, unlisted);
                (page, decisions)
            }
            Err(reason) => (nothing_of(&answer.url), refused(reason)),
        };
        let line = Line {
            id: id(unit, answer),
            page: &page,
            decisions,
        };
        let reason = line.decisions.reasons.first().cloned();
        let mut line = serde_json::to_vec(&line).expect("a page is JSON");
        line.push(b'\n');
        Ready {
            line,
            bytes,
            reason,
        }
    }

    fn judge(&self, page: &Page, unlisted: Option<String>) -> Decisions {
        let measures = Measures::of(page, self.filters.lexicon());
        let Decision {
            kept,
            reasons,
            parts,
            ..
        } = decide(page, &measures, &Default::default(), &self.filters);
        let reasons = reasons.iter().map(|reason| reason.name().to_owned());
        Decisions {
            kept: kept && unlisted.is_none(),
            reasons: unlisted.into_iter().chain(reasons).collect(),
            parts,
            measures: Some(measures),
        }
    }
}

/// Lines in the making, what is in them, and what sites say.
struct Run {
    extracted: Extracted,
    robots: RobotsTexts,
    lines: Lines,
}

/// Lines in the making. What is written in place is out when it is written, so it waits until all pages are read:
/// a robots.txt may come behind the pages that it speaks of.
struct Lines {
    draft: Draft,
    waiting: Option<BufWriter<File>>,
}

/// What messages call the file of waiting lines, which has no name.
const WAITING: &str = "the temporary file of lines";

impl Lines {
    fn create(output: &Path) -> Result<Self> {
        if let Some(folder) = output.parent() {
            fs::create_dir_all(folder).map_err(Error::file(folder))?;
        }
        let waits = !Target::of(output)?.is_file();
        let waiting = waits.then(tempfile::tempfile).transpose();
        let waiting = waiting.map_err(Error::file(WAITING))?;
        Ok(Self {
            draft: Draft::create(output)?,
            waiting: waiting.map(|file| BufWriter::with_capacity(1 << 20, file)),
        })
    }

    fn add(&mut self, line: &[u8]) -> Result<()> {
        match &mut self.waiting {
            Some(waiting) => waiting.write_all(line).map_err(Error::file(WAITING)),
            None => Ok(self.draft.add(line)?),
        }
    }

    /// Writes them as they are.
    fn finish(mut self) -> Result<()> {
        if let Some(waiting) = self.waiting.take() {
            let mut lines = from_start(waiting).map_err(Error::file(WAITING))?;
            let copied = io::copy(&mut lines, &mut self.draft);
            copied.map_err(|error| self.draft.failed(error))?;
        }
        Ok(self.draft.commit()?)
    }
}

fn from_start(waiting: BufWriter<File>) -> io::Result<File> {
    let mut file = waiting
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(file)
}

impl Run {
    fn push(&mut self, ready: Ready) -> Result<()> {
        self.extracted.pages += 1;
        self.extracted.bytes += ready.bytes;
        match &ready.reason {
            None => self.extracted.kept += 1,
            Some(reason) => counts::count(&mut self.extracted.reasons, reason),
        }
        self.lines.add(&ready.line)
    }
}

/// The path of a page below the folder that it was read from.
fn id<'a>(unit: &Unit, answer: &'a Answer) -> Option<&'a str> {
    let Unit::Pages { folder, .. } = unit else {
        return None;
    };
    let file = &*answer.place.as_ref()?.file;
    let below = file.strip_prefix(folder.as_str()).unwrap_or(file);
    Some(below.trim_start_matches('/'))
}

fn nothing_of(url: &str) -> Page {
    Page {
        url: url.to_owned(),
        ..Page::default()
    }
}

fn refused(reason: String) -> Decisions {
    Decisions {
        kept: false,
        reasons: vec![reason],
        parts: Vec::new(),
        measures: None,
    }
}

/// Why a page that robots.txt does not allow may not be used.
const ROBOTS: &str = "robots_txt";

/// Of a line, what is needed to see whether it may stay.
#[derive(Deserialize)]
struct Known {
    #[serde(default)]
    id: Option<String>,
    url: String,
    decisions: Reasons,
}

#[derive(Deserialize)]
struct Reasons {
    #[serde(default)]
    reasons: Vec<String>,
}

/// Copies the lines to their final file; what a site's robots.txt does not allow loses its content. A robots.txt
/// may come behind the pages that it speaks of, so it is asked when all are read.
fn forbid(
    lines: Lines,
    output: &Path,
    robots: &RobotsIndex,
    extracted: &mut Extracted,
) -> Result<()> {
    let Lines { mut draft, waiting } = lines;
    let (file, mut out) = match waiting {
        Some(waiting) => (from_start(waiting).map_err(Error::file(WAITING))?, draft),
        None => {
            let file = draft.read_back()?;
            let out = Draft::create(output)?;
            (file.expect("lines that do not wait lie in a file"), out)
        }
    };
    let mut lines = BufReader::with_capacity(1 << 20, file);
    let mut line = Vec::new();
    while lines
        .read_until(b'\n', &mut line)
        .map_err(Error::file(WAITING))?
        > 0
    {
        let known: Known =
            serde_json::from_slice(&line).map_err(|error| Error::content(WAITING, error))?;
        if robots.allows(&known.url) {
            out.add(&line)?;
        } else {
            extracted.forbid(known.decisions.reasons.first());
            out.add(&without_content(&known))?;
        }
        line.clear();
    }
    Ok(out.commit()?)
}

fn without_content(known: &Known) -> Vec<u8> {
    let line = Line {
        id: known.id.as_deref(),
        page: &nothing_of(&known.url),
        decisions: refused(ROBOTS.to_owned()),
    };
    let mut line = serde_json::to_vec(&line).expect("a page is JSON");
    line.push(b'\n');
    line
}
