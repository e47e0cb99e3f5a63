#![allow(clippy::unwrap_used)]

mod crawl;
mod fetch;
mod pairs;
mod saved;
mod stream;
mod textbook;
mod twin;

use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::build::report::WriteReport;
use crate::config::Config;
use crate::folder::Folder;
use crate::funnel::Step;
use crate::manifest::Manifest;
use crate::progress::Silent;
use crate::tables::{DecisionRow, Rows};
use crawl::Crawl;
use twin::Twin;

/// Three small crawls: what is usual and everything that goes wrong.
fn crawls(folder: &Path) {
    let mut first = Crawl::default();
    first.page(
        "https://a.example/cats.html",
        &["Cats sleep a lot.", "Shared words."],
        &["cat.png", "gone.png", "moved.png"],
    );
    first.image("https://a.example/cat.png", 1);
    first.redirect("https://a.example/moved.png", "https://b.example/dog.png");
    first.missing("https://a.example/gone.png");
    first.page(
        "https://a.example/drafts/x.html",
        &["Not to be read."],
        &["cat.png"],
    );
    first.page_with(
        "https://a.example/noai.html",
        "X-Robots-Tag: noai\r\n",
        &["Not for machines."],
        &["cat.png"],
    );
    first.page(
        "https://a.example/cats.html?utm_source=x",
        &["Cats sleep a lot.", "Shared words."],
        &["cat.png"],
    );
    first.raw(b"WARC/1.0\r\nthis is no record at all");
    first.write(&folder.join("0.warc.gz"));
    let mut second = Crawl::default();
    second.image("https://b.example/dog.png", 2);
    second.page(
        "https://b.example/dogs.html",
        &["Dogs run and jump and run again.", "They bark."],
        &["dog.png"],
    );
    second.page(
        "https://a.example/more.html",
        &["More of cats and their sleep.", "Shared words."],
        &["cat.png", "https://b.example/dog.png"],
    );
    second.page("https://b.example/empty.html", &[], &[]);
    second.write(&folder.join("1.warc.gz"));
    let mut third = Crawl::default();
    third.answer(
        "https://a.example/robots.txt",
        "200 OK",
        "text/plain",
        b"User-agent: *\nDisallow: /drafts/\n",
    );
    third.page(
        "https://c.example/birds.html",
        &["Birds fly south in autumn.", "They come back."],
        &["bird.png"],
    );
    third.image("https://c.example/bird.png", 3);
    third.write(&folder.join("2.warc.gz"));
}

const CONFIG: &str = r#"
version = 1
[input]
paths = ["*.warc.gz"]
[filters]
preset = "none"
[deduplication]
paragraph_documents = 2
"#;

struct World {
    inputs: tempfile::TempDir,
    outputs: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self {
            inputs: tempfile::tempdir().unwrap(),
            outputs: tempfile::tempdir().unwrap(),
        };
        crawls(world.inputs.path());
        world
    }

    fn config(&self, more: &str) -> Config {
        Config::parse(&format!("{CONFIG}{more}"), self.inputs.path()).unwrap()
    }

    fn folder(&self, name: &str, worker: u32) -> Folder {
        Folder::open(self.outputs.path().join(name), worker).unwrap()
    }
}

fn run(config: &Config, folder: &Folder, options: &Options) -> Result<()> {
    let parts = Parts {
        global: &Twin,
        tower: &|name| Err(format!("no tower {name}").into()),
        progress: &Silent,
    };
    build(config, folder, options, &parts)
}

/// All files but those that tell of time, by name.
fn files(folder: &Folder) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, path: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, files);
            } else if !path.ends_with("times.json") {
                let name = path
                    .strip_prefix(root)
                    .unwrap()
                    .to_string_lossy()
                    .into_owned();
                files.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    let mut all = BTreeMap::new();
    walk(folder.root(), folder.root(), &mut all);
    all
}

/// Fails with the names of the files that differ, but for the card, which has the folder's name.
fn assert_same(folder: &Folder, expected: &Folder) {
    let (files, expected) = (files(folder), files(expected));
    let names: Vec<_> = files.keys().collect();
    assert_eq!(names, expected.keys().collect::<Vec<_>>());
    for (name, bytes) in files {
        assert!(
            name.starts_with("card.") || bytes == expected[&name],
            "{name} differs"
        );
    }
}

