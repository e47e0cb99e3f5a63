//! Why an id gave no local files, and what to do about it.

use std::path::PathBuf;

/// The result of this module's functions.
pub(crate) type Result<T> = std::result::Result<T, HubError>;

/// An id that could not be resolved.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// A file cannot be written.
    #[error(transparent)]
    Output(#[from] flamingo_files::Error),
    /// Not `org/name`.
    #[error(
        "{id:?} is not an id of the hub: write org/name or org/name@revision, or give a directory"
    )]
    BadId {
        /// The text given.
        id: String,
    },
    /// Not a branch, tag or commit.
    #[error(
        "{revision:?} cannot be a revision of {id}: give a branch, a tag or a commit, such as main"
    )]
    BadRevision {
        /// The repository, `org/name`.
        id: String,
        /// The revision given.
        revision: String,
    },
    /// Only the cache was to be used, and it lacks something.
    #[error(
        "{id} is not complete in the cache {}: {missing}; {endpoint} was not asked, as \
         HF_HUB_OFFLINE is set: unset it, or download it on another machine with `{command}` and \
         copy that cache here, or give a directory",
        cache.display()
    )]
    Offline {
        /// The repository and its revision.
        id: String,
        /// The hub that was not asked.
        endpoint: String,
        /// The folder looked into.
        cache: PathBuf,
        /// What the cache lacks.
        missing: String,
        /// The command that downloads it elsewhere.
        command: String,
    },
    /// The hub did not answer, or broke off.
    #[error(
        "the connection to {endpoint} for {what} failed: {reason}; what has arrived is kept: try \
         again, set HF_ENDPOINT to a mirror, or download it on another machine with `{command}` \
         and copy that cache here, or give a directory"
    )]
    Connection {
        /// The repository and its revision, or one file of it.
        what: String,
        /// The hub.
        endpoint: String,
        /// How the connection failed.
        reason: String,
        /// The command that downloads it elsewhere.
        command: String,
    },
    /// 401 or 403.
    #[error("{endpoint} does not give access to {what} (status {status}): {hint}")]
    Denied {
        /// The repository and its revision, or one file of it.
        what: String,
        /// The hub.
        endpoint: String,
        /// 401 or 403.
        status: u16,
        /// What to do, by whether a token was sent.
        hint: String,
    },
    /// 404: the repository, the revision or the file does not exist.
    #[error("{endpoint} has no {what} (status 404, revision {revision}): check {check}")]
    NotFound {
        /// The repository and its revision, or one file of it.
        what: String,
        /// The hub.
        endpoint: String,
        /// The revision asked for.
        revision: String,
        /// What is most likely misspelt.
        check: &'static str,
    },
    /// 429: asked too often.
    #[error(
        "{endpoint} was asked too often (status 429) for {what}: try again {when}, or set \
         HF_TOKEN, which has a higher limit"
    )]
    TooManyRequests {
        /// The repository and its revision, or one file of it.
        what: String,
        /// The hub.
        endpoint: String,
        /// When to try again.
        when: String,
    },
    /// Any other status that is not a success.
    #[error(
        "{endpoint} failed with status {status} for {what}: try again later, or set HF_ENDPOINT \
         to a mirror"
    )]
    Status {
        /// The repository and its revision, or one file of it.
        what: String,
        /// The hub.
        endpoint: String,
        /// The status.
        status: u16,
    },
    /// An answer that is not one of a hub.
    #[error(
        "{endpoint} gave an answer for {what} that cannot be used: {reason}; check HF_ENDPOINT"
    )]
    BadAnswer {
        /// The repository and its revision, or one file of it.
        what: String,
        /// The hub.
        endpoint: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file name that would leave the cache.
    #[error(
        "the file list of {id} names {name:?}, which does not stay inside its folder: nothing \
         was downloaded, do not use this repository"
    )]
    UnsafeName {
        /// The repository and its revision.
        id: String,
        /// The name.
        name: String,
    },
    /// The repository exists and has other files.
    #[error(
        "{id} has none of the files that are needed, of {files} in all: check that it is a model \
         of this kind"
    )]
    NothingWanted {
        /// The repository and its revision.
        id: String,
        /// How many files it lists.
        files: usize,
    },
    /// A downloaded file of another size than announced.
    #[error(
        "{what} has {found} bytes instead of the announced {expected}: the partial file was \
         deleted, download it again"
    )]
    Size {
        /// The file.
        what: String,
        /// The size announced.
        expected: u64,
        /// The size received.
        found: u64,
    },
    /// A downloaded file of another content than announced.
    #[error(
        "{what} has the sha256 {found} instead of the announced {expected}: the partial file was \
         deleted, download it again"
    )]
    Checksum {
        /// The file.
        what: String,
        /// The checksum announced.
        expected: String,
        /// The checksum of what was received.
        found: String,
    },
    /// The operating system's answer to reading or writing the cache.
    #[error(
        "cannot {action} {}: {source}; set HF_HUB_CACHE to a folder with enough room that can be \
         written",
        path.display()
    )]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The proxy's address cannot be read.
    #[error(
        "the proxy's address cannot be read: write HTTPS_PROXY as http://user:password@host:port"
    )]
    BadProxy,
}

impl HubError {
    /// For `map_err` on what the operating system answered.
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// Whether the hub could not serve at all, so that a copy in the cache is the best there is.
    pub(crate) fn is_outage(&self) -> bool {
        match self {
            Self::Connection { .. } | Self::TooManyRequests { .. } => true,
            Self::Status { status, .. } => *status >= 500,
            _ => false,
        }
    }
}
