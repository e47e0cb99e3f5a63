//! What a Flamingo's training starts from.

use flamingo_image::Preprocess;
use flamingo_model::vision::VisionEncoder;
use flamingo_model::{Flamingo, FlamingoConfig};
use flamingo_sequence::{SpecialTokenNames, Tokenizer, Visibility};
use flamingo_weights::{AdapterHeader, PartFiles};

use crate::new_tokens::NewTokens;

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
    Model(PartFiles),
    /// What was trained of a finished model.
    Adapter(AdapterHeader),
}
