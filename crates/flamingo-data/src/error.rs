//! What can go wrong between files and samples.

use std::path::{Path, PathBuf};

/// The result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong between files and samples.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system's answer to reading a file or folder.
    #[error("cannot read {}: {source}; check the path and its permissions", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The operating system's answer to writing what was fetched.
    #[error("cannot write {}: {source}; check the permissions and the room there, the same command goes on", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A source of which nothing can be used.
    #[error("{}: {problem}", path.display())]
    Nothing {
        /// The file or folder.
        path: PathBuf,
        /// What was found instead, and what to do.
        problem: String,
    },
    /// A path that does not say by itself what it is.
    #[error("{}: {problem}; check the path, or say the format", path.display())]
    Unrecognised {
        /// The file or folder.
        path: PathBuf,
        /// What was found instead.
        problem: String,
    },
    /// A Parquet file, in a program that reads none.
    #[error(
        "cannot read {}: this program was built without the feature `parquet`; add it (cargo build --features parquet) \
         or give the documents as JSONL or shards", path.display()
    )]
    NoParquet {
        /// The file.
        path: PathBuf,
    },
    /// A URL on the network.
    #[error("{place}: not fetched in this version; download it and give its path")]
    Remote {
        /// The URL.
        place: String,
    },
    /// A file on the web or in an object store that a source is to be read from.
    #[error("cannot fetch {address}: {problem}; check the address, the same command goes on")]
    Fetch {
        /// Its address, without a query.
        address: String,
        /// What the server or the line said.
        problem: String,
    },
    /// A `data:` URL that holds no picture.
    #[error("{place}: {problem}; write data:image/png;base64,...")]
    DataUrl {
        /// The beginning of the URL.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A name that the shard does not hold.
    #[error("{} has no member {member}; check the names in its documents", shard.display())]
    Member {
        /// The shard.
        shard: PathBuf,
        /// The name asked for.
        member: String,
    },
    /// A shard that ends too early.
    #[error("{} ends in or right behind {member}: it was cut off, fetch it again", shard.display())]
    CutOff {
        /// The shard.
        shard: PathBuf,
        /// The last member.
        member: String,
    },
    /// A document in a shard whose pictures are not as they should be.
    #[error("{member} in {}: {problem}", shard.display())]
    Picture {
        /// The shard.
        shard: PathBuf,
        /// The document.
        member: String,
        /// What is wrong with its picture.
        problem: String,
    },
    /// A film where a document says image.
    #[error("{place} is animated, but the part says `image`; say `video`")]
    NotAnImage {
        /// The place as the document spells it.
        place: String,
    },
    /// A picture or film that cannot be decoded.
    #[error(transparent)]
    Film(#[from] flamingo_film::Error),
    /// A document that cannot be read or encoded.
    #[error(transparent)]
    Document(#[from] flamingo_sequence::Error),
}

impl Error {
    pub(crate) fn read(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_path_buf();
        move |source| Error::Read { path, source }
    }

    pub(crate) fn write(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_path_buf();
        move |source| Error::Write { path, source }
    }

    /// A word or two by which reports count this error.
    pub fn reason(&self) -> &'static str {
        match self {
            Error::Read { .. } => "file missing or unreadable",
            Error::Write { .. } => "cannot be written",
            Error::Nothing { .. } | Error::Unrecognised { .. } => "nothing to use",
            Error::NoParquet { .. } => "Parquet in a program without it",
            Error::Remote { .. } | Error::Fetch { .. } => "on the network",
            Error::DataUrl { .. } => "bad data: URL",
            Error::Member { .. } => "not in its shard",
            Error::CutOff { .. } => "shard cut off",
            Error::Picture { .. } => "broken picture or film",
            Error::NotAnImage { .. } => "animated picture as image",
            Error::Film(
                flamingo_film::Error::Read { .. }
                | flamingo_film::Error::Image(flamingo_image::Error::Read { .. }),
            ) => "file missing or unreadable",
            Error::Film(flamingo_film::Error::NoDecoder { .. }) => "film that needs ffmpeg",
            Error::Film(flamingo_film::Error::NoPictures { .. }) => "film without pictures",
            Error::Film(_) => "broken picture or film",
            Error::Document(_) => "bad document",
        }
    }
}
