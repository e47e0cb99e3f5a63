//! What `ffprobe` tells of a film: its packets, without decoding any.

use std::io::{BufRead, Read};

use flamingo_image::{Rate, Timeline};

use super::process::Process;
use super::tool::{Ffmpeg, Input};
use crate::error::{Error, Result};
use crate::plan::Packet;

/// Packets of one film at most: 37 hours at 30 frames a second.
const MOST_PACKETS: usize = 4_000_000;
/// Bytes of one line at most.
const MOST_LINE: u64 = 4096;

/// What the film's pictures are and when they are shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Listing {
    /// Ticks a second.
    ticks: Option<Rate>,
    pub(crate) packets: Vec<Packet>,
    /// Frames that the decoder holds back to put them in order.
    delay: usize,
    /// Packets of which the file says when they are shown, not only when they are decoded.
    timed: usize,
    /// Whether FFmpeg is to find the times that the file does not have (`-fflags +genpts`).
    pub(crate) finds_times: bool,
}

impl Listing {
    /// Asks for it.
    pub(crate) fn of(tool: &Ffmpeg, input: &Input<'_>) -> Result<Self> {
        let mut listing = Self::told(tool, input, false)?;
        // An AVI says when packets are decoded: of all, or of those that are not shown at once.
        if listing.timed == 0 {
            listing.shift();
        } else if listing.timed < listing.packets.len() {
            listing = Self::told(tool, input, true)?;
        }
        Ok(listing)
    }

    fn told(tool: &Ffmpeg, input: &Input<'_>, finds_times: bool) -> Result<Self> {
        let asked = [
            "-v",
            "error",
            "-hide_banner",
            "-select_streams",
            // The first that is no picture on a sleeve.
            "V:0",
            "-show_entries",
            "stream=time_base,has_b_frames:packet=pts,dts,duration,flags",
            "-of",
            "compact",
        ];
        let mut arguments: Vec<_> = asked.map(Into::into).into();
        if finds_times {
            arguments.extend(FIND_TIMES.map(Into::into));
        }
        arguments.extend(input.arguments());
        let mut process = Process::start(tool, &tool.ffprobe, &arguments, input)?;
        let mut listing = Self {
            finds_times,
            ..Self::default()
        };
        loop {
            let mut line = String::new();
            let read = process.by_ref().take(MOST_LINE).read_line(&mut line);
            match read {
                Ok(0) => break,
                Ok(_) if listing.packets.len() < MOST_PACKETS => listing.take(line.trim_end()),
                Ok(_) => {
                    let reason = format!("it has more than {MOST_PACKETS} frames");
                    return Err(broken(input, reason));
                }
                Err(error) => return Err(process.fell_short(&error.to_string())),
            }
        }
        process.finish()?;
        if listing.ticks.is_none() || listing.packets.is_empty() {
            return Err(Error::NoPictures {
                name: input.name.to_owned(),
                container: input.container,
                reason: match listing.ticks {
                    None => "it has sound or data alone".to_owned(),
                    Some(_) => "not one frame of it is there".to_owned(),
                },
            });
        }
        Ok(listing)
    }

    /// Puts the time at which each packet is shown where so far the time is at which it is decoded: as the
    /// decoder does, by the number of packets that it holds back.
    fn shift(&mut self) {
        let mut decoded: Vec<i64> = self.packets.iter().map(|packet| packet.shown).collect();
        decoded.sort_unstable();
        let step = match decoded[..] {
            [.., before, last] => last - before,
            _ => 1,
        };
        let last = decoded.last().copied().unwrap_or(0);
        decoded
            .extend((1..=self.delay as i64).map(|k| last.saturating_add(k.saturating_mul(step))));
        for packet in &mut self.packets {
            let at = decoded.partition_point(|time| *time < packet.shown);
            let duration = packet.end.saturating_sub(packet.shown);
            packet.shown = decoded[at + self.delay];
            packet.end = packet.shown.saturating_add(duration);
        }
    }

