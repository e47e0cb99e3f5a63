//! Stage `read`: a unit's items to tables of pages and images.
//!
//! One thread takes the unit apart, the others look at what is in it, batch by batch and in order: no more than a few
//! batches are ever held, however large the unit is.

use std::collections::HashSet;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use flamingo_crawl::{Fetcher, Item, Items, RobotsTexts, Unit};
use rayon::prelude::*;

use super::Stage;
use super::blob::Blob;
use super::examine::{Examined, Examiner, Wants};
use super::fetch::{Store, Wanted};
use super::films::Films;
use super::report::{self, ReadReport};
use super::times::{Times, timed};
use crate::config::Config;
use crate::error::Result;
use crate::filters::Filters;
use crate::folder::{Folder, UnitTable};
use crate::funnel::{self, Counts, Tally};
use crate::images::Rules;
use crate::permission::Permission;
use crate::progress::Meter;
use crate::tables::{ImageRow, PageRow, TableWriter};

/// Bytes of bodies in a batch.
const BATCH_BYTES: usize = 16 << 20;
/// Items in a batch.
const BATCH_ITEMS: usize = 256;

/// Offers of one picture that are fetched until one can be used.
const MOST_OFFERS: usize = 8;

/// Reads units.
pub(super) struct Reader<'a> {
    pub(super) config: &'a Config,
    pub(super) folder: &'a Folder,
    pub(super) permission: Permission,
    pub(super) filters: Filters,
    /// Where the configuration asks for pages or pictures to be fetched.
    pub(super) fetcher: Option<Fetcher>,
    pub(super) settings: String,
    pub(super) meter: &'a Meter<'a>,
}

/// Items that are looked at together.
#[derive(Default)]
struct Batch {
    items: Vec<Item>,
    /// Bytes of the inputs that were read for it.
    bytes: u64,
}

/// What is told of the records of a unit.
#[derive(Default)]
struct Records {
    counts: Counts,
    bytes: u64,
    seconds: f64,
}

impl Records {
    fn add(&mut self, other: &Self) {
        funnel::merge(&mut self.counts, &other.counts);
        self.bytes += other.bytes;
        self.seconds += other.seconds;
    }
}

impl Reader<'_> {
    /// Reads a unit and writes its tables and its report.
    pub(super) fn read(&self, index: u32, unit: &Unit) -> Result<()> {
        let mut tables = Tables::create(self, index)?;
        let mut records = Records::default();
        let store = self.fetcher.as_ref().map(|fetcher| Store {
            folder: self.folder,
            fetcher,
            unit: index,
        });
        match (unit, &store) {
            (Unit::Urls { urls }, Some(store)) => {
                let (pages, outcomes) = store.pages(urls)?;
                funnel::merge(&mut records.counts, &outcomes);
                records.add(&self.take_in(&pages, Wants::All, &mut tables)?);
            }
            (Unit::Films { folder, films }, _) => {
                records.add(&self.take_in_films(folder, films, &mut tables)?);
            }
            _ => records.add(&self.take_in(unit, Wants::All, &mut tables)?),
        }
        if let Some(store) = store {
            self.fetch_pictures(&store, &mut tables, &mut records)?;
        }
        tables.finish(self, index, records)
    }

    /// Fetches the pictures that a unit lacks: the first offer of each, and the next of those of which none is one.
    fn fetch_pictures(
        &self,
        store: &Store<'_>,
        tables: &mut Tables,
        records: &mut Records,
    ) -> Result<()> {
        for round in 0..MOST_OFFERS {
            let missing = tables
                .wanted
                .as_mut()
                .map(Wanted::missing)
                .unwrap_or_default();
            if missing.is_empty() {
                break;
            }
            let (images, outcomes) = store.images(round, &missing)?;
            funnel::merge(&mut records.counts, &outcomes);
            records.add(&self.take_in(&images, Wants::Images, tables)?);
        }
        Ok(())
    }

    /// Reads all items of a unit into the tables.
    fn take_in(&self, unit: &Unit, wants: Wants, tables: &mut Tables) -> Result<Records> {
        let items = unit.open(&self.config.read_options())?;
        std::thread::scope(|scope| {
            let (sender, receiver) = sync_channel(1);
            let reading = scope.spawn(move || take_apart(items, &sender));
            let looked = self.look_at(receiver, wants, tables);
            let records = reading.join().expect("the reader's thread does not panic");
            looked.and(records)
        })
    }

    /// Reads films and their texts into the tables.
    fn take_in_films(
        &self,
        folder: &str,
        films: &[String],
        tables: &mut Tables,
    ) -> Result<Records> {
        let films = Films {
            folder,
            films,
            max_bytes: self.config.input.max_record_bytes,
        };
        let mut records = Records::default();
        for batch in films.batches(self.examiner(Wants::All)) {
            let pages = batch.len() as u64;
            let mut bytes = 0;
            for (page, film, times) in batch {
                tables.times += times;
                bytes += film.bytes.cast_unsigned();
                tables.push(page)?;
                tables.push_film(film)?;
            }
            funnel::add(&mut records.counts, "films", pages);
            records.bytes += bytes;
            self.meter.add(pages, bytes);
        }
        Ok(records)
    }

    fn examiner(&self, wants: Wants) -> Examiner<'_> {
        Examiner {
            config: self.config,
            permission: &self.permission,
            filters: &self.filters,
            wants,
        }
    }

    fn look_at(&self, batches: Receiver<Batch>, wants: Wants, tables: &mut Tables) -> Result<()> {
        let examiner = self.examiner(wants);
        for batch in batches {
            let items = tables.take_robots(batch.items);
            let examined: Vec<(Examined, Times)> = items
                .into_par_iter()
                .map(|item| examiner.examine(&item))
                .collect();
            let pages = tables.pages_written;
            for (examined, times) in examined {
                tables.times += times;
                tables.push(examined)?;
            }
            self.meter.add(tables.pages_written - pages, batch.bytes);
        }
        Ok(())
    }
}

