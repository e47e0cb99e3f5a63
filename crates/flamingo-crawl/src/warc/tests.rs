#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn real_crawl_holds_what_its_notes_say() {
    let Ok(file) = std::fs::File::open("../../../shared/data/openstax-biology.warc.gz") else {
        println!("skipped: the crawl is not there");
        return;
    };
    let input = Input {
        reader: Box::new(file),
        name: "x".into(),
        size: None,
        dictionary: None,
    };
    let warc = Warc::new(input, &ReadOptions::default()).unwrap();
    let mut items = crate::Items::new(warc);
    while let Some(item) = items.next() {
        item.unwrap();
    }
    println!("{:?}", items.counts());
}
