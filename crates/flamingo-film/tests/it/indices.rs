//! What small films of several writers tell of themselves, without FFmpeg; `make.sh` beside them made
//! them.

use std::fs::File;
use std::path::PathBuf;

use flamingo_film::{Error, Movie, Reader, read_matroska, read_mp4};
use flamingo_image::{Rate, Sampling, Wanted};

fn fixture(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    folder.join("tests/fixtures").join(name)
}

fn movie(name: &str) -> Movie {
    let file = File::open(fixture(name)).unwrap();
    let read = match name.rsplit('.').next() {
        Some("mp4" | "mov") => read_mp4(file),
        _ => read_matroska(file),
    };
    read.unwrap().unwrap()
}

/// The numbers of the frames at 1 a second.
fn each_second(name: &str) -> Vec<usize> {
    let sampling = Sampling {
        rate: Rate::ONE,
        most: 30,
    };
    movie(name).timeline.unwrap().sample(sampling)
}

#[test]
fn lengths_are_those_of_the_pictures() {
    for (name, codec, seconds) in [
        ("steady.mp4", "avc1", 2.4),
        ("sound.mp4", "avc1", 2.4),
        ("fragments.mp4", "avc1", 2.4),
        ("edited.mp4", "avc1", 1.08),
        ("uneven.mp4", "avc1", 4.04),
        ("uneven.mkv", "V_MPEG4/ISO/AVC", 4.04),
        ("live.webm", "V_VP8", 2.4),
        ("steady.mov", "apco", 2.4),
    ] {
        let movie = movie(name);
        assert_eq!((movie.codec.as_str(), movie.missing), (codec, 0), "{name}");
        let found = Reader::default().seconds(fixture(name)).unwrap().unwrap();
        assert!((found - seconds).abs() < 1e-9, "{name}: {found}");
    }
    assert_eq!(
        Reader::default().seconds(fixture("steady.avi")).unwrap(),
        None
    );
}

#[test]
fn frames_are_chosen_by_time() {
    assert_eq!(each_second("steady.mp4"), [0, 25, 50]);
    assert_eq!(each_second("fragments.mp4"), [0, 25, 50]);
    assert_eq!(each_second("uneven.mp4"), [0, 10, 11, 12, 13]);
    assert_eq!(each_second("uneven.mkv"), [0, 10, 11, 12, 13]);
    assert_eq!(each_second("live.webm"), [0, 25, 50]);
    // Of those that the edit list shows.
    assert_eq!(each_second("edited.mp4"), [0, 25]);
}

#[test]
fn without_ffmpeg_the_container_and_the_codec_are_named() {
    for (name, says) in [
        (
            "steady.mp4",
            "steady.mp4 is a film (MP4 with avc1 pictures)",
        ),
        (
            "live.webm",
            "live.webm is a film (WebM with V_VP8 pictures)",
        ),
        ("steady.avi", "steady.avi is a film (AVI)"),
        (
            "silent_screen.mp4",
            "silent_screen.mp4 (MP4) has no moving pictures",
        ),
    ] {
        let error = Reader::default()
            .load(fixture(name), &Wanted::default())
            .unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn a_film_cut_short_is_told_as_that() {
    for name in ["fragments.mp4", "steady.avi", "steady.mov", "uneven.mkv"] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        let cut = &bytes[..bytes.len() * 3 / 5];
        let error = Reader::default()
            .decode(cut, name, &Wanted::default())
            .unwrap_err();
        assert!(matches!(error, Error::Broken { .. }), "{name}: {error}");
        let length = Reader::default().seconds_of(cut, name);
        assert!(name == "steady.avi" || length.is_err(), "{name}");
    }
}
