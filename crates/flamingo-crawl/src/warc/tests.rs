#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;
use crate::{Items, read_at};

/// How the records of a file are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Plain,
    /// A gzip member a record.
    Gzip,
    /// One gzip member for all.
    GzipStream,
    /// Members of a fixed size, as bgzip makes them.
    GzipBlocks,
    /// A zstd frame a record.
    Zstd,
}

const ALL: [Packing; 5] = [
    Packing::Plain,
    Packing::Gzip,
    Packing::GzipStream,
    Packing::GzipBlocks,
    Packing::Zstd,
];

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ::zstd::bulk::compress(bytes, 3).unwrap()
}

impl Packing {
    fn pack(self, records: &[Vec<u8>]) -> Vec<u8> {
        let all = records.concat();
        match self {
            Self::Plain => all,
            Self::Gzip => records.iter().flat_map(|record| gzip(record)).collect(),
            Self::GzipStream => gzip(&all),
            Self::GzipBlocks => all.chunks(100).flat_map(gzip).collect(),
            Self::Zstd => records.iter().flat_map(|record| zstd(record)).collect(),
        }
    }
}

fn record(kind: &str, headers: &str, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head =
        format!("WARC/1.0\r\nWARC-Type: {kind}\r\nContent-Length: {length}\r\n{headers}\r\n");
    [head.as_bytes(), content, b"\r\n\r\n"].concat()
}

fn url(n: usize) -> String {
    format!("https://a.org/{n}")
}

/// A page whose URL and text tell its number.
fn page(n: usize) -> Vec<u8> {
    let content = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>page {n}</p>");
    response(n, content.as_bytes())
}

fn response(n: usize, content: &[u8]) -> Vec<u8> {
    record(
        "response",
        &format!("WARC-Target-URI: {}\r\n", url(n)),
        content,
    )
}

fn pages(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(page).collect()
}

fn try_open(bytes: Vec<u8>, options: &ReadOptions) -> crate::Result<Items> {
    let input = Input {
        size: Some(bytes.len() as u64),
        reader: Box::new(Cursor::new(bytes)),
        name: "test.warc".into(),
        start: Some(0),
        dictionary: None,
    };
    Ok(Items::new(Warc::new(input, options)?))
}

fn open(bytes: Vec<u8>, options: &ReadOptions) -> Items {
    try_open(bytes, options).unwrap()
}

/// Everything in a file, and the counts.
fn read_with(bytes: Vec<u8>, options: &ReadOptions) -> (Vec<Item>, Counts) {
    let mut items = open(bytes, options);
    let all = items.by_ref().map(Result::unwrap).collect();
    (all, items.counts().clone())
}

fn read(bytes: Vec<u8>) -> (Vec<Item>, Counts) {
    read_with(bytes, &ReadOptions::default())
}

fn answers(items: Vec<Item>) -> Vec<Answer> {
    let answers = items.into_iter().filter_map(|item| match item {
        Item::Answer(answer) => Some(answer),
        _ => None,
    });
    answers.collect()
}

/// The numbers of the pages that come out of a file whole, and the counts of the rest.
fn numbers(bytes: Vec<u8>) -> (Vec<usize>, Vec<(String, u64)>) {
    let (items, counts) = read(bytes);
    let numbers = answers(items).into_iter().filter_map(|answer| {
        let n = answer.url.rsplit_once('/')?.1.parse().ok()?;
        (answer.body == format!("<p>page {n}</p>").into_bytes()).then_some(n)
    });
    let counts = counts.iter().filter(|count| count.0 != "answers");
    let counts = counts
        .map(|(name, count)| (name.to_owned(), count))
        .collect();
    (numbers.collect(), counts)
}

fn counted(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
    expected
        .iter()
        .map(|(name, count)| ((*name).to_owned(), *count))
        .collect()
}

#[test]
fn records_come_in_order_however_they_are_packed() {
    for packing in ALL {
        let (found, counts) = numbers(packing.pack(&pages(30)));
        assert_eq!(found, (0..30).collect::<Vec<_>>(), "{packing:?}");
        assert_eq!(counts, [], "{packing:?}");
    }
}

