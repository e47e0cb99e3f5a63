//! How long a film is: by its frames where the project decodes it, by its header where it is an
//! MP4 file.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use flamingo_image::{Error, Limits, Media, decode, load};

use super::film_format;
use crate::pairs::PairReason;

/// The seconds of a film file or a folder of frames; none for a format whose length cannot be told
/// here (WebM, MOV without a header, ...).
///
/// # Errors
///
/// [`PairReason::NotAFilm`] for a still picture, [`PairReason::Unreadable`] for a file that is
/// damaged or refused by the limits.
pub fn seconds_of(path: &Path, limits: &Limits) -> Result<Option<f64>, PairReason> {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    match ending.to_str() {
        Some("mp4" | "m4v" | "mov") => {
            let file = File::open(path).map_err(|_| PairReason::Unreadable)?;
            mp4_seconds(file).map_err(|_| PairReason::Unreadable)
        }
        Some("webm" | "mkv" | "avi") => Ok(None),
        _ => seconds_of_media(load(path, limits)),
    }
}

/// The seconds of a film in memory, as [`seconds_of`].
///
/// # Errors
///
/// As [`seconds_of`].
pub fn seconds_in(bytes: &[u8], limits: &Limits) -> Result<Option<f64>, PairReason> {
    match film_format(bytes) {
        Some("webm") => Ok(None),
        Some(_) => mp4_seconds(Cursor::new(bytes)).map_err(|_| PairReason::Unreadable),
        None => seconds_of_media(decode(bytes, "film", limits)),
    }
}

fn seconds_of_media(media: Result<Media, Error>) -> Result<Option<f64>, PairReason> {
    match media {
        Ok(Media::Film(film)) => Ok(Some(f64::from(film.seconds()))),
        Ok(Media::Image(_)) => Err(PairReason::NotAFilm),
        Err(_) => Err(PairReason::Unreadable),
    }
}

/// Boxes looked at before a file is given up.
const MOST_BOXES: usize = 1000;

/// The length that an MP4 file's movie header (`moov`/`mvhd`, ISO/IEC 14496-12) tells.
fn mp4_seconds(mut file: impl Read + Seek) -> io::Result<Option<f64>> {
    let mut end = file.seek(SeekFrom::End(0))?;
    file.rewind()?;
    for _ in 0..MOST_BOXES {
        if file.stream_position()? >= end {
            break;
        }
        let start = file.stream_position()?;
        let (kind, body) = box_head(&mut file)?;
        let next = match body {
            Some(size) => start.checked_add(size).filter(|next| *next <= end),
            None => Some(end),
        };
        match (&kind, next) {
            (b"mvhd", _) => return movie_header(&mut file).map(Some),
            (b"moov", Some(next)) => end = next,
            (_, Some(next)) => drop(file.seek(SeekFrom::Start(next))?),
            (_, None) => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
    Ok(None)
}

/// A box's type and its whole size; none if it reaches to the end.
fn box_head(file: &mut impl Read) -> io::Result<([u8; 4], Option<u64>)> {
    let mut head = [0; 8];
    file.read_exact(&mut head)?;
    let [a, b, c, d, kind @ ..] = head;
    let size = match u32::from_be_bytes([a, b, c, d]) {
        0 => None,
        1 => Some(read_u64(file)?.max(16)),
        size => Some(u64::from(size).max(8)),
    };
    Ok((kind, size))
}

/// Seconds from the body of `mvhd`: version, flags, two times, timescale, duration.
fn movie_header(file: &mut (impl Read + Seek)) -> io::Result<f64> {
    let mut version = [0; 4];
    file.read_exact(&mut version)?;
    let wide = version[0] == 1;
    let times = if wide { 16 } else { 8 };
    file.seek(SeekFrom::Current(times))?;
    let timescale = read_u32(file)?;
    let duration = if wide {
        read_u64(file)?
    } else {
        read_u32(file)?.into()
    };
    if timescale == 0 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(duration as f64 / f64::from(timescale))
}

fn read_u32(file: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    file.read_exact(&mut bytes)?;
    Ok(u32::from_be_bytes(bytes))
}

fn read_u64(file: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    file.read_exact(&mut bytes)?;
    Ok(u64::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn a_box(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let size = body.len() as u32 + 8;
        [&size.to_be_bytes()[..], kind, body].concat()
    }

    fn header(timescale: u32, duration: u32) -> Vec<u8> {
        [
            &[0; 12][..],
            &timescale.to_be_bytes(),
            &duration.to_be_bytes(),
            &[0; 80],
        ]
        .concat()
    }

    fn seconds(bytes: &[u8]) -> Result<Option<f64>, PairReason> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.MP4");
        std::fs::write(&path, bytes).unwrap();
        seconds_of(&path, &Limits::default())
    }

    #[test]
    fn the_movie_header_tells_the_length() {
        let movie = a_box(
            b"moov",
            &[
                a_box(b"free", &[7; 5]),
                a_box(b"mvhd", &header(600, 13_200)),
            ]
            .concat(),
        );
        let file = [a_box(b"ftyp", b"isom"), a_box(b"mdat", &[1; 99]), movie].concat();
        assert_eq!(seconds(&file), Ok(Some(22.0)));
    }

    #[test]
    fn a_header_of_the_wide_kind_is_read_as_well() {
        let body = [
            &[1, 0, 0, 0][..],
            &[0; 16],
            &7_u32.to_be_bytes(),
            &21_u64.to_be_bytes(),
        ]
        .concat();
        assert_eq!(
            seconds(&a_box(b"moov", &a_box(b"mvhd", &body))),
            Ok(Some(3.0))
        );
    }

    #[test]
    fn damaged_headers_are_unreadable_and_missing_ones_untold() {
        assert_eq!(
            seconds(&a_box(b"moov", &a_box(b"mvhd", &header(0, 5)))),
            Err(PairReason::Unreadable)
        );
        assert_eq!(
            seconds(&[0, 0, 0, 99, b'm', b'd', b'a', b't']),
            Err(PairReason::Unreadable)
        );
        assert_eq!(
            seconds(&a_box(b"moov", &a_box(b"mvhd", &[0; 9]))),
            Err(PairReason::Unreadable)
        );
        assert_eq!(seconds(b""), Ok(None));
        assert_eq!(seconds(&a_box(b"ftyp", b"isom")), Ok(None));
    }

    #[test]
    fn animated_pictures_are_films_by_their_frames_and_still_ones_are_none() {
        let fixture = |name: &str| {
            let folder =
                Path::new(env!("CARGO_MANIFEST_DIR")).join("../flamingo-image/tests/fixtures");
            seconds_of(&folder.join(name), &Limits::default())
        };
        assert!(fixture("walk.gif").unwrap().unwrap() > 0.0);
        assert_eq!(fixture("still.gif"), Err(PairReason::NotAFilm));
        assert_eq!(fixture("nothing.gif"), Err(PairReason::Unreadable));
    }
}
