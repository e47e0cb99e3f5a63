//! Matroska and WebM files: how the pictures are compressed, and when each frame is shown.
//!
//! A file is a list of elements, some of which are lists themselves. It is read as one flat list, so
//! that segments and clusters whose size is not told, as in recordings, need no care of their own.

mod elements;

use std::io::{BufReader, Read, Seek, SeekFrom};

use flamingo_image::{Rate, Timeline};

use crate::movie::Movie;
use elements::{Element, Fault, elements, text, unsigned};

/// Bytes of the list of tracks at most.
const MOST_LIST: u64 = 16 << 20;
/// Frames of one film at most.
const MOST_FRAMES: usize = 4_000_000;
/// Bytes that are read at once: most of a file is passed over.
const BUFFER: usize = 4096;

const SEGMENT: u32 = 0x1853_8067;
const INFORMATION: u32 = 0x1549_A966;
const TIMESTAMP_SCALE: u32 = 0x2A_D7B1;
const TRACKS: u32 = 0x1654_AE6B;
const TRACK: u32 = 0xAE;
const TRACK_NUMBER: u32 = 0xD7;
const TRACK_TYPE: u32 = 0x83;
const CODEC: u32 = 0x86;
const DEFAULT_DURATION: u32 = 0x23_E383;
const CLUSTER: u32 = 0x1F43_B675;
const TIMESTAMP: u32 = 0xE7;
const SIMPLE_BLOCK: u32 = 0xA3;
const BLOCK_GROUP: u32 = 0xA0;
const BLOCK: u32 = 0xA1;
const BLOCK_DURATION: u32 = 0x9B;

/// Reads when each frame of a file is shown. None if it has no moving pictures.
///
/// # Errors
///
/// What is wrong with it, in a few words.
pub fn read_matroska(mut file: impl Read + Seek) -> Result<Option<Movie>, String> {
    let read = |file: &mut dyn ReadSeek| -> Result<Option<Movie>, Fault> {
        let end = file.seek(SeekFrom::End(0))?;
        file.rewind()?;
        let mut scan = Scan::new(end);
        scan.run(BufReader::with_capacity(BUFFER, file))?;
        Ok(scan.movie())
    };
    read(&mut file).map_err(|fault| fault.to_string())
}

trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// What was found so far.
struct Scan {
    file_end: u64,
    missing: u64,
    /// Nanoseconds of a tick.
    scale: u64,
    video: Option<Video>,
    cluster: i64,
    starts: Vec<i64>,
    end: i64,
    /// Whether the block read last is one of the pictures.
    is_picture: bool,
}

/// The track that has the pictures.
struct Video {
    number: u64,
    codec: String,
    /// Of each frame, in nanoseconds; 0 if it is not told.
    duration: u64,
}

impl Scan {
    fn new(file_end: u64) -> Self {
        Self {
            file_end,
            missing: 0,
            scale: 1_000_000,
            video: None,
            cluster: 0,
            starts: Vec::new(),
            end: i64::MIN,
            is_picture: false,
        }
    }

    fn run<R: Read + Seek>(&mut self, mut file: BufReader<R>) -> Result<(), Fault> {
        let mut at = 0;
        while at < self.file_end {
            let Some(element) = Element::read(&mut file)? else {
                self.missing = self.missing.max(1);
                break;
            };
            at += element.head;
            let size = match element.size {
                Some(size) => {
                    let over = at.saturating_add(size).saturating_sub(self.file_end);
                    self.missing = self.missing.max(over);
                    size
                }
                None if matches!(element.id, SEGMENT | CLUSTER) => 0,
                None => return Err(Fault::Endless),
            };
            match element.id {
                SEGMENT | CLUSTER | BLOCK_GROUP => continue,
                _ if at.saturating_add(size) > self.file_end => break,
                INFORMATION | TRACKS => self.list(element.id, &body(&mut file, size)?)?,
                TIMESTAMP | BLOCK_DURATION if size <= 8 => {
                    self.number(element.id, unsigned(&body(&mut file, size)?));
                }
                SIMPLE_BLOCK | BLOCK => {
                    let head = size.min(12);
                    self.block(&body(&mut file, head)?)?;
                    file.seek_relative((size - head).cast_signed())?;
                }
                _ => file.seek_relative(size.cast_signed())?,
            }
            at += size;
        }
        Ok(())
    }

    fn list(&mut self, id: u32, body: &[u8]) -> Result<(), Fault> {
        for inside in elements(body) {
            match inside? {
                (TIMESTAMP_SCALE, value) if id == INFORMATION => {
                    self.scale = unsigned(value).max(1);
                }
                (TRACK, track) if id == TRACKS && self.video.is_none() => {
                    self.video = video(track)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn number(&mut self, id: u32, value: u64) {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        match id {
            TIMESTAMP => self.cluster = value,
            _ if self.is_picture => {
                let start = self.starts.last().copied().unwrap_or_default();
                self.end = self.end.max(start.saturating_add(value));
            }
            _ => {}
        }
    }

    /// A block's head: the track's number, the time in its cluster, flags.
    fn block(&mut self, head: &[u8]) -> Result<(), Fault> {
        let (number, rest) = elements::size(head).ok_or(Fault::Block)?;
        let &[high, low, flags, ..] = rest else {
            return Err(Fault::Block);
        };
        let is_hidden = flags & 0x08 != 0;
        let ours = self
            .video
            .as_ref()
            .filter(|video| Some(video.number) == number);
        self.is_picture = ours.is_some() && !is_hidden;
        if let Some(video) = ours.filter(|_| !is_hidden) {
            if self.starts.len() == MOST_FRAMES {
                return Err(Fault::Long);
            }
            let start = self
                .cluster
                .saturating_add(i16::from_be_bytes([high, low]).into());
            let duration = i64::try_from(video.duration / self.scale).unwrap_or(0);
            self.starts.push(start);
            self.end = self.end.max(start.saturating_add(duration));
        }
        Ok(())
    }

    fn movie(self) -> Option<Movie> {
        let scale = u32::try_from(self.scale).ok()?;
        let ticks = Rate::new(1_000_000_000, scale).ok()?;
        Some(Movie {
            codec: self.video?.codec,
            timeline: Timeline::new(ticks, self.starts, self.end),
            missing: self.missing,
        })
    }
}

/// A track, if it has pictures.
fn video(body: &[u8]) -> Result<Option<Video>, Fault> {
    let mut video = Video {
        number: 0,
        codec: String::new(),
        duration: 0,
    };
    let mut kind = 0;
    for inside in elements(body) {
        match inside? {
            (TRACK_NUMBER, value) => video.number = unsigned(value),
            (TRACK_TYPE, value) => kind = unsigned(value),
            (CODEC, value) => video.codec = text(value),
            (DEFAULT_DURATION, value) => video.duration = unsigned(value),
            _ => {}
        }
    }
    Ok((kind == 1).then_some(video))
}

fn body(file: &mut impl Read, size: u64) -> Result<Vec<u8>, Fault> {
    if size > MOST_LIST {
        return Err(Fault::Large(size));
    }
    let mut body = Vec::new();
    file.take(size).read_to_end(&mut body)?;
    Ok(body)
}

#[cfg(test)]
mod tests;
