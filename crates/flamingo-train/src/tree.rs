//! The trained parameters of a module by the path of fields that leads to each: the names on disk,
//! the same in every process.

use std::collections::BTreeMap;

use flamingo_kernels::burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use flamingo_kernels::burn::tensor::Gradients;
use flamingo_kernels::{DType, Precision, Tensor, TensorData, floats, recorded_on};
use flamingo_weights::{NamedTensor, Tensors};

use crate::{Error, Result};

/// A flat tensor for each path, without autodiff.
pub type Flat = BTreeMap<String, Tensor<1>>;

/// The fields that lead to where a visitor is.
#[derive(Default)]
struct Path(Vec<String>);

impl Path {
    fn joined(&self) -> String {
        self.0.join(".")
    }
}

/// Whether a parameter learns. One that was never read does if its device records: to ask it itself would draw its values.
fn learns<const D: usize>(param: &Param<Tensor<D>>) -> bool {
    match param.is_initialized() {
        true => param.is_require_grad(),
        false => param.lazy_device().is_autodiff(),
    }
}

/// Has all parameters draw their values. A copy of a model that has not shares what is left of it to draw: to freeze the copy
/// would freeze the model.
pub(crate) fn draw<M: Module>(model: &M) {
    struct Reader;
    impl ModuleVisitor for Reader {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            drop(param.val());
        }
    }
    model.visit(&mut Reader);
}

/// The shapes of the trained parameters.
pub(crate) fn trained_shapes<M: Module>(model: &M) -> BTreeMap<String, Vec<usize>> {
    struct Shapes(Path, BTreeMap<String, Vec<usize>>);
    impl ModuleVisitor for Shapes {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.0.0.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.0.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if learns(param) {
                self.1.insert(self.0.joined(), param.lazy_shape().to_vec());
            }
        }
    }
    let mut shapes = Shapes(Path::default(), BTreeMap::new());
    model.visit(&mut shapes);
    shapes.1
}

/// Adds the gradients of the trained parameters to `sum`.
pub fn add_gradients<M: Module>(model: &M, gradients: Gradients, sum: &mut Flat) {
    struct Adder<'a>(Path, Gradients, &'a mut Flat);
    impl ModuleVisitor for Adder<'_> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.0.0.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.0.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if !learns(param) {
                return;
            }
            let Some(gradient) = param.val().grad_remove(&mut self.1) else {
                return;
            };
            let gradient = gradient.reshape([-1]);
            let path = self.0.joined();
            let sum = match self.2.remove(&path) {
                Some(sum) => sum + gradient,
                None => gradient,
            };
            self.2.insert(path, sum);
        }
    }
    model.visit(&mut Adder(Path::default(), gradients, sum));
}

/// Keeps the gradient of the rows `rows` of the matrix at `path`, of `width` columns, and makes that
/// of all other rows 0: so a table learns new tokens and nothing else.
pub fn keep_rows(gradients: &mut Flat, path: &str, width: usize, rows: &[usize]) {
    let Some(gradient) = gradients.remove(path) else {
        return;
    };
    let device = gradient.device();
    let count = gradient.dims()[0] / width;
    let mask = (0..count)
        .map(|row| if rows.contains(&row) { 1.0 } else { 0.0 })
        .collect();
    let mask = floats(mask, [count, 1], &device);
    let kept = gradient.reshape([count, width]) * mask;
    gradients.insert(path.to_owned(), kept.reshape([-1]));
}

/// What to make of a parameter, by path, shape and flat values.
pub(crate) type Change<'a> = dyn FnMut(&str, &[usize], Tensor<1>) -> Tensor<1> + 'a;

/// Replaces each trained parameter by what `change` makes of its path and flat values, which no one else holds if
/// the model is held by no one else.
pub(crate) fn map_trained<M: Module>(model: M, change: &mut Change<'_>) -> M {
    struct Mapper<'a, 'b>(Path, &'a mut Change<'b>);
    impl ModuleMapper for Mapper<'_, '_> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.0.0.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.0.pop();
        }
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            if !learns(&param) {
                return param;
            }
            let dims: [usize; D] = param.lazy_shape().dims();
            let (id, values, _) = param.consume();
            let device = values.device();
            let new = (self.1)(&self.0.joined(), &dims, values.inner().reshape([-1]));
            let new = recorded_on(new.reshape(dims), &device);
            Param::initialized(id, new).set_require_grad(true)
        }
    }
    model.map(&mut Mapper(Path::default(), change))
}

