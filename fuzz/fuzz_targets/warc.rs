//! A WARC file: as the bytes are, and as the packed and the plain content of a record.
#![no_main]

use flamingo_crawl::{Digests, Item, Items, ReadOptions};

const HEAD: &str = "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://a.org/\r\n";

fn read(bytes: Vec<u8>) {
    let options = ReadOptions {
        max_record: 64 << 10,
        max_body: 64 << 10,
        digests: Digests::Count,
        ..ReadOptions::default()
    };
    let length = bytes.len();
    let cursor = std::io::Cursor::new(bytes);
    let items = Items::from_warc("fuzzed file", cursor, &options).expect("memory can be read");
    let mut count = 0;
    for item in items {
        count += 1;
        match item {
            Ok(Item::Answer(answer)) => assert!(answer.body.len() <= 64 << 10),
            Ok(_) => {}
            // The bytes can ask for a dictionary that is not there.
            Err(error) => assert!(error.to_string().contains("zstd dictionary"), "{error}"),
        }
    }
    assert!(count <= length + 1, "{count} items of {length} bytes");
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    read(bytes.to_vec());
    let head = format!(
        "{HEAD}Content-Length: {}\r\n\r\nHTTP/1.1 200 OK\r\n",
        bytes.len() + 17
    );
    let record = [head.as_bytes(), bytes, b"\r\n\r\n"].concat();
    read(record.clone());
    // A stored block of gzip, which needs no compressor and no right checksum.
    let length = record.len().min(0xffff) as u16;
    let stored = [
        &b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x01"[..],
        &length.to_le_bytes(),
        &(!length).to_le_bytes(),
        &record[..usize::from(length)],
    ];
    read(stored.concat());
});
