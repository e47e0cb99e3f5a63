//! The parameters of a module by name: the path of fields that leads to each.

use std::collections::BTreeSet;

use flamingo_kernels::burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use flamingo_kernels::{Device, Precision, Tensor, TensorData};
use half::{bf16, f16};

use crate::pack::Packer;
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
    apply_tensors_as(module, tensors, prefix, Precision::F32)
}

/// As [`apply_tensors`], the parameters in `precision`: each is read straight into it.
///
/// # Errors
/// As [`apply_tensors`].
pub fn apply_tensors_as<M: Module>(
    module: M,
    tensors: &Tensors,
    prefix: &str,
    precision: Precision,
) -> Result<M> {
    apply_packed(module, tensors, prefix, precision, None)
}

/// As [`apply_tensors_as`], with matrices packed as `packer` says.
///
/// # Errors
/// As [`apply_tensors`].
pub(crate) fn apply_packed<M: Module>(
    module: M,
    tensors: &Tensors,
    prefix: &str,
    precision: Precision,
    packer: Option<&mut Packer<'_>>,
) -> Result<M> {
    let mut writer = Writer {
        path: Vec::new(),
        prefix,
        tensors,
        precision,
        packer,
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

impl Writer<'_, '_> {
    fn data(&self, name: &str, shape: &[usize]) -> Result<TensorData> {
        Ok(match self.precision {
            Precision::F32 => TensorData::new(self.tensors.read::<f32>(name)?, shape.to_vec()),
            Precision::F16 => TensorData::new(self.tensors.read::<f16>(name)?, shape.to_vec()),
            Precision::Bf16 => TensorData::new(self.tensors.read::<bf16>(name)?, shape.to_vec()),
        })
    }
}

impl Writer<'_, '_> {
    /// The parameter of a matrix that is packed, and nowhere else.
    fn packed<const D: usize>(
        &mut self,
        name: &str,
        id: ParamId,
        device: &Device,
    ) -> Result<Option<Param<Tensor<D>>>> {
        let Some(packer) = &mut self.packer else {
            return Ok(None);
        };
        let weight = packer.pack(self.tensors, name, id)?;
        Ok(weight.and_then(|weight| weight.parameter(id, device)))
    }
}

struct Writer<'a, 'b> {
    path: Vec<String>,
    prefix: &'a str,
    tensors: &'a Tensors,
    precision: Precision,
    packer: Option<&'a mut Packer<'b>>,
    used: BTreeSet<String>,
    wrong: Vec<String>,
}

impl ModuleMapper for Writer<'_, '_> {
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
        let device = param.lazy_device();
        match self.packed(&name, param.id, &device) {
            Ok(None) => {}
            Ok(Some(packed)) => {
                self.used.insert(name);
                return packed;
            }
            Err(error) => {
                self.wrong.push(error.to_string());
                return param;
            }
        }
        let data = match self.data(&name, &wanted) {
            Ok(data) => data,
            Err(error) => {
                self.wrong.push(error.to_string());
                return param;
            }
        };
        if let Some(packer) = &mut self.packer {
            packer.weighed.add_dense(data.bytes().len());
        }
        self.used.insert(name);
        let device = param.lazy_device();
        // To ask a parameter that was never read would draw its values.
        let trainable = !param.is_initialized() || param.is_require_grad();
        let tensor = Tensor::<D>::from_data(data, (&device, self.precision.dtype()));
        Param::initialized(param.id, tensor).set_require_grad(trainable && device.is_autodiff())
    }
}
