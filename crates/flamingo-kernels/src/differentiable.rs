//! Operations with a backward pass of our own: how the framework's autodiff is told of them.
//!
//! An [`Operation`] says what it makes of its inputs and which of them its gradients need. [`apply`]
//! runs it: as it is where nothing is recorded, else as a step of the framework's graph. An input that
//! wants no gradient gets none, and one that no gradient is made of is not kept.

use std::fmt::Debug;

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::retro_forward::RetroForward;
use burn::backend::autodiff::checkpoint::state::BackwardStates;
use burn::backend::autodiff::checkpoint::strategy::{
    BalancedCheckpointing, CheckpointStrategy, NoCheckpointing,
};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{
    Autodiff, AutodiffBackend, BackendTypes, DispatchAutodiffContext, DispatchKindConversion,
    DispatchTensor, Flex, GradientCheckpointingStrategy,
};
use burn::tensor::Tensor;

use crate::cpu::FlexTensor;

/// A function of `N` tensors on the processor.
pub(crate) trait Operation<const N: usize>: Debug + Clone + Send + 'static {
    /// Whether the output is cheap enough to be made again in the backward pass, where the device is
    /// one that saves memory so.
    const CHEAP: bool;

    fn forward(&self, inputs: [FlexTensor; N]) -> FlexTensor;

    /// Which inputs the `wanted` gradients are made of.
    fn kept(&self, wanted: [bool; N]) -> [bool; N];

    /// The `wanted` gradients, from the inputs that were kept and the gradient of the output.
    fn backward(
        &self,
        inputs: [Option<FlexTensor>; N],
        gradient: FlexTensor,
        wanted: [bool; N],
    ) -> [Option<FlexTensor>; N];
}

/// The operation's output, of rank `D`.
///
/// # Panics
/// If an input is not in this machine's memory, or the devices of two save memory differently.
pub(crate) fn apply<const N: usize, const D: usize>(
    operation: impl Operation<N>,
    inputs: [DispatchTensor; N],
) -> Tensor<D> {
    let context = inputs.iter().map(|input| input.autodiff);
    match context.fold(
        DispatchAutodiffContext::Disabled,
        DispatchAutodiffContext::merge,
    ) {
        DispatchAutodiffContext::Disabled => {
            let output = operation.forward(inputs.map(unrecorded));
            Tensor::from_primitive::<Flex>(output)
        }
        DispatchAutodiffContext::Enabled(strategy) => match strategy {
            GradientCheckpointingStrategy::Disabled => {
                recorded::<NoCheckpointing, N, D>(operation, inputs)
            }
            GradientCheckpointingStrategy::Balanced => {
                recorded::<BalancedCheckpointing, N, D>(operation, inputs)
            }
        },
    }
}

/// Whether a gradient of this tensor is recorded.
pub(crate) fn tracked<const D: usize>(x: &Tensor<D>) -> bool {
    let x = x.clone().into_dispatch();
    match x.autodiff {
        DispatchAutodiffContext::Disabled => false,
        DispatchAutodiffContext::Enabled(GradientCheckpointingStrategy::Disabled) => {
            with_node::<NoCheckpointing>(x).is_tracked()
        }
        DispatchAutodiffContext::Enabled(GradientCheckpointingStrategy::Balanced) => {
            with_node::<BalancedCheckpointing>(x).is_tracked()
        }
    }
}

/// The tensor without what is recorded of it.
pub(crate) fn unrecorded(x: DispatchTensor) -> FlexTensor {
    match x.autodiff {
        DispatchAutodiffContext::Disabled => {
            <DispatchTensor as DispatchKindConversion<Flex>>::try_into_backend(x)
                .expect("a tensor on the processor")
                .float()
        }
        DispatchAutodiffContext::Enabled(GradientCheckpointingStrategy::Disabled) => {
            with_node::<NoCheckpointing>(x).into_primitive()
        }
        DispatchAutodiffContext::Enabled(GradientCheckpointingStrategy::Balanced) => {
            with_node::<BalancedCheckpointing>(x).into_primitive()
        }
    }
}

type WithNode<C> = <Autodiff<Flex, C> as BackendTypes>::FloatTensorPrimitive;

