//! Shots from folders, and those nearest to a prompt.

use std::process::{Command, Stdio};

use flamingo::image::Image;
use serde_json::Value;

use crate::Workplace;

/// A place with pictures in a folder for each of two classes, and one that is like the second.
fn place() -> Workplace {
    let place = Workplace::new();
    let picture =
        |rgb: [u8; 3]| Image::from_fn(13, 11, move |x, y| rgb.map(|c| c ^ ((x * y) as u8 & 7)));
    place.write("shots/dax/1.png", &picture([210, 20, 20]).to_png());
    place.write("shots/wug/1.png", &picture([20, 20, 210]).to_png());
    place.write("query.png", &picture([24, 22, 205]).to_png());
    place
}

fn ask(place: &Workplace, args: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_flamingo"))
        .args(["ask", "--json", "--max-tokens", "3"])
        .args(args)
        .args(["--image", "query.png", "--text", "Output:"])
        .env("FLAMINGO_CACHE", place.path().join("cache"))
        .current_dir(place.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let mut answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    answer.as_object_mut().unwrap().remove("timings");
    answer
}

#[test]
fn the_nearest_shot_of_a_folder_is_as_if_it_had_been_given() {
    let place = place();
    let all = [
        "--image",
        "shots/dax/1.png",
        "--text",
        "Output: dax",
        "--end",
    ];
    let nearest = [
        "--image",
        "shots/wug/1.png",
        "--text",
        "Output: wug",
        "--end",
    ];
    let expected = ask(&place, &nearest);
    for _ in 0..2 {
        // The second time, the vectors are read from the cache.
        assert_eq!(
            ask(&place, &["--shots", "shots", "--nearest", "1"]),
            expected
        );
    }
    let kept = std::fs::read_dir(place.path().join("cache/shots")).unwrap();
    assert_eq!(kept.count(), 1);
    let both = ask(&place, &[&all[..], &nearest[..]].concat());
    assert_eq!(ask(&place, &["--shots", "shots"]), both);
    assert_eq!(ask(&place, &["--shots", "shots", "--nearest", "2"]), both);
}

#[test]
fn shots_near_to_nothing_are_refused() {
    let place = place();
    let told = place.refused(&[
        "ask",
        "--shots",
        "shots",
        "--nearest",
        "1",
        "--text",
        "Output:",
    ]);
    assert!(told.contains("shows no picture"), "{told}");
    let told = place.refused(&["ask", "--nearest", "1", "--text", "Output:"]);
    assert!(told.contains("--shots"), "{told}");
    let told = place.refused(&["ask", "--shots", "cache-of-nothing", "--text", "Output:"]);
    assert!(told.contains("cache-of-nothing"), "{told}");
}
