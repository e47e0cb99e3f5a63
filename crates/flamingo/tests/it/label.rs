//! Photos labelled by shots of them.

use std::fs;

use flamingo::image::Image;
use serde_json::Value;

use crate::Workplace;

/// A photo of noise around a colour.
fn photo(colour: [u8; 3], number: u8) -> Vec<u8> {
    let pixel = |x: u32, y: u32| colour.map(|c| c ^ (x * y % 3) as u8 ^ number);
    Image::from_fn(16, 12, pixel).to_png()
}

const COLOURS: [(&str, [u8; 3]); 3] = [
    ("blue", [20, 20, 250]),
    ("dark_red", [160, 10, 10]),
    ("white", [240, 240, 240]),
];

/// Three shots of each colour, two photos of each in a folder, and two that are none.
fn place() -> Workplace {
    let place = Workplace::new();
    for (name, colour) in COLOURS {
        for number in 0..3 {
            place.write(
                &format!("shots/{name}/{number}.png"),
                &photo(colour, number),
            );
        }
        for number in 4..6 {
            place.write(&format!("new/{name}-{number}.png"), &photo(colour, number));
        }
    }
    place.write("new/cut.png", &photo([1, 2, 3], 0)[..40]);
    place.write("new/empty.jpg", b"");
    place
}

/// What a run that succeeds says on stdout and on stderr.
fn labelled(place: &Workplace, args: &[&str]) -> (String, String) {
    let output = place.run(&[&["label", "--shots", "shots"], args].concat());
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    (String::from_utf8(output.stdout).unwrap(), told)
}

#[test]
fn photos_of_a_folder_are_labelled_and_bad_ones_are_counted_and_named() {
    let place = place();
    let (shown, told) = labelled(&place, &["new", "red.png"]);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 7, "{shown}");
    for line in &lines[..6] {
        let (photo, label) = line.split_once(": ").unwrap();
        let colour = photo
            .strip_prefix("new/")
            .unwrap()
            .split('-')
            .next()
            .unwrap();
        assert!(label.starts_with(&colour.replace('_', " ")), "{shown}");
        assert!(!label.contains("unsure"), "{shown}");
    }
    assert!(
        lines[6].starts_with("red.png: "),
        "a photo by its own name: {shown}"
    );
    for text in [
        "new/cut.png",
        "new/empty.jpg",
        "7 photos labelled as 3 classes: 0 of them unsure",
        "2 could not be read",
        "Of 9 shots, left out one of each class at a time",
        "the class mean alone 9, both 9",
        "9 of the 9 shots that were as sure",
    ] {
        assert!(told.contains(text), "{text}: {told}");
    }
}

