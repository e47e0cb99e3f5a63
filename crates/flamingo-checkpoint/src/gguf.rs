//! GGUF files, versions 2 and 3: what a model is, its tokenizer, and its tensors, all in one file.
//!
//! A tensor's name, type and place stand behind the metadata; its numbers lie in a part of the file
//! of their own. The lengths of its axes stand there in the reverse of our order.
//!
//! Quantised tensors appear in a [`Checkpoint`](crate::Checkpoint) as the bytes that they are:
//! `token_embd.weight` of type Q8_0 is `token_embd.weight.q8_0` of [`Dtype::U8`](crate::Dtype::U8),
//! a row of blocks for each row of numbers.

mod header;
mod metadata;
mod types;
mod value;

pub use metadata::GgufMetadata;
pub use value::GgufValue;

pub(crate) use header::tensors;

/// What a file begins with.
pub(crate) const MAGIC: &[u8] = b"GGUF";

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
