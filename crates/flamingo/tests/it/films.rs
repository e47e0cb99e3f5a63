//! Films as files, as animations and as folders of frames.
#![allow(clippy::print_stdout)]

use std::process::Command;

use flamingo::film::Ffmpeg;
use flamingo::image::Media;
use flamingo::sequence::Part;
use flamingo_world::{Episodes, Split};

use crate::Workplace;

/// FFmpeg, if it is installed; says so if it is not.
fn ffmpeg() -> Option<Ffmpeg> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = Ffmpeg::find(std::env::split_paths(&path));
    if found.is_none() {
        println!("skipped: ffmpeg and ffprobe are not installed");
    }
    found
}

/// A film of the demo world as a folder of frames `film`; what is asked about it.
fn episode(place: &Workplace, index: u64) -> String {
    let world = Episodes { seed: 7, side: 48 };
    let episode = world.film(Split::HeldIn, index);
    for medium in episode.media.values() {
        let Media::Film(film) = medium else {
            panic!("it shows a film");
        };
        for (k, frame) in film.frames.iter().enumerate() {
            place.write(&format!("film/{k}.png"), &frame.to_png());
        }
    }
    let text = |part: &Part| match part {
        Part::Text(text) => Some(text.clone()),
        _ => None,
    };
    episode.document.parts.iter().find_map(text).unwrap()
}

#[test]
fn a_film_file_is_answered_as_the_folder_of_its_frames() {
    let Some(ffmpeg) = ffmpeg() else { return };
    for index in 0..4 {
        let place = Workplace::new();
        let text = episode(&place, index);
        let made = Command::new(&ffmpeg.ffmpeg)
            .args([
                "-v",
                "error",
                "-nostdin",
                "-framerate",
                "1",
                "-i",
                "film/%d.png",
            ])
            .args([
                "-c:v", "libx264", "-qp", "0", "-pix_fmt", "yuv444p", "film.mp4",
            ])
            .current_dir(place.path())
            .status();
        assert!(made.unwrap().success());
        let ask = |film: &[&str]| place.ok(&[&["ask"], film, &["--text", &text]].concat());
        let frames = ask(&["--video", "film"]);
        assert_eq!(
            ask(&["--video", "film.mp4", "--fps", "1"]),
            frames,
            "{index}"
        );
        assert_eq!(
            ask(&["--video", "film", "--frame-rate", "1", "--fps", "1"]),
            frames
        );
        // Frames that are seen for as long as they are shown say the same, in more words.
        println!(
            "{index}: {frames:?} at 1 a second, {:?} at 3",
            ask(&["--video", "film.mp4"])
        );
    }
}

#[test]
fn a_film_that_cannot_be_read_is_told_with_the_next_step() {
    let place = Workplace::new();
    place.write("film.flv", b"FLV\x01\x05\0\0\0\x09\0\0\0\0");
    let output = Command::new(env!("CARGO_BIN_EXE_flamingo"))
        .args(["ask", "--video", "film.flv", "--text", "Output:"])
        .current_dir(place.path())
        .env("PATH", place.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("film.flv is a film (Flash video)"), "{told}");
    assert!(told.contains("apt install ffmpeg"), "{told}");
}

#[test]
fn rates_and_numbers_of_frames_are_refused_by_name() {
    let place = Workplace::new();
    for (flag, value) in [
        ("--fps", "0"),
        ("--fps", "fast"),
        ("--frames", "0"),
        ("--frame-rate", "-1"),
    ] {
        let output = place.run(&["ask", &format!("{flag}={value}"), "--text", "x"]);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(flag) && told.contains(value), "{told}");
    }
}
