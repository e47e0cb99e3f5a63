//! Near duplicates: planted ones are found, others are not.

use flamingo_corpus::deduplication::{Deduplication, Near};
use flamingo_corpus::tables::PageRow;

use crate::corpus::{Corpus, gone, only, page, words};

/// The text with every `step`-th word replaced.
fn changed(text: &str, step: usize, seed: usize) -> String {
    let words = text
        .split(' ')
        .enumerate()
        .map(|(index, word)| match index % step {
            0 => format!("new{seed}x{index}"),
            _ => word.to_owned(),
        });
    words.collect::<Vec<_>>().join(" ")
}

fn numbered(texts: impl IntoIterator<Item = String>) -> Vec<PageRow> {
    let texts = texts.into_iter().enumerate();
    texts
        .map(|(document, text)| {
            page(
                document as i64,
                &format!("https://a.example/{document}"),
                &text,
            )
        })
        .collect()
}

fn near(similarity: f64) -> Deduplication {
    only(|config| config.near = Near::Similarity(similarity))
}

#[test]
fn planted_near_duplicates_are_found_and_unrelated_pages_stay() {
    // A word of a hundred replaced: five of a hundred shingles, a similarity of 0.9.
    let originals: Vec<String> = (0..200).map(|seed| words(seed, 600)).collect();
    let planted = originals
        .iter()
        .enumerate()
        .map(|(seed, text)| changed(text, 100, seed));
    let unrelated = (1_000..1_200).map(|seed| words(seed, 600));
    let pages = numbered(originals.iter().cloned().chain(planted).chain(unrelated));
    let joined = Corpus::of_pages(&pages).join(&near(0.8));
    let found = joined
        .documents
        .iter()
        .filter(|(document, _, of)| document - of == 200)
        .count();
    assert_eq!(found, joined.documents.len(), "none but the planted ones");
    assert!(found >= 195, "{found} of 200");
}

#[test]
fn the_threshold_decides() {
    // 30 of 600 words replaced, each with five shingles: a similarity of about 0.6.
    let pages =
        numbered((0..40).flat_map(|seed| [words(seed, 600), changed(&words(seed, 600), 20, seed)]));
    let found = |similarity| {
        Corpus::of_pages(&pages)
            .join(&near(similarity))
            .documents
            .len()
    };
    assert_eq!(found(0.9), 0);
    let lenient = found(0.4);
    assert!((1..=40).contains(&lenient), "{lenient}");
}

#[test]
fn a_chain_of_similar_pages_ends_at_its_first() {
    // Each page has lost the start of the page before, so that only neighbours are similar.
    let pages = numbered((0..6).map(|link| {
        let words: Vec<String> = (link * 50..link * 50 + 800)
            .map(|index| format!("w{index}"))
            .collect();
        words.join(" ")
    }));
    let joined = Corpus::of_pages(&pages).join(&near(0.8));
    let expected: Vec<_> = (1..6)
        .map(|document| (document, "near_duplicate", 0))
        .collect();
    assert_eq!(joined.documents, gone(&expected));
}

#[test]
fn a_thousand_copies_with_one_word_of_their_own_are_one_page() {
    let pages = numbered((0..1_000).map(|copy| format!("{} {copy}", words(1, 300))));
    let joined = Corpus::of_pages(&pages).join(&near(0.8));
    assert_eq!(joined.documents.len(), 999);
    assert!(joined.documents.iter().all(|(_, _, of)| *of == 0));
}

#[test]
fn pages_without_words_are_not_near_each_other() {
    let pages = numbered(["***".to_owned(), "---".to_owned(), "word".to_owned()]);
    assert_eq!(Corpus::of_pages(&pages).join(&near(0.1)).documents, []);
}

#[test]
fn off_keeps_similar_pages() {
    let pages = numbered([words(1, 300), format!("{} more", words(1, 300))]);
    assert_eq!(Corpus::of_pages(&pages).join(&near(0.8)).documents.len(), 1);
    assert_eq!(Corpus::of_pages(&pages).join(&only(|_| ())).documents, []);
}
