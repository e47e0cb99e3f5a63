//! What a program that uses this crate sees.

mod hostile;
mod memory;
mod property;
mod reading;
mod support;
mod writing;
