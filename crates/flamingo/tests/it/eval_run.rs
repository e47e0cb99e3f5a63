//! Tasks run by the protocol: the same bytes however they are run, what is told, and what a model without pictures loses.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use flamingo::eval::TaskExample;
use flamingo::eval::versus::world_task;
use flamingo::image::Media;
use flamingo::sequence::Part;
use serde_json::{Value, json};

use crate::Workplace;

/// Made-up names for things of the demo world: `own` with candidates, and a folder of classes.
fn world() -> Workplace {
    let place = Workplace::new();
    let task = world_task(3, 3, 13, 11, 48);
    let class = |example: &TaskExample| example.answer.trim().to_owned();
    for example in task.supports.iter().chain(&task.queries) {
        let name = example.id.replace(' ', "-");
        let Media::Image(image) = &task.media[picture(example)] else {
            panic!("a picture");
        };
        place.write(&format!("pictures/{name}.png"), &image.to_png());
        let kind = if name.starts_with("support") {
            "train"
        } else {
            "val"
        };
        place.write(
            &format!("classes/{kind}/{}/{name}.png", class(example)),
            &image.to_png(),
        );
    }
    let lines = |examples: &[TaskExample], closed: bool| -> String {
        let line = |example: &TaskExample| {
            let name = example.id.replace(' ', "-");
            let mut line = json!({
                "id": name,
                "parts": [{"image": format!("pictures/{name}.png")}, {"text": "Output:"}],
                "answer": class(example),
            });
            if closed {
                let candidates = example.candidates.iter().map(|name| name.trim());
                line["candidates"] = candidates.collect::<Vec<_>>().into();
            }
            line.to_string() + "\n"
        };
        examples.iter().map(line).collect()
    };
    place.write("supports.jsonl", lines(&task.supports, false).as_bytes());
    place.write("queries.jsonl", lines(&task.queries, true).as_bytes());
    place.write("open.jsonl", lines(&task.queries, false).as_bytes());
    place
}

fn picture(example: &TaskExample) -> &str {
    let Part::Image(place) = &example.question[0] else {
        panic!("a picture comes first");
    };
    place
}

const OWN: [&str; 10] = [
    "eval",
    "own",
    "--data",
    "queries.jsonl",
    "--supports-at",
    "supports.jsonl",
    "--shots",
    "0,2,6",
    "--ablate",
    "blank",
];

/// Every file of a run's results: its samples, scores and submissions.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            let kept = ["run.json", "results.json", "samples", "submissions"];
            if !kept.iter().any(|kept| name.starts_with(kept)) {
                continue;
            }
            match path.is_dir() {
                true => folders.push(path),
                false => drop(files.insert(name, std::fs::read(&path).unwrap())),
            }
        }
    }
    files
}

fn parts(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder.join("parts"))
        .into_iter()
        .flatten()
        .flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".jsonl"))
        .count()
}

#[test]
fn the_same_bytes_come_of_other_batches_threads_and_workers() {
    let place = world();
    let run = |output: &'static str, more: &[&'static str]| {
        place.ok(&[OWN.as_slice(), &["--output", output], more].concat())
    };
    run("one", &[]);
    let one = files(&place.path().join("one"));
    assert_eq!(
        one.keys()
            .filter(|name| name.starts_with("samples/"))
            .count(),
        6
    );
    run("two", &["--batch", "1", "--threads", "1"]);
    assert_eq!(
        one,
        files(&place.path().join("two")),
        "another batch and thread count"
    );
    for worker in ["2", "0", "1"] {
        let told = run("three", &["--worker", worker, "--workers", "3"]);
        assert_eq!(told.contains(" of others"), worker != "1", "{told}");
    }
    assert_eq!(one, files(&place.path().join("three")), "three workers");
    // A run that is finished is told again.
    let again = run("one", &[]);
    assert!(again.contains("own: top-1"), "{again}");
}

