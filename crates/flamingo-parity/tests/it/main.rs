//! Cases of our own making, and the peers' where they are at hand.

#![allow(clippy::unwrap_used)]

mod goldens;
mod own;
