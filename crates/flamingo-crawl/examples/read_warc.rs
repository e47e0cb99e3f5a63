//! How fast WARC files are read on one core, in seconds of its time, and what part of it is unpacking:
//!
//! ```text
//! taskset -c 1 cargo run --release -p flamingo-crawl --example read_warc -- crawl.warc.gz
//! ```
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::io::{Read, sink};

use cpu_time::ProcessTime;
use flamingo_crawl::{Item, ReadOptions, Unit};

/// The best of so many runs is told.
const RUNS: usize = 5;

fn main() {
    for file in std::env::args().skip(1) {
        let size = std::fs::metadata(&file).unwrap().len() as f64 / 1e6;
        let (seconds, (answers, bodies)) = best(|| read(&file));
        let (unpacking, unpacked) = best(|| unpack(&file));
        println!(
            "{file}: {size:.1} MB, {answers} answers with {:.1} MB",
            bodies as f64 / 1e6
        );
        println!(
            "  read:   {seconds:.3} s, {:.0} MB/s of the file",
            size / seconds
        );
        println!(
            "  gunzip: {unpacking:.3} s ({:.1} MB unpacked), {:.0} % of reading",
            unpacked as f64 / 1e6,
            100.0 * unpacking / seconds,
        );
    }
}

fn best<T>(mut work: impl FnMut() -> T) -> (f64, T) {
    let runs = (0..RUNS).map(|_| {
        let start = ProcessTime::now();
        let result = work();
        (start.elapsed().as_secs_f64(), result)
    });
    runs.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap()
}

fn read(file: &str) -> (usize, usize) {
    let unit = Unit::Warc {
        file: file.to_owned(),
    };
    let (mut answers, mut bodies) = (0, 0);
    for item in unit.open(&ReadOptions::default()).unwrap() {
        if let Item::Answer(answer) = item.unwrap() {
            answers += 1;
            bodies += answer.body.len();
        }
    }
    (answers, bodies)
}

/// Only the file's gzip members, by the same library.
fn unpack(file: &str) -> u64 {
    let file = std::io::BufReader::with_capacity(256 << 10, std::fs::File::open(file).unwrap());
    let mut decoder = flate2::bufread::MultiGzDecoder::new(file);
    let mut buffer = vec![0; 64 << 10];
    let mut unpacked = 0;
    while let Ok(count @ 1..) = decoder.read(&mut buffer) {
        unpacked += std::io::copy(&mut &buffer[..count], &mut sink()).unwrap();
    }
    unpacked
}