#[test]
fn a_run_that_is_killed_goes_on_to_the_same_bytes() {
    let place = world();
    place.ok(&[OWN.as_slice(), &["--output", "whole"]].concat());
    let folder = place.path().join("killed");
    let command = [OWN.as_slice(), &["--output", "killed", "--batch", "1"]].concat();
    let mut kills = 0;
    for wanted in 1.. {
        let mut run = Command::new(env!("CARGO_BIN_EXE_flamingo"))
            .args(&command)
            .current_dir(place.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Instant::now();
        let ended = loop {
            if run.try_wait().unwrap().is_some() {
                break true;
            }
            if parts(&folder) >= wanted {
                break false;
            }
            assert!(
                started.elapsed() < Duration::from_secs(600),
                "it does not go on"
            );
            std::thread::sleep(Duration::from_millis(1));
        };
        if ended {
            break;
        }
        run.kill().unwrap();
        run.wait().unwrap();
        kills += 1;
    }
    assert!(kills >= 1, "it was over before it could be killed");
    place.ok(&command);
    assert_eq!(files(&place.path().join("whole")), files(&folder));
}

#[test]
fn names_are_learnt_from_shots_that_show_pictures_and_not_from_gray_ones() {
    let place = world();
    let command = [
        "eval",
        "folder",
        "--data",
        "classes",
        "--shots",
        "6",
        "--ablate",
        "blank",
        "--ensemble",
    ];
    let told = place.ok(&[command.as_slice(), &["--json"]].concat());
    let results: Value = serde_json::from_str(&told).unwrap();
    let score = |ablation: Value| {
        let curves = results["curves"].as_array().unwrap();
        let curve = curves
            .iter()
            .find(|curve| curve["ablation"] == ablation)
            .unwrap();
        curve["points"][0]["mean"].as_f64().unwrap()
    };
    assert!(score(Value::Null) > 60.0, "{told}");
    assert!(score("blank".into()) < 60.0, "{told}");
    assert_eq!(results["cells"][0]["samples"], 11);
    let shown = place.ok(&command);
    assert!(
        shown.contains("folder: top-1") && shown.contains("blank"),
        "{shown}"
    );
}

#[test]
fn similar_shots_come_from_a_file_of_vectors_and_stand_last() {
    let place = world();
    let command = [
        "eval",
        "run",
        "folder",
        "--data",
        "classes",
        "--shots",
        "4",
        "--rices",
        "--rices-index",
        "vectors",
        "--output",
    ];
    place.ok(&[command.as_slice(), &["first"]].concat());
    let vectors: Vec<_> = std::fs::read_dir(place.path().join("vectors"))
        .unwrap()
        .collect();
    assert_eq!(vectors.len(), 2);
    place.ok(&[command.as_slice(), &["second"]].concat());
    let first = files(&place.path().join("first"));
    assert_eq!(first, files(&place.path().join("second")));
    let samples = String::from_utf8(first["samples/04-shots-seed-0.jsonl"].clone()).unwrap();
    // The nearest picture by the encoder shows the query's own thing for nearly all of them.
    let own = samples.lines().filter(|line| {
        let sample: Value = serde_json::from_str(line).unwrap();
        let class = |id: &Value| {
            Path::new(id.as_str().unwrap())
                .parent()
                .unwrap()
                .file_name()
                .unwrap()
                .to_owned()
        };
        class(&sample["id"]) == class(sample["shot_ids"].as_array().unwrap().last().unwrap())
    });
    assert!(own.count() >= 9, "{samples}");
    let twice = place.run(&[command.as_slice(), &["twice", "--seeds", "0,1"]].concat());
    let told = String::from_utf8(twice.stderr).unwrap();
    assert!(told.contains("each seed has the same shots"), "{told}");
}

#[test]
fn two_runs_are_compared_and_a_page_is_made_of_them() {
    let place = world();
    let open = [
        "eval",
        "own",
        "--data",
        "open.jsonl",
        "--supports-at",
        "supports.jsonl",
        "--shots",
        "0,4",
        "--output",
    ];
    place.ok(&[open.as_slice(), &["a", "--ablate", "swap-shot-images"]].concat());
    place.ok(&[open.as_slice(), &["b", "--preset", "openflamingo"]].concat());
    let told = place.ok(&["eval", "diff", "a", "b"]);
    assert!(told.contains("4 shots, seed 0: 11 samples"), "{told}");
    assert!(
        told.contains("only in one: 4 shots, seed 0, swap-shot-images (first)"),
        "{told}"
    );
    let told = place.ok(&["eval", "diff", "a", "a", "--json"]);
    let same: Value = serde_json::from_str(&told).unwrap();
    assert!(
        same["groups"]
            .as_array()
            .unwrap()
            .iter()
            .all(|group| group["test"]["p"] == 1.0)
    );
    place.write(
        "logs/20260102_samples_own.jsonl",
        b"{\"doc_id\": \"query-3\", \"filtered_resps\": [\"x\"], \"exact_match\": 0.0}\n",
    );
    let told = place.ok(&[
        "eval",
        "report",
        "a",
        "b",
        "logs/20260102_samples_own.jsonl",
    ]);
    assert_eq!(told, "page: a/report.html\n");
    let page = std::fs::read_to_string(place.path().join("a/report.html")).unwrap();
    for expected in [
        "swap-shot-images",
        "ICL efficiency",
        "data:image/jpeg;base64,",
        "The worst",
    ] {
        assert!(page.contains(expected), "{expected}");
    }
    for loading in ["src=\"http", "<script", "<link", "url(", "@import", "{{"] {
        assert!(!page.contains(loading), "{loading}");
    }
    assert_eq!(
        page.matches("<article").count(),
        page.matches("</article>").count()
    );
}

#[test]
fn an_answer_is_no_longer_than_asked() {
    let place = world();
    let run = |output, most| {
        let run = "eval own --data open.jsonl --supports-at supports.jsonl --shots 4 --preset openflamingo";
        let mut run: Vec<&str> = run.split(' ').collect();
        run.extend(["--output", output, "--max-tokens", most]);
        place.ok(&run);
        let folder = place.path().join(output);
        let samples = files(&folder).into_iter();
        let mut samples = samples.filter(|(name, _)| name.starts_with("samples/"));
        let lines = String::from_utf8(samples.next().unwrap().1).unwrap();
        let letters = |line: &str| {
            let sample: Value = serde_json::from_str(line).unwrap();
            sample["raw"].as_str().unwrap().trim().len()
        };
        lines.lines().map(letters).sum::<usize>()
    };
    let (short, long) = (run("short", "1"), run("long", "4"));
    assert!(short < long, "{short} is not below {long}");
}

#[test]
fn what_cannot_be_used_is_told_by_name_and_counted() {
    let place = world();
    let queries = std::fs::read_to_string(place.path().join("queries.jsonl")).unwrap();
    let broken = "no json\n{\"id\": 1}\n{\"id\": \"gone\", \"parts\": [{\"image\": \"gone.png\"}], \"answer\": \"a\"}\n";
    place.write("mixed.jsonl", format!("{queries}{broken}").as_bytes());
    // A picture that is one only by its name is found when it is asked about.
    place.write("pictures/query-3.png", b"no picture");
    let output = place.run(&[
        "eval",
        "own",
        "--data",
        "mixed.jsonl",
        "--supports-at",
        "supports.jsonl",
        "--shots",
        "2",
        "--output",
        "run",
    ]);
    let (out, told) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(
        told.contains("3 of 14 queries are left out") && told.contains("gone.png"),
        "{told}"
    );
    assert!(
        out.contains("1 of 11 samples has no answer and is left out:")
            && out.contains("query-3.png"),
        "{out}"
    );
    let told = place.refused(&["eval", "own", "--data", "queries.jsonl", "--shots", "4"]);
    assert!(
        told.contains("4 shots are asked for, the task has 0 supports"),
        "{told}"
    );
    let other = [OWN.as_slice(), &["--output", "run"]].concat();
    let told = place.refused(&other);
    assert!(told.contains("holds another run"), "{told}");
}

/// The samples without an answer, by file: shots and ablation.
fn failed(folder: &Path) -> BTreeMap<String, Vec<String>> {
    let of_samples = files(folder)
        .into_iter()
        .filter(|(name, _)| name.starts_with("samples"));
    of_samples
        .map(|(name, samples)| {
            let samples = String::from_utf8(samples).unwrap();
            let samples = samples.lines().map(|line| line.parse::<Value>().unwrap());
            let failed = samples.filter(|sample| !sample["error"].is_null());
            let told = |sample: Value| format!("{}: {}", sample["id"], sample["error"]);
            (name, failed.map(told).collect())
        })
        .collect()
}

#[test]
fn a_damaged_picture_costs_the_same_samples_whatever_is_taken_from_them() {
    let place = world();
    for name in ["query-3", "support-2"] {
        place.write(&format!("pictures/{name}.png"), b"no picture");
    }
    let command = [
        "eval",
        "own",
        "--data",
        "queries.jsonl",
        "--supports-at",
        "supports.jsonl",
        "--shots",
        "0,1,4",
    ];
    let ablations = "blank,shuffle-images,shuffle-labels,no-shot-images,swap-shot-images";
    let run = [
        command.as_slice(),
        &["--ablate", ablations, "--output", "run"],
    ]
    .concat();
    place.ok(&run);
    let folder = place.path().join("run");
    let failed_samples = failed(&folder);
    assert_eq!(failed_samples.len(), 3 + 2 + 2 * 5, "{failed_samples:?}");
    for (name, samples) in &failed_samples {
        let plain = format!("{}.jsonl", &name[..name.find("seed-0").unwrap() + 6]);
        assert_eq!(samples, &failed_samples[&plain], "{name}");
    }
    let of_plain = |shots| &failed_samples[&format!("samples/{shots}-shots-seed-0.jsonl")];
    // The query's own picture always counts; that of a support where it is a shot.
    assert_eq!(of_plain("00").len(), 1);
    assert!(of_plain("00")[0].contains("query-3"), "{failed_samples:?}");
    let of_shots = of_plain("04");
    assert!((2..11).contains(&of_shots.len()), "{of_shots:?}");
    assert!(of_shots.iter().any(|told| told.contains("support-2.png")));
    // The command again, of a run that is finished.
    place.ok(&run);
    assert!(!folder.join("parts").exists());

    // Similar shots are taken from the others; what was left out is told.
    let rices = [command.as_slice(), &["--rices", "--output", "similar"]].concat();
    let output = place.run(&rices);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    let named = "supports: 1 of 13 cannot be read (support-2: ";
    assert!(told.contains(named), "{told}");
    for samples in failed(&place.path().join("similar")).values() {
        assert_eq!(samples, of_plain("00"));
    }
    // Its vectors are not kept as if they were all.
    let again = place.run(&[command.as_slice(), &["--rices", "--output", "again"]].concat());
    assert!(String::from_utf8(again.stderr).unwrap().contains(named));
}

#[test]
fn pictures_of_a_task_are_found_in_a_corpus() {
    let place = world();
    let same = std::fs::read(place.path().join("pictures/query-0.png")).unwrap();
    place.write("corpus/shard/copy.png", &same);
    place.write(
        "corpus/other.png",
        &flamingo::image::Image::from_fn(60, 40, |x, y| [x as u8 * 4, y as u8, 7]).to_png(),
    );
    let command = [
        "eval",
        "contamination",
        "own",
        "--data",
        "queries.jsonl",
        "--corpus",
        "corpus",
    ];
    let told = place.ok(&[command.as_slice(), &["--json"]].concat());
    let found: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(found["queries_found"], json!(["query-0"]));
    assert_eq!(
        (&found["found"][0]["by"], &found["corpus_pictures"]),
        (&json!("bytes"), &json!(2))
    );
    let told = place.ok(&[
        command.as_slice(),
        &["--tower", "demo", "--cosine", "0.9999"],
    ]
    .concat());
    assert!(
        told.contains("the same bytes") && told.contains("queries with one of them"),
        "{told}"
    );
    let passed_over = b"no json\n{\"parts\": [{\"image\": \"gone.png\"}]}\n";
    place.write("corpus/lines.jsonl", passed_over);
    let told = place.ok(&command);
    let expected =
        "of the corpus: 1 picture that it names but that is not there, 1 line that is no document";
    assert!(told.contains(expected), "{told}");
    // Where nothing is compared, nothing is all clear.
    let mut alone = command;
    alone[6] = "corpus/lines.jsonl";
    let told = place.refused(&alone);
    assert!(told.contains("no picture that can be compared"), "{told}");
}

#[test]
fn a_prompt_is_compared_with_fine_tuning_on_the_same_examples() {
    let place = Workplace::new();
    let told = place.ok(&[
        "eval",
        "versus-fine-tuned",
        "--examples",
        "4,8",
        "--seeds",
        "1",
        "--queries",
        "7",
        "--steps",
        "2",
        "--most-shots",
        "4",
        "--json",
        "--html",
        "versus.html",
    ]);
    let versus: Value = serde_json::from_str(&told).unwrap();
    let figures = versus["figures"].as_array().unwrap();
    assert_eq!(figures.len(), 8);
    for figure in figures {
        let accuracy = figure["accuracy"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&accuracy), "{figure}");
        let trained = figure["way"] == "fine-tuned";
        assert!(
            !trained || figure["seconds_to_prepare"].as_f64().unwrap() > 0.0,
            "{figure}"
        );
    }
    assert!(
        std::fs::read_to_string(place.path().join("versus.html"))
            .unwrap()
            .contains("<svg")
    );
}

