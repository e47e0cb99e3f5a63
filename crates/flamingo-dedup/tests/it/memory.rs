//! Memory that does not hold the tables.

use flamingo_corpus::build::Global;
use flamingo_corpus::deduplication::Deduplication;
use flamingo_dedup::Deduplicator;

use crate::corpus::{Corpus, page_of, picture, with_images, words};

/// 6,000 pages in families of three, each page with paragraphs and pictures.
fn corpus() -> Corpus {
    let pages: Vec<_> = (0..6_000usize)
        .map(|document| {
            let own = format!("{} {document}", words(document / 3, 200));
            let paragraphs: Vec<String> = (0..20)
                .map(|paragraph| words(10_000 + document / 3 % 500 * 20 + paragraph, 4))
                .collect();
            let texts: Vec<&str> = [own.as_str()]
                .into_iter()
                .chain(paragraphs.iter().map(String::as_str))
                .collect();
            let page = page_of(
                document as i64,
                &format!("https://s{}.example/{document}", document % 50),
                &texts,
            );
            let urls: Vec<String> = (0..4)
                .map(|position| format!("https://a.example/{}.jpg", document * 5 + position))
                .collect();
            let images: Vec<(i32, i32, &str)> = urls
                .iter()
                .enumerate()
                .map(|(position, url)| (position as i32, 0, url.as_str()))
                .collect();
            with_images(page, &images)
        })
        .collect();
    let images: Vec<_> = (0..20_000)
        .map(|number| {
            picture(
                &format!("https://a.example/{number}.jpg"),
                &format!("{:064x}", number % 7_000),
                number % 300,
            )
        })
        .collect();
    let units: Vec<(&[_], &[_])> = pages.chunks(1_500).zip(images.chunks(5_000)).collect();
    Corpus::of(&units)
}

/// Bytes in the folder, and how many of them were ever seen at once.
struct Watch {
    stop: std::sync::Arc<std::sync::atomic::AtomicBool>,
    thread: std::thread::JoinHandle<u64>,
}

impl Watch {
    fn start(folder: std::path::PathBuf) -> Self {
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut most = 0;
            while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
                most = most.max(size(&folder));
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            most
        });
        Watch { stop, thread }
    }

    fn most(self) -> u64 {
        self.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn size(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => size(&entry.path()),
            Ok(data) => data.len(),
            Err(_) => 0,
        })
        .sum()
}

#[test]
fn with_little_memory_the_tables_are_the_same_and_the_disk_is_used() {
    let corpus = corpus();
    let plenty = corpus.join(&Deduplication::default());
    assert_eq!(plenty.counts["near_duplicate"], 4_000);
    let bytes = corpus.bytes();

    let spill = corpus.dir().join("spill");
    let watch = Watch::start(spill.clone());
    let little = Deduplication {
        memory_limit: Some(40 << 20),
        ..Deduplication::default()
    };
    corpus.join_by(&Deduplicator::local().threads(2).spill(&spill), &little);
    assert!(watch.most() > 1 << 20, "the disk was hardly used");
    assert!(bytes == corpus.bytes());
}

#[test]
fn memory_that_is_too_small_for_anything_is_an_error_that_says_so() {
    let config = Deduplication {
        memory_limit: Some(64 << 10),
        ..Deduplication::default()
    };
    let corpus = corpus();
    let message = Deduplicator::local()
        .join(&corpus.folder, &config)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("more than 65536 bytes") && message.contains("raise `memory_limit`"),
        "{message}"
    );
}
