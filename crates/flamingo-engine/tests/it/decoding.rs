//! Integration tests.

mod peer;
mod rows;
mod toy;
