//! `flamingo corpus build`: saved pages to shards, and what becomes of a build that is killed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::Workplace;
#[cfg(unix)]
use crate::files::interrupt;
use crate::files::{start, until};
use crate::saved_pages::{picture, save_pages};

fn configure(place: &Workplace) {
    let config = "version = 1\n[input]\npaths = [\"web\"]\nbase_url = \"https://town.example/\"\n\
                  [filters]\npreset = \"none\"\n[deduplication]\nparagraph_documents = 0\n";
    place.write("corpus.toml", config.as_bytes());
}

const BUILD: [&str; 6] = [
    "corpus",
    "build",
    "--config",
    "corpus.toml",
    "--output",
    "corpus",
];

#[test]
fn extracted_pages_that_repeat_earlier_ones_are_dropped() {
    let place = Workplace::new();
    save_pages(&place, 3);
    place.ok(&[
        "corpus",
        "extract",
        "--input",
        "web",
        "--output",
        "docs.jsonl",
        "--base-url",
        "https://town.example/",
        "--preset",
        "none",
    ]);
    let deduplicated = place.ok(&[
        "corpus",
        "dedup",
        "--input",
        "docs.jsonl",
        "--output",
        "once.jsonl",
    ]);
    assert!(
        deduplicated.starts_with("3 of 4 pages stay"),
        "{deduplicated}"
    );
    assert_eq!(
        fs::read_to_string(place.path().join("once.jsonl"))
            .unwrap()
            .lines()
            .count(),
        3
    );
}

#[test]
fn a_corpus_among_its_inputs_is_refused() {
    let place = Workplace::new();
    save_pages(&place, 2);
    configure(&place);
    for output in ["web", "web/corpora/one", "./corpora/../web"] {
        place.write("corpora/note.txt", b"so that the folder is there");
        let build = ["corpus", "build", "--config", "corpus.toml", "--output"];
        let told = place.refused(&[&build[..], &[output]].concat());
        assert!(
            told.contains("lies in the input") && told.contains("--output"),
            "{told}"
        );
    }
    assert!(!place.path().join("web/units.json").exists());
}

#[test]
fn a_corpus_is_built_told_of_and_trained_on() {
    let place = Workplace::new();
    save_pages(&place, 5);
    configure(&place);
    place.ok(&BUILD);
    let stats: serde_json::Value =
        serde_json::from_str(&place.ok(&["corpus", "stats", "corpus", "--json"])).unwrap();
    assert_eq!(stats["summary"]["written"]["documents"], 5, "{stats}");
    assert_eq!(stats["summary"]["written"]["images"], 5);
    let card = place.ok(&["corpus", "card", "corpus"]);
    assert!(
        fs::read_to_string(place.path().join(card.trim()))
            .unwrap()
            .contains("town.example")
    );
    let shards = place.path().join("corpus/shards");
    let source = flamingo::data::Source::read(flamingo::data::Format::Shards, &shards).unwrap();
    assert_eq!(source.samples.len(), 5);
    let again = place.ok(&BUILD);
    assert!(again.starts_with("5 documents"), "{again}");
    place.write("corpus.toml", b"version = 1\n[input]\npaths = [\"web\"]\n");
    let told = String::from_utf8(place.run(&BUILD).stderr).unwrap();
    assert!(told.contains("was made with"), "{told}");
}

#[test]
fn pages_of_the_demo_have_their_pictures_and_captions() {
    let place = Workplace::new();
    let recipe = include_bytes!("../../../../recipes/corpus/demo.toml");
    place.write("recipes/corpus/demo.toml", recipe);
    let figure = |number: usize| {
        place.write(
            &format!("target/demo-world/pictures/{number}.png"),
            &picture(number),
        );
        format!(
            "<figure><img src=../../pictures/{number}.png><figcaption>Output: miga</figcaption></figure>"
        )
    };
    let figures: String = [1, 2, 1].map(figure).concat();
    let html = format!("<title>About miga</title><main><article>{figures}</article></main>");
    place.write("target/demo-world/pages/000/000000.html", html.as_bytes());
    let config = "recipes/corpus/demo.toml";
    place.ok(&["corpus", "build", "--config", config, "--output", "corpus"]);
    let shards = place.path().join("corpus/shards");
    let source = flamingo::data::Source::read(flamingo::data::Format::Shards, &shards).unwrap();
    let [sample] = &source.samples[..] else {
        panic!("one page, {} samples", source.samples.len());
    };
    let parts = serde_json::to_value(&sample.document.parts).unwrap();
    let parts = parts.as_array().unwrap();
    assert_eq!(parts.len(), 6, "{parts:?}");
    for pair in parts.chunks(2) {
        assert!(pair[0]["image"].is_string(), "{parts:?}");
        assert_eq!(pair[1]["text"], "Output: miga");
    }
}