/// Freezes the trained parameters whose path `frozen` names.
pub(crate) fn freeze_paths<M: Module>(model: M, frozen: &dyn Fn(&str) -> bool) -> M {
    struct Freezer<'a>(Path, &'a dyn Fn(&str) -> bool);
    impl ModuleMapper for Freezer<'_> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.0.0.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.0.pop();
        }
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            if !(learns(&param) && (self.1)(&self.0.joined())) {
                return param;
            }
            let param = param.set_require_grad(false);
            // Read: of one that never was, the device says whether it learns.
            drop(param.val());
            param
        }
    }
    model.map(&mut Freezer(Path::default(), frozen))
}

/// The model with the matrices of all that is frozen in `precision`.
pub fn frozen_in<M: Module>(model: M, precision: Precision) -> M {
    struct Narrower(DType);
    impl ModuleMapper for Narrower {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            match D >= 2 && !learns(&param) {
                true => param.map(|values| values.cast(self.0)),
                false => param,
            }
        }
    }
    match precision {
        Precision::F32 => model,
        _ => model.map(&mut Narrower(precision.dtype())),
    }
}

/// Flat tensors as they are written to disk.
pub(crate) fn to_disk(tensors: &Flat, prefix: &str) -> Vec<NamedTensor> {
    let named = |(path, tensor): (&String, &Tensor<1>)| {
        let data = tensor.clone().into_data().convert::<f32>();
        let values: Vec<f32> = data.try_to_vec().expect("converted to f32");
        NamedTensor {
            name: format!("{prefix}{path}"),
            shape: vec![values.len()],
            values,
        }
    };
    tensors.iter().map(named).collect()
}

/// The trained parameters, flat.
pub fn trained<M: Module>(model: &M) -> Flat {
    let mut tensors = Flat::new();
    map_trained(model.clone(), &mut |path, _, values| {
        tensors.insert(path.to_owned(), values.clone());
        values
    });
    tensors
}

/// The trained parameters with their shapes.
pub(crate) fn trained_tensors<M: Module>(model: &M) -> Vec<NamedTensor> {
    let shapes = trained_shapes(model);
    let mut tensors = to_disk(&trained(model), "");
    for tensor in &mut tensors {
        tensor.shape.clone_from(&shapes[&tensor.name]);
    }
    tensors
}

/// All parameters: with the values that `other` gives for a path, told whether it is trained, else with their own.
pub(crate) fn tensors_of<M: Module>(
    model: &M,
    other: &mut dyn FnMut(&str, bool) -> Option<Vec<f32>>,
) -> Vec<NamedTensor> {
    struct Reader<'a>(
        Path,
        &'a mut dyn FnMut(&str, bool) -> Option<Vec<f32>>,
        Vec<NamedTensor>,
    );
    impl ModuleVisitor for Reader<'_> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.0.0.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.0.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let name = self.0.joined();
            let values = (self.1)(&name, learns(param)).unwrap_or_else(|| {
                let data = param.val().into_data().convert::<f32>();
                data.try_to_vec().expect("converted to f32")
            });
            self.2.push(NamedTensor {
                name,
                shape: param.lazy_shape().to_vec(),
                values,
            });
        }
    }
    let mut reader = Reader(Path::default(), other, Vec::new());
    model.visit(&mut reader);
    reader.2
}

/// One flat tensor of a checkpoint.
pub(crate) fn from_disk(
    tensors: &Tensors,
    name: &str,
    len: usize,
    device: &flamingo_kernels::Device,
) -> Result<Tensor<1>> {
    let values = tensors.values(name)?;
    if values.len() != len {
        return Err(Error::contradiction(format!(
            "the checkpoint's `{name}` has {} values, the model has {len}: it belongs to another \
             recipe; delete the run folder or give another one",
            values.len()
        )));
    }
    Ok(Tensor::from_data(TensorData::new(values, [len]), device))
}
