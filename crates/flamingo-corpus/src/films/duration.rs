//! How long a film is: by its frames where it is an animation or a folder of frames, by its own index
//! where it is a film file.

use std::path::Path;

use flamingo_film::{Error, Reader};

use crate::pairs::PairReason;

/// The seconds of a film file or a folder of frames; none for a format whose length cannot be told
/// without decoding it, and for a folder whose rate is not known. What is installed beside this
/// program makes no difference.
///
/// # Errors
///
/// [`PairReason::NotAFilm`] for a still picture or sound alone, [`PairReason::Unreadable`] for a file
/// that is damaged, cut short or refused by the limits.
pub fn seconds_of(path: &Path, reader: &Reader) -> Result<Option<f64>, PairReason> {
    reader.seconds(path).map_err(|error| reason(&error))
}

/// The seconds of a film in memory, as [`seconds_of`].
///
/// # Errors
///
/// As [`seconds_of`].
pub fn seconds_in(bytes: &[u8], reader: &Reader) -> Result<Option<f64>, PairReason> {
    let seconds = reader.seconds_of(bytes, "film");
    seconds.map_err(|error| reason(&error))
}

fn reason(error: &Error) -> PairReason {
    match error {
        Error::Still { .. } | Error::NoPictures { .. } => PairReason::NotAFilm,
        _ => PairReason::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn animated_pictures_are_films_by_their_frames_and_still_ones_are_none() {
        let fixture = |name: &str| {
            let folder =
                Path::new(env!("CARGO_MANIFEST_DIR")).join("../flamingo-image/tests/fixtures");
            seconds_of(&folder.join(name), &Reader::default())
        };
        assert_eq!(fixture("walk.gif"), Ok(Some(1.0)));
        assert_eq!(fixture("still.gif"), Err(PairReason::NotAFilm));
        assert_eq!(fixture("nothing.gif"), Err(PairReason::Unreadable));
    }

    #[test]
    fn film_files_are_known_by_their_bytes_whatever_they_are_called() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gif");
        let seconds = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let of_file = seconds_of(&path, &Reader::default());
            assert_eq!(of_file, seconds_in(bytes, &Reader::default()));
            of_file
        };
        // A transport stream tells its length nowhere.
        let packet = [&[0x47][..], &[0; 187]].concat();
        assert_eq!(seconds(&packet.repeat(4)), Ok(None));
        // An index is missing, a WebM without tracks.
        assert_eq!(
            seconds(b"\0\0\0\x10ftypisom\0\0\0\0"),
            Err(PairReason::Unreadable)
        );
        assert_eq!(seconds(b"\x1A\x45\xDF\xA3\x80"), Err(PairReason::NotAFilm));
        assert_eq!(seconds(b""), Err(PairReason::Unreadable));
    }
}
