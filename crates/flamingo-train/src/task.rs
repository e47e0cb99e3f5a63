//! What the loop asks of a kind of training.

use std::collections::BTreeMap;
use std::path::Path;

use flamingo_kernels::{Module, Tensor};

use crate::batches::Feed;
use crate::held_out::Look;
use crate::optimiser::OptimiserSpec;
use crate::tree::Flat;
use crate::written::Written;
use crate::{Result, Together};

/// A kind of training: its data, its losses, its finished model.
pub(crate) trait Task {
    /// What is trained.
    type Model: Module;

    /// The sources.
    fn feeds(&self) -> &[Feed];

    /// Hands the mean loss of this process's rows of batch `number` of source `feed` to `take`, in as many parts as
    /// they are worked on in: a pure function of its arguments.
    fn losses(
        &self,
        model: &Self::Model,
        feed: usize,
        number: u64,
        together: &dyn Together,
        take: &mut dyn FnMut(Part) -> Result<()>,
    ) -> Result<()>;

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

    /// What the model writes where some samples of each source have their text.
    fn written(&self, _model: &Self::Model, _step: u64) -> Result<Vec<Written>> {
        Ok(Vec::new())
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

/// The loss of one source in one step, or of some rows of its batch.
pub(crate) struct Part {
    /// Mean over these rows' targets, `[1]`; where a loss is no such mean, parts of it whose sum has its value and gradient.
    pub(crate) loss: Tensor<1>,
    /// These rows' targets as a share of the batch's over all processes: the batch's loss is the sum of `share * loss`.
    pub(crate) share: f64,
    /// Tokens predicted, or pictures told apart.
    pub(crate) targets: usize,
    /// Share of pictures told apart, where that is counted.
    pub(crate) accuracy: Option<f64>,
}