#[test]
fn every_record_that_has_a_place_can_be_read_again_alone() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for packing in ALL {
        let bytes = packing.pack(&pages(9));
        std::fs::write(&file, &bytes).unwrap();
        let options = ReadOptions::default();
        for answer in answers(read(bytes).0) {
            let has_place = matches!(packing, Packing::Plain | Packing::Gzip | Packing::Zstd);
            assert_eq!(answer.place.is_some(), has_place, "{packing:?}");
            let Some(place) = answer.place.clone() else {
                continue;
            };
            let place = Place {
                file: file.path().to_str().unwrap().into(),
                ..place
            };
            let again = read_at(&place, &options).unwrap().unwrap();
            assert_eq!(
                (again.url, again.body),
                (answer.url, answer.body),
                "{packing:?}"
            );
        }
    }
}

#[test]
fn zstd_with_a_dictionary_is_read_from_its_start_and_from_a_place() {
    let records = pages(200);
    // Any bytes may be one.
    let dictionary = records[..3].concat();
    for packed in [dictionary.clone(), zstd(&dictionary)] {
        let mut bytes = b"\x5d\x2a\x4d\x18".to_vec();
        bytes.extend((packed.len() as u32).to_le_bytes());
        bytes.extend(&packed);
        let mut compressor = ::zstd::bulk::Compressor::with_dictionary(3, &dictionary).unwrap();
        for record in &records {
            bytes.extend(compressor.compress(record).unwrap());
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, &bytes).unwrap();
        let (found, counts) = numbers(bytes.clone());
        assert_eq!((found.len(), counts), (200, vec![]));
        let place = Place {
            file: file.path().to_str().unwrap().into(),
            ..answers(read(bytes).0)[150].place.clone().unwrap()
        };
        let again = read_at(&place, &ReadOptions::default()).unwrap().unwrap();
        assert_eq!(again.body, b"<p>page 150</p>");
    }
}

#[test]
fn zstd_whose_dictionary_is_not_there_says_so() {
    // A frame of nothing that names the dictionary 7.
    let frame = b"\x28\xb5\x2f\xfd\x21\x07\x00\x01\x00\x00";
    let input = Input {
        reader: Box::new(Cursor::new(frame)),
        name: "a.warc.zst".into(),
        start: Some(0),
        size: None,
        dictionary: None,
    };
    let error = Warc::new(input, &ReadOptions::default()).err().unwrap();
    let message = error.to_string();
    assert!(
        message.contains("a.warc.zst") && message.contains("dictionary 7"),
        "{message}"
    );
}

#[test]
fn kinds_of_records_become_kinds_of_items() {
    let uri = "WARC-Target-URI: <https://a.org/dir/x>\r\n";
    let records = [
        record("warcinfo", "", b"software: x"),
        record("request", uri, b"GET / HTTP/1.1\r\n\r\n"),
        record("metadata", uri, b"via: y"),
        record(
            "Response",
            uri,
            b"HTTP/1.1 302 Found\r\nLocation: ../y?z#f\r\n\r\n",
        ),
        record("response", uri, b"HTTP/1.1 301 Moved\r\n\r\n"),
        record(
            "response",
            uri,
            b"HTTP/1.1 404 Not Found\r\nX-Robots-Tag: noai\r\nx-robots-tag: bot: none\r\n\r\ngone",
        ),
        record(
            "response",
            "WARC-Target-URI: dns:a.org\r\nContent-Type: text/dns\r\n",
            b"a.org. 60 IN A",
        ),
        record(
            "response",
            "WARC-Target-URI: nowhere\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
        ),
        record("response", uri, b"<html> without a head"),
        record(
            "resource",
            &format!("{uri}Content-Type: Image/PNG; a=b\r\nWARC-Date: 2020-01-01T00:00:00Z\r\n"),
            b"\x89PNG",
        ),
        record(
            "revisit",
            &format!(
                "{uri}WARC-Refers-To-Target-URI: <https://a.org/z>\r\nWARC-Payload-Digest: sha1:X\r\n"
            ),
            b"HTTP/1.1 200 OK\r\n\r\n",
        ),
        record("unheard-of", uri, b""),
    ];
    let (items, counts) = read(Packing::Gzip.pack(&records));
    let kinds: Vec<_> = items
        .iter()
        .map(|item| match item {
            Item::Answer(answer) => format!("answer {} {:?}", answer.status, answer.content_type),
            Item::Redirect(redirect) => format!("redirect {} {}", redirect.status, redirect.to),
            Item::Revisit(revisit) => format!("revisit {:?} {:?}", revisit.of, revisit.digest),
            Item::Skipped(skipped) => skipped.reason.name().to_owned(),
        })
        .collect();
    let expected = [
        "warcinfo",
        "request",
        "metadata",
        "redirect 302 https://a.org/y?z#f",
        "missing_location",
        "answer 404 None",
        "other_record",
        "missing_url",
        "malformed_http",
        "answer 200 Some(\"image/png\")",
        "revisit Some(\"https://a.org/z\") Some(\"sha1:X\")",
        "other_record",
    ];
    assert_eq!(kinds, expected);
    assert_eq!((counts.get("answers"), counts.get("other_record")), (2, 2));
    let all = answers(items);
    assert_eq!(all[0].directives.robots, ["noai", "bot: none"]);
    assert_eq!(all[1].date.as_deref(), Some("2020-01-01T00:00:00Z"));
    assert_eq!(all[1].body, b"\x89PNG");
}

