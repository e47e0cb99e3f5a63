//! Lengths that are not believed, and what must not take memory or time.

use super::*;

#[test]
fn length_beyond_all_bounds_is_not_believed() {
    for packing in ALL {
        for told in [
            "1000000000000000000",
            "99999999999999999999999",
            "-1",
            "many",
            "",
        ] {
            let mut records = pages(6);
            let head = format!("WARC/1.0\r\nWARC-Type: response\r\nContent-Length: {told}\r\n\r\n");
            records.insert(
                2,
                [head.as_bytes(), b"HTTP/1.1 200 OK\r\n\r\nx\r\n\r\n"].concat(),
            );
            let (found, counts) = numbers(packing.pack(&records));
            assert_eq!(found, [0, 1, 2, 3, 4, 5], "{packing:?}, {told} bytes");
            let reason = if told.starts_with("10") {
                "too_large"
            } else {
                "malformed_record"
            };
            assert_eq!(
                counts,
                counted(&[("garbage", 1), (reason, 1)]),
                "{packing:?}, {told} bytes"
            );
        }
    }
}

#[test]
fn record_above_the_limit_is_passed_over() {
    let options = ReadOptions {
        max_record: 5000,
        ..ReadOptions::default()
    };
    for packing in ALL {
        let mut records = pages(5);
        let long = [&b"HTTP/1.1 200 OK\r\n\r\n"[..], &[b'x'; 700_000]].concat();
        records.insert(3, response(9, &long));
        let (items, counts) = read_with(packing.pack(&records), &options);
        let skipped = items.iter().find_map(|item| match item {
            Item::Skipped(skipped) => skipped.url.clone(),
            _ => None,
        });
        assert_eq!(skipped, Some(url(9)), "{packing:?}");
        assert_eq!(
            (counts.get("answers"), counts.get("too_large")),
            (5, 1),
            "{packing:?}"
        );
    }
}

/// Zeros without end, of which no byte is stored.
struct Zeros(u64);

impl Read for Zeros {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.min(buffer.len() as u64) as usize;
        buffer[..count].fill(0);
        self.0 -= count as u64;
        Ok(count)
    }
}

#[test]
fn gigabyte_in_a_line_a_record_or_a_bomb_is_passed_over_in_bounded_memory() {
    let options = ReadOptions {
        max_record: 1 << 20,
        max_body: 1 << 20,
        ..ReadOptions::default()
    };
    let open = |reader: Box<dyn Read + Send>| {
        let (name, size, dictionary) = ("x".into(), None, None);
        let input = Input {
            reader,
            name,
            start: Some(0),
            size,
            dictionary,
        };
        Items::new(Warc::new(input, &options).unwrap())
    };
    let head = |length: u64| {
        format!("WARC/1.0\r\nWARC-Type: response\r\nContent-Length: {length}\r\n\r\n")
    };
    let cases = [
        (String::new(), "garbage"),
        (head(1 << 30), "too_large"),
        ("WARC/1.0\r\nX: ".to_owned(), "malformed_record"),
    ];
    for (start, reason) in cases {
        let plain = Cursor::new(start.clone())
            .chain(Zeros(1 << 30))
            .chain(Cursor::new([b"\n".to_vec(), page(1)].concat()));
        let mut items = open(Box::new(plain));
        assert!(items.by_ref().count() <= 4);
        assert_eq!(
            (items.counts().get(reason), items.counts().get("answers")),
            (1, 1),
            "{reason}"
        );
    }
    // A gigabyte of zeros within a megabyte of gzip, as the file's stream and as a body.
    let mut encoder = GzEncoder::new(head(1 << 30).into_bytes(), Compression::fast());
    encoder.get_mut().clear();
    encoder.write_all(head(1 << 30).as_bytes()).unwrap();
    io::copy(&mut Zeros(1 << 30), &mut encoder).unwrap();
    let bomb = [encoder.finish().unwrap(), gzip(&page(1))].concat();
    let mut items = open(Box::new(Cursor::new(bomb)));
    assert_eq!(items.by_ref().count(), 2);
    assert_eq!(items.counts().get("too_large"), 1);
}

#[test]
fn body_that_is_a_bomb_is_cut() {
    let packed = gzip(&vec![0; 8 << 20]);
    let content = [
        &b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"[..],
        &packed,
    ]
    .concat();
    let options = ReadOptions {
        max_body: 1000,
        ..ReadOptions::default()
    };
    let (items, counts) = read_with(response(0, &content), &options);
    let answer = &answers(items)[0];
    assert_eq!(
        (answer.body.len(), answer.truncated, counts.get("bomb")),
        (1000, true, 1)
    );
}

#[test]
fn file_made_of_beginnings_ends_soon() {
    // Each could be searched to the file's end, again and again.
    let heads = b"WARC/1.0\r\n".repeat(200_000);
    assert!(read(heads).0.len() < 100);
    let nested =
        b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 9999999\r\n\r\n".repeat(50_000);
    assert!(read(nested).0.len() <= 50_001);
    let members = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\0\0\0\xff\xff".repeat(100_000);
    assert!(read(members).0.len() <= 100_001);
    let stored = gzip(b"WARC/1.0\r\n")[..20].repeat(50_000);
    assert!(read(stored).0.len() <= 50_001);
}
