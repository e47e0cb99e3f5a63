//! What a Flamingo's training starts from.

use std::ops::Range;

use flamingo_image::Preprocess;
use flamingo_model::vision::VisionEncoder;
use flamingo_model::{Flamingo, FlamingoConfig};
use flamingo_sequence::{SpecialTokenNames, Tokenizer, Visibility};
use flamingo_weights::{AdapterHeader, NamedTensor, PartFiles, Tensors};

use crate::Result;
use crate::new_tokens::NewTokens;
use crate::tree::tensors_of;

/// A model before its first step, and what it reads.
pub(crate) struct Start {
    pub(crate) config: FlamingoConfig,
    pub(crate) preprocess: Preprocess,
    pub(crate) tokens: SpecialTokenNames,
    pub(crate) tokenizer: Tokenizer,
    /// Which picture a text is bound to, where it is not the next one.
    pub(crate) sees: Visibility,
    /// The model; what is not to learn is frozen.
    pub(crate) model: Flamingo,
    /// The frozen vision encoder on a device without autodiff; none if it learns along.
    pub(crate) encoder: Option<VisionEncoder>,
    pub(crate) new_tokens: NewTokens,
    pub(crate) product: Product,
}

/// What a training gives.
pub(crate) enum Product {
    /// A model directory, which names these files elsewhere.
    Model(PartFiles, Box<Frozen>),
    /// What was trained of a finished model.
    Adapter(AdapterHeader),
}

/// Where the tensors of finished parts are read from, each with what their names begin with there.
pub(crate) struct Frozen {
    pub(crate) vision: (Tensors, &'static str),
    pub(crate) language: (Tensors, &'static str),
}

impl Frozen {
    /// All tensors of a model as they are to be saved: what did not learn as its files have it, whatever the model that
    /// learnt keeps of it. Of tables, the rows `new` are the model's.
    ///
    /// # Errors
    /// If a file can no longer be read.
    pub(crate) fn restored(&self, model: &Flamingo, new: Range<usize>) -> Result<Vec<NamedTensor>> {
        let mut failed = None;
        let tensors = tensors_of(model, &mut |path, is_trained| {
            let (files, name) = match path.split_once('.') {
                Some(("vision", name)) => (&self.vision, name),
                Some(("language", name)) => (&self.language, name),
                _ => return None,
            };
            let is_table = NewTokens::TABLES.contains(&path) && !new.is_empty();
            if is_trained || is_table {
                return None;
            }
            let (tensors, prefix) = files;
            let values = tensors.values(&format!("{prefix}{name}"));
            Some(values.unwrap_or_else(|error| {
                failed.get_or_insert(error);
                Vec::new()
            }))
        });
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(tensors),
        }
    }
}
