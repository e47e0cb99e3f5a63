//! What repeats, over small corpora of known answers, random ones, large ones, and on a cluster.
#![allow(clippy::unwrap_used)]

#[cfg(feature = "cluster")]
mod cluster;
mod corpus;
mod images;
mod jsonl;
mod memory;
mod near;
mod pages;
mod random;
