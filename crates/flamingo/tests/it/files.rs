//! Outputs, folders that are written, and Ctrl-C: two processes where it takes two.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::Workplace;
use crate::saved_pages::save_pages;

/// Longer than any of these tests waits for anything.
const PATIENCE: Duration = Duration::from_secs(120);

/// The program, started and not waited for.
pub(crate) fn start(place: &Workplace, args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_flamingo"))
        .args(args)
        .current_dir(place.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until something is so.
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "still not: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Sends Ctrl-C and gives what the process told at its end.
#[cfg(unix)]
pub(crate) fn interrupt(child: Child) -> String {
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status();
    assert!(sent.unwrap().success());
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{told}");
    told
}

/// The program in a shell, which can close and turn its outputs.
#[cfg(unix)]
fn shell(place: &Workplace, line: &str) -> Output {
    Command::new("sh")
        .args(["-c", line, env!("CARGO_BIN_EXE_flamingo")])
        .current_dir(place.path())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

const EXTRACT: [&str; 6] = [
    "corpus",
    "extract",
    "--input",
    "web",
    "--base-url=https://town.example/",
    "--output",
];

#[test]
#[cfg(target_os = "linux")]
fn standard_output_is_written_and_not_replaced_by_a_file() {
    let place = Workplace::new();
    save_pages(&place, 3);
    place.ok(&[&EXTRACT[..], &["docs.jsonl"]].concat());
    let lines = fs::read(place.path().join("docs.jsonl")).unwrap();
    for name in ["-", "/dev/stdout", "/proc/self/fd/1"] {
        let output = place.run(&[&EXTRACT[..], &[name]].concat());
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(output.stdout, lines, "{name}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.starts_with("4 pages"), "{told}");
    }
    assert!(fs::symlink_metadata("/dev/stdout").unwrap().is_symlink());
    // Behind what others wrote to the same file.
    let line = format!("echo before; \"$0\" {} -; echo after", EXTRACT.join(" "));
    let output = shell(&place, &format!("{{ {line}; }} > all.txt"));
    assert_eq!(output.status.code(), Some(0));
    let all = fs::read(place.path().join("all.txt")).unwrap();
    assert_eq!(all, [b"before\n", &lines[..], b"after\n"].concat());
    // A reader that goes is nothing to tell.
    let output = shell(
        &place,
        &format!("\"$0\" {} - | head -c 1", EXTRACT.join(" ")),
    );
    assert!(!String::from_utf8_lossy(&output.stderr).contains("error"));
    assert!(!place.path().join("-").exists());
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_and_a_closed_standard_output_are_named() {
    let place = Workplace::new();
    let text = "A heron stands in the shallow water and waits for a fish. ".repeat(9);
    let page = format!("<html><body><article><h1>Herons</h1><p>{text}</p></article></body></html>");
    place.write("herons.html", page.as_bytes());
    for (line, why) in [
        ("\"$0\" completions bash > /dev/full", "No space left"),
        ("\"$0\" completions bash >&-", "it is closed"),
        ("\"$0\" --help > /dev/full", "No space left"),
        ("\"$0\" --help >&-", "it is closed"),
        (
            "\"$0\" corpus extract --input herons.html --output - >&-",
            "it is closed",
        ),
        (
            "\"$0\" corpus extract --input herons.html --output - > /dev/full",
            "No space left",
        ),
    ] {
        let output = shell(&place, line);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}: {told}");
        assert!(
            told.contains("standard output") && told.contains(why),
            "{line}: {told}"
        );
    }
    let output = shell(&place, "\"$0\" completions bash | head -c 1");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn an_output_that_cannot_be_is_found_before_the_work() {
    let place = Workplace::new();
    save_pages(&place, 3);
    let told = place.refused(&[&EXTRACT[..], &["pictures"]].concat());
    assert!(told.contains("pictures: it is a folder"), "{told}");
    let told = place.refused(&["demo", "--html", "pictures/"]);
    assert!(
        told.contains("a folder") && told.contains("--html"),
        "{told}"
    );
    let told = place.refused(&["weights", "convert", "demo", "--out", "red.png"]);
    assert!(told.contains("red.png"), "{told}");
    let told = place.refused(&["bench", "--out", "pictures"]);
    assert!(told.contains("pictures: it is a folder"), "{told}");
}

#[test]
fn an_output_that_is_one_of_the_inputs_is_refused_and_stays() {
    let place = Workplace::new();
    save_pages(&place, 2);
    let page = fs::read(place.path().join("web/000.html")).unwrap();
    for input in ["web", "web/000.html"] {
        let told = place.refused(&[
            "corpus",
            "extract",
            "--input",
            input,
            "--output",
            "./web/../web/000.html",
        ]);
        assert!(told.contains("is one of the inputs"), "{told}");
    }
    assert_eq!(fs::read(place.path().join("web/000.html")).unwrap(), page);
    let picture = ["--input", "web", "--output", "web/0.png"];
    let told = place.refused(&[&["corpus", "extract"], &picture[..]].concat());
    assert!(told.contains("a file of the input web"), "{told}");
    let urls = place.write("pages.urls", b"https://a.example/\n");
    let told = place.refused(&[
        "corpus",
        "fetch",
        "--urls",
        "pages.urls",
        "--output",
        "pages.urls",
    ]);
    assert!(told.contains("is one of the inputs"), "{told}");
    assert_eq!(fs::read(urls).unwrap(), b"https://a.example/\n");
}

#[test]
#[cfg(unix)]
fn a_page_that_is_stopped_leaves_the_older_one_and_says_how_to_go_on() {
    let place = Workplace::new();
    place.write("page.html", b"older");
    let demo = start(
        &place,
        &["demo", "--html", "page.html", "--queries", "100000"],
    );
    until("the page is begun", || {
        place.path().join(".page.html.part0").exists()
    });
    let told = interrupt(demo);
    assert!(
        told.starts_with("stopped: nothing was written to page.html; the same command begins anew"),
        "{told}"
    );
    assert_eq!(fs::read(place.path().join("page.html")).unwrap(), b"older");
    assert_eq!(names(place.path()), ["page.html", "pictures", "red.png"]);
}

/// A language training of so many steps on a few lines, that saves its state every other step.
fn write_recipe(place: &Workplace, name: &str, steps: u64) {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/demo/tokenizer.json");
    let lines: String = (0..20)
        .map(|_| "{\"parts\": [{\"text\": \"a red pig and a dog\"}, {\"end\": true}]}\n")
        .collect();
    place.write("text.jsonl", lines.as_bytes());
    let recipe = format!(
        r#"run = "{name}"
threads = 1
tokenizer = {demo:?}
tokens = {{ bos = "<BOS>", eos = "<EOS>", pad = "<PAD>", image = "<image>", end_of_chunk = "<EOC>" }}

[model.language]
vocabulary = 2758
width = 8
layers = 1
heads = 2
key_value_heads = 2
head_dim = 4
ffw_width = 16
positions = {{ kind = "rotary", fraction = 0.5, base = 10000.0 }}
norm = "layer_norm"
norm_epsilon = 1e-5
residual = "sequential"
activation = "gelu_tanh"
gated_ffw = false
attention_bias = false
ffw_bias = true
query_key_norm = "none"
tied_head = true

[[data]]
name = "text"
format = "jsonl"
path = "text.jsonl"
batch = 2
length = 11

[schedule]
steps = {steps}
rate = 1e-2

[checkpoint]
every = 2
"#
    );
    place.write(&format!("{name}.toml"), recipe.as_bytes());
}

#[test]
#[cfg(unix)]
fn a_run_has_one_training_and_ctrl_c_says_how_to_go_on() {
    let place = Workplace::new();
    write_recipe(&place, "long", 10_000_000);
    let first = start(&place, &["train", "long.toml"]);
    until("a state is saved", || {
        fs::read_dir(place.path().join("long/checkpoints"))
            .is_ok_and(|mut all| all.next().is_some())
    });
    let told = place.refused(&["train", "long.toml", "--resume"]);
    let process = format!("process {} ", first.id());
    assert!(
        told.contains("long is being written by")
            && told.contains(&process)
            && told.contains("train long.toml"),
        "{told}"
    );
    let told = interrupt(first);
    assert!(
        told.contains("stopped: the state after step ")
            && told.ends_with("go on with: flamingo train long.toml --resume\n"),
        "{told}"
    );
    assert!(!names(&place.path().join("long")).contains(&".lock".to_owned()));
    // A process that is killed holds nobody off.
    let mut killed = start(&place, &["train", "long.toml", "--resume"]);
    until("it is locked", || place.path().join("long/.lock").exists());
    killed.kill().unwrap();
    killed.wait().unwrap();
    let next = start(&place, &["train", "long.toml", "--resume"]);
    let process = format!("process {} ", next.id());
    until("it is locked", || {
        fs::read_to_string(place.path().join("long/.lock"))
            .is_ok_and(|text| text.contains(&process))
    });
    interrupt(next);
}

#[test]
fn a_flipped_byte_of_a_checkpoint_is_told_and_the_one_before_it_used() {
    let place = Workplace::new();
    for run in ["whole", "flipped"] {
        write_recipe(&place, run, 8);
        let told = place.ok(&["train", &format!("{run}.toml")]);
        assert!(told.contains("8 steps"), "{told}");
    }
    let weights =
        |run: &str| fs::read(place.path().join(run).join("model/model.safetensors")).unwrap();
    assert!(weights("whole") == weights("flipped"));
    let checkpoints = place.path().join("flipped/checkpoints");
    let file = checkpoints.join("step-8/trained.safetensors");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() - 7;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();
    fs::remove_dir_all(place.path().join("flipped/model")).unwrap();
    let output = place.run(&["train", "flipped.toml", "--resume"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    for part in [
        "trained.safetensors has the checksum",
        "damaged-step-8",
        "step-6",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(
        weights("whole") == weights("flipped"),
        "it went on from step 6 to the same weights"
    );
}
