//! Files of published models: weights as named tensors, tokenizers, and the hub that they come from.
//!
//! Three doors: [`Checkpoint`] for weights, [`HfTokenizer`] for the tokenizer of a directory, [`Hub`]
//! for an id that stands for a directory. None knows what a model is.
//!
//! A [`Checkpoint`] opens safetensors files, GGUF files and what `torch.save` and `torch.jit.save` write,
//! maps them into memory, and converts ranges of elements when asked for. No file is executed:
//! a pickle is read by an interpreter that knows tensors and plain values and refuses the rest.
//! A file that is damaged or hostile is an error, never a panic and never a large allocation.
//!
//! [`write_safetensors`] and [`write_torch`] stream tensors into a new file, whole or not at all.
//!
//! ```no_run
//! use flamingo_checkpoint::Checkpoint;
//!
//! let weights = Checkpoint::open(&["model.safetensors".into()])?;
//! for name in weights.names() {
//!     let elements = weights.info(name).map_or(0, |info| info.elements());
//!     let mut first = vec![0_f32; elements.min(7)];
//!     weights.read(name, 0..first.len(), &mut first)?;
//! }
//! # Ok::<(), flamingo_checkpoint::Error>(())
//! ```
//!
//! A mapped file must not be cut short by another program while it is read: the operating system
//! ends a program that touches a page which is no longer there. [`write_safetensors`] and
//! [`write_torch`] replace files rather than change them, so they are safe beside a reader.
#![warn(missing_docs)]

mod checkpoint;
mod dtype;
mod element;
mod error;
mod files;
mod gguf;
mod hub;
mod layout;
mod mapped;
mod parts;
mod pickle;
mod recognise;
mod safetensors;
mod tensor;
mod tokenizer;
mod torch;
mod write;
mod zip;

pub use checkpoint::Checkpoint;
pub use dtype::Dtype;
pub use element::Element;
pub use error::{Error, Result};
pub use gguf::{GgufMetadata, GgufValue};
pub use hub::{Hub, HubError, HubOptions, Progress, is_hub_id};
pub use parts::check_folder;
pub use safetensors::safetensors_metadata;
pub use tensor::{StorageId, TensorInfo};
pub use tokenizer::{Error as TokenizerError, HfTokenizer};
pub use write::{Entry, write_safetensors, write_torch};
