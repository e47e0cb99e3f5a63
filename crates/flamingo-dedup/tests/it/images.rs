//! The picture for each image of a page.

use flamingo_corpus::deduplication::Deduplication;
use flamingo_corpus::tables::PlacedImageRow;

use crate::corpus::{Corpus, failure, page, picture, redirect, with_images, words};

const A: &str = "https://a.example/a.jpg";
const B: &str = "https://a.example/b.jpg";
const C: &str = "https://a.example/c.jpg";

fn page_with(document: i64, images: &[(i32, i32, &str)]) -> flamingo_corpus::tables::PageRow {
    let page = page(
        document,
        &format!("https://a.example/{document}"),
        &words(document as usize, 30),
    );
    with_images(page, images)
}

/// Position, choice, URL and status of each row.
fn placed(rows: &[PlacedImageRow]) -> Vec<(i64, i32, i32, &str, &str)> {
    rows.iter()
        .map(|row| {
            (
                row.document,
                row.position,
                row.choice,
                row.url_key.as_str(),
                row.status.as_str(),
            )
        })
        .collect()
}

#[test]
fn the_first_choice_that_is_a_picture_is_taken_else_the_first_with_an_answer_else_the_first() {
    let pages = [page_with(
        0,
        &[
            (5, 0, A),
            (5, 1, B),
            (2, 0, "https://a.example/never.jpg"),
            (2, 1, C),
            (1, 0, A),
            (1, 1, C),
            (0, 1, "https://a.example/never2.jpg"),
            (0, 0, "https://a.example/never1.jpg"),
            (7, 0, B),
            (7, 1, "https://a.example/d.jpg"),
        ],
    )];
    let images = [
        failure(A, "not_found"),
        picture(B, "bb", 2),
        failure(C, "truncated"),
        picture("https://a.example/d.jpg", "dd", 4),
    ];
    let joined = Corpus::of(&[(&pages, &images)]).join(&Deduplication::default());
    assert_eq!(
        placed(&joined.images),
        [
            (0, 0, 0, "https://a.example/never1.jpg", "missing"),
            (0, 1, 0, A, "not_found"),
            (0, 2, 1, C, "truncated"),
            (0, 5, 1, B, "ok"),
            (0, 7, 0, B, "ok"),
        ]
    );
    assert_eq!(
        (joined.counts["images"], joined.counts["images_found"]),
        (5, 2)
    );
}

#[test]
fn a_row_has_all_that_is_known_of_its_picture() {
    let pages = [page_with(0, &[(3, 0, A)])];
    let joined = Corpus::of(&[(&pages, &[picture(A, "aa", 5)])]).join(&Deduplication::default());
    let expected = PlacedImageRow {
        document: 0,
        position: 3,
        choice: 0,
        url_key: A.to_owned(),
        url: A.to_owned(),
        status: "ok".to_owned(),
        sha256: Some("aa".to_owned()),
        perceptual: Some(5),
        width: Some(640),
        height: Some(480),
        bytes: 1_000,
        format: Some("jpeg".to_owned()),
        single_colour: Some(false),
        file: "a.warc.gz".to_owned(),
        offset: 7,
        length: 1_100,
        url_documents: 1,
        content_documents: 1,
        perceptual_documents: 1,
    };
    assert_eq!(joined.images, [expected]);
}

#[test]
fn redirects_are_followed_for_five_steps_and_loops_end() {
    let step = |number: usize| format!("https://a.example/step{number}");
    let chain: Vec<_> = (0..6)
        .map(|number| redirect(&step(number), &step(number + 1)))
        .collect();
    let loops = [
        redirect(B, C),
        redirect(C, B),
        redirect(A, "http://a.example/a.jpg"),
    ];
    let images: Vec<_> = chain
        .into_iter()
        .chain(loops)
        .chain([picture(&step(6), "66", 6)])
        .collect();
    let pages = [page_with(
        0,
        &[
            (0, 0, &step(0)),
            (1, 0, &step(1)),
            (2, 0, &step(5)),
            (3, 0, B),
            (4, 0, A),
        ],
    )];
    let joined = Corpus::of(&[(&pages, &images)]).join(&Deduplication::default());
    assert_eq!(
        placed(&joined.images),
        [
            (0, 0, 0, "https://a.example/step0", "too_many_redirects"),
            (0, 1, 0, "https://a.example/step6", "ok"),
            (0, 2, 0, "https://a.example/step6", "ok"),
            (0, 3, 0, B, "too_many_redirects"),
            (0, 4, 0, A, "missing"),
        ]
    );
}

#[test]
fn a_picture_wins_over_redirects_and_failures_of_its_url_and_of_pictures_the_first_of_the_first_file()
 {
    let later = |mut row: flamingo_corpus::tables::ImageRow, file: &str, offset| {
        row.file = file.to_owned();
        row.offset = offset;
        row
    };
    let first = [
        failure(A, "not_found"),
        redirect(A, B),
        later(picture(A, "late", 1), "b.warc.gz", 1),
    ];
    let second = [
        later(picture(A, "second", 1), "a.warc.gz", 9),
        later(picture(A, "first", 1), "a.warc.gz", 8),
    ];
    let pages = [page_with(0, &[(0, 0, A)])];
    let joined = Corpus::of(&[(&pages, &first), (&[], &second)]).join(&Deduplication::default());
    assert_eq!(joined.images[0].sha256.as_deref(), Some("first"));
    assert_eq!(joined.images[0].url_key, A);
}

#[test]
fn urls_contents_and_looks_are_counted_once_a_page() {
    let pages = [
        page_with(0, &[(0, 0, A), (1, 0, A), (2, 0, B)]),
        page_with(1, &[(0, 0, A), (1, 0, C)]),
        page_with(2, &[(0, 0, "https://a.example/to-a.jpg")]),
        page_with(3, &[(0, 0, "https://a.example/never.jpg")]),
    ];
    let images = [
        picture(A, "same", 1),
        picture(B, "same", 1),
        picture(C, "other", 1),
        redirect("https://a.example/to-a.jpg", A),
    ];
    let joined = Corpus::of(&[(&pages, &images)]).join(&Deduplication::default());
    let counts: Vec<_> = joined
        .images
        .iter()
        .map(|row| {
            (
                row.document,
                row.position,
                row.url_documents,
                row.content_documents,
                row.perceptual_documents,
            )
        })
        .collect();
    assert_eq!(
        counts,
        [
            (0, 0, 3, 3, 3),
            (0, 1, 3, 3, 3),
            (0, 2, 1, 3, 3),
            (1, 0, 3, 3, 3),
            (1, 1, 1, 1, 3),
            (2, 0, 3, 3, 3),
            (3, 0, 1, 0, 0)
        ]
    );
}

#[test]
fn pages_that_go_or_are_refused_show_and_count_nothing() {
    let mut pages: Vec<_> = (0..3)
        .map(|document| page_with(document, &[(0, 0, A)]))
        .collect();
    pages[1].url_key = pages[0].url_key.clone();
    pages[2].refused = Some("opt_out".to_owned());
    let joined = Corpus::of(&[(&pages, &[picture(A, "aa", 1)])]).join(&Deduplication::default());
    assert_eq!(placed(&joined.images), [(0, 0, 0, A, "ok")]);
    assert_eq!(joined.images[0].url_documents, 1);
}
