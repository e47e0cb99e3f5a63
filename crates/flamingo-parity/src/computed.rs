//! What we computed of a case.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use flamingo_checkpoint::{Dtype, Entry, write_atomically, write_safetensors};
use flamingo_kernels::Tensor;
use serde_json::{Map, Value};

use crate::Result;

/// A tensor in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values, row-major.
    pub values: Vec<f32>,
}

impl Array {
    /// # Panics
    /// If the number of values is not the product of the shape.
    pub fn new(shape: impl Into<Vec<usize>>, values: Vec<f32>) -> Self {
        let shape = shape.into();
        assert_eq!(
            shape.iter().product::<usize>(),
            values.len(),
            "values of {shape:?}"
        );
        Self { shape, values }
    }

    pub(crate) fn zeros(shape: impl Into<Vec<usize>>) -> Self {
        let shape = shape.into();
        let values = vec![0.0; shape.iter().product()];
        Self { shape, values }
    }

    pub(crate) fn of<const D: usize>(tensor: Tensor<D>) -> Self {
        let shape = tensor.dims().to_vec();
        let values = tensor.into_data().convert::<f32>();
        Self::new(shape, values.try_into_vec().expect("converted to f32"))
    }

    /// The same values under another shape.
    pub(crate) fn reshaped(self, shape: impl Into<Vec<usize>>) -> Self {
        Self::new(shape, self.values)
    }

    /// Length of the last axis.
    pub(crate) fn width(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }
}

/// Everything that was computed, under the names of the case.
#[derive(Debug, Clone, Default)]
pub struct Computed {
    /// By the names of `expected.safetensors`, and of `grads.safetensors` after `grads/`, of
    /// `after_train.safetensors` after `after_train/`.
    pub tensors: BTreeMap<String, Array>,
    /// By the names of `expected.json`.
    pub json: Map<String, Value>,
}

impl Computed {
    pub(crate) fn put(&mut self, name: impl Into<String>, array: Array) {
        self.tensors.insert(name.into(), array);
    }

    pub(crate) fn say(&mut self, name: &str, value: impl Into<Value>) {
        self.json.insert(name.to_owned(), value.into());
    }

    /// Writes the tensors to `path`, and the rest beside it as `.json`.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn dump(&self, path: &Path) -> Result<()> {
        let entries: Vec<Entry> = self
            .tensors
            .iter()
            .map(|(name, array)| Entry::new(name, Dtype::F32, &array.shape[..]))
            .collect();
        let arrays: Vec<&Array> = self.tensors.values().collect();
        write_safetensors(
            path,
            &entries,
            None,
            &mut |index: usize, out: &mut dyn Write| {
                for value in &arrays[index].values {
                    out.write_all(&value.to_le_bytes())?;
                }
                Ok(())
            },
        )?;
        let text = serde_json::to_string_pretty(&self.json).expect("plain data") + "\n";
        Ok(write_atomically(
            &path.with_extension("json"),
            text.as_bytes(),
        )?)
    }
}
