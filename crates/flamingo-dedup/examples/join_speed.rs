//! Time and memory of the join over synthetic pages: `join_speed PAGES MEMORY_MIB [THREADS [HOST:PORT]]`, in the process
//! or, with the feature `cluster`, on the cluster of a scheduler.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::time::{Duration, Instant};

use flamingo_corpus::build::Global;
use flamingo_corpus::deduplication::Deduplication;
use flamingo_corpus::folder::{Folder, UnitTable};
use flamingo_corpus::tables::{ImageRow, ImageUse, PageRow, TableWriter};
use flamingo_dedup::Deduplicator;

/// Pages of a unit.
const UNIT: u64 = 20_000;

/// A well-mixed number for each number (splitmix64).
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// One page in ten is like an earlier one in 94 of 100 positions; 25 paragraphs, three of them its domain's; five images.
fn page(number: u64, pages: u64) -> PageRow {
    let original = match mix(number) % 10 {
        0 if number > 0 => mix(number ^ 77) % number,
        _ => number,
    };
    let value = |position: u64| {
        let of = if mix(number << 8 | position) % 100 < 6 {
            number
        } else {
            original
        };
        (position << 32 | mix(of << 7 ^ position << 50) >> 32).cast_signed()
    };
    let signature: Vec<i64> = (0..128).map(value).collect();
    let band = |values: &[i64]| {
        values
            .iter()
            .fold(0, |hash, value| mix(hash ^ value.cast_unsigned()))
            .cast_signed()
    };
    let domain = mix(number) % (pages / 50).max(1);
    let paragraphs = (0..25).map(|index| match index {
        0 | 1 => mix(domain * 2 + index).cast_signed(),
        2 => mix(domain * 1_000 + number % 20).cast_signed(),
        _ => mix(number * 100 + index).cast_signed(),
    });
    let images = (0..5).map(|position| ImageUse {
        position,
        choice: 0,
        // Some pictures are on very many pages.
        url_key: image_url(
            (mix(number * 8 + position as u64) % (pages * 3))
                >> (mix(number + position as u64) % 20),
        ),
    });
    PageRow {
        document: (((number / UNIT) << 32) | (number % UNIT)).cast_signed(),
        url_key: format!(
            "https://d{domain}.example/page/{}",
            if number.is_multiple_of(20) {
                number / 2
            } else {
                number
            }
        ),
        domain: format!("d{domain}.example"),
        text_hash: mix(number ^ 5).cast_signed(),
        bands: signature.chunks(8).map(band).collect(),
        signature,
        paragraphs: paragraphs.collect(),
        images: images.collect(),
        ..PageRow::default()
    }
}

fn image_url(number: u64) -> String {
    format!("https://img{}.example/path/{number}.jpg", number % 1_000)
}

fn image(number: u64) -> ImageRow {
    ImageRow {
        url_key: image_url(number),
        url: image_url(number),
        redirect: number.is_multiple_of(20).then(|| image_url(number + 7)),
        status: "ok".to_owned(),
        sha256: Some(format!("{:064x}", number / 2)),
        perceptual: Some((number / 3).cast_signed()),
        width: Some(640),
        height: Some(480),
        bytes: 50_000,
        format: Some("jpeg".to_owned()),
        file: format!("unit{}.warc.gz", number / UNIT / 2),
        offset: number.cast_signed(),
        length: 50_000,
        ..ImageRow::default()
    }
}

fn make(folder: &Folder, pages: u64) {
    for unit in 0..pages.div_ceil(UNIT) {
        let (first, last) = (unit * UNIT, pages.min((unit + 1) * UNIT));
        let mut table = TableWriter::create(folder, &UnitTable::Pages.of(unit as u32)).unwrap();
        (first..last).for_each(|number| table.push(page(number, pages)).unwrap());
        table.finish().unwrap();
        let mut table = TableWriter::create(folder, &UnitTable::Images.of(unit as u32)).unwrap();
        (2 * first..2 * last).for_each(|number| table.push(image(number)).unwrap());
        table.finish().unwrap();
    }
}

/// A number of `/proc/self/status` in MiB.
fn status(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .map_or(0, |kib: u64| kib / 1024)
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [pages, memory, rest @ ..] = &words[..] else {
        panic!("join_speed PAGES MEMORY_MIB [THREADS [HOST:PORT]]");
    };
    let (pages, memory): (u64, u64) = (pages.parse().unwrap(), memory.parse().unwrap());
    let root = std::env::temp_dir().join(format!("join-speed-{pages}"));
    let folder = Folder::open(&root, 0).unwrap();
    if !folder.has("made") {
        make(&folder, pages);
        folder.write("made", b"").unwrap();
    }
    let config = Deduplication {
        memory_limit: Some(memory << 20),
        ..Deduplication::default()
    };
    let mut deduplicator = match rest.get(1) {
        Some(scheduler) => Deduplicator::cluster(scheduler, Duration::from_secs(60)).unwrap(),
        None => Deduplicator::local(),
    };
    if let Some(threads) = rest.first() {
        deduplicator = deduplicator.threads(threads.parse().unwrap());
    }
    let (before, start) = (status("VmRSS"), Instant::now());
    let counts = deduplicator.join(&folder, &config);
    println!(
        "{pages} pages, {memory} MiB: {:.1} s, resident {before} MiB before, {} MiB at most",
        start.elapsed().as_secs_f64(),
        status("VmHWM")
    );
    println!("{counts:?}");
}
