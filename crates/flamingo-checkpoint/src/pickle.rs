//! Reading pickles without running them.
//!
//! A pickle is a program for a stack machine. This one builds plain values, storages and tensors,
//! keeps a short list of harmless classes as names only, and stops at any other: see [`globals`].
//! Values lie in one heap ([`value`]) and refer to each other by number, so that shared and circular ones
//! cost nothing and dropping them needs no recursion, however deep they are.

mod globals;
mod input;
mod machine;
mod opcode;
mod rebuild;
mod tensor;
mod value;

pub(crate) use machine::{Limits, Pickle};
#[cfg(test)]
pub(crate) use tensor::Storage;
pub(crate) use tensor::{Kind, Tensor};
pub(crate) use value::{Object, Value};
