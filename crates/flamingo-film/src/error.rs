//! What can be wrong with a film.

use std::time::Duration;

use crate::container::Container;

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a film could not be had. Every message names the file and the next step.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What is wrong with a picture, an animation or a folder of frames.
    #[error(transparent)]
    Image(#[from] flamingo_image::Error),

    /// The file cannot be read.
    #[error("cannot read {name}: {source}; check the path and its permissions")]
    Read {
        /// The path as it was given.
        name: String,
        /// What the operating system said.
        source: std::io::Error,
    },

    /// A picture where a film is wanted.
    #[error("{name} is a still picture; give a film")]
    Still {
        /// The picture.
        name: String,
    },

    /// A film that needs FFmpeg, which is not there.
    #[error(
        "{name} is a film ({container}{}), which is read with FFmpeg, and no ffmpeg and ffprobe were \
         found: install them (apt install ffmpeg, brew install ffmpeg, winget install ffmpeg), or \
         give its frames as a folder of pictures",
        of_codec(codec.as_deref())
    )]
    NoDecoder {
        /// The film.
        name: String,
        /// What kind of file it is.
        container: Container,
        /// How its pictures are compressed, where that could be told.
        codec: Option<String>,
    },

    /// Sound only, or no frame at all.
    #[error("{name} ({container}) has no moving pictures: {reason}; give a film that has some")]
    NoPictures {
        /// The film.
        name: String,
        /// What kind of file it is.
        container: Container,
        /// What it has instead.
        reason: String,
    },

    /// Cut short, damaged or of a rare kind.
    #[error(
        "{name} is a broken or unsupported {container} film: {reason}; replace or re-export it"
    )]
    Broken {
        /// The film.
        name: String,
        /// What kind of file it is.
        container: Container,
        /// What is wrong with it.
        reason: String,
    },

    /// FFmpeg did nothing for too long and was ended.
    #[error(
        "ffmpeg read nothing more of {name} for {} seconds and was ended; try `ffmpeg -i {name}`",
        patience.as_secs()
    )]
    Stalled {
        /// The film.
        name: String,
        /// How long was waited.
        patience: Duration,
    },

    /// Reading was asked to stop.
    #[error("reading {name} was stopped")]
    Stopped {
        /// The film.
        name: String,
    },

    /// A process could not be started, or a file for it not written.
    #[error(
        "cannot run {program} for {name}: {source}; check that it is installed as it should be"
    )]
    Process {
        /// The film.
        name: String,
        /// What was to be run.
        program: String,
        /// What the operating system said.
        source: std::io::Error,
    },
}

fn of_codec(codec: Option<&str>) -> String {
    codec.map_or_else(String::new, |codec| format!(" with {codec} pictures"))
}
