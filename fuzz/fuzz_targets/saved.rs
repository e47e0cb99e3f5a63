//! A saved page: as the bytes are, and as the parts of an MHTML file and the entries of a HAR file.
#![no_main]

use flamingo_crawl::{Item, Items, ReadOptions};

const MAX_BODY: u64 = 64 << 10;

fn read(bytes: &[u8]) {
    let options = ReadOptions {
        max_record: MAX_BODY,
        max_body: MAX_BODY,
        ..ReadOptions::default()
    };
    for item in Items::from_saved(bytes, &options) {
        if let Item::Answer(answer) = item {
            assert!(answer.body.len() as u64 <= MAX_BODY);
        }
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    let head = b"MIME-Version: 1.0\nContent-Type: multipart/related; boundary=b\n\n--b\n";
    read(&[&head[..], bytes, b"\n--b--\n"].concat());
    read(&[b"{\"log\": {\"entries\": [", bytes, b"]}}"].concat());
});
