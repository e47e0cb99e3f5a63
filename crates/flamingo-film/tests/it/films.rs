//! Which frames are read, by the numbers that they carry.

use std::path::Path;

use flamingo_film::Ffmpeg;
use flamingo_image::{Fit, Media, Preprocess, Sampling, Wanted};

use crate::numbered::{ffmpeg, make, make_at, number, numbers, place, reader, remake, sampled};

const H264: &str = "-c:v libx264 -preset ultrafast -bf 2 -b_strategy 0 -g 50 -pix_fmt yuv420p";

/// Makes a film at a path and says its frames at 1 and 3 a second, and its length.
fn read(name: &str, make: impl FnOnce(&Ffmpeg, &Path)) -> Option<(Vec<u32>, Vec<u32>, f64)> {
    let ffmpeg = ffmpeg()?;
    let (_folder, path) = place(name);
    make(&ffmpeg, &path);
    let reader = reader(&ffmpeg);
    let at = |rate| numbers(&reader, &path, rate, 30);
    // As the file's own index has it; none of formats whose index is not read.
    let seconds = reader.seconds(&path).unwrap().unwrap_or(2.4);
    Some((at("1"), at("3"), seconds))
}

#[test]
fn constant_rate_with_frames_out_of_order() {
    let made = read("a.mp4", |ffmpeg, path| make(ffmpeg, 60, H264, path));
    let Some((one, three, seconds)) = made else {
        return;
    };
    assert_eq!(one, [0, 25, 50]);
    assert_eq!(three, [0, 8, 16, 25, 33, 41, 50, 58]);
    assert_eq!(seconds, 2.4);
}

#[test]
fn a_rate_of_29_97_loses_no_frame_to_rounding() {
    let made = read("a.mp4", |ffmpeg, path| {
        make_at(ffmpeg, 61, "30000/1001", H264, path)
    });
    let Some((one, three, seconds)) = made else {
        return;
    };
    assert_eq!(one, [0, 29, 59]);
    assert_eq!(three, [0, 9, 19, 29, 39, 49, 59]);
    assert!((seconds - 61.0 * 1.001 / 30.0).abs() < 1e-3, "{seconds}");
}

/// Ten frames of 0.1 s, then four of 1 s.
const UNEVEN: &str = "-vf setpts='if(lt(N,10),N*0.1,N-9)/TB' -fps_mode vfr";

#[test]
fn a_variable_rate_is_seen_by_time() {
    for name in ["a.mp4", "a.mkv"] {
        let made = read(name, |ffmpeg, path| {
            make_at(ffmpeg, 14, "1000", &format!("{UNEVEN} {H264}"), path);
        });
        let Some((one, _, _)) = made else { return };
        assert_eq!(one, [0, 10, 11, 12, 13], "{name}");
    }
}

#[test]
fn a_turned_film_is_upright() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let (folder, path) = place("a.mp4");
    make(&ffmpeg, 30, H264, &path);
    let turned = folder.path().join("turned.mp4");
    remake(
        &ffmpeg,
        "",
        &path,
        "-c copy -metadata:s:v rotate=90",
        &turned,
    );
    let film = sampled(&reader(&ffmpeg), &turned, "1", 8);
    for (frame, expected) in film.frames.iter().zip([0, 25]) {
        assert_eq!((frame.width, frame.height), (64, 128));
        // The bars lie on top of each other, the highest at the end that was the left one.
        let bar = |k: u32| u32::from(frame.pixel(32, 16 * k + 8)[1] > 125);
        let down = (0..8).fold(0, |number, k| 2 * number + bar(k));
        let up = (0..8).rev().fold(0, |number, k| 2 * number + bar(k));
        assert!(down == expected || up == expected, "{down} {up} {expected}");
    }
}

#[test]
fn time_begins_with_the_first_frame_shown() {
    let made = read("a.mkv", |ffmpeg, path| {
        make(ffmpeg, 60, &format!("-vf setpts=PTS+7/TB {H264}"), path);
    });
    let Some((one, _, seconds)) = made else {
        return;
    };
    assert_eq!(one, [0, 25, 50]);
    assert!((seconds - 2.4).abs() < 0.002, "{seconds}");
}

