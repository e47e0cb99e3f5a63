//! Parity with the peers: a *case* is a directory with a small model of a peer, inputs, and what the
//! peer computed of them. [`verify`] loads the model as any user would, computes everything that the
//! case expects, and compares; nothing that is computed is taken from what is expected.
//!
//! A case holds
//! - the model: `checkpoint.pt` with `lm/` and `clip/` (OpenFlamingo), a Hugging Face directory
//!   (IDEFICS, Llama-3.2-Vision), `model.safetensors` (flamingo-pytorch), or an image tower with `pixels` among the
//!   inputs; or modules alone (`modules.safetensors`); or pictures alone (`preprocess.safetensors`);
//! - `inputs.safetensors`: token ids, masks, pictures, labels;
//! - `expected.safetensors` and `expected.json`: tensors by name, generations with their settings,
//!   losses, log-probabilities of class names, token ids of texts;
//! - for some, `grads.safetensors`, `after_train.safetensors` and `train` in the JSON: gradients and
//!   three steps of the optimiser.
//!
//! Rows of padding are junk in every peer and are not compared.

mod case;
mod compare;
mod compare_json;
mod computed;
mod error;
mod flamingo_pytorch;
mod fresh_rows;
mod generation;
mod gradients;
mod idefics;
mod labels;
mod mllama;
mod mllama_lines;
mod modules;
mod open_flamingo;
mod options;
mod pictures;
mod report;
mod rows;
mod texts;
mod tower;
mod verify;

pub use case::Case;
pub use computed::{Array, Computed};
pub use error::{Error, Result};
pub use options::VerifyOptions;
pub use report::{Line, Report, Status};
pub use verify::verify;
