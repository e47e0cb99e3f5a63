//! MP4 and QuickTime files (ISO/IEC 14496-12): how the pictures are compressed, and when each frame is
//! shown.
//!
//! Only what tells that is read: the movie's index, edit lists and fragments, and no more than bounds
//! allow, whatever a file says.

mod boxes;
mod edits;
mod fragments;
mod samples;
mod track;

use std::io::{Read, Seek, SeekFrom};

use flamingo_image::{Rate, Timeline};

use crate::movie::Movie;
use boxes::{BoxHead, Fault, find};
use fragments::{Defaults, Fragments};
use track::Track;

/// Bytes of an index or of one fragment's index at most.
const MOST_INDEX: u64 = 256 << 20;
/// Boxes looked at before a file is given up.
const MOST_BOXES: usize = 1_000_000;

/// Reads the index of a file. None if it has no moving pictures.
///
/// # Errors
///
/// What is wrong with it, in a few words.
pub fn read_mp4(mut file: impl Read + Seek) -> Result<Option<Movie>, String> {
    Index::read(&mut file)
        .and_then(|index| index.movie())
        .map_err(|fault| fault.to_string())
}

/// The boxes of a file that tell of its frames.
struct Index {
    movie: Vec<u8>,
    fragments: Vec<Vec<u8>>,
    missing: u64,
}

impl Index {
    fn read(file: &mut (impl Read + Seek)) -> Result<Self, Fault> {
        let end = file.seek(SeekFrom::End(0))?;
        let (mut movie, mut fragments, mut missing) = (None, Vec::new(), 0);
        let (mut at, mut held) = (0, 0);
        for _ in 0..MOST_BOXES {
            if at >= end {
                break;
            }
            file.seek(SeekFrom::Start(at))?;
            let head = match BoxHead::read(file, end - at) {
                Ok(head) => head,
                // A few bytes behind the last box.
                Err(_) => break,
            };
            let next = at.saturating_add(head.size);
            missing = missing.max(next.saturating_sub(end));
            let is_index = matches!(&head.kind, b"moov" | b"moof");
            if is_index && next <= end {
                held += head.size;
                if held > MOST_INDEX {
                    return Err(Fault::Large(held));
                }
                let mut body = Vec::new();
                file.take(head.size - head.head).read_to_end(&mut body)?;
                match &head.kind {
                    b"moov" => movie = movie.or(Some(body)),
                    _ => fragments.push(body),
                }
            }
            at = next;
        }
        let movie = movie.ok_or(Fault::NoIndex)?;
        Ok(Self {
            movie,
            fragments,
            missing,
        })
    }

    fn movie(&self) -> Result<Option<Movie>, Fault> {
        let Some(mut track) = Track::of_pictures(&self.movie)? else {
            return Ok(None);
        };
        if let Some(extends) = find(&self.movie, b"mvex")? {
            let defaults = Defaults::of(extends, track.id)?;
            let mut fragments = Fragments::new(track.id, defaults);
            for fragment in &self.fragments {
                fragments.read(fragment, &mut track.samples)?;
            }
        }
        let ticks = Rate::new(track.timescale, 1).map_err(|_| Fault::Bad("mdhd"))?;
        let (starts, end) = track.shown();
        Ok(Some(Movie {
            codec: track.codec,
            timeline: Timeline::new(ticks, starts, end),
            missing: self.missing,
        }))
    }
}

#[cfg(test)]
mod tests;