#[test]
fn everything_in_a_crawl_is_kept_or_dropped_by_a_named_reason() {
    let world = World::new();
    let folder = world.folder("corpus", 0);
    run(&world.config(""), &folder, &Options::default()).unwrap();
    let manifest: Manifest = folder.read_json(crate::folder::MANIFEST).unwrap();
    let dropped = |step: Step| {
        let count = manifest
            .steps
            .iter()
            .find(|count| count.step == step)
            .unwrap();
        let dropped = count.dropped.iter();
        (
            count.kept,
            dropped
                .map(|(name, count)| format!("{name} {count}"))
                .collect::<Vec<_>>()
                .join(", "),
        )
    };
    let told = |step| {
        let (kept, dropped) = dropped(step);
        format!("{kept}: {dropped}")
    };
    assert_eq!(told(Step::Pages), "8: image 3, not_found 1, robots_file 1");
    assert_eq!(told(Step::Permitted), "6: noai_header 1, robots_txt 1");
    assert_eq!(told(Step::Content), "5: no_content 1");
    assert_eq!(told(Step::Distinct), "4: same_url 1");
    assert_eq!(told(Step::Written), "4: ");
    assert_eq!(told(Step::ImagesFound), "6: not_found 1");
    assert_eq!(told(Step::ImagesWritten), "6: ");
    assert_eq!(
        told(Step::ParagraphsDistinct).split_once(": ").unwrap().1,
        "repeated_in_domain 2"
    );
    assert_eq!(manifest.files.len(), 3);
    assert_eq!(manifest.summary.written.documents, 4);
    for file in &manifest.files {
        use sha2::{Digest, Sha256};
        let bytes = folder.read(&file.name).unwrap();
        assert_eq!(
            format!("{:x}", Sha256::digest(&bytes)),
            file.sha256,
            "{}",
            file.name
        );
    }
}

#[test]
fn every_page_has_a_decision_with_all_reasons() {
    let world = World::new();
    let folder = world.folder("corpus", 0);
    let config = world.config("[filters.document]\nmin_words = 1000\nmin_sentences = 100");
    run(&config, &folder, &Options::default()).unwrap();
    let rows: Vec<DecisionRow> = (0..3)
        .flat_map(|unit| Rows::open(&folder, &decisions(unit)).unwrap())
        .collect::<Result<_>>()
        .unwrap();
    assert_eq!(rows.len(), 8);
    assert!(rows.iter().all(|row| !row.kept));
    let dogs = rows
        .iter()
        .find(|row| row.url.ends_with("dogs.html"))
        .unwrap();
    assert_eq!(dogs.reasons, ["few_words", "few_sentences"]);
    let same = rows
        .iter()
        .find(|row| row.url.ends_with("utm_source=x"))
        .unwrap();
    assert_eq!((same.reasons[0].as_str(), same.of), ("same_url", Some(0)));
}

#[test]
fn a_build_killed_anywhere_goes_on_to_the_same_bytes() {
    let world = World::new();
    let config = world.config("");
    let whole = world.folder("whole", 0);
    run(&config, &whole, &Options::default()).unwrap();
    let mut kills = 0;
    for step in 0.. {
        let folder = world.folder(&format!("killed-{step}"), 0);
        let killed = run(
            &config,
            &folder.clone().failing_after(step),
            &Options::default(),
        );
        if killed.is_ok() {
            break;
        }
        kills += 1;
        run(&config, &folder, &Options::default()).unwrap();
        assert_same(&folder, &whole);
        folder.remove("").unwrap();
    }
    assert!(kills > 50, "only {kills} places");
}

#[test]
fn a_build_killed_again_and_again_ends_with_the_same_bytes() {
    let world = World::new();
    let config = world.config("");
    let whole = world.folder("whole", 0);
    run(&config, &whole, &Options::default()).unwrap();
    let folder = world.folder("killed", 0);
    let mut steps = 1;
    while run(
        &config,
        &folder.clone().failing_after(steps),
        &Options::default(),
    )
    .is_err()
    {
        steps += 1;
    }
    assert!(steps > 5, "killed only {steps} times");
    assert_same(&folder, &whole);
}

#[test]
fn several_workers_make_the_same_bytes_as_one() {
    let world = World::new();
    let config = world.config("");
    let one = world.folder("one", 0);
    run(&config, &one, &Options::default()).unwrap();
    std::thread::scope(|scope| {
        for index in 0..3 {
            let (world, config) = (&world, &config);
            scope.spawn(move || {
                let options = Options {
                    worker: Worker { index, count: 3 },
                    patience: Duration::from_secs(60),
                    ..Options::default()
                };
                run(config, &world.folder("three", index), &options).unwrap();
            });
        }
    });
    assert_same(&world.folder("three", 0), &one);
}