#[test]
fn transport_streams_begin_at_any_time() {
    let made = read("a.ts", |ffmpeg, path| {
        make(ffmpeg, 60, &format!("{H264} -output_ts_offset 95443"), path);
    });
    let Some((one, three, seconds)) = made else {
        return;
    };
    assert_eq!(one, [0, 25, 50]);
    assert_eq!(three, [0, 8, 16, 25, 33, 41, 50, 58]);
    assert!((seconds - 2.4).abs() < 1e-6, "{seconds}");
}

#[test]
fn an_edit_list_leaves_frames_out() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let (folder, path) = place("a.mp4");
    make(&ffmpeg, 100, &H264.replace("-g 50", "-g 100"), &path);
    let cut = folder.path().join("cut.mp4");
    remake(&ffmpeg, "-ss 1.2", &path, "-c copy -t 1.8", &cut);
    let reader = reader(&ffmpeg);
    assert_eq!(numbers(&reader, &cut, "1", 8), [30, 55]);
    assert_eq!(numbers(&reader, &cut, "5", 30)[..4], [30, 35, 40, 45]);
}

#[test]
fn one_frame_is_a_film() {
    let made = read("a.mp4", |ffmpeg, path| make(ffmpeg, 1, H264, path));
    let Some((one, three, seconds)) = made else {
        return;
    };
    assert_eq!((one, three, seconds), (vec![0], vec![0], 0.04));
}

#[test]
fn fragments_are_one_film() {
    let made = read("a.mp4", |ffmpeg, path| {
        make(
            ffmpeg,
            120,
            &format!("{H264} -movflags frag_keyframe+empty_moov"),
            path,
        );
    });
    let Some((one, _, seconds)) = made else {
        return;
    };
    assert_eq!(one, [0, 25, 50, 75, 100]);
    assert!((seconds - 4.8).abs() < 1e-6, "{seconds}");
}

#[test]
fn odd_sides_ten_bits_and_other_codecs_are_read() {
    let options = [
        (
            "odd.mp4",
            "-vf scale=127:63 -c:v libx264 -preset ultrafast -pix_fmt yuv444p",
        ),
        (
            "ten.mp4",
            "-c:v libx264 -preset ultrafast -pix_fmt yuv420p10le",
        ),
        (
            "hevc.mp4",
            "-c:v libx265 -preset ultrafast -x265-params log-level=none",
        ),
        ("vp9.webm", "-c:v libvpx-vp9 -cpu-used 8 -deadline realtime"),
        ("mpeg4.avi", "-c:v mpeg4 -q:v 3"),
        ("mpeg2.mpg", "-c:v mpeg2video -q:v 3"),
        ("prores.mov", "-c:v prores_ks"),
        ("theora.ogv", "-c:v libtheora -q:v 8"),
        ("h263.flv", "-c:v flv -q:v 3"),
        ("wmv.wmv", "-c:v wmv2 -q:v 3"),
    ];
    for (name, options) in options {
        let made = read(name, |ffmpeg, path| make(ffmpeg, 60, options, path));
        let Some((one, three, seconds)) = made else {
            return;
        };
        assert_eq!(one, [0, 25, 50], "{name}");
        assert_eq!(three, [0, 8, 16, 25, 33, 41, 50, 58], "{name}");
        assert!((seconds - 2.4).abs() < 0.05, "{name}: {seconds}");
    }
}

#[test]
fn sound_that_goes_on_makes_no_film_longer() {
    let made = read("a.mp4", |ffmpeg, path| {
        let sound = "-f lavfi -i sine=duration=6 -c:a aac";
        make(ffmpeg, 60, &format!("{sound} {H264}"), path);
    });
    let Some((one, _, seconds)) = made else {
        return;
    };
    assert_eq!((one, seconds), (vec![0, 25, 50], 2.4));
}

#[test]
fn of_a_long_film_the_middles_of_equal_stretches_are_read() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let (_folder, path) = place("a.mp4");
    make(&ffmpeg, 250, H264, &path);
    assert_eq!(
        numbers(&reader(&ffmpeg), &path, "3", 5),
        [25, 75, 125, 175, 225]
    );
}

