//! Published files read, written, refused and fetched.

#![allow(clippy::unwrap_used)]

mod hub;
mod tokenizer;
mod weights;
