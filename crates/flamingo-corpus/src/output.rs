//! The section `[output]` of a corpus's configuration: what is written, and how large its files grow.

use serde::{Deserialize, Serialize};

/// The section `[output]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutputConfig {
    /// The kind of the files.
    pub format: OutputFormat,
    /// Bytes after which a new file begins; a single larger document has one of its own.
    pub shard_bytes: u64,
    /// Whether Parquet has the pictures' bytes in a column `image_bytes`, and JSONL has them in
    /// `data:` URLs; otherwise both only name the URLs.
    pub embed_images: bool,
}

impl Default for OutputConfig {
    fn default() -> Self {
        Self {
            format: OutputFormat::Shards,
            shard_bytes: 512 << 20,
            embed_images: false,
        }
    }
}

/// The kind of the files that are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputFormat {
    /// WebDataset: `KEY.json` (one document) with its pictures `KEY.0.jpg`, `KEY.1.png`, ...
    #[default]
    Shards,
    /// WebDataset: a picture or film with its text, `KEY.jpg` and `KEY.txt`.
    Pairs,
    /// Parquet in the schema of OBELICS.
    Parquet,
    /// A document a line.
    Jsonl,
}

impl OutputFormat {
    /// The extension of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Shards | Self::Pairs => "tar",
            Self::Parquet => "parquet",
            Self::Jsonl => "jsonl",
        }
    }
}
