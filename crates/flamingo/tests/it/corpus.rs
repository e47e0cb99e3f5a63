//! `flamingo corpus`: saved pages to shards, and what becomes of a build that is killed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use flamingo::image::Image;

use crate::Workplace;

/// Sentences of which no two pages have the same.
fn sentence(page: usize, number: usize) -> String {
    const THINGS: [&str; 7] = [
        "river", "garden", "bridge", "market", "harbour", "library", "mountain",
    ];
    const DEEDS: [&str; 5] = [
        "was opened",
        "has been painted",
        "is visited",
        "was measured",
        "is loved",
    ];
    let thing = THINGS[(page * 3 + number) % 7];
    let deed = DEEDS[(page + number * 2) % 5];
    format!(
        "The {thing} number {} of the town {deed} by people {} and that is what they have to tell with joy, of year {}.",
        page * 31 + number,
        page * 17 + number * 5,
        1000 + page * 7 + number
    )
}

fn picture(seed: usize) -> Vec<u8> {
    let (width, height) = (80_usize, 70_usize);
    let pixels = (0..width * height).flat_map(|at| {
        let (x, y) = (at % width, at / width);
        [
            (x * 3 + seed * 40) as u8,
            (y * 3 + seed * 11) as u8,
            ((x + y) * seed) as u8,
        ]
    });
    Image::new(width as u32, height as u32, pixels.collect())
        .unwrap()
        .to_png()
}

/// Saved pages with a picture each: distinct ones, then one that repeats the first.
fn save_pages(place: &Workplace, count: usize) {
    for page in 0..=count {
        let content = page % count;
        let texts: String = (0..6)
            .map(|number| format!("<p>{}</p>", sentence(content, number)))
            .collect();
        let html = format!(
            "<html lang=en><head><title>Page {content}</title></head><body><nav><a href=/>Home</a></nav><article>\
             <h1>Page {content}</h1>{texts}<figure><img src=\"{content}.png\" alt=\"a picture\">\
             <figcaption>This is the picture of page {content} with its colours.</figcaption></figure>\
             </article><footer>All rights reserved</footer></body></html>"
        );
        place.write(&format!("web/{page:03}.html"), html.as_bytes());
        place.write(&format!("web/{content}.png"), &picture(content + 1));
    }
}

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
fn pages_are_extracted_and_agree_with_what_they_say() {
    let place = Workplace::new();
    save_pages(&place, 3);
    let extract = [
        "corpus",
        "extract",
        "--input",
        "web",
        "--output",
        "docs.jsonl",
    ];
    let report = place.ok(&[
        &extract[..],
        &[
            "--base-url",
            "https://town.example/",
            "--preset",
            "none",
            "--json",
        ],
    ]
    .concat());
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!((&report["pages"], &report["kept"]), (&4.into(), &4.into()));
    let lines = fs::read_to_string(place.path().join("docs.jsonl")).unwrap();
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["url"], "https://town.example/000.html");
    assert_eq!(first["language"], "en");
    assert_eq!(first["decisions"]["kept"], true);
    let parts = first["parts"].as_array().unwrap();
    assert_eq!(parts[6]["image"], "https://town.example/0.png");
    assert_eq!(parts[6]["alt"], "a picture");
    let gold: Vec<String> = (0..3)
        .map(|page| {
            let texts = (0..6).map(|number| serde_json::json!({"text": sentence(page, number), "kind": "p"}));
            let image = serde_json::json!({"image": format!("https://town.example/{page}.png")});
            let caption = format!("This is the picture of page {page} with its colours.");
            let caption = serde_json::json!({"text": caption, "kind": "caption"});
            let items: Vec<_> = texts.chain([image, caption]).collect();
            serde_json::json!({"url": format!("https://town.example/{page:03}.html"), "items": items}).to_string()
        })
        .collect();
    place.write("gold.jsonl", gold.join("\n").as_bytes());
    let score = place.ok(&[
        "corpus",
        "evaluate",
        "--gold",
        "gold.jsonl",
        "--docs",
        "docs.jsonl",
        "--json",
    ]);
    let score: serde_json::Value = serde_json::from_str(&score).unwrap();
    assert_eq!(score["text"]["f1"], 1.0, "{score}");
    assert_eq!(score["images"]["f1"], 1.0, "{score}");
    assert_eq!(
        score["unknown"],
        serde_json::json!(["https://town.example/003.html"])
    );
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
        files(&place.path().join("corpus")),
        files(&place.path().join("whole"))
    );
}

#[test]
fn job_files_name_the_build() {
    let place = Workplace::new();
    for launcher in ["slurm", "k8s", "local"] {
        let plan = place.ok(&[
            "corpus",
            "plan",
            launcher,
            "--config",
            "c.toml",
            "--output",
            "out",
            "--workers",
            "3",
        ]);
        assert!(plan.contains("corpus") && plan.contains("c.toml"), "{plan}");
    }
}

/// The bytes of all files of a corpus but those that tell how long it took, and the card, which holds the folder's name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            match path.is_dir() {
                true => folders.push(path),
                false if name.ends_with("times.json") || name.starts_with("card.") => {}
                false => drop(found.insert(name, fs::read(&path).unwrap())),
            }
        }
    }
    assert!(found.len() > 5, "{:?}", found.keys());
    found
}
