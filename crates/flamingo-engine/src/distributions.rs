//! What a model expects after each token of a document.

use flamingo_kernels::burn::tensor::activation::log_softmax;
use flamingo_sequence::Document;

use crate::{Engine, MediaSource, Result};

/// The vocabulary's log-probabilities after each token of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Distributions {
    /// The document's tokens.
    pub tokens: Vec<u32>,
    /// `[tokens, V]`, row-major: row `i` is of the token behind `tokens[i]`.
    pub log_probabilities: Vec<f32>,
}

impl Distributions {
    /// Row `i`, `[V]`.
    pub fn after(&self, i: usize) -> &[f32] {
        let vocabulary = self.log_probabilities.len() / self.tokens.len().max(1);
        &self.log_probabilities[i * vocabulary..][..vocabulary]
    }
}

impl Engine {
    /// Reads a document once and tells the distribution behind each of its tokens.
    ///
    /// # Errors
    /// If a picture cannot be had, or the document is empty or too long.
    pub fn distributions(
        &mut self,
        document: &Document,
        source: &dyn MediaSource,
    ) -> Result<Distributions> {
        let (tokens, stream) = self.read_whole(document, source)?;
        let rows = log_softmax(self.model.logits(stream), 1).into_data();
        Ok(Distributions {
            tokens,
            log_probabilities: rows
                .convert::<f32>()
                .try_to_vec()
                .expect("converted to f32"),
        })
    }
}
