//! Ids of repositories: `org/name` and `org/name@revision`.

use std::fmt;

use super::error::{HubError, Result};

/// The branch of ids that name no revision.
const DEFAULT_REVISION: &str = "main";

/// The hub's own limit on `org/name`.
const LONGEST_NAME: usize = 96;

/// More than any branch or tag has; a file name must hold it.
const LONGEST_REVISION: usize = 200;

/// Whether the text looks like `org/name` or `org/name@revision`. A local path may look the same:
/// ask first whether one of that name exists.
pub fn is_hub_id(text: &str) -> bool {
    match text.split_once('@') {
        Some((name, revision)) => is_repo_name(name) && is_revision(revision),
        None => is_repo_name(text),
    }
}

/// A repository at a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RepoId {
    pub(crate) name: String,
    pub(crate) revision: String,
}

impl RepoId {
    /// Reads `org/name@revision`; without `@`, the revision is `default` or else `main`.
    pub(crate) fn parse(text: &str, default: Option<&str>) -> Result<Self> {
        let default = default.unwrap_or(DEFAULT_REVISION);
        let (name, revision) = text.split_once('@').unwrap_or((text, default));
        if !is_repo_name(name) {
            return Err(HubError::BadId {
                id: text.to_owned(),
            });
        }
        if !is_revision(revision) {
            let (id, revision) = (name.to_owned(), revision.to_owned());
            return Err(HubError::BadRevision { id, revision });
        }
        Ok(Self {
            name: name.to_owned(),
            revision: revision.to_owned(),
        })
    }

    /// The command that brings this repository into a cache elsewhere.
    pub(crate) fn download_command(&self) -> String {
        match self.revision.as_str() {
            DEFAULT_REVISION => format!("huggingface-cli download {}", self.name),
            revision => format!(
                "huggingface-cli download {} --revision {revision}",
                self.name
            ),
        }
    }
}

impl fmt::Display for RepoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.revision.as_str() {
            DEFAULT_REVISION => f.write_str(&self.name),
            revision => write!(f, "{}@{revision}", self.name),
        }
    }
}

fn is_repo_name(text: &str) -> bool {
    let Some((org, name)) = text.split_once('/') else {
        return false;
    };
    // `--` stands for the slash in the cache's folder names, so the hub allows it in neither part.
    text.len() <= LONGEST_NAME && !text.contains("--") && is_part(org) && is_part(name)
}

fn is_revision(text: &str) -> bool {
    text.len() <= LONGEST_REVISION && text.split('/').all(is_part)
}

fn is_part(text: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    !text.is_empty()
        && !text.starts_with(['.', '-'])
        && !text.ends_with('.')
        && !text.contains("..")
        && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn names_and_revisions_of_the_hub_are_ids() {
        for text in [
            "org/name",
            "Qwen/Qwen2.5-0.5B",
            "a/b_c@v1.0",
            "a/b@refs/pr/7",
        ] {
            assert!(is_hub_id(text), "{text}");
        }
    }

    #[test]
    fn paths_and_addresses_are_not_ids() {
        let texts = [
            "",
            "name",
            "/org/name",
            "./name",
            "../name",
            "~/name",
            "org/",
            "/name",
            "org//name",
            "a/b/c",
            "org/.name",
            "org\\name",
            "a b/c",
            "https://x/y",
            "org/name@",
            "org/name@..",
            "org/name@/x",
            "org/name@a/../b",
            "org/a--b",
            "org/na..me",
            "-x/y",
            "é/x",
            "a/b@-c",
        ];
        for text in texts {
            assert!(!is_hub_id(text), "{text}");
        }
        assert!(!is_hub_id(&format!("org/{}", "n".repeat(97))));
    }

    #[test]
    fn revision_of_the_id_beats_that_of_the_options() {
        let revision = |text, default| RepoId::parse(text, default).unwrap().revision;
        assert_eq!(revision("a/b", None), "main");
        assert_eq!(revision("a/b", Some("v1")), "v1");
        assert_eq!(revision("a/b@v2", Some("v1")), "v2");
    }

    #[test]
    fn a_revision_that_leaves_the_cache_is_refused_by_name() {
        let error = RepoId::parse("a/b", Some("../../x"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("../../x") && error.contains("a/b"),
            "{error}"
        );
    }
}
