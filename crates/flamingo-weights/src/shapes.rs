//! The shapes of a module's parameters by name.

use std::collections::{BTreeMap, BTreeSet};

use flamingo_kernels::burn::module::{Module, ModuleVisitor, Param};
use flamingo_kernels::{PackedWeights, Tensor};

/// The shape of every float parameter by its path; parameters that were never read are not made.
pub(crate) fn shapes<M: Module>(module: &M) -> BTreeMap<String, Vec<usize>> {
    shapes_and_linear(module, &PackedWeights::default()).all
}

/// The shapes of a module's parameters by their paths.
pub(crate) struct Shapes {
    pub(crate) all: BTreeMap<String, Vec<usize>>,
    /// The paths of those that are the matrices of linear layers.
    pub(crate) linear: BTreeSet<String>,
}

/// As [`shapes`], with those of linear layers told.
pub(crate) fn shapes_and_linear<M: Module>(module: &M, places: &PackedWeights) -> Shapes {
    let mut reader = ShapeReader {
        path: Vec::new(),
        shapes: BTreeMap::new(),
        places,
        linear: BTreeSet::new(),
    };
    module.visit(&mut reader);
    Shapes {
        all: reader.shapes,
        linear: reader.linear,
    }
}

struct ShapeReader<'a> {
    path: Vec<String>,
    shapes: BTreeMap<String, Vec<usize>>,
    places: &'a PackedWeights,
    linear: BTreeSet<String>,
}

impl ModuleVisitor for ShapeReader<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let shape = param.lazy_shape().to_vec();
        let name = self.path.join(".");
        if self.places.linear(param.id).is_some() {
            self.linear.insert(name.clone());
        }
        self.shapes.insert(name, shape);
    }
}
