//! One request that failed, and how to tell it to a user.

use super::error::HubError;
use super::id::RepoId;

/// Why one request gave nothing.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No answer, or one that broke off.
    Connection(String),
    /// An answer with a status that is neither a success nor a redirect.
    Status {
        status: u16,
        code: String,
        retry_after: Option<u64>,
    },
    /// An answer that makes no sense.
    BadAnswer(String),
    /// Not the hub's fault.
    Final(HubError),
}

impl From<HubError> for Failure {
    fn from(error: HubError) -> Self {
        Self::Final(error)
    }
}

impl Failure {
    /// Whether the same request may well succeed a moment later.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Connection(_) => true,
            Self::Status { status, .. } => *status >= 500,
            Self::BadAnswer(_) | Self::Final(_) => false,
        }
    }
}

/// What a request was about.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) id: &'a RepoId,
    pub(crate) file: Option<&'a str>,
    pub(crate) endpoint: &'a str,
    pub(crate) has_token: bool,
}

impl Subject<'_> {
    pub(crate) fn what(&self) -> String {
        match self.file {
            Some(file) => format!("{file} of {}", self.id),
            None => self.id.to_string(),
        }
    }

    /// The failure in words, with the next step.
    pub(crate) fn explain(&self, failure: Failure) -> HubError {
        let (what, endpoint) = (self.what(), self.endpoint.to_owned());
        match failure {
            Failure::Connection(reason) => HubError::Connection {
                what,
                endpoint,
                reason,
                command: self.id.download_command(),
            },
            Failure::Status { status, code, .. } if matches!(status, 401 | 403) => {
                let hint = self.access_hint(&code);
                HubError::Denied {
                    what,
                    endpoint,
                    status,
                    hint,
                }
            }
            Failure::Status {
                status: 404, code, ..
            } => {
                let revision = self.id.revision.clone();
                HubError::NotFound {
                    what,
                    endpoint,
                    revision,
                    check: misspelt(&code),
                }
            }
            Failure::Status {
                status: 429,
                retry_after,
                ..
            } => {
                let when = retry_after.map(|seconds| format!("in {seconds} seconds"));
                let when = when.unwrap_or_else(|| "in some minutes".to_owned());
                HubError::TooManyRequests {
                    what,
                    endpoint,
                    when,
                }
            }
            Failure::Status { status, .. } => HubError::Status {
                what,
                endpoint,
                status,
            },
            Failure::BadAnswer(reason) => HubError::BadAnswer {
                what,
                endpoint,
                reason,
            },
            Failure::Final(error) => error,
        }
    }

    fn access_hint(&self, code: &str) -> String {
        let page = format!("{}/{}", self.endpoint, self.id.name);
        match (code, self.has_token) {
            ("GatedRepo", false) => format!(
                "it is gated: accept its terms at {page}, then set HF_TOKEN or run \
                 `huggingface-cli login`"
            ),
            ("GatedRepo", true) => format!(
                "it is gated and the owner of the token has not been let in: accept its terms at \
                 {page}"
            ),
            (_, false) => "it does not exist, is private or is gated: check the id, and set \
                           HF_TOKEN or run `huggingface-cli login` if it is private"
                .to_owned(),
            (_, true) => format!(
                "the token sent is not valid or may not read it: see {page} with the token's \
                 account, and check HF_TOKEN"
            ),
        }
    }
}

/// What to check, by the hub's own word for what it did not find.
fn misspelt(code: &str) -> &'static str {
    match code {
        "RevisionNotFound" => "the revision",
        "EntryNotFound" => "the file's name",
        _ => "the id and the revision",
    }
}