#[test]
fn line_ends_folded_and_broken_headers_are_read_as_far_as_they_can_be() {
    let sloppy = b"WARC/1.1\nwarc-type: response\nWARC-Target-URI:https://a.org/0\nno colon\nContent-Length: 32\n\n\
        HTTP/1.0 200\nA: b\n\n<p>page 0</p>\n\n";
    let unknown = b"WARC/0.18\r\nWARC-Type: response\r\nWARC-Target-URI:\r\n https://a.org/1\r\nContent-Length: 32\r\n\r\n\
        HTTP/1.0 200 OK\r\n\r\n<p>page 1</p>\r\n\r\n";
    let (found, counts) = numbers([&sloppy[..], unknown].concat());
    assert_eq!(found, [0, 1]);
    assert_eq!(
        counts,
        counted(&[("bad_header", 1), ("unknown_version", 1)])
    );
}

#[test]
fn records_behind_one_of_a_wrong_length_are_still_read() {
    for packing in ALL {
        for told in ["3", "70", "100", "5000"] {
            let mut records = pages(40);
            let wrong = String::from_utf8(records[1].clone()).unwrap();
            let right = format!(
                "Content-Length: {}",
                wrong.len() - wrong.find("HTTP").unwrap() - 4
            );
            assert!(wrong.contains(&right));
            let wrong = wrong.replace(&right, &format!("Content-Length: {told}"));
            records[1] = wrong.into_bytes();
            let (found, counts) = numbers(packing.pack(&records));
            assert_eq!(
                found,
                (0..40).collect::<Vec<_>>(),
                "{packing:?}, {told} bytes"
            );
            assert_eq!(
                counts,
                counted(&[("wrong_length", 1)]),
                "{packing:?}, {told} bytes"
            );
        }
    }
}

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

#[test]
fn file_that_ends_early_loses_its_last_record_only() {
    for packing in ALL {
        let bytes = packing.pack(&pages(20));
        for cut in 1..bytes.len() {
            let (found, counts) = numbers(bytes[..cut].to_vec());
            let whole: Vec<_> = (0..found.len()).collect();
            assert_eq!(found, whole, "{packing:?} cut at {cut}");
            let lost: u64 = counts.iter().map(|count| count.1).sum();
            assert!(lost <= 3, "{packing:?} cut at {cut}: {counts:?}");
        }
        let (found, counts) = numbers(bytes[..bytes.len() - 20].to_vec());
        assert!(found.len() >= 15, "{packing:?}: {counts:?}");
        assert!(!counts.is_empty(), "{packing:?}");
    }
}

