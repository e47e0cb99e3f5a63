//! Frames that carry their number, and films made of them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flamingo_film::{Ffmpeg, Reader};
use flamingo_image::{Film, Image, Media, Sampling, Wanted};

const WIDTH: u32 = 128;
const HEIGHT: u32 = 64;
const BARS: u32 = 8;

/// A frame with its number as bars: white where a bit is set, the highest at the left.
fn numbered(number: u32) -> Image {
    Image::from_fn(WIDTH, HEIGHT, |x, _| {
        let bit = BARS - 1 - x / (WIDTH / BARS);
        [if number >> bit & 1 == 1 { 235 } else { 16 }; 3]
    })
}

/// The number that a frame carries, whatever was lost of its sharpness and size.
pub(crate) fn number(frame: &Image) -> u32 {
    let bit = |bar: u32| {
        let x = (2 * bar + 1) * frame.width / (2 * BARS);
        u32::from(frame.pixel(x, frame.height / 2)[1] > 125)
    };
    (0..BARS).fold(0, |number, bar| 2 * number + bit(bar))
}

/// FFmpeg, if it is installed; says so if it is not.
pub(crate) fn ffmpeg() -> Option<Ffmpeg> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = Ffmpeg::find(std::env::split_paths(&path));
    if found.is_none() {
        println!("skipped: ffmpeg and ffprobe are not installed");
    }
    found
}

/// Makes a film of `frames` numbered frames at 25 a second. `options` are those of the output, with
/// its filters.
pub(crate) fn make(ffmpeg: &Ffmpeg, frames: u32, options: &str, path: &Path) {
    make_at(ffmpeg, frames, "25", options, path);
}

/// The same at another rate.
pub(crate) fn make_at(ffmpeg: &Ffmpeg, frames: u32, rate: &str, options: &str, path: &Path) {
    let size = format!("{WIDTH}x{HEIGHT}");
    let input = [
        "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", &size, "-r", rate, "-i", "pipe:0",
    ];
    let mut command = Command::new(&ffmpeg.ffmpeg);
    command.args(["-v", "error", "-y"]).args(input);
    let mut child = command
        .args(options.split_whitespace())
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    for k in 0..frames {
        pipe.write_all(&numbered(k).rgb).unwrap();
    }
    drop(pipe);
    assert!(child.wait().unwrap().success(), "{options}");
}

/// Runs FFmpeg on a film that is there.
pub(crate) fn remake(ffmpeg: &Ffmpeg, before: &str, from: &Path, after: &str, to: &Path) {
    let status = Command::new(&ffmpeg.ffmpeg)
        .args(["-v", "error", "-y", "-nostdin"])
        .args(before.split_whitespace())
        .arg("-i")
        .arg(from)
        .args(after.split_whitespace())
        .arg(to)
        .status()
        .unwrap();
    assert!(status.success(), "{before} -i {} {after}", from.display());
}

/// A reader with FFmpeg.
pub(crate) fn reader(ffmpeg: &Ffmpeg) -> Reader {
    Reader {
        ffmpeg: Some(ffmpeg.clone()),
        ..Reader::default()
    }
}

/// A film's frames at `rate` a second, at most `most`.
pub(crate) fn sampled(reader: &Reader, path: &Path, rate: &str, most: usize) -> Film {
    let rate = rate.parse().unwrap();
    let wanted = Wanted {
        sampling: Some(Sampling { rate, most }),
        seconds: None,
        preprocess: None,
    };
    match reader.load(path, &wanted).unwrap() {
        Media::Film(film) => film,
        Media::Image(_) => panic!("{} is a film", path.display()),
    }
}

/// The numbers of those frames.
pub(crate) fn numbers(reader: &Reader, path: &Path, rate: &str, most: usize) -> Vec<u32> {
    sampled(reader, path, rate, most)
        .frames
        .iter()
        .map(number)
        .collect()
}

/// A folder that goes with the test, and a file in it.
pub(crate) fn place(name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    (folder, path)
}
