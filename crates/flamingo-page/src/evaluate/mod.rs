//! How good an extraction is: its pages against pages whose right content is known.
//!
//! [`Gold`] is what the pages say, [`Document`] what was extracted, [`Evaluation`] how far they agree;
//! a row a page is kept, so that the worst can be looked at.

mod document;
mod gold;
mod images;
mod shingles;

use std::collections::BTreeMap;

use serde::Serialize;

pub use document::Document;
pub use gold::{Captions, Expected, ExpectedImage, Gold, Key, documents};
pub use images::ImageCounts;
pub use shingles::TextCounts;

use crate::{Kind, Page, Part};

/// Shares of what was found and of what was to be found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Score {
    /// The share of what was found that is right.
    pub precision: f64,
    /// The share of what is right that was found.
    pub recall: f64,
    /// Their harmonic mean.
    pub f1: f64,
}

impl Score {
    fn new(precision: f64, recall: f64) -> Self {
        let sum = precision + recall;
        let f1 = if sum > 0.0 {
            2.0 * precision * recall / sum
        } else {
            0.0
        };
        Self {
            precision,
            recall,
            f1,
        }
    }
}

/// How far documents agree with a [`Gold`].
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Evaluation {
    /// Pages whose content is known.
    pub pages: usize,
    /// The means of the pages' text precision and recall, and F1 of the two means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Score>,
    /// Precision and recall of the images of all pages together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<Score>,
    /// The share of the pages with images whose images were found in the right order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images_in_order: Option<f64>,
    /// Known pages without a document: nothing of them counts as found.
    pub missing: Vec<String>,
    /// Documents of pages that are not known.
    pub unknown: Vec<String>,
    /// A row a known page, in the gold's order.
    pub rows: Vec<Row>,
}

/// One page's part of an [`Evaluation`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The page's id, or its URL where it has none.
    pub page: String,
    /// Runs of four words in both and in one only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<TextCounts>,
    /// Images in both and in one only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<ImageCounts>,
}

/// Compares documents with what their pages say.
pub fn evaluate(gold: &Gold, documents: &[Document]) -> Evaluation {
    let found: BTreeMap<&str, &Document> = documents
        .iter()
        .rev()
        .filter_map(|document| Some((gold.key.of(document)?, document)))
        .collect();
    let rows: Vec<Row> = gold
        .pages
        .iter()
        .map(|(name, expected)| {
            row(
                name,
                expected,
                gold.captions,
                found.get(name.as_str()).copied(),
            )
        })
        .collect();
    let missing = gold
        .pages
        .keys()
        .filter(|name| !found.contains_key(name.as_str()));
    let unknown = documents.iter().filter_map(|document| {
        let key = gold.key.of(document).unwrap_or(&document.page.url);
        (!gold.pages.contains_key(key)).then(|| key.to_owned())
    });
    Evaluation {
        pages: rows.len(),
        text: text_score(&rows),
        images: image_score(&rows),
        images_in_order: images_in_order(&rows),
        missing: missing.cloned().collect(),
        unknown: unknown.collect(),
        rows,
    }
}

fn row(name: &str, expected: &Expected, captions: Captions, document: Option<&Document>) -> Row {
    let nothing = Page::default();
    let page = document.map_or(&nothing, |document| &document.page);
    let text = expected.text.as_ref().map(|text| TextCounts {
        missing: document.is_none(),
        ..TextCounts::of(text, &page_text(page, captions))
    });
    let images = expected
        .images
        .as_ref()
        .map(|images| ImageCounts::of(images, page));
    Row {
        page: name.to_owned(),
        text,
        images,
    }
}

