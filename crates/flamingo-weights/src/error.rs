//! What can be wrong with a model on disk.

use std::path::{Path, PathBuf};

use flamingo_kernels::QuantKind;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system's answer to reading or writing a file.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A file that a model directory must have.
    #[error("{} has no {missing}: a model directory holds flamingo.json, model*.safetensors and tokenizer.json", directory.display())]
    NotAModel {
        /// The directory.
        directory: PathBuf,
        /// What it lacks.
        missing: &'static str,
    },
    /// A file that is not what its name says.
    #[error("{} cannot be read: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// Written by a newer program.
    #[error("{} has format version {found}, this program reads up to {known}: update it", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// Weights that do not fit the configuration.
    #[error("the weights do not fit the configuration: {0}")]
    Mismatch(String),
    /// Quantised weights on a device that has no products for them.
    #[error("{0} is for the processor: use f32, bf16 or f16 on this device, or the device cpu")]
    Quantised(QuantKind),
    /// Another kind of model than was asked for.
    #[error("this is a {found} model, not a {wanted} model")]
    Kind {
        /// The kind that is there.
        found: &'static str,
        /// The kind that was asked for.
        wanted: &'static str,
    },
    /// An adapter over another model than it was trained over.
    #[error(
        "the adapter {} was trained over {name}, whose weights have the hash {wanted}; those of the model that was given \
         have {found}: give the model that it was trained over", adapter.display()
    )]
    AnotherBase {
        /// The adapter.
        adapter: PathBuf,
        /// What its base was called.
        name: String,
        /// The base's hash.
        wanted: String,
        /// That of the model that was given.
        found: String,
    },
    /// A model that names files elsewhere, opened without a cache in which they are.
    #[error("parts of {} are files elsewhere, and no cache was given in which they are", .0.display())]
    Elsewhere(PathBuf),
    /// A file elsewhere is not here.
    #[error(transparent)]
    Parts(#[from] flamingo_parts::Error),
    /// A file cannot be written.
    #[error(transparent)]
    Output(#[from] flamingo_files::Error),
    /// A file of weights cannot be read or written.
    #[error(transparent)]
    File(#[from] flamingo_checkpoint::Error),
    /// A published tokenizer cannot be read.
    #[error(transparent)]
    HfTokenizer(#[from] flamingo_checkpoint::TokenizerError),
    /// The tokenizer cannot be used.
    #[error(transparent)]
    Tokenizer(#[from] flamingo_sequence::Error),
    /// The configuration contradicts itself.
    #[error(transparent)]
    Config(#[from] flamingo_model::ConfigError),
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Whether it is about a tokenizer that is not there or cannot be used, and nothing else.
    pub fn is_of_tokenizer(&self) -> bool {
        match self {
            Error::HfTokenizer(_) | Error::Tokenizer(_) => true,
            Error::NotAModel { missing, .. } => *missing == "tokenizer.json",
            _ => false,
        }
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_path_buf();
        move |source| Error::Io {
            action,
            path,
            source,
        }
    }

    pub(crate) fn malformed(path: &Path, reason: impl ToString) -> Error {
        Error::Malformed {
            path: path.to_path_buf(),
            reason: reason.to_string(),
        }
    }
}