#[test]
fn member_clipped_in_the_middle_costs_no_other_record() {
    for packing in [Packing::Gzip, Packing::Zstd] {
        for left in [3, 10, 25, 60, 100] {
            let mut members: Vec<_> = pages(9)
                .iter()
                .map(|page| packing.pack(std::slice::from_ref(page)))
                .collect();
            members[4].truncate(left);
            let (found, counts) = numbers(members.concat());
            assert_eq!(
                found,
                [0, 1, 2, 3, 5, 6, 7, 8],
                "{packing:?}, {left} bytes: {counts:?}"
            );
            let reasons: Vec<_> = counts.iter().map(|count| count.0.as_str()).collect();
            let known = ["clipped", "damaged_compression", "garbage"];
            assert!(
                reasons.iter().all(|reason| known.contains(reason)),
                "{counts:?}"
            );
            assert!(!reasons.is_empty());
        }
    }
}

#[test]
fn changed_byte_costs_the_record_that_it_is_in() {
    for packing in [Packing::Gzip, Packing::Zstd] {
        let bytes = packing.pack(&pages(5));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x55;
            let (found, counts) = numbers(changed);
            assert!(
                found.len() >= 4,
                "{packing:?}, byte {at}: {found:?} {counts:?}"
            );
        }
    }
}

#[test]
fn garbage_between_records_is_one_thing_that_is_passed_over() {
    let garbage = b"\n\nGARBAGE WARC/ nonsense\r\n\r\nmore \x1f\x8b\x08\xff".repeat(50);
    for packing in [Packing::Plain, Packing::Gzip, Packing::Zstd] {
        let parts: Vec<_> = pages(3)
            .iter()
            .map(|page| packing.pack(std::slice::from_ref(page)))
            .collect();
        let bytes = [
            &parts[0][..],
            &garbage,
            b"\r\n",
            &parts[1],
            &parts[2][..],
            &garbage,
        ]
        .concat();
        let (found, counts) = numbers(bytes);
        assert_eq!(found, [0, 1, 2], "{packing:?}");
        let times: u64 = counts
            .iter()
            .filter(|count| count.0 == "garbage")
            .map(|count| count.1)
            .sum();
        assert!((1..=2).contains(&times), "{packing:?}: {counts:?}");
    }
    // Before all records, and within a member.
    let (found, counts) = numbers([b"rubbish\n".to_vec(), page(0)].concat());
    assert_eq!((found, counts), (vec![0], counted(&[("garbage", 1)])));
    let member = gzip(
        &[
            b"rubbish\n".to_vec(),
            page(0),
            b"rubbish\n".to_vec(),
            page(1),
        ]
        .concat(),
    );
    let (found, _) = numbers(member);
    assert_eq!(found, [0, 1]);
}

#[test]
fn files_without_records_are_empty() {
    for bytes in [
        &b""[..],
        b"\r\n\r\n",
        b"\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    ] {
        let (items, _) = read(bytes.to_vec());
        assert!(items.len() <= 1, "{items:?}");
    }
    assert_eq!(numbers(gzip(b"")), (vec![], vec![]));
    assert_eq!(
        numbers([gzip(b""), gzip(&page(0)), gzip(b"")].concat()).0,
        [0]
    );
    let empty = record("response", "WARC-Target-URI: https://a.org/0\r\n", b"");
    let (items, counts) = read([empty, page(1)].concat());
    assert_eq!((items.len(), counts.get("malformed_http")), (2, 1));
}

#[test]
fn missing_line_ends_between_records_lose_nothing() {
    let trimmed: Vec<_> = pages(4)
        .iter()
        .map(|page| page[..page.len() - 4].to_vec())
        .collect();
    for packing in [Packing::Gzip, Packing::Zstd] {
        assert_eq!(numbers(packing.pack(&trimmed)), (vec![0, 1, 2, 3], vec![]));
    }
    let lf: Vec<_> = trimmed
        .iter()
        .map(|page| [page, &b"\n"[..]].concat())
        .collect();
    for packing in ALL {
        assert_eq!(
            numbers(packing.pack(&lf)),
            (vec![0, 1, 2, 3], vec![]),
            "{packing:?}"
        );
    }
}

