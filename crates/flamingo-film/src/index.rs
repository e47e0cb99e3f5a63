//! What a film file tells of itself, without FFmpeg.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use crate::container::Container;
use crate::error::{Error, Result};
use crate::matroska::read_matroska;
use crate::movie::Movie;
use crate::mp4::read_mp4;

/// A film, wherever it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place<'a> {
    File(&'a Path),
    Memory(&'a [u8]),
}

/// What is known of a film before it is decoded.
#[derive(Debug)]
pub(crate) enum Known {
    /// Its index was read.
    Movie(Movie),
    /// It has no moving pictures.
    NoPictures,
    /// Its index is of no use, and why.
    Damaged(String),
    /// Its kind has no reader here. Bytes that it lacks.
    Unread(u64),
}

impl Known {
    /// Reads what there is to know.
    pub(crate) fn of(place: Place<'_>, container: Container, name: &str) -> Result<Self> {
        match place {
            Place::Memory(bytes) => Ok(Self::read(Cursor::new(bytes), container)),
            Place::File(path) => {
                let file = File::open(path).map_err(|source| Error::Read {
                    name: name.to_owned(),
                    source,
                })?;
                Ok(Self::read(file, container))
            }
        }
    }

    fn read(mut file: impl Read + Seek, container: Container) -> Self {
        let read = match container {
            Container::Mp4 | Container::Mov => read_mp4(file),
            Container::WebM | Container::Matroska => read_matroska(file),
            Container::Avi => return Self::Unread(missing_of_riff(&mut file).unwrap_or(0)),
            _ => return Self::Unread(0),
        };
        match read {
            Ok(Some(movie)) => Self::Movie(movie),
            Ok(None) => Self::NoPictures,
            Err(reason) => Self::Damaged(reason),
        }
    }

    /// Bytes that the film lacks.
    pub(crate) fn missing(&self) -> u64 {
        match self {
            Self::Movie(movie) => movie.missing,
            Self::Unread(missing) => *missing,
            Self::NoPictures | Self::Damaged(_) => 0,
        }
    }

    /// How its pictures are compressed.
    pub(crate) fn codec(&self) -> Option<&str> {
        match self {
            Self::Movie(movie) => Some(&movie.codec),
            _ => None,
        }
    }
}

/// Bytes that a RIFF file says to have and has not; an unfinished recording says nothing.
fn missing_of_riff(file: &mut (impl Read + Seek)) -> Option<u64> {
    let end = file.seek(SeekFrom::End(0)).ok()?;
    file.rewind().ok()?;
    let mut head = [0; 8];
    file.read_exact(&mut head).ok()?;
    let [_, _, _, _, size @ ..] = head;
    let size = u64::from(u32::from_le_bytes(size));
    Some((size + 8).saturating_sub(end))
}
