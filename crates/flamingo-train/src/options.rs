//! Where and how a recipe is carried out.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use flamingo_data::StoreSettings;
use flamingo_film::Ffmpeg;
use flamingo_kernels::Device;
use flamingo_weights::{Source, Store};

use crate::Together;

/// Where and how a recipe is carried out.
#[derive(Clone, Debug)]
pub struct Options {
    /// The device, without autodiff.
    pub device: Device,
    /// The cache of the files elsewhere that a recipe and its parts name.
    pub parts: Store,
    /// What `model.fine_tune.base` stands for; a directory if it is not said.
    pub base: Option<Source>,
    /// What film files are decoded with, if it is there.
    pub ffmpeg: Option<Ffmpeg>,
    /// Settings of the object stores that sources lie in.
    pub stores: StoreSettings,
    /// What to do with a run that is there already.
    pub resume: Resume,
    /// The processes that carry it out together; [`crate::Alone`] for one.
    pub together: Arc<dyn Together>,
    /// Set it to have the state saved and the run stopped after the step that it is in.
    pub stop: Arc<AtomicBool>,
}

/// What to do with a run that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// Refuse it: begin in a new folder only.
    Fresh,
    /// Go on from its newest checkpoint that is not damaged, or begin if there is none.
    Newest,
}