/// Reads all items and sends them in batches; ends early where nobody listens any more.
fn take_apart(mut items: Items, sender: &SyncSender<Batch>) -> Result<Records> {
    let mut seconds = 0.0;
    let mut read = 0;
    loop {
        let mut batch = timed(&mut seconds, || next_batch(&mut items))?;
        batch.bytes = items.bytes_read() - read;
        read = items.bytes_read();
        if batch.items.is_empty() || sender.send(batch).is_err() {
            break;
        }
    }
    let counts = items.counts().iter();
    Ok(Records {
        counts: counts
            .map(|(name, number)| (name.to_owned(), number))
            .collect(),
        bytes: items.bytes_read(),
        seconds,
    })
}

fn next_batch(items: &mut Items) -> Result<Batch> {
    let mut batch = Batch::default();
    let mut bytes = 0;
    while bytes < BATCH_BYTES && batch.items.len() < BATCH_ITEMS {
        let Some(item) = items.next().transpose()? else {
            break;
        };
        if let Item::Answer(answer) = &item {
            bytes += answer.body.len();
        }
        batch.items.push(item);
    }
    Ok(batch)
}

/// A unit's tables in the making, and what is counted on the way.
struct Tables {
    pages: TableWriter<PageRow>,
    images: TableWriter<ImageRow>,
    blob: Blob,
    robots: RobotsTexts,
    /// Which pictures are to be fetched, where that is asked for.
    wanted: Option<Wanted>,
    folder: Folder,
    /// The number of the unit's first document.
    first: i64,
    pages_written: u64,
    /// The pictures standing in pages that are kept already.
    inline: HashSet<String>,
    tally: Tally,
    statuses: Counts,
    times: Times,
}

impl Tables {
    fn create(reader: &Reader<'_>, unit: u32) -> Result<Self> {
        let folder = reader.folder;
        let fetches = reader.config.input.fetch_images;
        Ok(Self {
            pages: TableWriter::create(folder, &UnitTable::Pages.of(unit))?,
            images: TableWriter::create(folder, &UnitTable::Images.of(unit))?,
            blob: Blob::of(folder, unit),
            robots: RobotsTexts::default(),
            wanted: fetches.then(|| Wanted::new(Rules::new(&reader.config.images))),
            folder: folder.clone(),
            first: i64::from(unit) << 32,
            pages_written: 0,
            inline: HashSet::new(),
            tally: Tally::default(),
            statuses: Counts::default(),
            times: Times::default(),
        })
    }

