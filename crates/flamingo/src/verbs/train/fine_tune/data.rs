//! What a path holds that a model is to learn.

use std::path::Path;

use flamingo::data::Format;
use flamingo::sequence::Form;

use crate::failure::{Hint, Result};

/// What the samples of a fine-tuning are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Pictures and the names of their folders.
    Classes,
    /// Pictures and what is written of them.
    Captions,
    /// Documents, which say what is to be read and learnt.
    Documents,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Classes => "pictures in folders named for what they show",
            Self::Captions => "pictures with captions",
            Self::Documents => "documents",
        }
    }

    /// Whether the prompt is put between picture and text.
    pub(super) fn is_asked(self) -> bool {
        self != Self::Documents
    }
}

/// How the data are read, and what they are.
pub(super) fn recognised(path: &Path) -> Result<(Format, Kind)> {
    let format = Format::recognise(path).hint(
        "put the pictures of each class into a folder of its name, or write captions.jsonl beside them, a line \
         {\"file_name\": .., \"text\": ..} each",
    )?;
    let kind = match (format, format.form()) {
        (Format::Folders, _) => Kind::Classes,
        (_, Form::Pair) => Kind::Captions,
        (_, Form::Page) => Kind::Documents,
    };
    Ok((format, kind))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;

    #[test]
    fn classes_captions_and_documents_are_told_apart_and_others_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let of = |name: &str| recognised(&path(name)).map(|(_, kind)| kind);
        fs::create_dir_all(path("classes/cat")).unwrap();
        fs::write(path("classes/cat/1.png"), b"").unwrap();
        assert_eq!(of("classes").unwrap(), Kind::Classes);
        for (name, line, kind) in [
            ("a.jsonl", r#"{"parts": [{"text": "x"}]}"#, Kind::Documents),
            (
                "b.jsonl",
                "\n{\"file_name\": \"x.png\", \"text\": \"x\"}",
                Kind::Captions,
            ),
            ("c.csv", "file_name,text\nx.png,x\n", Kind::Captions),
        ] {
            fs::write(path(name), line).unwrap();
            assert_eq!(of(name).unwrap(), kind, "{name}");
        }
        fs::write(path("classes/metadata.csv"), "file_name,text\n").unwrap();
        assert_eq!(of("classes").unwrap(), Kind::Captions);
        fs::create_dir(path("empty")).unwrap();
        for name in ["empty", "absent"] {
            assert!(of(name).unwrap_err().message.contains(name), "{name}");
        }
    }
}