/// Films of 1,830 frames, in which there is much to pass over.
const LONG: [(&str, &str); 10] = [
    ("a.mp4", H264),
    ("a.mkv", H264),
    ("a.ts", H264),
    ("a.avi", "-c:v mpeg4 -q:v 3 -g 50"),
    ("reordered.avi", "-c:v mpeg4 -q:v 3 -g 50 -bf 2"),
    ("h264.avi", H264),
    ("a.mpg", "-c:v mpeg2video -q:v 3 -g 50 -bf 2"),
    ("a.flv", H264),
    ("a.wmv", "-c:v wmv2 -q:v 3 -g 50"),
    ("a.ogv", "-c:v libtheora -q:v 8 -g 50"),
];

#[test]
fn long_gaps_are_passed_over_and_the_same_frames_are_read() {
    let Some(ffmpeg) = ffmpeg() else { return };
    for (name, options) in LONG {
        let (_folder, path) = place(name);
        make(&ffmpeg, 1830, options, &path);
        let reader = reader(&ffmpeg);
        let film = sampled(&reader, &path, "1", 3);
        // Numbers go around after 256 frames.
        let seen: Vec<u32> = film.frames.iter().map(number).collect();
        assert_eq!(seen, [305, 915, 1525].map(|k| k % 256), "{name}");
        let Media::Film(whole) = reader.load(&path, &Wanted::default()).unwrap() else {
            panic!("{name} is a film");
        };
        for (frame, number) in film.frames.iter().zip([305, 915, 1525]) {
            assert!(*frame == whole.frames[number], "{name}, frame {number}");
        }
    }
}

/// FFmpeg, which gives nothing where it is told to begin elsewhere than at the start, and writes that down.
#[cfg(unix)]
fn unseeking(ffmpeg: &Ffmpeg, folder: &Path) -> Ffmpeg {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join("ffmpeg");
    let (real, note) = (ffmpeg.ffmpeg.display(), folder.join("asked"));
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *' -ss '*) echo x >> '{}'; exit 0;; esac\nexec '{real}' \"$@\"\n",
        note.display()
    );
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    Ffmpeg::new(path, ffmpeg.ffprobe.clone())
}

#[cfg(unix)]
#[test]
fn where_seeking_fails_the_film_is_decoded_from_its_start() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let (folder, path) = place("a.ts");
    make(&ffmpeg, 1830, H264, &path);
    let expected = sampled(&reader(&ffmpeg), &path, "1", 3);
    let tool = unseeking(&ffmpeg, folder.path());
    assert_eq!(sampled(&reader(&tool), &path, "1", 3), expected);
    let asked = std::fs::read_to_string(folder.path().join("asked")).unwrap();
    assert_eq!(asked.lines().count(), 2, "twice there is much to pass over");
}

#[test]
fn a_film_in_memory_is_the_film_on_disk_and_frames_are_kept_small() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let (_folder, path) = place("a.mp4");
    make(&ffmpeg, 60, H264, &path);
    let reader = reader(&ffmpeg);
    let preprocess = Preprocess::clip(48, Fit::Pad);
    let wanted = Wanted::of(Sampling::ASKING, &preprocess);
    let loaded = reader.load(&path, &wanted).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(reader.decode(&bytes, "a.mp4", &wanted).unwrap(), loaded);
    let Media::Film(film) = loaded else {
        panic!("a film")
    };
    let full = sampled(&reader, &path, "3", 30);
    assert_eq!((film.frames[0].width, film.frames[0].height), (48, 24));
    for (small, frame) in film.frames.iter().zip(&full.frames) {
        assert_eq!(preprocess.pixels(small), preprocess.pixels(frame));
    }
}

#[test]
fn all_frames_can_be_had_with_their_times() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let (_folder, path) = place("a.mp4");
    make(&ffmpeg, 30, H264, &path);
    let Media::Film(film) = reader(&ffmpeg).load(&path, &Wanted::default()).unwrap() else {
        panic!("a film");
    };
    assert_eq!(
        film.frames.iter().map(number).collect::<Vec<_>>(),
        (0..30).collect::<Vec<_>>()
    );
    assert_eq!(film.seconds(), Some(1.2));
}
