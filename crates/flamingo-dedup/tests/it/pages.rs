//! Pages with one URL, equal pages, paragraphs that repeat.

use flamingo_corpus::deduplication::{Deduplication, Near};
use flamingo_corpus::signature::paragraph_hash;
use flamingo_corpus::tables::{PageRow, ParagraphRow, TextRow};

use crate::corpus::{Corpus, gone, only, page, page_of, redirect, with_images, words};

const SECOND_UNIT: i64 = 1 << 32;

#[test]
fn of_pages_with_one_url_the_first_of_all_units_stays() {
    let first = [
        page(3, "https://a.example/x", &words(1, 9)),
        page(4, "https://a.example/y", &words(2, 9)),
    ];
    let second = [
        page(SECOND_UNIT, "http://a.example/x#part", &words(3, 9)),
        page(
            SECOND_UNIT + 1,
            "https://a.example/x/?utm_source=z",
            &words(4, 9),
        ),
    ];
    let corpus = Corpus::of(&[(&first, &[]), (&second, &[])]);
    let joined = corpus.join(&only(|config| config.url = true));
    assert_eq!(
        joined.documents,
        gone(&[
            (SECOND_UNIT, "same_url", 3),
            (SECOND_UNIT + 1, "same_url", 3)
        ])
    );
    assert_eq!(joined.counts["same_url"], 2);
    assert_eq!(corpus.join(&only(|_| ())).documents, []);
}

#[test]
fn a_page_that_moved_is_the_page_that_it_moved_to_but_never_the_front_of_the_site() {
    let pages = [
        page(0, "https://a.example/", &words(1, 9)),
        page(1, "https://a.example/new", &words(2, 9)),
        page(2, "https://a.example/old", &words(3, 9)),
        page(3, "https://a.example/gone", &words(4, 9)),
    ];
    let redirects = [
        redirect("https://a.example/old", "https://a.example/older"),
        redirect("https://a.example/older", "https://a.example/new"),
        redirect("https://a.example/gone", "https://a.example/"),
    ];
    let joined = Corpus::of(&[(&pages, &redirects)]).join(&only(|config| config.url = true));
    assert_eq!(joined.documents, gone(&[(2, "same_url", 1)]));
}

#[test]
fn pages_without_url_are_not_one_page() {
    let pages = [page(0, "", &words(1, 9)), page(1, "", &words(2, 9))];
    assert_eq!(
        Corpus::of_pages(&pages)
            .join(&only(|config| config.url = true))
            .documents,
        []
    );
}

#[test]
fn of_pages_that_say_and_show_the_same_the_first_stays() {
    let text = words(1, 9);
    let pages = [
        page(0, "https://a.example/1", &words(2, 9)),
        page(1, "https://a.example/2", &text),
        page(2, "https://b.example/1", &text.to_uppercase()),
        page(3, "https://b.example/2", &text),
    ];
    let joined = Corpus::of_pages(&pages).join(&only(|config| config.page = true));
    assert_eq!(
        joined.documents,
        gone(&[(2, "same_page", 1), (3, "same_page", 1)])
    );
}

#[test]
fn pages_that_say_nothing_are_the_same_only_if_they_show_something() {
    let empty = |document| page_of(document, &format!("https://a.example/{document}"), &[]);
    let picture = |document| with_images(empty(document), &[(0, 0, "https://a.example/1.jpg")]);
    let pages = [empty(0), empty(1), picture(2), picture(3)];
    let joined = Corpus::of_pages(&pages).join(&only(|config| config.page = true));
    assert_eq!(joined.documents, gone(&[(3, "same_page", 2)]));
}

#[test]
fn refused_pages_neither_go_nor_make_others_go() {
    let text = words(1, 40);
    let mut pages: Vec<_> = (0..3)
        .map(|document| page(document, "https://a.example/x", &text))
        .collect();
    pages[0].refused = Some("noai_meta".to_owned());
    let config = Deduplication {
        paragraph_documents: 2,
        ..Deduplication::default()
    };
    let joined = Corpus::of_pages(&pages).join(&config);
    assert_eq!(joined.documents, gone(&[(2, "same_url", 1)]));
    assert_eq!(joined.paragraphs, []);
}

#[test]
fn chains_of_different_reasons_end_at_the_page_that_stays() {
    let text = words(1, 100);
    let similar = format!("{text} tail");
    let pages = [
        page(0, "https://a.example/0", &text),
        page(1, "https://a.example/1", &similar),
        page(2, "https://a.example/2", &similar),
        page(3, "https://a.example/2", &words(2, 9)),
    ];
    let joined = Corpus::of_pages(&pages).join(&Deduplication::default());
    let expected = [
        (1, "near_duplicate", 0),
        (2, "same_page", 0),
        (3, "same_url", 0),
    ];
    assert_eq!(joined.documents, gone(&expected));
}

