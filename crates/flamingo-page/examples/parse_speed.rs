//! How fast pages are parsed: `cargo run --release -p flamingo-page --example parse_speed -- FOLDER`.
//!
//! FOLDER holds pages as `*.html` or `*.html.gz`; each is decoded and parsed several times.

#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use flamingo_page::{Buffers, Dom, charset};

const ROUNDS: usize = 15;

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let pages = pages(Path::new(&folder))?;
    let bytes: usize = pages.iter().map(Vec::len).sum();
    println!("{} pages, {:.1} MB", pages.len(), bytes as f64 / 1e6);
    report("decode", bytes, || {
        for page in &pages {
            black_box(charset::decode(page, None).len());
        }
    });
    let texts: Vec<_> = pages
        .iter()
        .map(|page| charset::decode(page, None))
        .collect();
    let mut buffers = Buffers::default();
    let mut nodes = 0;
    report("parse", bytes, || {
        nodes = 0;
        for text in &texts {
            let dom = Dom::parse_with(text, &mut buffers);
            nodes += dom.len();
            dom.recycle(&mut buffers);
        }
    });
    println!(
        "{nodes} nodes, {:.1} bytes each",
        bytes as f64 / nodes as f64
    );
    Ok(())
}

/// The pages of a folder, in the order of their names.
fn pages(folder: &Path) -> std::io::Result<Vec<Vec<u8>>> {
    let mut paths = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    let mut pages = Vec::new();
    for path in paths {
        let bytes = match path.extension().and_then(|extension| extension.to_str()) {
            Some("html") => std::fs::read(&path)?,
            Some("gz") => {
                let mut bytes = Vec::new();
                flate2::read::GzDecoder::new(std::fs::File::open(&path)?)
                    .read_to_end(&mut bytes)?;
                bytes
            }
            _ => continue,
        };
        pages.push(bytes);
    }
    Ok(pages)
}

/// Prints the best of several rounds.
fn report(name: &str, bytes: usize, mut work: impl FnMut()) {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed());
    }
    println!(
        "{name}: {:.0} MB/s",
        bytes as f64 / 1e6 / best.as_secs_f64()
    );
}
