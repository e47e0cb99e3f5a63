//! What a path holds that a model is to learn.

use std::path::Path;

use flamingo::data::{Error, Format, Sample};
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

    /// What the model takes them for.
    pub(super) fn form(self) -> Form {
        match self {
            Self::Classes | Self::Captions => Form::Pair,
            Self::Documents => Form::Page,
        }
    }

    /// Whether the prompt is put between picture and text.
    pub(super) fn is_asked(self) -> bool {
        self != Self::Documents
    }
}

/// How the data are read.
pub(super) fn recognised(path: &Path) -> Result<Format> {
    match Format::recognise(path) {
        Err(error @ Error::Unrecognised { .. }) => Err(error).hint(
            "put the pictures of each class into a folder of its name, or write captions.jsonl beside them, a line \
             {\"file_name\": .., \"text\": ..} each",
        ),
        found => Ok(found?),
    }
}

/// What the samples are: of shards and Parquet, a look at them says it.
pub(super) fn kind(format: Format, samples: &[Sample]) -> Kind {
    let all_pairs = samples.iter().all(|sample| sample.document.is_pair());
    match (format, format.form_of(all_pairs)) {
        (Format::Folders, _) => Kind::Classes,
        (_, Form::Pair) => Kind::Captions,
        (_, Form::Page) => Kind::Documents,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use flamingo::data::MediaBase;
    use flamingo::sequence::Document;

    use super::*;

    #[test]
    fn classes_captions_and_documents_are_told_apart_and_others_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let of = |name: &str| recognised(&path(name)).map(|format| kind(format, &[]));
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
        let sample = |document: &str| Sample {
            document: Document::from_json(document).unwrap(),
            base: MediaBase::Folder(folder.path().to_path_buf()),
        };
        let pair = sample(r#"{"parts": [{"image": "a.png"}, {"text": "a cat"}]}"#);
        let page = sample(r#"{"parts": [{"text": "a"}, {"image": "a.png"}, {"text": "b"}]}"#);
        for format in [Format::Shards, Format::Parquet] {
            assert_eq!(kind(format, std::slice::from_ref(&pair)), Kind::Captions);
            assert_eq!(kind(format, &[pair.clone(), page.clone()]), Kind::Documents);
        }
        // Whoever writes documents says what is read and what is learnt.
        assert_eq!(kind(Format::Jsonl, &[pair]), Kind::Documents);
        fs::create_dir(path("empty")).unwrap();
        for name in ["empty", "absent"] {
            assert!(of(name).unwrap_err().message.contains(name), "{name}");
        }
    }
}
