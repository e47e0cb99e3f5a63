//! What the processes of a run sum in each step: gradients, and what the figures are made of, as one row of numbers.

use flamingo_kernels::{Device, Module, Tensor, TensorData};

use crate::Together;
use crate::task::Part;
use crate::tree::{Flat, trained_shapes};

/// What a step has of one source.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct OfSource {
    /// Mean over all targets of the batch.
    pub(crate) loss: f32,
    pub(crate) targets: f32,
    /// Targets times the share of them that was right, and the targets of which that is known.
    right: [f32; 2],
}

impl OfSource {
    pub(crate) fn add(&mut self, part: &Part) {
        let targets = part.targets as f32;
        self.loss += part.loss.clone().inner().into_scalar::<f32>() * part.share as f32;
        self.targets += targets;
        if let Some(accuracy) = part.accuracy {
            self.right[0] += accuracy as f32 * targets;
            self.right[1] += targets;
        }
    }

    /// The share that was right, where that is known.
    pub(crate) fn accuracy(&self) -> Option<f64> {
        let [right, of] = self.right.map(f64::from);
        (of > 0.0).then(|| right / of)
    }

    fn numbers(&mut self) -> [&mut f32; 4] {
        let [right, of] = &mut self.right;
        [&mut self.loss, &mut self.targets, right, of]
    }
}

/// Puts sums over all processes in place of gradients and figures; a parameter has a gradient if it has one in any
/// process. One process leaves all as it is.
pub(crate) fn sum_all<'a, M: Module>(
    together: &dyn Together,
    model: &M,
    gradients: &mut Flat,
    sources: impl Iterator<Item = &'a mut OfSource>,
) {
    if together.world() == 1 {
        return;
    }
    let mut sources: Vec<&mut OfSource> = sources.collect();
    let mut row: Vec<f32> = Vec::new();
    for source in &mut sources {
        row.extend(source.numbers().map(|number| *number));
    }
    let shapes = trained_shapes(model);
    let mut device: Option<Device> = None;
    for (path, shape) in &shapes {
        let length: usize = shape.iter().product();
        row.push(if gradients.contains_key(path) {
            1.0
        } else {
            0.0
        });
        match gradients.remove(path) {
            Some(gradient) => {
                device.get_or_insert(gradient.device());
                let values = gradient.into_data().convert::<f32>();
                row.extend(values.try_to_vec::<f32>().expect("converted to f32"));
            }
            None => row.resize(row.len() + length, 0.0),
        }
    }
    together.sum(&mut row);
    let mut rest = row.as_slice();
    let mut next = |count: usize| {
        let (own, after) = rest.split_at(count);
        rest = after;
        own
    };
    for source in &mut sources {
        for number in source.numbers() {
            *number = next(1)[0];
        }
    }
    let device = device.unwrap_or_else(Device::flex);
    for (path, shape) in shapes {
        let length = shape.iter().product();
        let is_there = next(1)[0] > 0.0;
        let values = next(length).to_vec();
        if is_there {
            let gradient = Tensor::from_data(TensorData::new(values, [length]), &device);
            gradients.insert(path, gradient);
        }
    }
}
