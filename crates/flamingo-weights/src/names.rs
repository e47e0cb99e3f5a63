//! The parameters of a module by name: the path of fields that leads to each.

use std::collections::BTreeSet;

use flamingo_kernels::burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use flamingo_kernels::{Tensor, TensorData};

use crate::{Error, NamedTensor, Result, Tensors};

/// Every float parameter of `module`, with its path joined by dots, in the order of its fields.
pub fn named_tensors<M: Module>(module: &M) -> Vec<NamedTensor> {
    let mut reader = Reader::default();
    module.visit(&mut reader);
    reader.tensors
}

#[derive(Default)]
struct Reader {
    path: Vec<String>,
    tensors: Vec<NamedTensor>,
}

impl ModuleVisitor for Reader {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let shape = tensor.dims().to_vec();
        let values = tensor
            .into_data()
            .convert::<f32>()
            .try_to_vec()
            .expect("converted to f32");
        self.tensors.push(NamedTensor {
            name: self.path.join("."),
            shape,
            values,
        });
    }
}

/// Replaces every parameter of `module` by the tensor named `prefix` + its path.
///
/// # Errors
/// If a tensor is missing or of another shape; the message names the first ones, with both shapes.
/// Tensors under `prefix` that no parameter asked for are an error, too.
pub fn apply_tensors<M: Module>(module: M, tensors: &Tensors, prefix: &str) -> Result<M> {
    let mut writer = Writer {
        path: Vec::new(),
        prefix,
        tensors,
        used: BTreeSet::new(),
        wrong: Vec::new(),
    };
    let module = module.map(&mut writer);
    let (mut wrong, used) = (writer.wrong, writer.used);
    let unused = tensors
        .names()
        .filter(|name| name.starts_with(prefix) && !used.contains(*name));
    wrong.extend(unused.map(|name| format!("`{name}` belongs to nothing")));
    if wrong.is_empty() {
        return Ok(module);
    }
    let shown = 5.min(wrong.len());
    let rest = wrong.len() - shown;
    let more = if rest > 0 {
        format!(", and {rest} more")
    } else {
        String::new()
    };
    Err(Error::Mismatch(format!(
        "{}{more}; check that flamingo.json and the weights come from the same model",
        wrong[..shown].join("; ")
    )))
}

struct Writer<'a> {
    path: Vec<String>,
    prefix: &'a str,
    tensors: &'a Tensors,
    used: BTreeSet<String>,
    wrong: Vec<String>,
}

impl ModuleMapper for Writer<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = format!("{}{}", self.prefix, self.path.join("."));
        let wanted = param.lazy_shape().to_vec();
        let Some(shape) = self.tensors.shape(&name) else {
            self.wrong.push(format!("`{name}` {wanted:?} is missing"));
            return param;
        };
        if shape != wanted {
            self.wrong.push(format!(
                "`{name}` is {shape:?}, the configuration wants {wanted:?}"
            ));
            return param;
        }
        let values = match self.tensors.values(&name) {
            Ok(values) => values,
            Err(error) => {
                self.wrong.push(error.to_string());
                return param;
            }
        };
        self.used.insert(name);
        let device = param.lazy_device();
        let trainable = param.is_require_grad();
        let tensor = Tensor::<D>::from_data(TensorData::new(values, wanted), &device);
        Param::initialized(param.id, tensor).set_require_grad(trainable && device.is_autodiff())
    }
}
