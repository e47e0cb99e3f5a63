//! Frames out of a film: those shown at given times, as raw RGB through a pipe.

use std::ffi::OsString;
use std::io::{BufRead, Read};

use flamingo_image::{Image, Limits};

use super::listing::{FIND_TIMES, Listing};
use super::process::Process;
use super::tool::{Ffmpeg, Input};
use crate::error::{Error, Result};
use crate::plan::{Stretch, stretches};

/// The frames of a film one after the other.
pub(crate) struct Frames<'a> {
    tool: &'a Ffmpeg,
    input: Input<'a>,
    limits: &'a Limits,
    listing: &'a Listing,
    stretches: std::vec::IntoIter<Stretch>,
    running: Option<Running>,
}

/// A stretch that is being decoded.
struct Running {
    process: Process,
    /// The times of the frames that are still to come.
    left: Vec<i64>,
    /// Whether decoding began beside the place that it was to begin at.
    is_near: bool,
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
        let seeking = input.container.seeking();
        Self {
            tool,
            input,
            limits,
            listing,
            stretches: stretches(&listing.packets, times, seeking).into_iter(),
            running: None,
        }
    }

    /// Begins to decode a stretch. One that began beside its place is begun again from the film's start if
    /// its witness does not come.
    fn begin(&mut self, stretch: Stretch) -> Result<()> {
        let arguments = self.arguments(&stretch);
        let mut process = Process::start(self.tool, &self.tool.ffmpeg, &arguments, &self.input)?;
        let apart = stretch.witness.filter(|time| stretch.times[0] != *time);
        if apart.is_some() && Self::frame(&mut process, self.input.name, self.limits)?.is_none() {
            return self.again(process, stretch.times);
        }
        self.running = Some(Running {
            process,
            left: stretch.times,
            is_near: stretch.witness.is_some(),
        });
        Ok(())
    }

    /// Decodes from the film's start what did not come of a process that began elsewhere.
    fn again(&mut self, mut process: Process, times: Vec<i64>) -> Result<()> {
        if let Err(error @ (Error::Stopped { .. } | Error::Stalled { .. })) = process.finish() {
            return Err(error);
        }
        self.begin(Stretch {
            from: None,
            witness: None,
            times,
        })
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
        if self.listing.finds_times {
            arguments.extend(FIND_TIMES.map(OsString::from));
        }
        arguments.extend(self.input.arguments());
        let mut add = |words: &[&str]| arguments.extend(words.iter().map(OsString::from));
        let (selected, count) = selection(stretch);
        let count = count.to_string();
        // Those that are left over count as a steady film, so that none is doubled or dropped.
        let filter = format!("select='{selected}',settb=1/25,setpts=N");
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
        loop {
            if self.running.is_none() {
                let stretch = self.stretches.next()?;
                if let Err(error) = self.begin(stretch) {
                    return Some(Err(error));
                }
            }
            let running = self.running.as_mut()?;
            match Self::frame(&mut running.process, self.input.name, self.limits) {
                Ok(Some(frame)) => {
                    running.left.remove(0);
                    if running.left.is_empty() {
                        self.running = None;
                    }
                    return Some(Ok(frame));
                }
                Ok(None) => {
                    let Running {
                        process,
                        left,
                        is_near,
                    } = self.running.take()?;
                    if !is_near {
                        let reason = format!("{} of its frames do not decode", left.len());
                        return Some(Err(process.fell_short(&reason)));
                    }
                    if let Err(error) = self.again(process, left) {
                        return Some(Err(error));
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// An expression that is true for the frames of a stretch, and how many these are: one after the other, the
/// first that is shown at each of the times or later. After a witness, those shown at the very times alone.
fn selection(stretch: &Stretch) -> (String, usize) {
    let (is, apart) = match stretch.witness {
        Some(witness) => ("eq", Some(witness).filter(|time| stretch.times[0] != *time)),
        None => ("gte", None),
    };
    let times: Vec<i64> = apart
        .into_iter()
        .chain(stretch.times.iter().copied())
        .collect();
    (choice(is, &times, 0), times.len())
}

/// The condition of the frame that is selected next, found by halves: FFmpeg refuses expressions of more than
/// a hundred levels.
fn choice(is: &str, times: &[i64], before: usize) -> String {
    match times {
        [] => "0".to_owned(),
        [time] => format!("{is}(pts,{time})"),
        _ => {
            let (early, late) = times.split_at(times.len() / 2);
            let middle = before + early.len();
            let [early, late] = [choice(is, early, before), choice(is, late, middle)];
            format!("if(lt(selected_n,{middle}),{early},{late})")
        }
    }
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
