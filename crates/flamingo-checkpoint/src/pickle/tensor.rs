//! Storages and tensors as a pickle describes them.

use crate::Dtype;
use crate::error::quoted;

/// What a storage or tensor holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind<'a> {
    Known(Dtype),
    /// Bytes, to be typed by the tensor.
    Untyped,
    /// A format that is not read, by torch's name.
    Unknown(&'a str),
}

impl Kind<'_> {
    /// Its name, for messages.
    pub(crate) fn shown(&self) -> String {
        match self {
            Kind::Known(dtype) => dtype.to_string(),
            Kind::Untyped => "bytes".to_string(),
            Kind::Unknown(name) => quoted(name),
        }
    }
}

/// A storage as a pickle names it; where its bytes are, the rest of the file says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Storage<'a> {
    pub(crate) key: &'a str,
    pub(crate) kind: Kind<'a>,
    /// How many elements it has.
    pub(crate) elements: usize,
    /// The part of it that is meant: offset and length in elements.
    pub(crate) view: Option<(usize, usize)>,
}

/// A tensor as a pickle describes it, not yet compared with its storage.
#[derive(Debug)]
pub(crate) struct Tensor<'a> {
    pub(crate) storage: Storage<'a>,
    pub(crate) kind: Kind<'a>,
    /// In elements, as are the strides.
    pub(crate) offset: usize,
    pub(crate) shape: Vec<usize>,
    pub(crate) strides: Vec<usize>,
    /// Whether its elements are those of the storage with the other sign: a lazy negation, as torch
    /// makes one of the imaginary part of a conjugate.
    pub(crate) negated: bool,
}