#[test]
fn a_damaged_picture_is_left_out_of_a_comparison_with_fine_tuning_and_named() {
    let place = world();
    let lost = |kind: &str, name: &str| {
        let classes = std::fs::read_dir(place.path().join("classes").join(kind)).unwrap();
        let mut files = classes.map(|class| class.unwrap().path().join(format!("{name}.png")));
        let file = files.find(|file| file.exists()).unwrap();
        std::fs::write(file, b"no picture").unwrap();
    };
    lost("train", "support-5");
    lost("val", "query-3");
    let versus = [
        "eval",
        "versus-fine-tuned",
        "--data",
        "classes",
        "--seeds",
        "1,2",
        "--steps",
        "1",
        "--examples",
    ];
    let told = place.ok(&[versus.as_slice(), &["12"]].concat());
    for told_line in [
        "left out of the supports: 1 of 13 cannot be read (",
        "left out of the queries: 1 of 11 cannot be read (",
        "10 queries of each seed",
    ] {
        assert_eq!(told.matches(told_line).count(), 1, "{told}");
    }
    assert!(told.contains("support-5.png") && told.contains("query-3.png"));
    let told = place.refused(&[versus.as_slice(), &["13"]].concat());
    assert!(
        told.contains("13 examples are asked for, the task has 12 supports, 1 of 13 cannot"),
        "{told}"
    );
}

