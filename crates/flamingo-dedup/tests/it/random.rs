//! Random corpora: the statements against loops over plain vectors.

use std::collections::{BTreeMap, BTreeSet};

use flamingo_corpus::deduplication::{Deduplication, Near};
use flamingo_corpus::tables::{ImageRow, PageRow, ParagraphRow};
use proptest::prelude::*;

use crate::corpus::{Corpus, failure, page_of, picture, redirect, with_images};

/// Documents in the order of their numbers, and each one's links to others.
type Links = BTreeMap<i64, (String, i64)>;

/// What one page is made of.
#[derive(Clone, Debug)]
struct Recipe {
    url: usize,
    family: usize,
    changes: Vec<usize>,
    footer: usize,
    refused: bool,
    images: Vec<(i32, i32, usize)>,
}

fn recipe() -> impl Strategy<Value = Recipe> {
    (
        0usize..60,
        0usize..4,
        prop::collection::vec(0usize..90, 0..4),
        0usize..4,
        prop::bool::weighted(0.1),
        prop::collection::btree_set((0i32..3, 0i32..2), 0..4),
        prop::collection::vec(0usize..8, 4),
    )
        .prop_map(
            |(url, family, changes, footer, refused, places, urls)| Recipe {
                url,
                family,
                changes,
                footer,
                refused,
                images: places
                    .into_iter()
                    .zip(urls)
                    .map(|((position, choice), url)| (position, choice, url))
                    .collect(),
            },
        )
}

/// What a URL of an image answers; the number chooses a target or a content.
fn answer() -> impl Strategy<Value = (usize, u8, usize)> {
    (0usize..8, 0u8..4, 0usize..8)
}

fn image_url(number: usize) -> String {
    format!("https://a.example/{number}.jpg")
}

fn page(document: i64, recipe: &Recipe) -> PageRow {
    let text: Vec<String> = (0..90)
        .map(|word| match recipe.changes.contains(&word) {
            true => format!("n{document}x{word}"),
            false => format!("f{}x{word}", recipe.family),
        })
        .collect();
    let url = format!(
        "https://{}.example/{}",
        ["a", "b"][recipe.url % 2],
        recipe.url
    );
    let row = page_of(
        document,
        &url,
        &[&text.join(" "), &format!("footer {}", recipe.footer)],
    );
    let urls: Vec<(i32, i32, String)> = recipe
        .images
        .iter()
        .map(|(position, choice, url)| (*position, *choice, image_url(*url)))
        .collect();
    let urls: Vec<(i32, i32, &str)> = urls
        .iter()
        .map(|(position, choice, url)| (*position, *choice, url.as_str()))
        .collect();
    let mut row = with_images(row, &urls);
    row.refused = recipe.refused.then(|| "opt_out".to_owned());
    row
}

fn image((url, kind, number): (usize, u8, usize)) -> ImageRow {
    match kind {
        0 => failure(&image_url(url), "not_found"),
        1 => redirect(&image_url(url), &image_url(number)),
        _ => picture(
            &image_url(url),
            &format!("content{}", number % 3),
            (number % 2) as i64,
        ),
    }
}

/// The first document of each group, for the others of it.
fn firsts<K: Ord>(pages: &[&PageRow], reason: &str, key: impl Fn(&PageRow) -> K) -> Links {
    let mut first = BTreeMap::new();
    let mut links = Links::new();
    for page in pages {
        let kept = *first.entry(key(page)).or_insert(page.document);
        if kept < page.document {
            links.insert(page.document, (reason.to_owned(), kept));
        }
    }
    links
}

/// In each bucket each page against the first four and the one before it.
fn near(pages: &[&PageRow], agreeing: usize) -> Links {
    let mut buckets: BTreeMap<i64, Vec<&PageRow>> = BTreeMap::new();
    for page in pages {
        page.bands
            .iter()
            .for_each(|band| buckets.entry(*band).or_default().push(page));
    }
    let mut links = Links::new();
    for bucket in buckets.values() {
        for (place, page) in bucket.iter().enumerate().skip(1) {
            let candidates = bucket[..place.min(4)].iter().chain([&bucket[place - 1]]);
            let similar = candidates.filter(|earlier| {
                let agree = page
                    .signature
                    .iter()
                    .zip(&earlier.signature)
                    .filter(|(a, b)| a == b);
                agree.count() >= agreeing
            });
            if let Some(kept) = similar.map(|earlier| earlier.document).min() {
                let link = links
                    .entry(page.document)
                    .or_insert_with(|| ("near_duplicate".to_owned(), kept));
                link.1 = link.1.min(kept);
            }
        }
    }
    links
}

