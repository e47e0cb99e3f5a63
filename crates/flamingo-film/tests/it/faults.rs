//! What cannot be read says why; nothing waits for ever.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use flamingo_film::{Error, Ffmpeg, Reader};
use flamingo_image::{Sampling, Wanted};

use crate::numbered::{ffmpeg, make, place, reader, remake};

fn wanted() -> Wanted {
    Wanted {
        sampling: Some(Sampling::ASKING),
        seconds: None,
        preprocess: None,
    }
}

fn error(reader: &Reader, path: &Path) -> Error {
    reader.load(path, &wanted()).unwrap_err()
}

#[test]
fn a_film_without_ffmpeg_says_what_to_install() {
    let (_folder, path) = place("a.flv");
    std::fs::write(&path, b"FLV\x01\x05\0\0\0\x09\0\0\0\0").unwrap();
    let error = error(&Reader::default(), &path);
    assert!(matches!(error, Error::NoDecoder { .. }));
    let error = error.to_string();
    assert!(error.contains("a.flv is a film (Flash video)"), "{error}");
    assert!(error.contains("apt install ffmpeg"), "{error}");
}

#[test]
fn pictures_and_other_files_need_no_ffmpeg() {
    let (_folder, path) = place("a.txt");
    std::fs::write(&path, b"no film").unwrap();
    let said = error(&Reader::default(), &path).to_string();
    assert!(said.contains("is not a"), "{said}");
    let missing = error(&Reader::default(), Path::new("no/such.mp4")).to_string();
    assert!(missing.starts_with("cannot read no/such.mp4"), "{missing}");
}

const H264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";

#[test]
fn sound_alone_is_no_film() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let (folder, path) = place("a.mp4");
    make(
        &ffmpeg,
        30,
        &format!("-f lavfi -i sine=duration=1 -c:a aac {H264}"),
        &path,
    );
    let sound = folder.path().join("sound.mp4");
    remake(&ffmpeg, "", &path, "-vn -c copy", &sound);
    let error = error(&reader(&ffmpeg), &sound);
    assert!(matches!(error, Error::NoPictures { .. }), "{error}");
    assert!(error.to_string().contains("sound"), "{error}");
}

#[test]
fn damaged_films_are_broken_and_say_it() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let (_folder, path) = place("a.mp4");
    let film = |options: &str| {
        make(&ffmpeg, 100, &format!("{options} {H264}"), &path);
        std::fs::read(&path).unwrap()
    };
    let with_index_last = film("");
    let with_index_first = film("-movflags faststart");
    let reader = reader(&ffmpeg);
    let cut = |bytes: &[u8], share: f64| bytes[..(bytes.len() as f64 * share) as usize].to_vec();
    for bytes in [
        cut(&with_index_last, 0.6),
        cut(&with_index_first, 0.6),
        with_index_last[..40].to_vec(),
    ] {
        let told = reader.decode(&bytes, "a.mp4", &wanted()).unwrap_err();
        assert!(!told.to_string().contains("file:"), "{told}");
        std::fs::write(&path, bytes).unwrap();
        let error = error(&reader, &path);
        assert!(
            matches!(error, Error::Broken { .. } | Error::NoPictures { .. }),
            "{error}"
        );
        assert!(error.to_string().contains("a.mp4"), "{error}");
    }
    std::fs::write(&path, b"").unwrap();
    assert!(error(&reader, &path).to_string().contains("it is empty"));
}

#[test]
fn films_of_every_container_that_are_cut_short_say_it() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let reader = reader(&ffmpeg);
    for (name, options) in [
        ("a.ts", H264),
        ("a.m2ts", H264),
        ("a.flv", "-c:v flv -q:v 3"),
        ("a.mpg", "-c:v mpeg2video -q:v 3"),
        ("a.vob", "-c:v mpeg2video -q:v 3"),
        ("a.wmv", "-c:v wmv2 -q:v 3"),
        ("a.ogv", "-c:v libtheora -q:v 8"),
        ("a.avi", "-c:v mpeg4 -q:v 3"),
        ("a.mkv", H264),
    ] {
        let (_folder, path) = place(name);
        make(&ffmpeg, 150, options, &path);
        let whole = std::fs::read(&path).unwrap();
        assert!(reader.load(&path, &wanted()).is_ok(), "{name}");
        for share in [0.3, 0.6, 0.9, 1.0] {
            // Not where a packet happens to end.
            let cut = (whole.len() as f64 * share) as usize - 2048;
            let cut = cut / 2048 * 2048 + 1021;
            std::fs::write(&path, &whole[..cut]).unwrap();
            for reader in [&reader, &Reader::default()] {
                let error = error(reader, &path);
                assert!(
                    matches!(error, Error::Broken { .. }),
                    "{name} {share}: {error}"
                );
                let error = error.to_string();
                assert!(
                    error.contains("it is cut short by"),
                    "{name} {share}: {error}"
                );
                assert!(reader.seconds(&path).is_err(), "{name} {share}");
            }
        }
    }
}

/// Two programs that take no notice of what they are asked.
#[cfg(unix)]
fn asleep(folder: &Path) -> Ffmpeg {
    use std::os::unix::fs::PermissionsExt;
    for name in ["ffmpeg", "ffprobe"] {
        let path = folder.join(name);
        std::fs::write(&path, "#!/bin/sh\nexec sleep 600\n").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    Ffmpeg::find([folder.to_path_buf()]).unwrap()
}

#[cfg(unix)]
#[test]
fn a_process_that_does_nothing_is_ended() {
    let (folder, path) = place("a.mp4");
    std::fs::write(&path, b"\0\0\0\x20ftypisom\0\0\x02\0").unwrap();
    let mut tool = asleep(folder.path());
    tool.patience = Duration::from_millis(300);
    let stalled = error(&reader(&tool), &path);
    assert!(matches!(stalled, Error::Stalled { .. }), "{stalled}");
    tool.patience = Duration::from_secs(600);
    tool.stop = Some(Arc::new(AtomicBool::new(true)));
    let stopped = error(&reader(&tool), &path);
    assert!(matches!(stopped, Error::Stopped { .. }), "{stopped}");
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let (folder, path) = place("a.mp4");
    std::fs::write(&path, b"\0\0\0\x20ftypisom\0\0\x02\0").unwrap();
    let absent = folder.path().join("absent");
    let tool = Ffmpeg::new(absent.clone(), absent);
    let said = error(&reader(&tool), &path).to_string();
    assert!(
        said.contains("cannot run") && said.contains("absent"),
        "{said}"
    );
}