#[test]
fn a_training_that_starts_from_a_trained_model_starts_as_that_model() {
    let place = world();
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/demo");
    let demo = demo.display();
    let shape = "heads = 4\nhead_dim = 32\nffw_multiple = 4\nactivation = \"squared_relu\"\n";
    let recipe = format!(
        "run = \"run\"\n[init]\nvision = \"{demo}\"\nlanguage = \"{demo}\"\ntrained = \"{demo}\"\n\
         [model.flamingo.resampler]\nwidth = 128\nlatents = 8\nlayers = 2\n{shape}time_embeddings = 8\nfinal_norm = true\n\
         [model.flamingo.gated]\nevery = 1\nfirst = 0\n{shape}\
         [[data]]\nname = \"classes\"\nformat = \"folders\"\npath = \"classes\"\nbatch = 2\n\
         [schedule]\nsteps = 1\nrate = 1e-30\n"
    );
    place.write("recipe.toml", recipe.as_bytes());
    place.ok(&["train", "recipe.toml"]);
    let score = ["score", "--prompts", "queries.jsonl"];
    let lines = |more: &[&'static str]| place.ok(&[score.as_slice(), more].concat());
    place.write(
        "queries.jsonl",
        b"{\"parts\": [{\"image\": \"red.png\"}, {\"text\": \"Output:\"}], \"candidates\": [\" a\", \" b\"]}\n",
    );
    assert_eq!(lines(&[]), lines(&["--model", "run/model"]));
    place.write(
        "other.toml",
        recipe
            .replace("latents = 8", "latents = 4")
            .replace("\"run\"", "\"other\"")
            .as_bytes(),
    );
    let told = place.refused(&["train", "other.toml"]);
    assert!(told.contains("init.trained: the resampler"), "{told}");
}
