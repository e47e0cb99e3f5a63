//! What can be wrong with a file of weights.

use std::path::{Path, PathBuf};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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
    /// A write inside the closure that fills a tensor failed; the writers return it as [`Error::Io`].
    #[error("cannot write a tensor: {0}")]
    Fill(#[from] std::io::Error),
    /// A file cannot be written.
    #[error(transparent)]
    Output(#[from] flamingo_files::Error),
    /// A file that is damaged, of another kind, or of a form this crate does not read.
    #[error("{} cannot be read: {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A pickle that names code to be run when it is loaded.
    #[error(
        "{} asks to run `{global}` while it is loaded: it was refused and nothing in it was executed; ask for a safetensors file, or, where you trust it, load it in Python and save the weights alone with torch.save(model.state_dict(), path)",
        path.display()
    )]
    Refused {
        /// The file.
        path: PathBuf,
        /// The `module.name` it asked for.
        global: String,
    },
    /// Two files hold a tensor of the same name.
    #[error(
        "tensor `{name}` stands in both {} and {}: leave one of them out",
        first.display(),
        second.display()
    )]
    Repeated {
        /// The tensor.
        name: String,
        /// The file that was opened first.
        first: PathBuf,
        /// The file that repeats it.
        second: PathBuf,
    },
    /// A tensor that none of the files holds.
    #[error("there is no tensor `{name}` in {files}: `names()` lists what there is")]
    Missing {
        /// The name asked for.
        name: String,
        /// The files searched.
        files: String,
    },
    /// A request that does not fit the tensor it names.
    #[error("tensor `{name}` {reason}")]
    Mismatch {
        /// The tensor.
        name: String,
        /// What was asked, what there is, what to do.
        reason: String,
    },
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
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

    pub(crate) fn mismatch(name: &str, reason: impl ToString) -> Error {
        Error::Mismatch {
            name: name.to_string(),
            reason: reason.to_string(),
        }
    }
}

/// What a reader found wrong, before the file's name is known.
#[derive(Debug)]
pub(crate) enum Fault {
    Malformed(String),
    Code(String),
}

impl Fault {
    pub(crate) fn new(reason: impl ToString) -> Self {
        Fault::Malformed(reason.to_string())
    }

    pub(crate) fn in_file(self, path: &Path) -> Error {
        let path = path.to_path_buf();
        match self {
            Fault::Malformed(reason) => Error::Malformed { path, reason },
            Fault::Code(global) => Error::Refused { path, global },
        }
    }
}

/// A name from a file, safe and short enough for a message.
pub(crate) fn quoted(name: &str) -> String {
    const SHOWN: usize = 120;
    let mut text: String = name
        .chars()
        .take(SHOWN)
        .flat_map(char::escape_debug)
        .collect();
    if name.chars().nth(SHOWN).is_some() {
        text.push('…');
    }
    text
}