#[test]
fn paragraphs_are_counted_once_a_page_in_each_domain_and_only_in_pages_that_stay() {
    let footer = "Read more of our stories here.";
    let pages = [
        page_of(0, "https://a.example/0", &[&words(1, 9), footer, footer]),
        page_of(
            1,
            "https://www.a.example/1",
            &["READ more of our stories here", &words(2, 9)],
        ),
        page_of(2, "https://b.example/0", &[&words(3, 9), footer]),
        page_of(3, "https://a.example/1/", &[footer, &words(4, 9)]),
        page_of(4, "https://www.a.example/1", &[footer, &words(5, 9)]),
    ];
    let joined = |count| {
        let config = only(|config| {
            config.url = true;
            config.paragraph_documents = count;
        });
        Corpus::of_pages(&pages).join(&config)
    };
    let row = ParagraphRow {
        domain: "a.example".to_owned(),
        paragraph: paragraph_hash(footer),
        documents: 3,
    };
    assert_eq!(joined(3).paragraphs, [row]);
    assert_eq!(joined(3).counts["repeated_paragraphs"], 1);
    assert_eq!(joined(4).paragraphs, []);
    assert_eq!(joined(0).paragraphs, []);
}

#[test]
fn paragraphs_come_by_domain_and_hash() {
    let texts: Vec<String> = (0..7).map(|seed| words(seed, 9)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let pages: Vec<_> = (0..6)
        .map(|document| {
            page_of(
                document,
                &format!(
                    "https://{}.example/{document}",
                    ["b", "a", "c"][document as usize % 3]
                ),
                &texts,
            )
        })
        .collect();
    let joined = Corpus::of_pages(&pages).join(&only(|config| config.paragraph_documents = 2));
    let order: Vec<(String, i64)> = joined
        .paragraphs
        .iter()
        .map(|row| (row.domain.clone(), row.paragraph))
        .collect();
    assert_eq!(order.len(), 21);
    assert!(order.is_sorted());
}

#[test]
fn texts_of_images_are_counted_over_all_images_of_the_pages_that_stay() {
    let with_texts = |page: PageRow, texts: &[i64]| PageRow {
        texts: texts.to_vec(),
        ..page
    };
    let first = [
        with_texts(page(0, "https://a.example/1", &words(1, 9)), &[7, -3, 7]),
        with_texts(page(1, "https://a.example/1", &words(2, 9)), &[7, 5]),
    ];
    let second = [
        with_texts(
            page(SECOND_UNIT, "https://b.example/1", &words(3, 9)),
            &[-3, 11],
        ),
        with_texts(
            PageRow {
                refused: Some("robots_txt".to_owned()),
                ..page(SECOND_UNIT + 1, "https://b.example/2", "")
            },
            &[11],
        ),
    ];
    let joined =
        Corpus::of(&[(&first, &[]), (&second, &[])]).join(&only(|config| config.url = true));
    let row = |text, images| TextRow { text, images };
    assert_eq!(joined.texts, [row(-3, 2), row(7, 2)]);
    assert_eq!(joined.counts["repeated_texts"], 2);
}

#[test]
fn empty_corpora_have_empty_tables() {
    for units in [&[] as &[(&[_], &[_])], &[(&[], &[]), (&[], &[])]] {
        let corpus = Corpus::of(units);
        let joined = corpus.join(&Deduplication::default());
        assert_eq!(
            (joined.documents, joined.paragraphs, joined.images),
            (vec![], vec![], vec![])
        );
        assert!(
            joined.counts.values().all(|count| *count == 0),
            "{:?}",
            joined.counts
        );
    }
}

#[test]
fn a_unit_without_rows_or_tables_changes_nothing() {
    let pages = [
        page(0, "https://a.example/x", &words(1, 9)),
        page(SECOND_UNIT * 2, "https://a.example/x", &words(2, 9)),
    ];
    let corpus = Corpus::of(&[(&pages[..1], &[]), (&[], &[]), (&pages[1..], &[])]);
    std::fs::remove_file(corpus.folder.path("read/00001/images.parquet")).unwrap();
    let joined = corpus.join(&Deduplication::default());
    assert_eq!(joined.documents, gone(&[(SECOND_UNIT * 2, "same_url", 0)]));
}

#[test]
fn the_join_leaves_nothing_but_its_tables() {
    let corpus = Corpus::of_pages(&[page(0, "https://a.example/x", &words(1, 9))]);
    corpus.join(&Deduplication::default());
    let mut names: Vec<_> = std::fs::read_dir(corpus.folder.path("global"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "documents.parquet",
            "images.parquet",
            "paragraphs.parquet",
            "texts.parquet"
        ]
    );
}

#[test]
fn the_tables_are_the_same_for_any_number_of_threads_and_units() {
    let pages: Vec<_> = (0..300)
        .map(|document| {
            page_of(
                document,
                &format!("https://a.example/{}", document % 200),
                &[&words(document as usize % 90, 30), "footer"],
            )
        })
        .collect();
    let config = Deduplication {
        near: Near::Similarity(0.7),
        ..Deduplication::default()
    };
    let whole = Corpus::of_pages(&pages);
    whole.join(&config);
    let units: Vec<(&[_], &[_])> = pages.chunks(23).map(|unit| (unit, &[] as &[_])).collect();
    let parts = Corpus::of(&units);
    for threads in [1, 5] {
        parts.join_by(
            &flamingo_dedup::Deduplicator::local().threads(threads),
            &config,
        );
        assert!(whole.bytes() == parts.bytes(), "{threads} threads");
    }
}
