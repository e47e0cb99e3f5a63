//! What a film file tells of itself, without FFmpeg.

use std::fs::File;
use std::io::{Cursor, Read, Seek};
use std::path::Path;

use crate::container::Container;
use crate::ends::missing;
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
    /// Its kind has no reader here. Bytes that it lacks, at least.
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

    fn read(file: impl Read + Seek, container: Container) -> Self {
        let read = match container {
            Container::Mp4 | Container::Mov => read_mp4(file),
            Container::WebM | Container::Matroska => read_matroska(file),
            other => return Self::Unread(missing(file, other).unwrap_or(0)),
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
