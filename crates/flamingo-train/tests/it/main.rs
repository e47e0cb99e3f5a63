//! Whole runs of tiny models.

#![allow(clippy::unwrap_used)]

mod contrastive;
mod damage;
mod downloads;
mod files_elsewhere;
mod fine_tune;
mod flamingo;
mod language;
mod published;
mod recipes;
mod streams;
#[path = "../../../flamingo-weights/tests/it/tiny_parts.rs"]
mod tiny_parts;
mod together;
mod world;