/// The tensor with its place in the graph; one that is in none is a constant.
fn with_node<C: CheckpointStrategy>(x: DispatchTensor) -> WithNode<C>
where
    DispatchTensor: DispatchKindConversion<Autodiff<Flex, C>>,
{
    match x.autodiff {
        DispatchAutodiffContext::Disabled => {
            <Autodiff<Flex, C> as AutodiffBackend>::from_inner(unrecorded(x))
        }
        DispatchAutodiffContext::Enabled(_) => {
            <DispatchTensor as DispatchKindConversion<Autodiff<Flex, C>>>::try_into_backend(x)
                .expect("a tensor on the processor")
                .float()
        }
    }
}

fn recorded<C: CheckpointStrategy, const N: usize, const D: usize>(
    operation: impl Operation<N>,
    inputs: [DispatchTensor; N],
) -> Tensor<D>
where
    DispatchTensor: DispatchKindConversion<Autodiff<Flex, C>>,
{
    let output = record::<_, C, N>(operation, inputs.map(with_node::<C>));
    Tensor::from_primitive::<Autodiff<Flex, C>>(output)
}

fn record<O: Operation<N>, C: CheckpointStrategy, const N: usize>(
    operation: O,
    inputs: [WithNode<C>; N],
) -> WithNode<C> {
    let kept = operation.kept(inputs.each_ref().map(|input| input.is_tracked()));
    let preparation = Step(operation.clone()).prepare::<C>(inputs.each_ref().map(|x| x.node()));
    let preparation = match O::CHEAP {
        true => preparation
            .memory_bound()
            .retro_forward(Again {
                operation: operation.clone(),
                inputs: inputs.each_ref().map(|input| input.id()),
            })
            .parents(&inputs),
        false => preparation.compute_bound(),
    };
    match preparation.stateful() {
        OpsKind::Tracked(mut preparation) => {
            let state: Kept<N> =
                std::array::from_fn(|i| kept[i].then(|| preparation.checkpoint(&inputs[i])));
            let output = operation.forward(inputs.map(|input| input.into_primitive()));
            preparation.finish(state, output)
        }
        OpsKind::UnTracked(preparation) => {
            preparation.finish(operation.forward(inputs.map(|input| input.into_primitive())))
        }
    }
}

/// Where the inputs that are kept are found again.
type Kept<const N: usize> = [Option<NodeId>; N];

#[derive(Debug)]
struct Step<O>(O);

impl<O: Operation<N>, const N: usize> Backward<Flex, N> for Step<O> {
    type State = Kept<N>;

    fn backward(
        self,
        ops: Ops<Self::State, N>,
        grads: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let inputs = ops
            .state
            .map(|node| node.map(|node| checkpointer.retrieve_node_output(node)));
        let gradient = grads.consume::<Flex>(&ops.node);
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let gradients = self.0.backward(inputs, gradient, wanted);
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<Flex>(parent.id, gradient);
            }
        }
    }
}

/// Makes the output again from the inputs' nodes.
#[derive(Debug)]
struct Again<O, const N: usize> {
    operation: O,
    inputs: [NodeId; N],
}

impl<O: Operation<N>, const N: usize> RetroForward for Again<O, N> {
    fn forward(&self, states: &mut BackwardStates, output: NodeId) {
        let inputs = self.inputs.map(|input| states.get_state(&input));
        states.save(output, self.operation.forward(inputs));
    }
}

/// What tests compare operations with.
#[cfg(test)]
pub(crate) mod testing {
    use burn::tensor::{Device, Gradients, Tensor};

    use crate::Init;

    /// Devices that record, without and with making cheap outputs again.
    pub(crate) fn devices() -> [Device; 2] {
        let device = Device::flex().autodiff();
        [device.clone(), device.gradient_checkpointing()]
    }