#[test]
fn stages_run_one_at_a_time_make_the_same_bytes() {
    let world = World::new();
    let config = world.config("");
    let one = world.folder("one", 0);
    run(&config, &one, &Options::default()).unwrap();
    for stage in Stage::ALL {
        for index in [1, 0] {
            let options = Options {
                worker: Worker { index, count: 2 },
                stage: Some(stage),
                patience: Duration::ZERO,
                ..Options::default()
            };
            run(&config, &world.folder("two", index), &options).unwrap();
        }
    }
    assert_same(&world.folder("two", 0), &one);
}

#[test]
fn a_stage_whose_units_are_missing_names_them() {
    let world = World::new();
    let options = Options {
        worker: Worker { index: 0, count: 2 },
        patience: Duration::ZERO,
        ..Options::default()
    };
    let error = run(&world.config(""), &world.folder("half", 0), &options).unwrap_err();
    assert!(
        error.to_string().contains("stage read of units 00001:"),
        "{error}"
    );
}

#[test]
fn another_configuration_is_refused_with_the_way_on() {
    let world = World::new();
    let folder = world.folder("corpus", 0);
    run(&world.config(""), &folder, &Options::default()).unwrap();
    let stricter = world.config("[images]\nmin_side = 97");
    let error = run(&stricter, &folder, &Options::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("was made with images.min_side = 64, and the configuration says 97"),
        "{error}"
    );
    assert!(error.contains("--redo write"), "{error}");
    let other = world.config("[fetch]\nopt_out = []\nrefusals = []");
    let redo = Options {
        redo: Some(Stage::Join),
        ..Options::default()
    };
    let error = run(&other, &folder, &redo).unwrap_err().to_string();
    assert!(
        error.contains("fetch.refusals") && error.contains("another --output"),
        "{error}"
    );
}

#[test]
fn stages_done_again_with_other_thresholds_make_the_bytes_of_a_new_build() {
    let world = World::new();
    let folder = world.folder("changed", 0);
    run(&world.config(""), &folder, &Options::default()).unwrap();
    let read = folder.path("read/00000/pages.parquet");
    let before = std::fs::metadata(&read).unwrap().modified().unwrap();
    for (name, more, stage) in [
        (
            "stricter",
            "[filters.document]\nmin_words = 9",
            Stage::Write,
        ),
        (
            "joined",
            "url = false\n[filters.document]\nmin_words = 9",
            Stage::Join,
        ),
    ] {
        let config = world.config(more);
        let redo = Options {
            redo: Some(stage),
            ..Options::default()
        };
        // Killed in the middle, then asked for again.
        assert!(run(&config, &folder.clone().failing_after(5), &redo).is_err());
        run(&config, &folder, &redo).unwrap();
        let new = world.folder(name, 0);
        run(&config, &new, &Options::default()).unwrap();
        assert_same(&folder, &new);
    }
    assert_eq!(
        std::fs::metadata(&read).unwrap().modified().unwrap(),
        before
    );
}

#[test]
fn a_finished_build_writes_nothing_more() {
    let world = World::new();
    let folder = world.folder("corpus", 0);
    run(&world.config(""), &folder, &Options::default()).unwrap();
    run(
        &world.config(""),
        &folder.failing_after(0),
        &Options::default(),
    )
    .unwrap();
}

#[test]
fn a_picture_that_is_gone_when_it_is_wanted_is_one_that_was_never_there() {
    let world = World::new();
    let folder = world.folder("corpus", 0);
    let config = world.config("");
    let only = |stage| Options {
        stage: Some(stage),
        ..Options::default()
    };
    run(&config, &folder, &only(Stage::Read)).unwrap();
    run(&config, &folder, &only(Stage::Join)).unwrap();
    let crawl = world.inputs.path().join("2.warc.gz");
    let length = std::fs::metadata(&crawl).unwrap().len();
    std::fs::write(&crawl, vec![0; usize::try_from(length).unwrap()]).unwrap();
    run(&config, &folder, &only(Stage::Write)).unwrap();
    let report: WriteReport = folder.read_json("write/00002/report.json").unwrap();
    let dropped = |step| {
        report
            .funnel
            .tally(step)
            .dropped
            .into_iter()
            .collect::<Vec<_>>()
    };
    assert_eq!(dropped(Step::ImagesFiltered), [("changed".to_owned(), 1)]);
    assert_eq!(dropped(Step::Filtered), [("too_few_images".to_owned(), 1)]);
    assert_eq!(
        report.files.iter().map(|file| file.documents).sum::<u64>(),
        0
    );
}