#[test]
fn a_build_that_is_killed_twenty_times_gives_the_same_bytes() {
    let place = Workplace::new();
    save_pages(&place, 400);
    configure(&place);
    place.ok(&BUILD);
    fs::rename(place.path().join("corpus"), place.path().join("whole")).unwrap();
    let mut kills = 0;
    // Somewhere between the start and the end of what is left to do.
    for round in 0_u64.. {
        let mut build = Command::new(env!("CARGO_BIN_EXE_flamingo"))
            .args(BUILD)
            .current_dir(place.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(20 + round * 7919 % 400));
        if build.try_wait().unwrap().is_some() {
            if kills >= 20 {
                break;
            }
            // Done: once more from the start.
            fs::remove_dir_all(place.path().join("corpus")).unwrap();
            continue;
        }
        build.kill().unwrap();
        build.wait().unwrap();
        kills += 1;
        if kills >= 20 {
            place.ok(&BUILD);
            break;
        }
    }
    assert!(kills >= 20);
    assert_eq!(
        files_but_the_card(&place.path().join("corpus")),
        files_but_the_card(&place.path().join("whole"))
    );
}

#[test]
#[cfg(unix)]
fn a_corpus_has_one_build_and_ctrl_c_says_that_the_same_command_goes_on() {
    let place = Workplace::new();
    save_pages(&place, 400);
    configure(&place);
    let first = start(&place, &BUILD);
    until("it is locked", || {
        place.path().join("corpus/.lock").exists()
    });
    let others: Vec<_> = (0..3).map(|_| start(&place, &BUILD)).collect();
    for other in others {
        let output = other.wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        // On a fast machine the first one may have ended by now.
        if output.status.code() != Some(0) {
            assert_eq!(output.status.code(), Some(1), "{told}");
            assert!(
                told.contains("is being written by") && told.contains(" since "),
                "{told}"
            );
        }
    }
    let output = first.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    fs::remove_dir_all(place.path().join("corpus")).unwrap();
    let stopped = start(&place, &BUILD);
    until("it has begun", || {
        place.path().join("corpus/units.json").exists()
    });
    let told = interrupt(stopped);
    assert!(
        told.ends_with("stopped: what is done stands in corpus; the same command goes on\n"),
        "{told}"
    );
    place.ok(&BUILD);
}

#[test]
fn workers_share_a_folder_and_none_of_them_is_there_twice() {
    let place = Workplace::new();
    save_pages(&place, 3);
    configure(&place);
    let worker = |index| [&BUILD[..], &["--worker", index, "--workers", "2"]].concat();
    // The second worker waits for the first one's join.
    let second = start(&place, &worker("1"));
    until("it is locked", || {
        place.path().join("corpus/.lock-1-of-2").exists()
    });
    let told = place.refused(&worker("1"));
    assert!(
        told.contains(&format!("process {} ", second.id())),
        "{told}"
    );
    assert!(place.refused(&BUILD).contains("is being written by"));
    place.ok(&worker("0"));
    assert_eq!(second.wait_with_output().unwrap().status.code(), Some(0));
    place.ok(&BUILD);
    let left = fs::read_dir(place.path().join("corpus")).unwrap();
    let left = left.filter(|entry| {
        entry
            .as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with('.')
    });
    assert_eq!(left.count(), 0);
}

/// The bytes of all files of a corpus but those that tell how long it took.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            match path.is_dir() {
                true => folders.push(path),
                false if name.ends_with("times.json") => {}
                false => drop(found.insert(name, fs::read(&path).unwrap())),
            }
        }
    }
    assert!(found.len() > 5, "{:?}", found.keys());
    found
}

/// The same without the card, which holds the folder's name.
fn files_but_the_card(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = files(folder);
    found.retain(|name, _| !name.starts_with("card."));
    found
}
