//! What an executor says of itself in the one text that Ballista passes on as it is: its identity.

use std::fmt;

/// An executor's identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// A name that no other executor has, without spaces.
    pub(super) name: String,
    /// Bytes of memory for each of its tasks.
    pub(super) task_bytes: u64,
    /// Its work folder, for those who read errors.
    pub(super) folder: String,
}

impl Identity {
    /// What an identity says; `None` if it is not one of this program's.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (name, rest) = text.split_once(' ')?;
        let (task_bytes, folder) = rest.split_once(' ')?;
        Some(Identity {
            name: name.to_owned(),
            task_bytes: task_bytes.parse().ok()?,
            folder: folder.to_owned(),
        })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} {} {}",
            self.name, self.task_bytes, self.folder
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_identity_says_memory_and_a_folder_with_spaces() {
        let identity = Identity {
            name: "a-1".to_owned(),
            task_bytes: 256 << 20,
            folder: "/data/work dir".to_owned(),
        };
        assert_eq!(Identity::read(&identity.to_string()).unwrap(), identity);
        for other in ["a-1", "a-1 /data", "a-1 much /data"] {
            assert_eq!(Identity::read(other), None, "{other}");
        }
    }
}
