//! A crawl as it is.

use super::*;

/// What `openstax-biology.notes.json` and the data's description say.
#[test]
fn real_crawl_holds_what_its_notes_say() {
    let file = "../../../shared/data/openstax-biology.warc.gz";
    if !std::path::Path::new(file).exists() {
        println!("skipped: {file} is not there");
        return;
    }
    let unit = crate::Unit::Warc {
        file: file.to_owned(),
    };
    let options = ReadOptions {
        digests: Digests::Count,
        ..ReadOptions::default()
    };
    let mut items = unit.open(&options).unwrap();
    let all: Vec<_> = items.by_ref().map(Result::unwrap).collect();
    let expected = [
        ("answers", 2136),
        ("redirects", 2),
        ("request", 265),
        ("revisits", 1),
        ("short_body", 1),
        ("truncated", 1),
        ("warcinfo", 1),
    ];
    assert_eq!(items.counts().iter().collect::<Vec<_>>(), expected);
    assert_eq!(items.bytes_read(), std::fs::metadata(file).unwrap().len());
    let redirects: Vec<_> = all
        .iter()
        .filter_map(|item| match item {
            Item::Redirect(redirect) => Some((redirect.status, redirect.to.as_str())),
            _ => None,
        })
        .collect();
    assert!(redirects.contains(&(301, "https://biology.example.org/contents/m44413.html")));
    assert!(redirects.contains(&(
        302,
        "https://biology.example.org/resources/Figure_36_04_03abcf.jpg"
    )));
    let all = answers(all);
    assert_eq!(all.iter().filter(|answer| answer.status == 404).count(), 6);
    let html = |answer: &&Answer| {
        answer.is_success() && answer.content_type.as_deref() == Some("text/html")
    };
    assert_eq!(all.iter().filter(html).count(), 262);
    // Whatever they were packed in, they are pages now.
    assert!(
        all.iter()
            .filter(html)
            .all(|page| page.body.trim_ascii_start().starts_with(b"<"))
    );
    let named = |name: &str| {
        all.iter()
            .find(|answer| answer.url.ends_with(name))
            .unwrap()
    };
    let cut = named("/Figure_06_02_02.jpg");
    assert!(cut.truncated && !cut.body.is_empty());
    assert_eq!(
        named("/Figure_44_00_01abc.jpg").content_type.as_deref(),
        Some("text/plain")
    );
    assert_eq!(named("/m44702.html").directives.robots, ["noai, noimageai"]);
    let mut texts = crate::RobotsTexts::default();
    assert_eq!(all.iter().filter(|answer| texts.collect(answer)).count(), 1);
    let robots = crate::RobotsIndex::new("FlamingoBot", &texts);
    let refused = all.iter().filter(|answer| !robots.allows(&answer.url));
    let refused: Vec<_> = refused.map(|answer| answer.url.as_str()).collect();
    assert_eq!(
        refused,
        ["https://biology.example.org/drafts/notes-for-the-next-edition.html"]
    );
    for answer in all.iter().step_by(40) {
        let again = read_at(answer.place.as_ref().unwrap(), &options).unwrap();
        assert_eq!(again.as_ref(), Some(answer));
    }
}
