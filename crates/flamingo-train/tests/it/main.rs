//! Whole runs of tiny models.

#![allow(clippy::unwrap_used)]

mod damage;
mod flamingo;
mod language;
mod published;
mod recipes;
mod world;
