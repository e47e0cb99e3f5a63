//! How long each frame of an animation is shown, as the file's structure tells it: nothing is decoded.

use crate::probe::{Format, after_sub_blocks, colour_table, u16_be, u16_le, u32_be, u32_le};
use crate::rate::Rate;
use crate::timeline::Timeline;

/// Frames of one animation at most that are listed. Each takes 8 bytes of memory here, and some 20 in the
/// file.
const MOST: usize = 4_000_000;

pub(crate) const NO_FRAME: &str = "it has no frame";

/// When the frames of an animation are shown.
///
/// # Errors
///
/// What is wrong with the file, in words.
pub(crate) fn timeline(bytes: &[u8], format: Format) -> Result<Timeline, String> {
    let delays = match format {
        Format::Gif => of_gif(bytes),
        Format::WebP => of_webp(bytes),
        Format::Png => of_png(bytes)?,
        Format::Jpeg => Vec::new(),
    };
    let mut end = 0_i64;
    let starts = delays.into_iter().map(|nanoseconds| {
        let start = end;
        // As browsers do, 10 ms or less counts as 100 ms.
        end = end.saturating_add(match nanoseconds {
            ..=10_000_000 => 100_000_000,
            _ => nanoseconds,
        });
        start
    });
    let starts: Vec<i64> = starts.collect();
    let timeline = Timeline::new(Rate::whole(1_000_000_000), starts, end);
    timeline.ok_or_else(|| NO_FRAME.to_owned())
}

/// In nanoseconds; those of frames whose control block says none are 0.
fn of_gif(bytes: &[u8]) -> Vec<i64> {
    let mut delays = Vec::new();
    let Some(&flags) = bytes.get(10) else {
        return delays;
    };
    let mut at = 13 + colour_table(flags);
    let mut hundredths = 0;
    while delays.len() < MOST {
        match bytes.get(at..at + 2) {
            Some([0x2C, _]) => {
                delays.push(i64::from(hundredths) * 10_000_000);
                hundredths = 0;
                let Some(&flags) = bytes.get(at + 9) else {
                    break;
                };
                at += 11 + colour_table(flags);
            }
            Some([0x21, label]) => {
                if *label == 0xF9 {
                    hundredths = u16_le(bytes, at + 4).unwrap_or(0);
                }
                at += 2;
            }
            _ => break,
        }
        match after_sub_blocks(bytes, at) {
            Some(next) => at = next,
            None => break,
        }
    }
    delays
}

fn of_webp(bytes: &[u8]) -> Vec<i64> {
    let mut delays = Vec::new();
    let mut at = 12;
    while let (Some(kind), Some(size)) = (bytes.get(at..at + 4), u32_le(bytes, at + 4)) {
        if kind == b"ANMF"
            && let Some(duration) = u32_le(bytes, at + 8 + 12)
            && delays.len() < MOST
        {
            delays.push(i64::from(duration & 0x00FF_FFFF) * 1_000_000);
        }
        let size = size as usize;
        at = at.saturating_add(8).saturating_add(size + size % 2);
    }
    delays
}

/// Of as many frames as the animation says to have; a default picture that is none of them has no delay.
fn of_png(bytes: &[u8]) -> Result<Vec<i64>, String> {
    let mut delays = Vec::new();
    let mut said = 0;
    let mut at = 8;
    while let (Some(length), Some(kind)) = (u32_be(bytes, at), bytes.get(at + 4..at + 8)) {
        match kind {
            b"acTL" => said = u32_be(bytes, at + 8).unwrap_or(0) as usize,
            b"fcTL" if delays.len() < said.min(MOST) => {
                let [Some(above), Some(below)] = [28, 30].map(|place| u16_be(bytes, at + place))
                else {
                    break;
                };
                let below = if below == 0 { 100 } else { below };
                delays.push(i64::from(above) * 1_000_000_000 / i64::from(below));
            }
            b"IEND" => break,
            _ => {}
        }
        at = at.saturating_add(12).saturating_add(length as usize);
    }
    match delays.len() {
        found if found < said.min(MOST) => Err(format!("it has {found} of its {said} frames")),
        _ => Ok(delays),
    }
}
