//! Pages of lists and pictures that a unit lacks, fetched into WARC files of the folder before they are read.
//!
//! What was fetched is stored, so whatever is made of it is the same after a kill.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use flamingo_crawl::{FetchReport, Fetcher, Unit};
use flamingo_page::{Page, Part};

use crate::error::Result;
use crate::folder::Folder;
use crate::funnel::Counts;
use crate::images::{Reason, Rules};
use crate::tables::{ImageRow, PageRow};

/// What a unit shows and what it holds, by the keys of URLs.
pub(super) struct Wanted {
    /// What a page says of an image can be enough to leave it.
    rules: Rules,
    /// The offers of each image, by the first of them.
    images: BTreeMap<String, Vec<Offer>>,
    held: HashMap<String, Held>,
    /// URLs that were to be fetched.
    asked: HashSet<String>,
}

/// A URL of an image.
struct Offer {
    url: String,
    key: String,
}

/// What a unit holds for a URL, the better first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Held {
    /// A picture, or one that no other offer is better than.
    Picture,
    /// A pointer to another URL.
    Elsewhere(String),
    /// Nothing, or nothing that can be read.
    Nothing,
}

/// Pointers that are followed.
const MOST_HOPS: usize = 10;

impl Wanted {
    /// Nothing yet.
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            images: BTreeMap::new(),
            held: HashMap::new(),
            asked: HashSet::new(),
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
            if refused.is_none() {
                let urls = std::iter::once(&image.url).chain(&image.also);
                let offers = urls.zip(uses).map(|(url, used)| Offer {
                    url: url.clone(),
                    key: used.url_key.clone(),
                });
                self.images.insert(image.url.clone(), offers.collect());
            }
        }
    }

    /// Notes an answer.
    pub(super) fn answer(&mut self, row: &ImageRow) {
        let held = match &row.redirect {
            Some(target) => Held::Elsewhere(target.clone()),
            None if is_final(&row.status) => Held::Picture,
            None => Held::Nothing,
        };
        let known = self
            .held
            .entry(row.url_key.clone())
            .or_insert(Held::Nothing);
        if held < *known {
            *known = held;
        }
    }

    /// Of each image without a picture the first URL of which there is no answer, in their order; each is given once.
    pub(super) fn missing(&mut self) -> Vec<String> {
        let mut missing = BTreeSet::new();
        for offers in self.images.values() {
            let has_picture = |offer: &Offer| self.held(&offer.key) == Some(&Held::Picture);
            if offers.iter().any(has_picture) {
                continue;
            }
            let is_open = |offer: &&Offer| {
                offer.url.starts_with("http")
                    && self.held(&offer.key).is_none()
                    && !self.asked.contains(&offer.url)
            };
            missing.extend(offers.iter().find(is_open).map(|offer| offer.url.clone()));
        }
        self.asked.extend(missing.iter().cloned());
        missing.into_iter().collect()
    }

    /// What is held for a URL, at the end of the pointers from it; a pointer to what is not held is nothing.
    fn held(&self, key: &str) -> Option<&Held> {
        let mut held = self.held.get(key)?;
        for _ in 0..MOST_HOPS {
            let Held::Elsewhere(target) = held else {
                break;
            };
            held = self.held.get(target).unwrap_or(&Held::Nothing);
        }
        Some(held)
    }
}

/// Whether another offer of the same picture would be no better.
fn is_final(status: &str) -> bool {
    use Reason::{Animated, AspectRatio, SingleColour, TooSmall, TrackingPixel};
    let same = [Animated, AspectRatio, SingleColour, TooSmall, TrackingPixel];
    status == "ok" || same.iter().any(|reason| reason.name() == status)
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

    /// Pictures that a unit lacks as a unit that can be read; each round of asking has its own.
    pub(super) fn images(&self, round: usize, missing: &[String]) -> Result<(Unit, Counts)> {
        let name = match round {
            0 => "images".to_owned(),
            _ => format!("images-{}", round + 1),
        };
        self.stored(&name, |path| self.fetcher.fetch_images(missing, path))
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
