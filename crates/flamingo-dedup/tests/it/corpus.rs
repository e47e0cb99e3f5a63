//! Corpora in the making, and their join.

use flamingo_corpus::build::{Counts, Global};
use flamingo_corpus::deduplication::{Deduplication, Near};
use flamingo_corpus::folder::{self, Folder, UnitTable};
use flamingo_corpus::signature::{Fingerprint, registrable_domain, url_key};
use flamingo_corpus::tables::{
    DuplicateRow, ImageRow, ImageUse, PageRow, ParagraphRow, PlacedImageRow, Row, Rows,
    TableWriter, TextRow,
};
use flamingo_dedup::Deduplicator;
use flamingo_page::{Kind, Page, Part, Text};
use tempfile::TempDir;

/// A folder with the tables of stage `read`.
pub(crate) struct Corpus {
    dir: TempDir,
    pub(crate) folder: Folder,
}

/// What the join wrote.
#[derive(Debug, PartialEq)]
pub(crate) struct Joined {
    pub(crate) documents: Vec<(i64, String, i64)>,
    pub(crate) paragraphs: Vec<ParagraphRow>,
    pub(crate) images: Vec<PlacedImageRow>,
    pub(crate) texts: Vec<TextRow>,
    pub(crate) counts: Counts,
}

impl Corpus {
    /// Units of pages and images, in their order.
    pub(crate) fn of(units: &[(&[PageRow], &[ImageRow])]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path().join("a corpus [1]*"), 0).unwrap();
        std::fs::create_dir_all(folder.path("read")).unwrap();
        for (unit, (pages, images)) in units.iter().enumerate() {
            table(&folder, &UnitTable::Pages.of(unit as u32), pages);
            table(&folder, &UnitTable::Images.of(unit as u32), images);
        }
        Corpus { dir, folder }
    }

    /// One unit of pages without images.
    pub(crate) fn of_pages(pages: &[PageRow]) -> Self {
        Corpus::of(&[(pages, &[])])
    }

    pub(crate) fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    pub(crate) fn join(&self, config: &Deduplication) -> Joined {
        self.join_by(&Deduplicator::local().threads(2), config)
    }

    pub(crate) fn join_by(&self, deduplicator: &Deduplicator, config: &Deduplication) -> Joined {
        let counts = deduplicator.join(&self.folder, config).unwrap();
        let documents = self.rows::<DuplicateRow>(folder::DOCUMENTS);
        Joined {
            documents: documents
                .into_iter()
                .map(|row| (row.document, row.reason, row.of))
                .collect(),
            paragraphs: self.rows(folder::PARAGRAPHS),
            images: self.rows(folder::IMAGES),
            texts: self.rows(folder::TEXTS),
            counts,
        }
    }

    /// The bytes of all tables that the join wrote.
    pub(crate) fn bytes(&self) -> Vec<Vec<u8>> {
        [
            folder::DOCUMENTS,
            folder::PARAGRAPHS,
            folder::IMAGES,
            folder::TEXTS,
        ]
        .map(|name| self.folder.read(name).unwrap())
        .into()
    }

    fn rows<R: Row>(&self, name: &str) -> Vec<R> {
        Rows::open(&self.folder, name)
            .unwrap()
            .map(|row| row.unwrap())
            .collect()
    }
}

fn table<R: Row + Clone>(folder: &Folder, name: &str, rows: &[R]) {
    let mut table = TableWriter::create(folder, name).unwrap();
    rows.iter()
        .cloned()
        .for_each(|row| table.push(row).unwrap());
    table.finish().unwrap();
}

/// A page of one paragraph.
pub(crate) fn page(document: i64, url: &str, text: &str) -> PageRow {
    page_of(document, url, &[text])
}

/// A page of paragraphs.
pub(crate) fn page_of(document: i64, url: &str, texts: &[&str]) -> PageRow {
    let parts = texts.iter().map(|text| {
        Part::Text(Text {
            text: (*text).to_owned(),
            kind: Kind::Paragraph,
        })
    });
    let page = Page {
        url: url.to_owned(),
        parts: parts.collect(),
        ..Page::default()
    };
    let fingerprint = Fingerprint::of(&page, 8);
    PageRow {
        document,
        url: url.to_owned(),
        url_key: url_key(url),
        domain: registrable_domain(url),
        text_hash: fingerprint.text_hash,
        bands: fingerprint.bands,
        signature: fingerprint.signature,
        paragraphs: fingerprint.paragraphs,
        page: "{}".to_owned(),
        measures: "{}".to_owned(),
        ..PageRow::default()
    }
}

/// The page with these images: position, choice, URL.
pub(crate) fn with_images(mut page: PageRow, images: &[(i32, i32, &str)]) -> PageRow {
    page.images = images
        .iter()
        .map(|(position, choice, url)| ImageUse {
            position: *position,
            choice: *choice,
            url_key: url_key(url),
        })
        .collect();
    page
}

/// An answer that is a picture.
pub(crate) fn picture(url: &str, content: &str, perceptual: i64) -> ImageRow {
    ImageRow {
        url_key: url_key(url),
        url: url.to_owned(),
        status: "ok".to_owned(),
        sha256: Some(content.to_owned()),
        perceptual: Some(perceptual),
        width: Some(640),
        height: Some(480),
        bytes: 1_000,
        format: Some("jpeg".to_owned()),
        single_colour: Some(false),
        file: "a.warc.gz".to_owned(),
        offset: 7,
        length: 1_100,
        ..ImageRow::default()
    }
}

/// An answer that sends elsewhere.
pub(crate) fn redirect(url: &str, target: &str) -> ImageRow {
    ImageRow {
        url_key: url_key(url),
        url: url.to_owned(),
        redirect: Some(url_key(target)),
        status: "redirect".to_owned(),
        file: "a.warc.gz".to_owned(),
        ..ImageRow::default()
    }
}

/// An answer that is no picture.
pub(crate) fn failure(url: &str, status: &str) -> ImageRow {
    ImageRow {
        url_key: url_key(url),
        url: url.to_owned(),
        status: status.to_owned(),
        file: "a.warc.gz".to_owned(),
        ..ImageRow::default()
    }
}

/// `count` words that belong to `seed`.
pub(crate) fn words(seed: usize, count: usize) -> String {
    let words: Vec<String> = (0..count).map(|index| format!("w{seed}x{index}")).collect();
    words.join(" ")
}

/// Nothing but what is asked for.
pub(crate) fn only(change: impl FnOnce(&mut Deduplication)) -> Deduplication {
    let mut config = Deduplication {
        url: false,
        page: false,
        near: Near::Off,
        paragraph_documents: 0,
        ..Deduplication::default()
    };
    change(&mut config);
    config
}

/// Rows of `documents.parquet`.
pub(crate) fn gone(rows: &[(i64, &str, i64)]) -> Vec<(i64, String, i64)> {
    rows.iter()
        .map(|(document, reason, of)| (*document, (*reason).to_owned(), *of))
        .collect()
}
