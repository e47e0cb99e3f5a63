//! Lists are fetched politely, and what was fetched reads back.

mod politeness;
mod stored;
mod trouble;

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flamingo_crawl::{Clock, Counts, FetchConfig, FetchReport, Fetcher};
use flate2::read::MultiGzDecoder;
use tempfile::TempDir;

use crate::server::Server;

/// A day that does not end.
struct Noon;

impl Clock for Noon {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }
}

/// Without delays, and with private addresses, as where the server is our own.
fn quick() -> FetchConfig {
    FetchConfig {
        delay: 0.0,
        retry_delay: 0.01,
        connect_timeout: 20.0,
        timeout: 20.0,
        allow_private_addresses: true,
        ..FetchConfig::default()
    }
}

struct Crawl {
    fetcher: Fetcher,
    folder: TempDir,
}

impl Crawl {
    fn new(server: &Server, config: FetchConfig) -> Self {
        let fetcher =
            Fetcher::with_parts(config, Arc::new(server.clone()), Arc::new(Noon)).unwrap();
        Self {
            fetcher,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("00000.warc.gz")
    }

    fn pages(&self, urls: &[String]) -> FetchReport {
        self.fetcher.fetch_pages(urls, &self.path()).unwrap()
    }

    fn images(&self, urls: &[String]) -> FetchReport {
        self.fetcher.fetch_images(urls, &self.path()).unwrap()
    }

    /// What was written but the first record, and robots.txt.
    fn records(&self) -> Vec<Record> {
        let all = records(&self.path());
        assert_eq!(all[0].kind(), "warcinfo");
        all.into_iter()
            .skip(1)
            .filter(|record| !record.url().ends_with("/robots.txt"))
            .collect()
    }
}

/// A record, read by rules that know nothing but lengths.
struct Record {
    head: String,
    block: Vec<u8>,
}

impl Record {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    fn kind(&self) -> &str {
        self.header("WARC-Type").unwrap()
    }

    fn url(&self) -> &str {
        self.header("WARC-Target-URI").unwrap()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.block).into_owned()
    }

    fn body(&self) -> &[u8] {
        &self.block[self.text().find("\r\n\r\n").unwrap() + 4..]
    }

    /// The status, or the outcome of what got no answer.
    fn result(&self) -> String {
        let text = self.text();
        match text.strip_prefix("HTTP/1.1 ") {
            Some(status) => status[..3].to_owned(),
            None => text
                .trim_end()
                .strip_prefix("fetch-outcome: ")
                .unwrap()
                .to_owned(),
        }
    }
}

fn records(path: &Path) -> Vec<Record> {
    let mut bytes = Vec::new();
    MultiGzDecoder::new(fs::File::open(path).unwrap())
        .read_to_end(&mut bytes)
        .unwrap();
    let mut rest = &bytes[..];
    let mut records = Vec::new();
    while !rest.is_empty() {
        let end = rest
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .unwrap();
        let head = String::from_utf8(rest[..end].to_vec()).unwrap();
        let mut record = Record {
            head,
            block: Vec::new(),
        };
        let length: usize = record.header("Content-Length").unwrap().parse().unwrap();
        record.block = rest[end + 4..end + 4 + length].to_vec();
        rest = rest[end + 4 + length..].strip_prefix(b"\r\n\r\n").unwrap();
        records.push(record);
    }
    records
}

fn results(crawl: &Crawl) -> Vec<(String, String)> {
    let records = crawl.records();
    records
        .iter()
        .map(|record| (record.url().to_owned(), record.result()))
        .collect()
}

fn outcomes(report: &FetchReport) -> Vec<(&str, u64)> {
    report.outcomes.iter().collect()
}

fn counts(outcomes: &[(&'static str, u64)]) -> Counts {
    let mut counts = Counts::default();
    for (name, count) in outcomes {
        counts.add(name, *count);
    }
    counts
}

fn expect(urls: &[&String], results: &[&str]) -> Vec<(String, String)> {
    urls.iter()
        .zip(results)
        .map(|(url, result)| (url.to_string(), result.to_string()))
        .collect()
}

const SHORT: Duration = Duration::from_millis(200);
