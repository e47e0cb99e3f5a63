//! Weights in a few bits a number, and their products on a processor.
//!
//! The weights stay as they are: a product quantises its activations to 8 bits, 32 at a time, sums
//! products of small integers, and scales the sums. What is nearest in the file formats of GGUF
//! ([`QuantKind`]) is laid out anew for this ([`QuantisedMatrix`]); each output is the same sum in the
//! same order, whatever the processor, the number of threads, and the rows beside it.

// A kernel's loops go over rows and tiles of several arrays at once.
#![allow(clippy::needless_range_loop)]

mod activations;
mod block;
mod form;
mod kind;
mod matrix;
mod product;
mod rounding;
mod rows;
mod search;
mod simd;
mod tiles;
mod unfit;

pub use kind::QuantKind;
pub use matrix::QuantisedMatrix;
pub use rows::{dequantise_rows, quantise_rows};
pub use unfit::Unfit;

#[cfg(test)]
mod tests;
