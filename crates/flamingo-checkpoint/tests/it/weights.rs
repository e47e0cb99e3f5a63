//! What a program that uses this crate sees.

mod hostile;
mod property;
mod reading;
mod support;
mod writing;