    /// One line: `packet|pts=0|dts=0|duration=1|flags=K__` or `stream|time_base=1/25|has_b_frames=2`.
    fn take(&mut self, line: &str) {
        let mut fields = line.split('|');
        let section = fields.next().unwrap_or_default();
        let fields = fields.filter_map(|field| field.split_once('='));
        match section {
            "packet" => {
                let Some((packet, is_timed)) = packet(fields) else {
                    return;
                };
                self.packets.push(packet);
                self.timed += usize::from(is_timed);
            }
            "stream" => {
                for (key, value) in fields {
                    match key {
                        "time_base" => self.ticks = self.ticks.or_else(|| ticks(value)),
                        // The codecs hold back 16 at most.
                        "has_b_frames" => self.delay = value.parse().unwrap_or(0).min(16),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    /// When each frame is shown; none if there is no frame that is.
    pub(crate) fn timeline(&self) -> Option<Timeline> {
        let visible = || self.packets.iter().filter(|packet| packet.is_visible);
        let starts: Vec<i64> = visible().map(|packet| packet.shown).collect();
        let end = visible().map(|packet| packet.end).max()?;
        Timeline::new(self.ticks?, starts, end)
    }

    /// The times of the visible frames in their order, as the file counts them.
    pub(crate) fn times(&self) -> Vec<i64> {
        let visible = self.packets.iter().filter(|packet| packet.is_visible);
        let mut times: Vec<i64> = visible.map(|packet| packet.shown).collect();
        times.sort_unstable();
        times
    }

    /// A time as FFmpeg takes it, in seconds.
    pub(crate) fn seconds(&self, time: i64) -> f64 {
        time as f64 / self.ticks.map_or(1.0, Rate::per_second)
    }
}

fn broken(input: &Input<'_>, reason: String) -> Error {
    Error::Broken {
        name: input.name.to_owned(),
        container: input.container,
        reason,
    }
}

/// Words that make FFmpeg find the times that a file does not have.
pub(super) const FIND_TIMES: [&str; 2] = ["-fflags", "+genpts"];

/// A packet, and whether its time is that at which it is shown.
fn packet<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> Option<(Packet, bool)> {
    let (mut shown, mut stored, mut duration, mut flags) = (None, None, 0, "");
    for (key, value) in fields {
        match key {
            "pts" => shown = value.parse().ok(),
            "dts" => stored = value.parse().ok(),
            "duration" => duration = value.parse().unwrap_or(0),
            "flags" => flags = value,
            _ => {}
        }
    }
    let is_timed = shown.is_some();
    let shown: i64 = shown.or(stored)?;
    let packet = Packet {
        shown,
        end: shown.saturating_add(duration),
        is_key: flags.contains('K'),
        is_visible: !flags.contains('D'),
    };
    Some((packet, is_timed))
}

/// Ticks a second of a stream: the inverse of its time base.
fn ticks(base: &str) -> Option<Rate> {
    let (above, below) = base.split_once('/')?;
    Rate::new(below.parse().ok()?, above.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use flamingo_image::Sampling;

    use super::*;

    fn listing(lines: &[&str]) -> Listing {
        let mut listing = Listing::default();
        lines.iter().for_each(|line| listing.take(line));
        listing
    }

    #[test]
    fn packets_and_ticks_are_read() {
        let listing = listing(&[
            "packet|pts=-512|dts=-1024|duration=512|flags=KD_",
            "packet|pts=0|dts=-512|duration=512|flags=K__",
            "packet|pts=N/A|dts=512|flags=__",
            "packet|pts=N/A|dts=N/A|flags=__",
            "",
            "side_data|rotation=90",
            "stream|time_base=1/12800",
        ]);
        let packet = |shown, end, is_key, is_visible| Packet {
            shown,
            end,
            is_key,
            is_visible,
        };
        let expected = [
            packet(-512, 0, true, false),
            packet(0, 512, true, true),
            packet(512, 512, false, true),
        ];
        assert_eq!(listing.packets, expected);
        assert_eq!(listing.times(), [0, 512]);
        assert_eq!(listing.seconds(512), 0.04);
        // The last frame, whose duration is not told, counts as long as the one before.
        assert_eq!(listing.timeline().unwrap().seconds(), 0.08);
    }

    #[test]
    fn a_film_that_says_when_packets_are_decoded_is_shown_as_much_later_as_the_decoder_holds_back()
    {
        let mut listing = listing(&[
            "packet|pts=N/A|dts=0|duration=1|flags=K_",
            "packet|pts=N/A|dts=1|duration=1|flags=__",
            "packet|pts=N/A|dts=3|duration=1|flags=__",
            "stream|time_base=1/25|has_b_frames=2",
        ]);
        assert_eq!(listing.timed, 0);
        listing.shift();
        assert_eq!(listing.times(), [3, 5, 7]);
        assert_eq!(listing.packets[2].end, 8);
    }

    #[test]
    fn stored_order_is_no_order_of_time() {
        let mut lines: Vec<String> = [0, 3, 1, 2]
            .map(|k| format!("packet|pts={k}|duration=1|flags=_"))
            .into();
        lines.push("stream|time_base=1001/1000".to_owned());
        let listing = listing(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let sampling = Sampling {
            rate: Rate::ONE,
            most: 8,
        };
        assert_eq!(
            listing.timeline().unwrap().sample(sampling),
            [0, 0, 1, 2, 3]
        );
    }

    #[test]
    fn a_film_that_shows_nothing_has_no_timeline() {
        assert!(listing(&["stream|time_base=1/25"]).timeline().is_none());
        assert!(
            listing(&["packet|pts=1|flags=KD", "stream|time_base=1/25"])
                .timeline()
                .is_none()
        );
        assert!(
            listing(&["packet|pts=1|flags=K", "stream|time_base=0/0"])
                .timeline()
                .is_none()
        );
    }
}
