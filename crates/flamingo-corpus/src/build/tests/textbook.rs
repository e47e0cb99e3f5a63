//! A whole crawl of a textbook, with everything that goes wrong on the web planted in it.

use std::path::Path;

use super::*;

const CRAWL: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../shared/data/openstax-biology.warc.gz"
);

/// The decision of the page whose URL ends so.
fn decision<'a>(rows: &'a [DecisionRow], end: &str) -> &'a DecisionRow {
    rows.iter().find(|row| row.url.ends_with(end)).unwrap()
}

#[test]
fn every_planted_fault_of_the_textbook_crawl_is_named() {
    let crawl = Path::new(CRAWL);
    if !crawl.exists() {
        #[allow(clippy::print_stderr)]
        {
            eprintln!("skipped: {CRAWL} is not there");
        }
        return;
    }
    let outputs = tempfile::tempdir().unwrap();
    let folder = Folder::open(outputs.path(), 0).unwrap();
    let text = format!("version = 1\n[input]\npaths = [{CRAWL:?}]\n[filters]\npreset = \"none\"");
    let config = Config::parse(&text, Path::new("/")).unwrap();
    run(&config, &folder, &Options::default()).unwrap();
    let rows: Vec<DecisionRow> = Rows::open(&folder, &decisions(0))
        .unwrap()
        .collect::<Result<_>>()
        .unwrap();
    for (end, reason) in [
        ("/drafts/notes-for-the-next-edition.html", "robots_txt"),
        ("/contents/m44685.html", "noai_meta"),
        ("/contents/m44702.html", "noai_header"),
        ("?utm_source=newsletter&utm_medium=email", "same_url"),
    ] {
        assert_eq!(decision(&rows, end).reasons, [reason], "{end}");
    }
    assert!(
        !rows.iter().any(|row| row.url.ends_with("m99999.html")),
        "a page that is not there"
    );
    assert_eq!(
        decision(&rows, "/fr/la-cellule.html").language.as_deref(),
        Some("fr")
    );
    let images = rows.iter().flat_map(|row| &row.images);
    let reason = |end: &str| {
        let image = images.clone().find(|image| image.url.ends_with(end));
        image
            .unwrap_or_else(|| panic!("no image {end}"))
            .reason
            .clone()
    };
    for end in [
        "/resources/Figure_36_04_03abcf.jpg",
        "/Figure_44_00_01abc.jpg",
        "/Figure_44_04_01.png",
        "/Figure_45_06_13.jpg",
    ] {
        assert_eq!(reason(end), None, "{end}");
    }
    assert_eq!(reason("/Figure_06_02_02.jpg").as_deref(), Some("truncated"));
    assert_eq!(
        reason("/Figure_04_03_01b_Errata.jpg").as_deref(),
        Some("not_found")
    );
    let moved = images
        .clone()
        .filter(|image| image.url.contains("/2013/Figure_36_04_03abcf"));
    assert_eq!(moved.count(), 0, "an image is told by where its picture is");
}
