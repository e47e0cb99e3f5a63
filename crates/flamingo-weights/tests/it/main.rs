//! Published models on disk: written by us, read back, damaged, mixed up.

#![allow(clippy::unwrap_used)]

mod gguf;
mod hostile;
mod mllama;
mod open_flamingo;
mod otter;
mod parts;
mod support;
mod tiny_parts;
mod towers;
