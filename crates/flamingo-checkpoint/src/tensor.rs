//! What is known of a tensor without reading it.

use std::collections::BTreeMap;

use crate::Dtype;
use crate::layout::{self, Axis, MAX_AXES};

/// Which bytes tensors lie in: those with equal ids share a storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StorageId {
    pub(crate) file: usize,
    pub(crate) storage: usize,
}

/// A tensor of a [`Checkpoint`](crate::Checkpoint).
#[derive(Debug, Clone)]
pub struct TensorInfo {
    /// What its elements are.
    pub dtype: Dtype,
    /// The lengths of its axes.
    pub shape: Vec<usize>,
    /// The storage it lies in. Two names in one storage are tied, or parts of one tensor: see
    /// [`TensorInfo::is_tied_to`].
    pub storage: StorageId,
    elements: usize,
    /// Where its first element begins in the file, in bytes.
    pub(crate) start: usize,
    pub(crate) axes: Vec<Axis>,
    /// Whether its elements are those of the file with the other sign.
    pub(crate) negated: bool,
}

impl TensorInfo {
    /// How many elements it has.
    pub fn elements(&self) -> usize {
        self.elements
    }

    /// Whether both are the same elements of the same bytes, as tied weights are.
    pub fn is_tied_to(&self, other: &TensorInfo) -> bool {
        self.storage == other.storage
            && self.start == other.start
            && self.dtype == other.dtype
            && self.shape == other.shape
            && self.axes == other.axes
            && self.negated == other.negated
    }

    pub(crate) fn new(placed: Placed, file: usize) -> Self {
        Self {
            dtype: placed.dtype,
            storage: StorageId {
                file,
                storage: placed.storage,
            },
            elements: layout::elements(&placed.shape).unwrap_or(0),
            start: placed.start,
            axes: layout::collapse(&placed.shape, &placed.strides),
            negated: placed.negated,
            shape: placed.shape,
        }
    }
}

/// The tensors of a file by name.
pub(crate) type Found = BTreeMap<String, Placed>;

/// A tensor as the reader of a file found it: checked to lie within that file.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    /// In elements.
    pub(crate) strides: Vec<usize>,
    /// In bytes of the file.
    pub(crate) start: usize,
    pub(crate) storage: usize,
    /// Whether its elements are those of the file with the other sign; of floats only.
    pub(crate) negated: bool,
}

/// The most tensors a file may hold; a pickle of that many stays below its limit of values.
pub(crate) const MAX_TENSORS: usize = 1 << 16;

/// The longest name of a tensor, in bytes.
pub(crate) const MAX_NAME: usize = 1 << 12;

/// Checks the number of axes of `name`.
pub(crate) fn check_axes(name: &str, axes: usize) -> Result<(), String> {
    if axes <= MAX_AXES {
        return Ok(());
    }
    Err(format!(
        "tensor `{name}` has {axes} axes, at most {MAX_AXES} are read: reshape it"
    ))
}