/// All texts of a page, a line each.
pub fn page_text(page: &Page, captions: Captions) -> String {
    let texts = page.parts.iter().filter_map(|part| match part {
        Part::Text(text) if text.kind == Kind::Caption && captions == Captions::LeftOut => None,
        Part::Text(text) => Some(text.text.as_str()),
        Part::Image(_) | Part::Video(_) => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

fn text_score(rows: &[Row]) -> Option<Score> {
    let counts: Vec<&TextCounts> = rows.iter().filter_map(|row| row.text.as_ref()).collect();
    if counts.is_empty() {
        return None;
    }
    Some(Score::new(
        mean(counts.iter().filter_map(|counts| counts.precision())),
        mean(counts.iter().filter_map(|counts| counts.recall())),
    ))
}

fn image_score(rows: &[Row]) -> Option<Score> {
    let counts: Vec<&ImageCounts> = rows.iter().filter_map(|row| row.images.as_ref()).collect();
    if counts.is_empty() {
        return None;
    }
    let matched: usize = counts.iter().map(|counts| counts.matched).sum();
    let found: usize = counts.iter().map(|counts| counts.found).sum();
    let expected: usize = counts.iter().map(|counts| counts.expected).sum();
    let share = |of: usize| {
        if of == 0 {
            1.0
        } else {
            matched as f64 / of as f64
        }
    };
    Some(Score::new(share(found), share(expected)))
}

fn images_in_order(rows: &[Row]) -> Option<f64> {
    let counts = rows.iter().filter_map(|row| row.images.as_ref());
    let with_images: Vec<&ImageCounts> = counts.filter(|counts| counts.expected > 0).collect();
    let right = with_images.iter().filter(|counts| counts.in_order).count();
    (!with_images.is_empty()).then(|| right as f64 / with_images.len() as f64)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    if count == 0 {
        0.0
    } else {
        sum / f64::from(count)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{Image, Text};

    fn document(id: &str, text: &str, images: &[&str]) -> Document {
        let texts = [Part::Text(Text {
            text: text.into(),
            kind: Kind::Paragraph,
        })];
        let images = images.iter().map(|url| {
            Part::Image(Image {
                url: (*url).into(),
                ..Image::default()
            })
        });
        let page = Page {
            parts: texts.into_iter().chain(images).collect(),
            ..Page::default()
        };
        Document {
            id: Some(id.into()),
            page,
        }
    }

    fn gold(pages: &[(&str, &str)]) -> Gold {
        let expected = |text: &str| Expected {
            text: Some(text.into()),
            images: None,
        };
        let pages = pages
            .iter()
            .map(|(name, text)| ((*name).to_owned(), expected(text)))
            .collect();
        Gold {
            key: Key::Id,
            captions: Captions::Counted,
            pages,
        }
    }

    #[test]
    fn precision_and_recall_are_means_over_pages() {
        let gold = gold(&[
            ("a", "one two three four five"),
            ("b", "six seven eight nine"),
        ]);
        let documents = [
            document("a", "one two three four", &[]),
            document("b", "six seven eight nine ten eleven", &[]),
        ];
        let score = evaluate(&gold, &documents).text.unwrap();
        assert_eq!(
            (score.precision, score.recall),
            ((1.0 + 1.0 / 3.0) / 2.0, (0.5 + 1.0) / 2.0)
        );
    }

    #[test]
    fn captions_count_only_where_the_gold_has_them() {
        let mut document = document("a", "one two three four", &[]);
        let caption = Text {
            text: "five six seven eight".into(),
            kind: Kind::Caption,
        };
        document.page.parts.push(Part::Text(caption));
        let mut gold = gold(&[("a", "one two three four")]);
        assert!(evaluate(&gold, &[document.clone()]).text.unwrap().precision < 1.0);
        gold.captions = Captions::LeftOut;
        assert_eq!(evaluate(&gold, &[document]).text.unwrap().precision, 1.0);
    }

    #[test]
    fn a_page_without_a_document_counts_as_nothing_found_and_is_listed() {
        let gold = gold(&[("a", "one two three four"), ("b", "six seven eight nine")]);
        let documents = [
            document("a", "one two three four", &[]),
            document("c", "else", &[]),
        ];
        let evaluation = evaluate(&gold, &documents);
        let score = evaluation.text.unwrap();
        assert_eq!((score.precision, score.recall), (0.5, 0.5));
        assert_eq!(
            (evaluation.missing, evaluation.unknown),
            (vec!["b".into()], vec!["c".into()])
        );
    }

    #[test]
    fn images_are_counted_over_all_pages_and_their_order_per_page() {
        let image = |url: &str| ExpectedImage {
            urls: vec![url.into()],
        };
        let expected = |urls: &[&str]| Expected {
            text: None,
            images: Some(urls.iter().copied().map(image).collect()),
        };
        let pages = [("a", ["u", "v"]), ("b", ["x", "y"])];
        let pages = pages
            .iter()
            .map(|(name, urls)| ((*name).to_owned(), expected(urls)))
            .collect();
        let gold = Gold {
            key: Key::Id,
            captions: Captions::Counted,
            pages,
        };
        let documents = [
            document("a", "", &["u", "v", "w"]),
            document("b", "", &["y", "x"]),
        ];
        let evaluation = evaluate(&gold, &documents);
        let score = evaluation.images.unwrap();
        assert_eq!((score.precision, score.recall), (0.8, 1.0));
        assert_eq!(evaluation.images_in_order, Some(0.5));
    }
}
