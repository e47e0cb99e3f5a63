//! What the loop asks of a kind of training.

use std::collections::BTreeMap;
use std::path::Path;

use flamingo_kernels::{Module, Tensor};

use crate::Result;
use crate::batches::Feed;
use crate::held_out::Look;
use crate::optimiser::OptimiserSpec;
use crate::tree::Flat;

/// A kind of training: its data, its losses, its finished model.
pub(crate) trait Task {
    /// What is trained.
    type Model: Module;

    /// The sources.
    fn feeds(&self) -> &[Feed];

    /// The mean loss of batch `number` of source `feed`: a pure function of its arguments.
    fn loss(&self, model: &Self::Model, feed: usize, number: u64) -> Result<Part>;

    /// Values to watch while training.
    fn gates(&self, _model: &Self::Model) -> BTreeMap<String, f64> {
        BTreeMap::new()
    }

    /// The recipe's optimiser, with what the task adds to it.
    fn optimiser(&self, spec: &OptimiserSpec) -> OptimiserSpec {
        spec.clone()
    }

    /// Takes away gradients of what is not to learn.
    fn mask(&self, _gradients: &mut Flat) {}

    /// What the held-out samples of each source give.
    fn look(&self, _model: &Self::Model) -> Result<BTreeMap<String, Look>> {
        Ok(BTreeMap::new())
    }

    /// What [`Task::save`] writes, as the run folder calls it.
    fn product(&self) -> &'static str {
        MODEL
    }

    /// Writes the finished model, or what was trained of it.
    fn save(&self, model: &Self::Model, path: &Path) -> Result<()>;
}

/// The finished model in a run folder.
pub(crate) const MODEL: &str = "model";
/// What was fine-tuned of one.
pub(crate) const ADAPTER: &str = "adapter.safetensors";

/// The loss of one source in one step.
pub(crate) struct Part {
    /// Mean over the source's targets, `[1]`.
    pub(crate) loss: Tensor<1>,
    /// Tokens predicted, or pictures told apart.
    pub(crate) targets: usize,
    /// Share of pictures told apart, where that is counted.
    pub(crate) accuracy: Option<f64>,
}
