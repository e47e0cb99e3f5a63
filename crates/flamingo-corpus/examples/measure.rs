//! Times the measures and filters of pages by the processor's clock, and counts what each preset drops.
//!
//!     cargo run --release -p flamingo-corpus --example measure -- pages.jsonl
//!
//! `pages.jsonl` holds a page a line, as `flamingo corpus extract` writes them.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::time::Duration;

use cpu_time::ProcessTime;
use flamingo_corpus::filters::{Counts, FilterConfig, Filters, Preset, decide};
use flamingo_corpus::measures::{Lexicon, Measures};
use flamingo_page::Page;

fn main() {
    let path = std::env::args()
        .nth(1)
        .expect("a file of pages, one a line");
    let lines = std::fs::read_to_string(path).unwrap();
    let pages: Vec<Page> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let lexicon = Lexicon::default();
    let measured: Vec<Measures> = pages
        .iter()
        .map(|page| Measures::of(page, &lexicon))
        .collect();
    let words: u64 = measured.iter().map(|one| u64::from(one.text.words)).sum();
    println!("{} pages, {words} words", pages.len());
    let rate = |time: Duration| time.as_secs_f64() * 1e6 / (words as f64 / 1e3);
    let time = best_of(20, || {
        for page in &pages {
            std::hint::black_box(Measures::of(page, &lexicon));
        }
    });
    println!("measures: {:.1} microseconds a 1,000 words", rate(time));
    for preset in [Preset::Paper, Preset::Obelics, Preset::Mmc4] {
        let filters = Filters::new(FilterConfig::preset(preset), ".".as_ref()).unwrap();
        let mut counts = Counts::default();
        let time = best_of(10, || {
            counts = Counts::default();
            for (page, measures) in pages.iter().zip(&measured) {
                counts.add(&decide(page, measures, &BTreeSet::new(), &filters));
            }
        });
        println!("{preset:?}: {:.1} microseconds a 1,000 words", rate(time));
        println!("{}", serde_json::to_string(&counts).unwrap());
    }
}

fn best_of(times: usize, mut run: impl FnMut()) -> Duration {
    let timed = (0..times).map(|_| {
        let start = ProcessTime::now();
        run();
        start.elapsed()
    });
    timed.min().unwrap_or_default()
}
