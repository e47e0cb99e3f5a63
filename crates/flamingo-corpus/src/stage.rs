//! The stages of a build, in their order.

use serde::{Deserialize, Serialize};

/// A part of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Pages and pictures are read and measured, a unit at a time.
    Read,
    /// What repeats is found, and where each picture is.
    Join,
    /// Documents are filtered and written, a unit at a time.
    Write,
    /// Counts are added up, the manifest and the data card are written.
    Finish,
}

impl Stage {
    /// All stages in their order.
    pub const ALL: [Self; 4] = [Self::Read, Self::Join, Self::Write, Self::Finish];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Join => "join",
            Self::Write => "write",
            Self::Finish => "finish",
        }
    }
}
