//! Frames out of a film: those shown at given times, as raw RGB through a pipe.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{BufRead, Read};

use flamingo_image::{Image, Limits};

use super::listing::Listing;
use super::process::Process;
use super::tool::{Ffmpeg, Input};
use crate::error::Result;
use crate::plan::{Stretch, stretches};

/// The frames of a film one after the other.
pub(crate) struct Frames<'a> {
    tool: &'a Ffmpeg,
    input: Input<'a>,
    limits: &'a Limits,
    listing: &'a Listing,
    stretches: std::vec::IntoIter<Stretch>,
    running: Option<(Process, usize)>,
}

impl<'a> Frames<'a> {
    /// The frames shown at these rising times.
    pub(crate) fn new(
        tool: &'a Ffmpeg,
        input: Input<'a>,
        limits: &'a Limits,
        listing: &'a Listing,
        times: &[i64],
    ) -> Self {
        let is_indexed = input.container.is_indexed();
        Self {
            tool,
            input,
            limits,
            listing,
            stretches: stretches(&listing.packets, times, is_indexed).into_iter(),
            running: None,
        }
    }

    fn begin(&mut self, stretch: &Stretch) -> Result<()> {
        let arguments = self.arguments(stretch);
        let process = Process::start(self.tool, &self.tool.ffmpeg, &arguments, &self.input)?;
        self.running = Some((process, stretch.times.len()));
        Ok(())
    }

    fn arguments(&self, stretch: &Stretch) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = Vec::new();
        let mut add = |words: &[&str]| arguments.extend(words.iter().map(OsString::from));
        add(&[
            "-nostdin",
            "-hide_banner",
            "-loglevel",
            "error",
            "-progress",
            "pipe:2",
        ]);
        // Each thread holds frames of its own.
        add(&["-threads", "2", "-copyts"]);
        if let Some(from) = stretch.from {
            let from = format!("{:.6}", self.listing.seconds(from));
            add(&["-noaccurate_seek", "-seek_timestamp", "1", "-ss", &from]);
        }
        arguments.extend(self.input.arguments());
        let mut add = |words: &[&str]| arguments.extend(words.iter().map(OsString::from));
        let count = stretch.times.len().to_string();
        // Those that are left over count as a steady film, so that none is doubled or dropped.
        let filter = format!("select='{}',settb=1/25,setpts=N", selection(&stretch.times));
        add(&[
            "-map",
            "0:V:0",
            "-vf",
            &filter,
            "-r",
            "25",
            "-frames:v",
            &count,
        ]);
        add(&[
            "-f",
            "image2pipe",
            "-c:v",
            "ppm",
            "-pix_fmt",
            "rgb24",
            "pipe:1",
        ]);
        arguments
    }

    fn frame(process: &mut Process, name: &str, limits: &Limits) -> Result<Option<Image>> {
        let Some([width, height]) = header(process) else {
            return Ok(None);
        };
        limits.check_size(name, width, height)?;
        let mut rgb = vec![0; 3 * width as usize * height as usize];
        match process.read_exact(&mut rgb) {
            Ok(()) => Ok(Some(Image::new(width, height, rgb)?)),
            Err(_) => Ok(None),
        }
    }
}

impl Iterator for Frames<'_> {
    type Item = Result<Image>;

    fn next(&mut self) -> Option<Result<Image>> {
        if self.running.is_none() {
            let stretch = self.stretches.next()?;
            if let Err(error) = self.begin(&stretch) {
                return Some(Err(error));
            }
        }
        let (process, left) = self.running.as_mut()?;
        match Self::frame(process, self.input.name, self.limits) {
            Ok(Some(frame)) => {
                *left -= 1;
                if *left == 0 {
                    self.running = None;
                }
                Some(Ok(frame))
            }
            Ok(None) => {
                let (process, left) = self.running.take()?;
                let reason = format!("{left} of its frames do not decode");
                Some(Err(process.fell_short(&reason)))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

/// An expression that is true for the first frame shown at each of the times or later.
fn selection(times: &[i64]) -> String {
    let mut text = String::new();
    for (k, time) in times.iter().enumerate() {
        let plus = if k > 0 { "+" } else { "" };
        // Writing to a string does not fail.
        let _ = write!(text, "{plus}eq(selected_n,{k})*gte(pts,{time})");
    }
    text
}

/// The width and height that a picture's header tells (PPM: `P6`, the sides, `255`); none at the end.
fn header(process: &mut Process) -> Option<[u32; 2]> {
    let mut words = Vec::new();
    while words.len() < 4 {
        let mut line = Vec::new();
        process.take(64).read_until(b'\n', &mut line).ok()?;
        let line = String::from_utf8(line).ok()?;
        line.strip_suffix('\n')?
            .split(' ')
            .for_each(|word| words.push(word.to_owned()));
    }
    let [magic, width, height, most] = words.try_into().ok()?;
    (magic == "P6" && most == "255").then_some([width.parse().ok()?, height.parse().ok()?])
}
