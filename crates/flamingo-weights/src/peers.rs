//! Published models: their files, configurations and names, and what they are in our terms.
//!
//! One file a peer. Each finds out the configuration, lists [`Link`]s between its names and ours,
//! and leaves the rest to [`Opened::link`]. No peer's file is ever converted on the way: tensors
//! are read from where they lie.

mod efficientnet;
mod files;
mod flamingo_pytorch;
mod idefics;
mod json;
mod language;
mod lm;
mod mllama;
mod names;
mod open_clip;
mod open_flamingo;
mod opened;
mod otter;
mod parts;
mod published;
mod timm_nfnet;
mod vision_part;
mod words;

use std::path::Path;

use flamingo_kernels::Module;

use crate::names::apply_tensors;
use crate::shapes::shapes;
use crate::{Link, Result};
use json::Json;
use names::Names;

pub use flamingo_pytorch::{FlamingoPytorch, open as open_flamingo_pytorch};
pub(crate) use language::Family;
pub(crate) use open_flamingo::links as open_flamingo_links;
pub use open_flamingo::{CHECKPOINTS, OpenFlamingoFiles};
pub use open_flamingo::{
    block_links as open_flamingo_block_links, resampler_links as open_flamingo_resampler_links,
};
pub use opened::Opened;
pub(crate) use opened::{flamingo_shapes, flamingo_shapes_and_linear};
pub use parts::{LanguagePart, open_language, open_vision};
pub(crate) use parts::{language_tensors, language_tokenizer};
pub use published::{PUBLISHED, Published};
pub use vision_part::VisionPart;
pub use words::Words;
pub(crate) use words::numbers;

/// The tensors of a file as those of a module, by `links` between the names that `rename` gives
/// them and the module's; those that `optional` names may be missing and are 0.
///
/// # Errors
/// If the file cannot be read, or something does not fit.
pub fn load_module<M: Module>(
    module: M,
    path: &Path,
    links: &[Link],
    rename: &dyn Fn(&str) -> Option<String>,
    optional: &dyn Fn(&str) -> bool,
) -> Result<M> {
    let checkpoint = files::open(&[path.to_path_buf()])?;
    let mut names = Names::default();
    names.add(&checkpoint, rename);
    let (tensors, report) = names.link(links, &shapes(&module), optional)?;
    report.check()?;
    apply_tensors(module, &tensors, "")
}

/// What a path holds, if it is a peer's model.
///
/// # Errors
/// As the peer's reader; none for a directory that is no peer's.
pub(crate) fn open(directory: &Path, words: Words) -> Result<Option<Opened>> {
    if let Some(files) = OpenFlamingoFiles::within(directory) {
        return open_flamingo::open(&files, words).map(Some);
    }
    let config = directory.join("config.json");
    if !config.is_file() {
        return Ok(None);
    }
    let json = Json::read(&config)?;
    match json.text("model_type")? {
        Some("idefics") => idefics::open(directory, &json).map(Some),
        Some("mllama") => mllama::open(directory, &json).map(Some),
        Some(kind) if otter::KINDS.contains(&kind) => otter::open(directory, &json).map(Some),
        Some(other) => Err(json.wrong(format!(
            "`model_type` is {other}: as a whole model only idefics, mllama and otter can be read (an OpenFlamingo is its \
             checkpoint.pt together with a language model and an image tower)"
        ))),
        None => Err(json.wrong("it has no `model_type`")),
    }
}

/// An OpenFlamingo of three parts.
///
/// # Errors
/// If a part is damaged or is no such part, or the parts do not belong together.
pub(crate) fn open_open_flamingo(files: &OpenFlamingoFiles, words: Words) -> Result<Opened> {
    open_flamingo::open(files, words)
}
