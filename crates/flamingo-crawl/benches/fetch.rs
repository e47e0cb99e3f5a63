//! How fast lists are fetched from many hosts of this machine, and what a long opt-out list takes.

#![allow(clippy::unwrap_used, clippy::print_stdout, dead_code)]

#[path = "../tests/it/server.rs"]
mod server;

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flamingo_crawl::{FetchConfig, Fetcher, OptOutList, SystemClock};
use server::{Reply, Server};
use url::Url;

const HOSTS: usize = 50;
const PAGES: usize = 1000;
const DOMAINS: usize = 10_000_000;

fn main() {
    for (milliseconds, delay) in [(0, 0.0), (100, 0.0), (100, 0.1)] {
        fetch(Duration::from_millis(milliseconds), delay);
    }
    opt_out();
}

/// Pages of 20 kB, which each take `time` to be answered.
fn fetch(time: Duration, delay: f64) {
    let server = Server::start();
    let text = "<p>Words of a page, each followed by another one.</p>\n".repeat(380);
    let reply = Reply::page(&text).after(time);
    let urls: Vec<_> = (0..PAGES)
        .map(|n| server.tell(&format!("host{}.test/{n}", n % HOSTS), [reply.clone()]))
        .collect();
    let config = FetchConfig {
        delay,
        allow_private_addresses: true,
        ..FetchConfig::default()
    };
    let fetcher =
        Fetcher::with_parts(config, Arc::new(server.clone()), Arc::new(SystemClock)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pages.warc.gz");
    let began = Instant::now();
    let report = fetcher.fetch_pages(&urls, &path).unwrap();
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(report.outcomes.get("fetched"), PAGES as u64);
    println!(
        "{HOSTS} hosts that answer in {} ms and rest {delay} s: {:.0} pages/s ({:.1} MB/s)",
        time.as_millis(),
        PAGES as f64 / seconds,
        report.bytes as f64 / seconds / 1e6,
    );
}

fn opt_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("domains");
    let mut file = BufWriter::new(File::create(&path).unwrap());
    for n in 0..DOMAINS {
        writeln!(
            file,
            "name-{:x}.example{}.org",
            n * 2_654_435_761 % 4_294_967_296,
            n % 1000
        )
        .unwrap();
    }
    file.into_inner().unwrap();
    let before = resident();
    let began = Instant::now();
    let list = OptOutList::read([&path]).unwrap();
    let loaded = began.elapsed().as_secs_f64();
    let urls: Vec<_> = (0..100_000)
        .map(|n| {
            Url::parse(&format!(
                "https://www.name-{n:x}.example{}.org/a/b",
                n % 1000
            ))
            .unwrap()
        })
        .collect();
    let began = Instant::now();
    let covered = urls
        .iter()
        .filter(|url| black_box(list.covers(url)))
        .count();
    let nanoseconds = began.elapsed().as_nanos() / urls.len() as u128;
    println!(
        "{} domains: loaded in {loaded:.1} s, {} MB, {nanoseconds} ns a question ({covered} covered)",
        list.len(),
        (resident() - before) / 1_000_000,
    );
}

/// Bytes of memory that this process holds.
fn resident() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}
