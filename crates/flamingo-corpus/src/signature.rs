//! What pages, paragraphs and pictures are compared by across a whole corpus: keys of URLs, hashes of texts, MinHash
//! signatures.
//!
//! The tables store them, so a change here is a change of the format: pages read before it do not compare with pages
//! read after it.

mod address;
mod minhash;
mod words;

use flamingo_page::{Page, Part};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

pub use address::{registrable_domain, url_key};
pub use minhash::{LENGTH, Signature};
pub use words::normalise;

/// What one page is compared by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// The hash of its normalised text and of the keys of its images and films.
    pub text_hash: i64,
    /// The hash of each text part, in order.
    pub paragraphs: Vec<i64>,
    /// The MinHash signature as [`Signature::column`] stores it; empty for a page without words.
    pub signature: Vec<i64>,
    /// The hashes of its bands; empty for a page without words.
    pub bands: Vec<i64>,
}

impl Fingerprint {
    /// The fingerprint of a page, its signature cut into bands of `rows` values.
    pub fn of(page: &Page, rows: usize) -> Fingerprint {
        let mut hash = Xxh3::new();
        let mut text = String::new();
        let mut paragraphs = Vec::new();
        for part in &page.parts {
            match part {
                Part::Text(part) => paragraphs.push(append(&part.text, &mut text)),
                Part::Image(image) => update_by_key(&mut hash, &image.url),
                Part::Video(video) => update_by_key(&mut hash, &video.url),
            }
        }
        hash.update(text.as_bytes());
        let signature = Signature::of(&text);
        Fingerprint {
            text_hash: hash.digest().cast_signed(),
            paragraphs,
            signature: signature
                .as_ref()
                .map(Signature::column)
                .unwrap_or_default(),
            bands: signature
                .map(|signature| signature.bands(rows))
                .unwrap_or_default(),
        }
    }
}

/// The hash by which paragraphs are the same: of the normalised text, so that case, spaces and punctuation do not
/// count.
pub fn paragraph_hash(text: &str) -> i64 {
    xxh3_64(normalise(text).as_bytes()).cast_signed()
}

/// Puts the normalised paragraph behind the page's text; returns its hash.
fn append(paragraph: &str, text: &mut String) -> i64 {
    if !text.is_empty() {
        text.push(' ');
    }
    let start = text.len();
    words::normalise_into(paragraph, text);
    let hash = xxh3_64(&text.as_bytes()[start..]);
    if text.len() == start {
        text.pop();
    }
    hash.cast_signed()
}

fn update_by_key(hash: &mut Xxh3, url: &str) {
    hash.update(url_key(url).as_bytes());
    hash.update(b"\n");
}

#[cfg(test)]
mod tests {
    use flamingo_page::{Image, Kind, Text};

    use super::*;

    fn page(texts: &[&str], images: &[&str]) -> Page {
        let texts = texts.iter().map(|text| {
            Part::Text(Text {
                text: (*text).to_owned(),
                kind: Kind::Paragraph,
            })
        });
        let images = images.iter().map(|url| {
            Part::Image(Image {
                url: (*url).to_owned(),
                ..Default::default()
            })
        });
        Page {
            parts: texts.chain(images).collect(),
            ..Default::default()
        }
    }

    #[test]
    fn pages_are_the_same_whatever_their_punctuation_and_paragraphs() {
        let one = Fingerprint::of(
            &page(
                &["A cat \u{2014} it sleeps.", "Here!"],
                &["http://a.example/c.jpg#x"],
            ),
            8,
        );
        let other = Fingerprint::of(
            &page(&["a cat, it sleeps here"], &["https://a.example/c.jpg"]),
            8,
        );
        assert_eq!(one.text_hash, other.text_hash);
        assert_eq!(one.signature, other.signature);
        assert_eq!(one.paragraphs.len(), 2);
        assert_ne!(one.paragraphs[0], other.paragraphs[0]);
    }

    #[test]
    fn another_image_or_another_word_makes_another_page() {
        let one = Fingerprint::of(&page(&["a cat"], &["https://a.example/1.jpg"]), 8);
        for other in [
            page(&["a cat"], &["https://a.example/2.jpg"]),
            page(&["a dog"], &["https://a.example/1.jpg"]),
        ] {
            assert_ne!(one.text_hash, Fingerprint::of(&other, 8).text_hash);
        }
    }

    #[test]
    fn a_paragraph_has_the_same_hash_alone_and_in_a_page() {
        let page = page(&["First one.", "***", "Second one."], &[]);
        let expected = ["first ONE", "", "second   one"].map(paragraph_hash);
        assert_eq!(Fingerprint::of(&page, 8).paragraphs, expected);
    }

    #[test]
    fn a_page_without_words_has_neither_signature_nor_bands() {
        let fingerprint = Fingerprint::of(&page(&["***"], &["https://a.example/1.jpg"]), 8);
        assert!(fingerprint.signature.is_empty() && fingerprint.bands.is_empty());
        assert_eq!(fingerprint.paragraphs.len(), 1);
    }
}
