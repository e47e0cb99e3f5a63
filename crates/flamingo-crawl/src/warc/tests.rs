#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod damage;
mod limits;
mod packing;
mod real;
mod records;

use std::io::{Cursor, Write};

use super::*;
use crate::{Items, read_at};
use flate2::Compression;
use flate2::write::GzEncoder;

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
