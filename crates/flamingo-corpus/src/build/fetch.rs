//! Pages of lists and pictures that a unit lacks, fetched into WARC files of the folder before they are read.
//!
//! What was fetched is stored, so whatever is made of it is the same after a kill.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use flamingo_crawl::{FetchReport, Fetcher, Unit};
use flamingo_page::{Page, Part};

use crate::error::Result;
use crate::folder::Folder;
use crate::funnel::Counts;
use crate::images::Rules;
use crate::tables::{ImageRow, PageRow};

/// What a unit shows and what it holds, by the keys of URLs.
pub(super) struct Wanted {
    /// What a page says of an image can be enough to leave it.
    rules: Rules,
    /// For the first URL of each image its key and those of its other URLs.
    images: BTreeMap<String, Vec<String>>,
    held: HashSet<String>,
}

impl Wanted {
    /// Nothing yet.
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            images: BTreeMap::new(),
            held: HashSet::new(),
        }
    }

    /// Notes the images of a page.
    pub(super) fn page(&mut self, row: &PageRow) {
        // A page that may not be used has no content.
        let Ok(page) = serde_json::from_str::<Page>(&row.page) else {
            return;
        };
        let images = row
            .images
            .chunk_by(|one, other| one.position == other.position);
        for (uses, position) in images.map(|uses| (uses, uses[0].position as usize)) {
            let Some(Part::Image(image)) = page.parts.get(position) else {
                continue;
            };
            let refused = self.rules.page(&image.url, image.width, image.height);
            if refused.is_none() && image.url.starts_with("http") {
                let keys = uses.iter().map(|used| used.url_key.clone());
                self.images.insert(image.url.clone(), keys.collect());
            }
        }
    }

    /// Notes an answer.
    pub(super) fn answer(&mut self, row: &ImageRow) {
        self.held.insert(row.url_key.clone());
    }

    /// The URLs of images of which there is no answer, in their order.
    fn missing(&self) -> Vec<&String> {
        let images = self.images.iter();
        images
            .filter(|(_, keys)| !keys.iter().any(|key| self.held.contains(key)))
            .map(|(url, _)| url)
            .collect()
    }
}

/// Fetches for a unit and stores what came.
pub(super) struct Store<'a> {
    pub(super) folder: &'a Folder,
    pub(super) fetcher: &'a Fetcher,
    pub(super) unit: u32,
}

impl Store<'_> {
    /// The pages of a list as a unit that can be read, and what became of the URLs.
    pub(super) fn pages(&self, urls: &[String]) -> Result<(Unit, Counts)> {
        self.stored("pages", |path| self.fetcher.fetch_pages(urls, path))
    }

    /// The pictures that a unit lacks as one that can be read; nothing if it lacks none.
    pub(super) fn images(&self, wanted: &Wanted) -> Result<Option<(Unit, Counts)>> {
        let missing = wanted.missing();
        if missing.is_empty() {
            return Ok(None);
        }
        let fetched = self.stored("images", |path| self.fetcher.fetch_images(&missing, path));
        fetched.map(Some)
    }

    /// The report is written behind the WARC: where it is, nothing is fetched again.
    fn stored(
        &self,
        what: &str,
        fetch: impl FnOnce(&Path) -> flamingo_crawl::Result<FetchReport>,
    ) -> Result<(Unit, Counts)> {
        let name = format!("fetched/{:05}-{what}", self.unit);
        let (warc, report) = (format!("{name}.warc.gz"), format!("{name}.json"));
        if !self.folder.has(&report) {
            let path = self.folder.prepare(&warc)?;
            self.folder.write_json(&report, &fetch(&path)?)?;
        }
        let told: FetchReport = self.folder.read_json(&report)?;
        let outcomes = told.outcomes.iter();
        let outcomes = outcomes.map(|(name, count)| (format!("fetch_{name}"), count));
        let file = self.folder.path(&warc).to_string_lossy().into_owned();
        Ok((Unit::Warc { file }, outcomes.collect()))
    }
}
