#![allow(clippy::unwrap_used)]

use flamingo_film::Reader;
use flamingo_image::Image;
use flamingo_page::{Kind, Text};

use super::*;

fn page(title: &str, before: &str, caption: &str) -> Page {
    let text = Text {
        text: before.to_owned(),
        kind: Kind::Paragraph,
    };
    let video = Video {
        url: "https://a.example/fox.mp4".to_owned(),
        caption: caption.to_owned(),
        ..Video::default()
    };
    Page {
        title: Some(title.to_owned()),
        parts: vec![Part::Text(text), Part::Video(video)],
        ..Page::default()
    }
}

fn of(page: &Page, seconds: Option<f64>) -> Candidate {
    let config = FilmConfig::default();
    let mut all = film_pairs(page, Some("en"), &config, &Lexicon::default(), |_| seconds);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn the_first_good_source_gives_the_text() {
    let sources = [
        (
            page("A page of foxes", "Here a fox runs.", "A red fox runs"),
            PairSource::Caption,
        ),
        (
            page("A page of foxes", "Here a fox runs.", "video"),
            PairSource::Paragraph,
        ),
        (page("A page of foxes", "Watch:", ""), PairSource::Title),
    ];
    for (page, source) in sources {
        let candidate = of(&page, None);
        assert_eq!(
            (candidate.source, candidate.reasons.len()),
            (Some(source), 0)
        );
    }
}

#[test]
fn a_film_that_nothing_is_said_of_has_no_text() {
    let mut page = page("", "", "");
    page.title = None;
    assert_eq!(of(&page, None).reasons, [PairReason::NoText]);
}

#[test]
fn lengths_hold_at_their_bounds_and_unknown_ones_pass() {
    let page = page("", "", "A red fox runs");
    let ask = |seconds| of(&page, seconds).reasons;
    assert_eq!(ask(None), []);
    assert_eq!(ask(Some(1.0)), []);
    assert_eq!(ask(Some(120.0)), []);
    assert_eq!(ask(Some(0.99)), [PairReason::ShortFilm]);
    assert_eq!(ask(Some(120.1)), [PairReason::LongFilm]);
}

#[test]
fn a_folder_gives_its_films_by_name_each_with_its_text() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    // A transport stream, whose length cannot be told.
    write("b.webm", &[&[0x47][..], &[0; 187]].concat().repeat(4));
    write(
        "b.json",
        br#"{"title": "no", "caption": "A red\n fox runs"}"#,
    );
    write("c.webm", b"");
    write("c.json", b"{");
    write("d.gif", b"GIF89a");
    write(".e.webm", b"");
    write("notes.md", b"");
    let frames = folder.path().join("a.b");
    std::fs::create_dir(&frames).unwrap();
    for at in 0..2 {
        std::fs::write(
            frames.join(format!("{at}.png")),
            Image::solid(3, 5, [at; 3]).to_png(),
        )
        .unwrap();
    }
    write("a.b.txt", b"A grey  square fades\n");

    let films = folder_films(folder.path()).unwrap();
    let ask = |film: &FolderFilm| {
        let candidate = film.candidate(
            &FilmConfig::default(),
            &Lexicon::default(),
            &Reader::default(),
        );
        (candidate.text, candidate.reasons)
    };
    let found: Vec<_> = films.iter().map(ask).collect();
    let expected = [
        ("A grey square fades", vec![]),
        ("A red fox runs", vec![]),
        ("", vec![PairReason::Unreadable]),
        ("", vec![PairReason::NoText, PairReason::Unreadable]),
    ];
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(text, why)| (text.to_owned(), why))
        .collect();
    assert_eq!(found, expected);
}