fn expected_documents(pages: &[PageRow], config: &Deduplication) -> Vec<(i64, String, i64)> {
    let mut links = Links::new();
    let staying = |links: &Links| -> Vec<&PageRow> {
        let pages = pages.iter().filter(|page| page.refused.is_none());
        pages
            .filter(|page| !links.contains_key(&page.document))
            .collect()
    };
    links.extend(firsts(&staying(&links), "same_url", |page| {
        page.url_key.clone()
    }));
    links.extend(firsts(&staying(&links), "same_page", |page| page.text_hash));
    links.extend(near(&staying(&links), config.near.agreeing(128).unwrap()));
    let root = |mut document: i64| {
        while let Some((_, kept)) = links.get(&document) {
            document = *kept;
        }
        document
    };
    links
        .iter()
        .map(|(document, (reason, kept))| (*document, reason.clone(), root(*kept)))
        .collect()
}

fn expected_paragraphs(staying: &[&PageRow], least: i64) -> Vec<ParagraphRow> {
    let mut documents: BTreeMap<(String, i64), BTreeSet<i64>> = BTreeMap::new();
    for page in staying {
        for paragraph in &page.paragraphs {
            let key = (page.domain.clone(), *paragraph);
            documents.entry(key).or_default().insert(page.document);
        }
    }
    let rows = documents
        .into_iter()
        .map(|((domain, paragraph), documents)| ParagraphRow {
            domain,
            paragraph,
            documents: documents.len() as i64,
        });
    rows.filter(|row| row.documents >= least).collect()
}

/// Where a URL leads, what is there, and the content if it is a picture.
fn follow(url: &str, images: &[ImageRow]) -> (String, String, Option<String>) {
    let best = |url: &str| {
        let answers = images
            .iter()
            .filter(|row| row.url_key == url && row.redirect.as_deref() != Some(url));
        answers.min_by_key(|row| {
            let rank = match (&row.redirect, row.status.as_str()) {
                (None, "ok") => 0,
                (Some(_), _) => 1,
                _ => 2,
            };
            (rank, row.redirect.clone())
        })
    };
    let mut place = url.to_owned();
    for _ in 0..=5 {
        match best(&place) {
            Some(ImageRow {
                redirect: Some(target),
                ..
            }) => place = target.clone(),
            Some(row) => return (place, row.status.clone(), row.sha256.clone()),
            None => return (place, "missing".to_owned(), None),
        }
    }
    (url.to_owned(), "too_many_redirects".to_owned(), None)
}

/// Document, position, choice, URL and status of each image.
fn expected_images(
    staying: &[&PageRow],
    images: &[ImageRow],
) -> Vec<(i64, i32, i32, String, String)> {
    let mut places: BTreeMap<(i64, i32), (u8, i32, String, String)> = BTreeMap::new();
    for page in staying {
        for usage in &page.images {
            let (url, status, _) = follow(&usage.url_key, images);
            let rank = match status.as_str() {
                "ok" => 0,
                "missing" => 2,
                _ => 1,
            };
            let found = (rank, usage.choice, url, status);
            let place = places
                .entry((page.document, usage.position))
                .or_insert_with(|| found.clone());
            *place = found.min(place.clone());
        }
    }
    let rows = places.into_iter();
    rows.map(|((document, position), (_, choice, url, status))| {
        (document, position, choice, url, status)
    })
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_statements_find_what_loops_find(
        recipes in prop::collection::vec(recipe(), 0..40),
        answers in prop::collection::vec(answer(), 0..8),
        similarity in 0.3f64..0.95,
    ) {
        // Numbers with gaps, as those of units are.
        let pages: Vec<PageRow> = recipes.iter().enumerate().map(|(index, recipe)| page(7 * index as i64, recipe)).collect();
        let mut images: Vec<ImageRow> = answers.into_iter().map(image).collect();
        images.sort_by(|a, b| a.sha256.cmp(&b.sha256));
        // One answer of each kind for a URL: which of two equal ones is taken is another test's.
        images.dedup_by(|a, b| a.url_key == b.url_key && a.status == b.status);
        let config = Deduplication { near: Near::Similarity(similarity), paragraph_documents: 2, ..Deduplication::default() };

        let middle = pages.len() / 2;
        let joined = Corpus::of(&[(&pages[..middle], &images), (&pages[middle..], &[])]).join(&config);

        let documents = expected_documents(&pages, &config);
        let gone: BTreeSet<i64> = documents.iter().map(|row| row.0).collect();
        prop_assert_eq!(&joined.documents, &documents);
        let staying: Vec<&PageRow> = pages.iter().filter(|page| page.refused.is_none() && !gone.contains(&page.document)).collect();
        prop_assert_eq!(&joined.paragraphs, &expected_paragraphs(&staying, 2));
        let placed: Vec<_> = joined.images.iter().map(|row| (row.document, row.position, row.choice, row.url_key.clone(), row.status.clone())).collect();
        prop_assert_eq!(placed, expected_images(&staying, &images));
        for row in &joined.images {
            let same = joined.images.iter().filter(|other| other.url_key == row.url_key);
            let documents: BTreeSet<i64> = same.map(|other| other.document).collect();
            prop_assert_eq!(row.url_documents, documents.len() as i64);
        }
    }
}
