//! What we computed of a case.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use flamingo_checkpoint::{Dtype, Entry, write_safetensors};
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
    /// By the names of `expected.safetensors`.
    pub tensors: BTreeMap<String, Array>,
    /// Inputs that we make ourselves (labels, masks, pixels), by the names of `inputs.safetensors`.
    pub inputs: BTreeMap<String, Array>,
    /// By the names of `grads.safetensors`.
    pub gradients: BTreeMap<String, Array>,
    /// By the names of `after_train.safetensors`.
    pub after_train: BTreeMap<String, Array>,
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

    /// Writes everything under the case's names: tensors and gradients to `path`, the rest beside it:
    /// `.json`, and, where there are some, `.inputs.safetensors` and `.after_train.safetensors`.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn dump(&self, path: &Path) -> Result<()> {
        write(path, self.tensors.iter().chain(&self.gradients))?;
        for (kind, tensors) in [("inputs", &self.inputs), ("after_train", &self.after_train)] {
            if !tensors.is_empty() {
                let beside = path.with_extension(format!("{kind}.safetensors"));
                write(&beside, tensors.iter())?;
            }
        }
        let text = serde_json::to_string_pretty(&self.json).expect("plain data") + "\n";
        Ok(flamingo_files::write(
            &path.with_extension("json"),
            text.as_bytes(),
        )?)
    }
}

fn write<'a>(path: &Path, tensors: impl Iterator<Item = (&'a String, &'a Array)>) -> Result<()> {
    let (entries, arrays): (Vec<Entry>, Vec<&Array>) = tensors
        .map(|(name, array)| (Entry::new(name, Dtype::F32, &array.shape[..]), array))
        .unzip();
    let fill = &mut |index: usize, out: &mut dyn Write| {
        for value in &arrays[index].values {
            out.write_all(&value.to_le_bytes())?;
        }
        Ok(())
    };
    Ok(write_safetensors(path, &entries, None, fill)?)
}
