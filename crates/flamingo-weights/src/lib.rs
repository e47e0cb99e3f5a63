//! A model on disk: `flamingo.json` (the whole configuration), `model*.safetensors`,
//! `tokenizer.json`.
//!
//! [`ModelFile`] is the JSON, [`Tensors`] the mapped weights, [`named_tensors`] and
//! [`apply_tensors`] the way between a module's parameters and names, [`save`] and [`load`] the
//! whole directory. Nothing of a wrong shape or name is loaded silently.

mod directory;
mod error;
mod model_file;
mod names;
mod tensors;

pub use directory::{Loaded, Source, load, load_part, save, write_atomically};
pub use error::{Error, Result};
pub use model_file::{FORMAT_VERSION, ModelConfig, ModelFile};
pub use names::{apply_tensors, named_tensors};
pub use tensors::{NamedTensor, Tensors, write_tensors};
