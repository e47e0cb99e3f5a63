//! When each frame is decoded and shown, by the tables of a track.

use super::boxes::{Fault, Fields, find};

/// When a frame is shown, in the track's ticks, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) shown: i64,
    pub(super) duration: u32,
}

/// Frames of one film at most.
pub(super) const MOST_SAMPLES: usize = 4_000_000;

/// The frames that a sample table (`stbl`) lists.
pub(super) fn listed(table: &[u8]) -> Result<Vec<Sample>, Fault> {
    let Some(times) = find(table, b"stts")? else {
        return Ok(Vec::new());
    };
    let mut samples = decoded(times).ok_or(Fault::Bad("stts"))?;
    if let Some(offsets) = find(table, b"ctts")? {
        shift(&mut samples, offsets).ok_or(Fault::Bad("ctts"))?;
    }
    Ok(samples)
}

/// `stts`: runs of frames with the same duration.
fn decoded(body: &[u8]) -> Option<Vec<Sample>> {
    let (_, _, mut fields) = Fields::of_full_box(body)?;
    let runs = fields.u32()?;
    let mut samples = Vec::new();
    let mut shown = 0_i64;
    for _ in 0..runs {
        let (count, duration) = (fields.u32()? as usize, fields.u32()?);
        if samples.len() + count > MOST_SAMPLES {
            return None;
        }
        for _ in 0..count {
            samples.push(Sample { shown, duration });
            shown += i64::from(duration);
        }
    }
    Some(samples)
}

/// `ctts`: runs of frames that are shown so much later than they are decoded.
fn shift(samples: &mut [Sample], body: &[u8]) -> Option<()> {
    let (_, _, mut fields) = Fields::of_full_box(body)?;
    let runs = fields.u32()?;
    let mut samples = samples.iter_mut();
    for _ in 0..runs {
        // Version 0 has no sign, but files of it count backwards all the same.
        let (count, offset) = (fields.u32()?, fields.i32()?);
        for sample in samples.by_ref().take(count as usize) {
            sample.shown += i64::from(offset);
        }
    }
    Some(())
}