    pub(crate) fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
        x.into_data().try_to_vec().expect("f32")
    }

    /// A leaf of the graph with normal numbers.
    pub(crate) fn leaf<const D: usize>(
        shape: [usize; D],
        seed: u64,
        trained: bool,
        device: &Device,
    ) -> Tensor<D> {
        let x: Tensor<D> = Init::new(seed, &Device::flex()).normal(shape, 1.0).val();
        Tensor::from_data(x.into_data(), device).set_require_grad(trained)
    }

    /// The gradients of the output's sum, each element with a weight of its own.
    pub(crate) fn backward<const D: usize>(y: Tensor<D>) -> Gradients {
        let weights = leaf(y.dims(), 97, false, &y.device());
        (y * weights).sum().backward()
    }

    pub(crate) fn gradient<const D: usize>(x: &Tensor<D>, gradients: &Gradients) -> Vec<f32> {
        x.grad(gradients).map(values).unwrap_or_default()
    }

    /// Asserts that outputs and gradients are as many and as large, up to a share of the largest.
    pub(crate) fn assert_close(ours: &[Vec<f32>], theirs: &[Vec<f32>], tolerance: f32) {
        for (number, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
            assert_eq!(ours.len(), theirs.len(), "length of number {number}");
            let largest = theirs.iter().fold(1.0f32, |a, b| a.max(b.abs()));
            for (at, (a, b)) in ours.iter().zip(theirs).enumerate() {
                let far = (a - b).abs();
                assert!(
                    far <= tolerance * largest,
                    "number {number}, element {at}: {a} and {b}"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{devices, gradient, leaf, values};
    use super::*;
    use crate::cpu;

    /// The first times the second; others are neither used nor kept.
    #[derive(Debug, Clone)]
    struct Product;

    impl<const N: usize> Operation<N> for Product {
        const CHEAP: bool = true;

        fn forward(&self, inputs: [FlexTensor; N]) -> FlexTensor {
            let [a, b] = [0, 1].map(|i| cpu::wrapped::<1>(inputs[i].clone()));
            cpu::primitive(a * b)
        }

        fn kept(&self, wanted: [bool; N]) -> [bool; N] {
            std::array::from_fn(|i| i < 2 && wanted[1 - i])
        }

        fn backward(
            &self,
            inputs: [Option<FlexTensor>; N],
            gradient: FlexTensor,
            wanted: [bool; N],
        ) -> [Option<FlexTensor>; N] {
            let kept = inputs.each_ref().map(Option::is_some);
            assert_eq!(kept, Operation::<N>::kept(self, wanted));
            let gradient = cpu::wrapped::<1>(gradient);
            let by = |x: &FlexTensor| cpu::primitive(gradient.clone() * cpu::wrapped(x.clone()));
            std::array::from_fn(|i| match i < 2 {
                true => inputs[1 - i].as_ref().map(by),
                false => None,
            })
        }
    }

    fn product<const N: usize>(inputs: [&Tensor<1>; N]) -> Tensor<1> {
        apply(Product, inputs.map(|x| x.clone().into_dispatch()))
    }

    #[test]
    fn only_inputs_that_want_a_gradient_get_one_and_what_it_is_not_made_of_is_not_kept() {
        for device in devices() {
            for trained in [[true, true], [true, false], [false, true], [false, false]] {
                let [a, b] = [0, 1].map(|i| leaf([5], i as u64, trained[i], &device));
                let c = leaf([5], 3, false, &device);
                let y = product([&a, &b, &c]);
                assert_eq!(values(y.clone()), values(a.clone() * b.clone()));
                assert_eq!(tracked(&y), trained[0] || trained[1]);
                if !tracked(&y) {
                    continue;
                }
                let gradients = y.sum().backward();
                let expected = |this: bool, other: &Tensor<1>| match this {
                    true => values(other.clone()),
                    false => Vec::new(),
                };
                assert_eq!(gradient(&a, &gradients), expected(trained[0], &b));
                assert_eq!(gradient(&b, &gradients), expected(trained[1], &a));
            }
        }
    }

    #[test]
    fn a_chain_of_cheap_operations_is_made_again_from_what_is_kept() {
        let expected = |a: &Tensor<1>, b: &Tensor<1>| {
            let y = a.clone() * b.clone();
            (y.clone() * b.clone()) * (y * a.clone())
        };
        let ours = |a: &Tensor<1>, b: &Tensor<1>| {
            let y = product([a, b]);
            product([&product([&y, b]), &product([&y, a])])
        };
        for device in devices() {
            let run = |f: &dyn Fn(&Tensor<1>, &Tensor<1>) -> Tensor<1>| {
                let [a, b] = [1, 2].map(|seed| leaf([7], seed, true, &device));
                let gradients = f(&a, &b).sum().backward();
                [gradient(&a, &gradients), gradient(&b, &gradients)]
            };
            testing::assert_close(&run(&ours), &run(&expected), 1e-6);
        }
    }

    #[test]
    fn a_constant_of_a_device_that_records_nothing_may_stand_beside_one_that_is_trained() {
        let [plain, recording] = [burn::tensor::Device::flex(), devices()[0].clone()];
        let (a, b) = (
            leaf([5], 1, true, &recording),
            leaf::<1>([5], 2, false, &plain),
        );
        let gradients = product([&a, &b]).sum().backward();
        assert_eq!(gradient(&a, &gradients), values(b));
    }
}
