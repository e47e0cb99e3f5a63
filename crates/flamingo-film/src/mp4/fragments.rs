//! Fragments: parts of a film that bring their own index.

use super::boxes::{Fault, Fields, boxes, find};
use super::samples::{MOST_SAMPLES, Sample};

/// What frames of fragments are like where these do not say it (`trex`).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Defaults {
    duration: u32,
}

impl Defaults {
    /// Those of a track, in `mvex`.
    pub(super) fn of(extends: &[u8], track: u32) -> Result<Self, Fault> {
        for inside in boxes(extends) {
            let (kind, body) = inside?;
            if kind == *b"trex" {
                let (id, duration) = defaults(body).ok_or(Fault::Bad("trex"))?;
                if id == track {
                    return Ok(Self { duration });
                }
            }
        }
        Ok(Self::default())
    }
}

fn defaults(body: &[u8]) -> Option<(u32, u32)> {
    let (_, _, mut fields) = Fields::of_full_box(body)?;
    let id = fields.u32()?;
    fields.skip(4)?;
    Some((id, fields.u32()?))
}

/// Fragments one after the other.
pub(super) struct Fragments {
    track: u32,
    defaults: Defaults,
    /// When the next frame is decoded, if its fragment does not say it.
    next: i64,
}

impl Fragments {
    pub(super) fn new(track: u32, defaults: Defaults) -> Self {
        Self {
            track,
            defaults,
            next: 0,
        }
    }

    /// Adds the frames of a fragment (`moof`).
    pub(super) fn read(&mut self, fragment: &[u8], samples: &mut Vec<Sample>) -> Result<(), Fault> {
        for inside in boxes(fragment) {
            let (kind, body) = inside?;
            if kind == *b"traf" {
                self.track_fragment(body, samples)?;
            }
        }
        Ok(())
    }

    fn track_fragment(&mut self, body: &[u8], samples: &mut Vec<Sample>) -> Result<(), Fault> {
        let head = find(body, b"tfhd")?
            .and_then(head)
            .ok_or(Fault::Bad("tfhd"))?;
        if head.0 != self.track {
            return Ok(());
        }
        let duration = head.1.unwrap_or(self.defaults.duration);
        if let Some(time) = find(body, b"tfdt")? {
            let time = base_time(time).ok_or(Fault::Bad("tfdt"))?;
            self.next = i64::try_from(time).map_err(|_| Fault::Bad("tfdt"))?;
        }
        for inside in boxes(body) {
            let (kind, body) = inside?;
            if kind == *b"trun" {
                self.run(body, duration, samples)
                    .ok_or(Fault::Bad("trun"))?;
            }
        }
        Ok(())
    }

    /// `trun`: frames that lie together.
    fn run(&mut self, body: &[u8], duration: u32, samples: &mut Vec<Sample>) -> Option<()> {
        let (_, flags, mut fields) = Fields::of_full_box(body)?;
        let has = |bit: u32| flags & bit != 0;
        let count = fields.u32()? as usize;
        for bit in [0x1, 0x4] {
            if has(bit) {
                fields.skip(4)?;
            }
        }
        if samples.len() + count > MOST_SAMPLES {
            return None;
        }
        for _ in 0..count {
            let duration = if has(0x100) { fields.u32()? } else { duration };
            for bit in [0x200, 0x400] {
                if has(bit) {
                    fields.skip(4)?;
                }
            }
            let offset = if has(0x800) { fields.i32()? } else { 0 };
            let shown = self.next.checked_add(offset.into())?;
            samples.push(Sample { shown, duration });
            self.next = self.next.checked_add(duration.into())?;
        }
        Some(())
    }
}

/// The track of a fragment, and how long its frames are shown if it says that (`tfhd`).
fn head(body: &[u8]) -> Option<(u32, Option<u32>)> {
    let (_, flags, mut fields) = Fields::of_full_box(body)?;
    let id = fields.u32()?;
    for (bit, bytes) in [(0x1, 8), (0x2, 4)] {
        if flags & bit != 0 {
            fields.skip(bytes)?;
        }
    }
    let duration = match flags & 0x8 {
        0 => None,
        _ => Some(fields.u32()?),
    };
    Some((id, duration))
}

/// When a fragment's first frame is decoded (`tfdt`).
fn base_time(body: &[u8]) -> Option<u64> {
    let (version, _, mut fields) = Fields::of_full_box(body)?;
    fields.sized(version)
}
