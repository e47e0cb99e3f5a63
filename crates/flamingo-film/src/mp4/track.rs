//! The track that has the pictures.

use super::boxes::{Fault, Fields, boxes, find};
use super::edits::{Edit, edits, shown};
use super::samples::{Sample, listed};

/// A track of pictures.
pub(super) struct Track {
    pub(super) id: u32,
    /// Ticks a second.
    pub(super) timescale: u32,
    pub(super) codec: String,
    pub(super) samples: Vec<Sample>,
    edits: Vec<Edit>,
}

impl Track {
    /// The first track of pictures in a movie (`moov`).
    pub(super) fn of_pictures(movie: &[u8]) -> Result<Option<Self>, Fault> {
        let head = find(movie, b"mvhd")?.and_then(timescale);
        for inside in boxes(movie) {
            if let (kind, body) = inside?
                && kind == *b"trak"
                && let Some(track) = Self::of(body, head.unwrap_or(1))?
            {
                return Ok(Some(track));
            }
        }
        Ok(None)
    }

    fn of(body: &[u8], movie_scale: u32) -> Result<Option<Self>, Fault> {
        let Some(media) = find(body, b"mdia")? else {
            return Ok(None);
        };
        let handler = find(media, b"hdlr")?.and_then(|handler| handler.get(8..12));
        if handler != Some(b"vide") {
            return Ok(None);
        }
        let head = find(body, b"tkhd")?.and_then(track_id);
        let scale = find(media, b"mdhd")?
            .and_then(timescale)
            .filter(|scale| *scale > 0);
        let scale = scale.ok_or(Fault::Bad("mdhd"))?;
        let information = find(media, b"minf")?.ok_or(Fault::Bad("mdia"))?;
        let table = find(information, b"stbl")?.ok_or(Fault::Bad("minf"))?;
        let list = match find(body, b"edts")? {
            Some(list) => find(list, b"elst")?,
            None => None,
        };
        let edits = match list {
            Some(list) => edits(list, movie_scale, scale).ok_or(Fault::Bad("elst"))?,
            None => Vec::new(),
        };
        Ok(Some(Self {
            id: head.ok_or(Fault::Bad("tkhd"))?,
            timescale: scale,
            codec: codec(table)?,
            samples: listed(table)?,
            edits,
        }))
    }

    /// When its frames are shown, in ticks, and when the last one ends.
    pub(super) fn shown(&self) -> (Vec<i64>, i64) {
        shown(&self.samples, &self.edits)
    }
}

/// Of `mvhd` and `mdhd`, which begin alike.
fn timescale(body: &[u8]) -> Option<u32> {
    let (version, _, mut fields) = Fields::of_full_box(body)?;
    fields.sized(version)?;
    fields.sized(version)?;
    fields.u32()
}

fn track_id(body: &[u8]) -> Option<u32> {
    let (version, _, mut fields) = Fields::of_full_box(body)?;
    fields.sized(version)?;
    fields.sized(version)?;
    fields.u32()
}

/// The four letters of the first sample entry (`stsd`).
fn codec(table: &[u8]) -> Result<String, Fault> {
    let entries = find(table, b"stsd")?.and_then(|body| body.get(8..));
    let (kind, _) = boxes(entries.ok_or(Fault::Bad("stsd"))?)
        .next()
        .ok_or(Fault::Bad("stsd"))??;
    Ok(kind.escape_ascii().to_string())
}