#[test]
fn rows_lines_and_the_page_say_the_same() {
    let place = place();
    let files = [
        "--csv",
        "labels.csv",
        "--jsonl",
        "labels.jsonl",
        "--html",
        "labels.html",
        "new",
    ];
    labelled(&place, &files);
    let read = |name: &str| fs::read_to_string(place.path().join(name)).unwrap();
    let rows = read("labels.csv");
    let rows: Vec<Vec<&str>> = rows.lines().map(|row| row.split(',').collect()).collect();
    let head = [
        "photo",
        "label",
        "probability",
        "doubt",
        "probability of blue",
        "probability of dark red",
    ];
    assert_eq!((rows.len(), &rows[0][..6]), (9, &head[..]));
    let lines: Vec<Value> = read("labels.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 8);
    let mut bad = 0;
    for (row, line) in rows[1..].iter().zip(&lines) {
        assert_eq!(row[0], line["photo"].as_str().unwrap());
        let Some(label) = line["label"].as_str() else {
            assert!(line["error"].as_str().unwrap().contains(row[0]), "{line}");
            assert_eq!((row[1], row[3]), ("", "unreadable"));
            bad += 1;
            continue;
        };
        assert_eq!(row[1], label);
        let classes = line["classes"].as_array().unwrap();
        let sum: f64 = classes
            .iter()
            .map(|class| class["probability"].as_f64().unwrap())
            .sum();
        assert!((sum - 1.0).abs() < 1e-4, "{line}");
        for (written, class) in row[4..].iter().zip(classes) {
            let probability = class["probability"].as_f64().unwrap();
            assert!((written.parse::<f64>().unwrap() - probability).abs() < 1e-4);
        }
    }
    assert_eq!(bad, 2);
    let page = read("labels.html");
    assert_eq!(page.matches("<article").count(), 6);
    assert_eq!(page.matches("class=\"veil\"").count(), 6, "where it looked");
    assert!(page.contains("<code>new/cut.png</code>"));
    for loading in ["src=\"http", "<script", "<link", "url(", "@import", "{{"] {
        assert!(!page.contains(loading), "{loading}");
    }
    // To standard output goes one of them alone.
    let (shown, _) = labelled(&place, &["--csv", "-", "new"]);
    assert_eq!(shown, read("labels.csv"));
    let told = place.refused(&[
        "label", "--shots", "shots", "--csv", "-", "--jsonl", "-", "new",
    ]);
    assert!(
        told.contains("--csv and --jsonl are both standard output"),
        "{told}"
    );
}

#[test]
fn captions_are_shots_and_the_nearest_of_them_alone_can_be_asked() {
    let place = place();
    let mut captions = String::new();
    for (name, _) in COLOURS {
        for number in 0..3 {
            let name_in_words = name.replace('_', " ");
            captions += &format!(
                "{{\"parts\": [{{\"image\": \"shots/{name}/{number}.png\"}}, {{\"text\": \" {name_in_words}\"}}, {{\"end\": true}}]}}\n"
            );
        }
    }
    place.write("captions.jsonl", captions.as_bytes());
    let (of_folders, _) = labelled(&place, &["new"]);
    let of = |args: &[&str]| {
        let all = [&["label", "--shots", "captions.jsonl"], args].concat();
        let output = place.run(&all);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(of(&["new"]), of_folders);
    let names = |shown: &str| -> Vec<String> {
        let lines = shown
            .lines()
            .map(|line| line.rsplit_once(' ').unwrap().0.to_owned());
        lines.collect()
    };
    let nearest = of(&["--nearest", "4", "new"]);
    assert_eq!(names(&nearest).len(), 6);
    assert_eq!(nearest, of(&["--nearest", "4", "new"]));
    let told = place.refused(&["label", "--shots", "shots", "--max-media", "9", "new"]);
    assert!(
        told.contains("all 9 shots and a photo has 10 pictures, at most 9")
            && told.contains("--nearest"),
        "{told}"
    );
}

#[test]
fn shots_that_tell_nothing_apart_and_bad_flags_are_refused() {
    let place = place();
    place.write("one/red/1.png", &photo([200, 0, 0], 1));
    place.write("bad/red/1.png", b"no picture");
    place.write("bad/blue/1.png", &photo([0, 0, 200], 1));
    for (args, text) in [
        (
            &["--shots", "one", "new"][..],
            "has shots of 1 class, at least 2",
        ),
        (&["--shots", "nowhere", "new"], "nowhere"),
        (
            &["--shots", "shots", "nowhere.jpg"],
            "there is no photo or folder nowhere.jpg",
        ),
        (
            &["--shots", "shots", "--nearest", "0", "new"],
            "--nearest is 0",
        ),
        (
            &["--shots", "shots", "--sure", "1.5", "new"],
            "--sure is 1.5",
        ),
    ] {
        let told = place.refused(&[&["label"], args].concat());
        assert!(told.contains(text), "{text}: {told}");
    }
    let output = place.run(&["label", "--shots", "bad", "new"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("no picture of the class `red`") && told.contains("bad/red/1.png"),
        "{told}"
    );
}
