//! Stage `join`: robots.txt of all units asked for all pages and images, then what repeats.

use flamingo_crawl::{RobotsIndex, RobotsTexts};

use super::report::{self, JoinReport};
use super::{Global, Stage, read};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::folder::{Folder, UnitTable};
use crate::tables::{ImageRow, PageRow, Row, Rows, TableWriter};

/// Why a page or an image may not be used whose site's robots.txt says so.
const ROBOTS: &str = "robots_txt";

/// Joins what is read.
pub(super) struct Joiner<'a> {
    pub(super) config: &'a Config,
    pub(super) folder: &'a Folder,
    /// How many there are.
    pub(super) units: u32,
    pub(super) global: &'a dyn Global,
}

impl Joiner<'_> {
    /// Writes the tables of what repeats, and their report.
    pub(super) fn join(&self) -> Result<()> {
        let settings = self.config.fingerprint(Stage::Join);
        let folder = self.folder;
        if report::is_done(folder, Stage::Join, 0, &settings) {
            return Ok(());
        }
        self.ask_robots()?;
        let counts = self.global.join(folder, &self.config.deduplication);
        let report = JoinReport {
            settings,
            counts: counts.map_err(Error::Join)?,
        };
        folder.write_json(&report::name(Stage::Join, 0), &report)
    }

    /// Marks what robots.txt forbids in the tables of all units; what is marked already stays as it is.
    fn ask_robots(&self) -> Result<()> {
        let folder = self.folder;
        let mut texts = RobotsTexts::default();
        for unit in 0..self.units {
            let name = read::robots(unit);
            if folder.has(&name) {
                texts.merge(&folder.read_json(&name)?);
            }
        }
        if texts.is_empty() {
            return Ok(());
        }
        let robots = RobotsIndex::new(self.config.fetch.product_token(), &texts);
        for unit in 0..self.units {
            let pages = UnitTable::Pages.of(unit);
            mark(folder, &pages, |row| refuse_page(row, &robots))?;
            let images = UnitTable::Images.of(unit);
            mark(folder, &images, |row| refuse_image(row, &robots))?;
        }
        Ok(())
    }
}

/// Writes a table again with the rows that `refuse` changes; not at all if it changes none.
fn mark<R: Row>(folder: &Folder, name: &str, refuse: impl Fn(&R) -> Option<R>) -> Result<()> {
    let mut any = false;
    for row in Rows::<R>::open(folder, name)? {
        any |= refuse(&row?).is_some();
    }
    if !any {
        return Ok(());
    }
    let mut writer = TableWriter::create(folder, name)?;
    for row in Rows::<R>::open(folder, name)? {
        let row = row?;
        writer.push(refuse(&row).unwrap_or(row))?;
    }
    writer.finish()
}

fn refuse_page(row: &PageRow, robots: &RobotsIndex) -> Option<PageRow> {
    let forbidden = row.refused.is_none() && !robots.allows(&row.url);
    forbidden.then(|| PageRow {
        document: row.document,
        url: row.url.clone(),
        url_key: row.url_key.clone(),
        domain: row.domain.clone(),
        refused: Some(ROBOTS.to_owned()),
        ..PageRow::default()
    })
}

fn refuse_image(row: &ImageRow, robots: &RobotsIndex) -> Option<ImageRow> {
    let forbidden = row.status == "ok" && !robots.allows(&row.url);
    forbidden.then(|| ImageRow {
        status: ROBOTS.to_owned(),
        ..row.clone()
    })
}
