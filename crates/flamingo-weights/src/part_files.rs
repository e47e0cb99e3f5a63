//! Parts of a model whose tensors are in files elsewhere: only what was trained lies in its directory.
//!
//! Of a language model's tables, the rows of tokens that were added lie there, too, as tensors of their own.

use std::ops::Range;

use flamingo_parts::Part;
use serde::{Deserialize, Serialize};

use crate::NamedTensor;
use crate::joined::rows_name;

/// What our names of a part begin with.
pub(crate) const VISION: &str = "vision.";
pub(crate) const LANGUAGE: &str = "language.";

/// Tables of a language model that have a row for each token.
const TABLES: [&str; 2] = ["language.embed.weight", "language.head.weight"];

/// The parts of a model whose tensors are in files elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartFiles {
    /// Its vision encoder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vision: Option<Part>,
    /// Its language model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Part>,
}

impl PartFiles {
    /// Each, with what it is.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Part)> {
        let vision = self.vision.iter().map(|part| ("vision encoder", part));
        let language = self.language.iter().map(|part| ("language model", part));
        vision.chain(language)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Those of a model's tensors that are in no file elsewhere: all of its other parts, and the rows `new` of the
    /// language model's tables.
    pub fn left_out_of(&self, tensors: Vec<NamedTensor>, new: Range<usize>) -> Vec<NamedTensor> {
        let kept = |tensor: NamedTensor| {
            let is_of =
                |part: &Option<Part>, prefix| part.is_some() && tensor.name.starts_with(prefix);
            if is_of(&self.vision, VISION) {
                return None;
            }
            if !is_of(&self.language, LANGUAGE) {
                return Some(tensor);
            }
            let width = *tensor.shape.get(1)?;
            let is_table = TABLES.contains(&&*tensor.name) && !new.is_empty();
            is_table.then(|| NamedTensor {
                name: rows_name(&tensor.name, new.start),
                shape: vec![new.len(), width],
                values: tensor.values[new.start * width..new.end * width].to_vec(),
            })
        };
        tensors.into_iter().filter_map(kept).collect()
    }

    /// Whose work the model was made of, and under which licences, for people.
    pub(crate) fn notice(&self) -> String {
        let mut text = "This model was made of files that others have published, each under its own licence:\n".to_owned();
        for (what, part) in self.iter() {
            text += &format!("\n- its {what}: {}, licence {}\n", part.file, part.licence);
            for origin in &part.from {
                text += &format!("  published as {origin}\n");
            }
            text += &format!("  sha256 {}\n", part.sha256);
        }
        text
    }
}
