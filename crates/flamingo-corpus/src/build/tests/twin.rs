//! The join in plain Rust, in memory: what the tests of the stages around it need of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::build::{Counts, Global};
use crate::deduplication::Deduplication;
use crate::folder::{self, Folder, UnitTable};
use crate::tables::{
    DuplicateRow, ImageRow, ImageUse, PageRow, ParagraphRow, PlacedImageRow, Row, Rows,
    TableWriter, TextRow,
};

pub(super) struct Twin;

type Answer<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

impl Global for Twin {
    fn join(&self, folder: &Folder, config: &Deduplication) -> Answer<Counts> {
        let pages: Vec<PageRow> = all(folder, UnitTable::Pages)?;
        let pages: Vec<PageRow> = pages
            .into_iter()
            .filter(|page| page.refused.is_none())
            .collect();
        let images: Vec<ImageRow> = all(folder, UnitTable::Images)?;
        let duplicates = duplicates(&pages, config);
        let repeated: BTreeSet<i64> = duplicates.iter().map(|row| row.document).collect();
        let distinct = pages
            .iter()
            .filter(|page| !repeated.contains(&page.document));
        write(folder, folder::TEXTS, texts(distinct.clone()))?;
        write(folder, folder::PARAGRAPHS, paragraphs(distinct, config))?;
        write(folder, folder::DOCUMENTS, duplicates)?;
        write(folder, folder::IMAGES, placed(&pages, &images))?;
        Ok(Counts::from([("pages".to_owned(), pages.len() as u64)]))
    }
}

fn all<R: Row>(folder: &Folder, table: UnitTable) -> Answer<Vec<R>> {
    let mut rows = Vec::new();
    for path in folder.unit_tables(table)? {
        let name = path
            .strip_prefix(folder.root())?
            .to_string_lossy()
            .into_owned();
        for row in Rows::open(folder, &name)? {
            rows.push(row?);
        }
    }
    Ok(rows)
}

fn write<R: Row>(folder: &Folder, name: &str, rows: Vec<R>) -> Answer<()> {
    let mut writer = TableWriter::create(folder, name)?;
    for row in rows {
        writer.push(row)?;
    }
    Ok(writer.finish()?)
}

fn duplicates(pages: &[PageRow], config: &Deduplication) -> Vec<DuplicateRow> {
    let mut first = BTreeMap::new();
    let mut rows = Vec::new();
    for page in pages.iter().filter(|_| config.url) {
        let of = *first.entry(&page.url_key).or_insert(page.document);
        if of != page.document {
            rows.push(DuplicateRow {
                document: page.document,
                reason: "same_url".to_owned(),
                of,
            });
        }
    }
    rows
}

fn paragraphs<'a>(
    pages: impl Iterator<Item = &'a PageRow>,
    config: &Deduplication,
) -> Vec<ParagraphRow> {
    let mut documents: BTreeMap<(&String, i64), BTreeSet<i64>> = BTreeMap::new();
    for page in pages {
        for paragraph in &page.paragraphs {
            let key = (&page.domain, *paragraph);
            documents.entry(key).or_default().insert(page.document);
        }
    }
    documents
        .into_iter()
        .filter(|(_, documents)| documents.len() >= config.paragraph_documents as usize)
        .map(|((domain, paragraph), documents)| ParagraphRow {
            domain: domain.clone(),
            paragraph,
            documents: documents.len() as i64,
        })
        .collect()
}

fn texts<'a>(pages: impl Iterator<Item = &'a PageRow>) -> Vec<TextRow> {
    let mut images = BTreeMap::new();
    for text in pages.flat_map(|page| &page.texts) {
        *images.entry(*text).or_default() += 1;
    }
    let counts = images.into_iter();
    counts
        .filter(|(_, images)| *images > 1)
        .map(|(text, images)| TextRow { text, images })
        .collect()
}

fn placed(pages: &[PageRow], images: &[ImageRow]) -> Vec<PlacedImageRow> {
    let by_key: BTreeMap<&String, &ImageRow> =
        images.iter().map(|row| (&row.url_key, row)).collect();
    let find = |key: &String| {
        let image = by_key.get(key)?;
        let target = image.redirect.as_ref().and_then(|key| by_key.get(key));
        Some(*target.unwrap_or(image))
    };
    let mut rows = Vec::new();
    for page in pages {
        for uses in page
            .images
            .chunk_by(|one, other| one.position == other.position)
        {
            let found = uses
                .iter()
                .filter_map(|used| Some((used, find(&used.url_key)?)));
            let best = found.min_by_key(|(used, image)| (image.status != "ok", used.choice));
            if let Some((used, image)) = best {
                rows.push(row(page.document, used, image));
            }
        }
    }
    rows
}

fn row(document: i64, used: &ImageUse, image: &ImageRow) -> PlacedImageRow {
    let image = image.clone();
    PlacedImageRow {
        document,
        position: used.position,
        choice: used.choice,
        url_key: image.url_key,
        url: image.url,
        status: image.status,
        sha256: image.sha256,
        perceptual: image.perceptual,
        width: image.width,
        height: image.height,
        bytes: image.bytes,
        format: image.format,
        single_colour: image.single_colour,
        file: image.file,
        offset: image.offset,
        length: image.length,
        url_documents: 1,
        content_documents: 1,
        perceptual_documents: 1,
    }
}
