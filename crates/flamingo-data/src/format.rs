//! How the files of a source are written.

use flamingo_sequence::Form;
use serde::{Deserialize, Serialize};

/// How a source's files are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A document a line; the path is a file, or a folder of `*.jsonl`, also compressed (`.gz`, `.zst`).
    Jsonl,
    /// WebDataset; the path is a tar file, or a folder of `*.tar`, also compressed (`.tar.gz`, `.tgz`, `.tar.zst`). A sample
    /// is `KEY.json` with its pictures beside it (a document) or inside it (a page of MMC4), or a
    /// picture with `KEY.txt`, beside which a `KEY.json` without `parts` is metadata.
    Shards,
    /// Parquet in the schema of OBELICS, or with a picture (`image`) and a text (`text`, `caption`, or a `label` whose
    /// classes the file names) in each row; the path is a file, or a folder of `*.parquet`.
    Parquet,
    /// HTML; the path is a page, or a folder with `*.html`, `*.htm` or `*.xhtml` anywhere below.
    Pages,
    /// Pictures in folders that are named for what they show; the path is a folder with such anywhere
    /// below. Each picture is a pair, its text the name of the folder that it lies in, behind a space;
    /// `_` is a space, too.
    Folders,
    /// Pictures with what they show, a line each; the path is a JSONL, CSV or Parquet file, or a folder with
    /// `captions.jsonl`, `metadata.jsonl`, `metadata.csv` or `metadata.parquet`. A line has the keys `file_name` (or others that end so, or lists in
    /// `file_names`) and `text`, or is a document.
    Captions,
    /// Conversations about pictures or films as LLaVA's and ShareGPT's files hold them; the path is a JSON array, a record
    /// a line, or a folder of such.
    Conversations,
}

impl Format {
    /// Whether its files can be read piece by piece, and so as a stream.
    pub fn is_in_pieces(self) -> bool {
        matches!(self, Format::Shards | Format::Jsonl | Format::Parquet)
    }

    /// What its samples are, if nothing else is said: pairs of a picture and a text, or pages.
    pub fn form(self) -> Form {
        match self {
            Format::Shards | Format::Folders | Format::Captions => Form::Pair,
            Format::Pages | Format::Jsonl | Format::Parquet | Format::Conversations => Form::Page,
        }
    }

    /// What its samples are by a look at them, `all_pairs` saying whether each is a picture or film with a text: shards and
    /// Parquet hold either.
    pub fn form_of(self, all_pairs: bool) -> Form {
        match (self, all_pairs) {
            (Format::Shards | Format::Parquet, true) => Form::Pair,
            (Format::Shards | Format::Parquet, false) => Form::Page,
            _ => self.form(),
        }
    }

    /// How the names of its files end, the commonest first; in any case of letters.
    pub(crate) fn endings(self) -> &'static [&'static str] {
        match self {
            Format::Jsonl => &[".jsonl", ".jsonl.gz", ".jsonl.zst"],
            Format::Captions => &[".csv"],
            // Those that are not read are told so when they are opened.
            Format::Shards => &[
                ".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".txz", ".tar.bz2", ".tbz2",
            ],
            Format::Parquet => &[".parquet"],
            Format::Pages => &[".html", ".htm", ".xhtml"],
            Format::Conversations => &[
                ".json",
                ".jsonl",
                ".json.gz",
                ".jsonl.gz",
                ".json.zst",
                ".jsonl.zst",
            ],
            Format::Folders => &[".jpg", ".jpeg", ".png", ".webp", ".gif"],
        }
    }
}