#[test]
fn wrong_digests_are_ignored_counted_or_dropped_as_asked() {
    let content = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    let digest = |name: &str, bytes: &[u8]| {
        let hash = <sha1::Sha1 as sha1::Digest>::digest(bytes);
        format!("{name}: sha1:{}\r\n", data_encoding::BASE32.encode(&hash))
    };
    let uri = "WARC-Target-URI: https://a.org/\r\n";
    let record = |digests: &str| record("response", &format!("{uri}{digests}"), content);
    let bytes = [
        record(&digest("WARC-Block-Digest", content)),
        record(&digest("WARC-Payload-Digest", b"x")),
        record(&digest("WARC-Payload-Digest", b"1\r\nx\r\n0\r\n\r\n")),
        record(&digest("WARC-Block-Digest", b"other")),
        record(&digest("WARC-Payload-Digest", b"other")),
        record("WARC-Block-Digest: md5:unknown\r\n"),
    ]
    .concat();
    for (digests, kept, wrong, dropped) in [
        (Digests::Ignore, 6, 0, 0),
        (Digests::Count, 6, 2, 0),
        (Digests::Drop, 4, 0, 2),
    ] {
        let options = ReadOptions {
            digests,
            ..ReadOptions::default()
        };
        let (_, counts) = read_with(bytes.clone(), &options);
        let names = ["answers", "wrong_digest", "dropped_wrong_digest"];
        let found = names.map(|name| counts.get(name));
        assert_eq!(found, [kept, wrong, dropped], "{digests:?}");
    }
}

#[test]
fn truncation_that_the_crawler_tells_is_told_on() {
    let headers = "WARC-Target-URI: https://a.org/0\r\nWARC-Truncated: length\r\n";
    let (items, counts) = read(record("response", headers, b"HTTP/1.1 200 OK\r\n\r\nhalf"));
    assert!(answers(items)[0].truncated);
    assert_eq!(counts.get("truncated"), 1);
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

/// A change to a file: where, with which byte, and of which kind.
type Edit = (usize, u8, u8);

fn edited(mut bytes: Vec<u8>, edits: &[Edit]) -> Vec<u8> {
    for &(at, byte, edit) in edits {
        let at = at % bytes.len().max(1);
        match edit {
            0 => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            2 => bytes.truncate(at.max(1)),
            _ => drop(bytes.drain(at..(at + usize::from(byte)).min(bytes.len()))),
        }
        if bytes.is_empty() {
            bytes.push(byte);
        }
    }
    bytes
}

/// Reads to the end what may be anything, within bounds. A file is refused for one reason alone: an edit can have its
/// only frame name a dictionary.
fn check_end_is_reached(bytes: Vec<u8>) {
    let (length, limit) = (bytes.len(), 4000);
    let options = ReadOptions {
        max_record: limit,
        max_body: limit,
        ..ReadOptions::default()
    };
    let mut items = match try_open(bytes, &options) {
        Ok(items) => items,
        Err(error) => return assert!(error.to_string().contains("zstd dictionary"), "{error}"),
    };
    let all: Vec<_> = items.by_ref().map(Result::unwrap).collect();
    assert!(all.len() <= length + 12);
    for answer in answers(all) {
        assert!(answer.body.len() as u64 <= limit);
        let place = answer.place;
        assert!(place.is_none_or(|place| place.offset + place.length <= length as u64));
    }
}

#[test]
fn only_frame_that_is_changed_to_name_a_dictionary_has_the_file_refused_in_words() {
    let edits = [
        (6, 154, 3),
        (2408, 0, 2),
        (4, 0, 1),
        (7031, 0, 1),
        (7903, 0, 2),
        (1924, 81, 0),
    ];
    let bytes = edited(Packing::Zstd.pack(&pages(12)), &edits);
    let error = try_open(bytes, &ReadOptions::default()).err().unwrap();
    let message = error.to_string();
    assert!(
        message.contains("test.warc") && message.contains("zstd dictionary"),
        "{message}"
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_their_end(bytes: Vec<u8>) {
        check_end_is_reached(bytes);
    }

    #[test]
    fn any_mutation_of_a_good_file_is_read_to_its_end(
        packing in 0..ALL.len(),
        edits in prop::collection::vec((0_usize..10_000, any::<u8>(), 0_u8..4), 1..12),
    ) {
        check_end_is_reached(edited(ALL[packing].pack(&pages(12)), &edits));
    }
}

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