    /// Keeps what says what robots may take, and leaves the rest.
    fn take_robots(&mut self, mut items: Vec<Item>) -> Vec<Item> {
        items.retain(|item| {
            let is_robots = matches!(item, Item::Answer(answer) if self.robots.collect(answer));
            if is_robots {
                funnel::count(&mut self.tally.dropped, "robots_file");
            }
            !is_robots
        });
        items
    }

    fn push(&mut self, examined: Examined) -> Result<()> {
        let mut seconds = 0.0;
        let pushed = timed(&mut seconds, || self.push_row(examined));
        self.times.writing += seconds;
        pushed
    }

    /// Adds a film that is the only thing its page shows.
    fn push_film(&mut self, row: ImageRow) -> Result<()> {
        funnel::count(&mut self.statuses, &row.status);
        self.images.push(row)
    }

    fn push_row(&mut self, examined: Examined) -> Result<()> {
        match examined {
            Examined::Page(mut row) => {
                row.document = self.first + self.pages_written.cast_signed();
                self.pages_written += 1;
                self.tally.kept += 1;
                if let Some(wanted) = &mut self.wanted {
                    wanted.page(&row);
                }
                self.pages.push(*row)
            }
            Examined::Holding(row, pictures) => {
                for (row, bytes) in pictures {
                    self.push_inline(row, &bytes)?;
                }
                self.push_row(Examined::Page(row))
            }
            Examined::Image(row) => {
                if row.redirect.is_none() {
                    funnel::count(&mut self.tally.dropped, kind(&row));
                }
                self.push_image(*row)
            }
            Examined::Kept(mut row, bytes) => {
                self.blob.keep(&mut row, &bytes)?;
                self.push_row(Examined::Image(row))
            }
            Examined::Other(reason) => {
                funnel::count(&mut self.tally.dropped, reason);
                Ok(())
            }
            Examined::Counted => Ok(()),
        }
    }

    /// Adds a picture that stands in a page, once for the unit. It is no record of its own.
    fn push_inline(&mut self, mut row: ImageRow, bytes: &[u8]) -> Result<()> {
        if !self.inline.insert(row.url_key.clone()) {
            return Ok(());
        }
        if row.status == "ok" {
            self.blob.keep(&mut row, bytes)?;
        }
        self.push_image(row)
    }

    fn push_image(&mut self, row: ImageRow) -> Result<()> {
        funnel::count(&mut self.statuses, &row.status);
        if let Some(wanted) = &mut self.wanted {
            wanted.answer(&row);
        }
        let file = self.folder.name_of(&row.file).to_owned();
        self.images.push(ImageRow { file, ..row })
    }

    fn finish(mut self, reader: &Reader<'_>, unit: u32, records: Records) -> Result<()> {
        let folder = reader.folder;
        let mut seconds = 0.0;
        timed(&mut seconds, || {
            self.pages.finish()?;
            self.images.finish()?;
            self.blob.finish()
        })?;
        self.times.writing += seconds;
        self.times.records = records.seconds;
        if !self.robots.is_empty() {
            folder.write_json(&robots(unit), &self.robots)?;
        }
        folder.write_json(&format!("read/{unit:05}/times.json"), &self.times)?;
        let report = ReadReport {
            settings: reader.settings.clone(),
            bytes: records.bytes,
            records: records.counts,
            pages: self.tally,
            images: self.statuses,
        };
        folder.write_json(&report::name(Stage::Read, unit), &report)
    }
}

/// What an answer is that is no page: failures are told apart from pictures, and these from films.
fn kind(row: &ImageRow) -> &str {
    match (row.status.as_str(), row.format.as_deref()) {
        (status @ ("not_found" | "forbidden" | "server_error" | "http_error"), _) => status,
        (_, Some("avi" | "flv" | "mkv" | "mov" | "mp4" | "mpg" | "ts" | "webm" | "wmv")) => "film",
        _ => "image",
    }
}

/// The texts of robots.txt that a unit holds; not there if it has none.
pub(super) fn robots(unit: u32) -> String {
    format!("read/{unit:05}/robots.json")
}
