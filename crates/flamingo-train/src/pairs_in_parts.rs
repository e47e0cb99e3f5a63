//! A contrastive batch that is larger than the memory of its towers, or than one process: gradient caching (Gao et al.,
//! 2021).
//!
//! The loss compares all pictures with all texts, so that it is no sum over parts of the batch. But all that it needs of the
//! towers are their vectors. These are made first, part by part, and nothing is kept for a backward pass; the loss gives a
//! gradient to each vector; then each part is made again, and passes the gradients of its vectors on to the towers. Their
//! sum is the gradient of the whole batch. Processes that run together make the vectors of their own rows, and gather those
//! of the others.

use flamingo_image::{Image, Preprocess};
use flamingo_kernels::{Device, Module, Tensor, floats, recorded_on};
use flamingo_model::contrastive::{Contrastive, accuracy};
use rayon::prelude::*;

use crate::pairs::Batch;
use crate::task::Part;
use crate::together::{gather, is_first};
use crate::tree::trained_shapes;
use crate::{Result, Together};

/// How pictures and texts are shown to the towers.
pub(crate) struct Show<'a> {
    pub(crate) preprocess: &'a Preprocess,
    /// What stands behind a text that is shorter than others.
    pub(crate) pad: u32,
    pub(crate) device: &'a Device,
}

impl Show<'_> {
    /// # Shapes
    /// - output: `[pictures.len(), joint_width]`
    pub(crate) fn images(&self, model: &Contrastive, pictures: &[Image]) -> Tensor<2> {
        let pixels = pictures
            .par_iter()
            .map(|picture| self.preprocess.pixels(picture));
        let pixels: Vec<Vec<f32>> = pixels.collect();
        let (n, size) = (pictures.len(), self.preprocess.size);
        model.images(floats(pixels.concat(), [n, 3, size, size], self.device))
    }

    /// # Shapes
    /// - output: `[texts.len(), joint_width]`
    pub(crate) fn texts(&self, model: &Contrastive, texts: &[Vec<u32>]) -> Tensor<2> {
        let (ids, lengths) = padded(texts, self.pad);
        model.texts(&ids, &lengths)
    }
}

/// Texts as rows of equal width, and their lengths.
fn padded(texts: &[Vec<u32>], pad: u32) -> (Vec<u32>, Vec<usize>) {
    let lengths: Vec<usize> = texts.iter().map(Vec::len).collect();
    let width = lengths.iter().copied().max().unwrap_or(0);
    let mut ids = Vec::with_capacity(width * texts.len());
    for text in texts {
        ids.extend_from_slice(text);
        ids.resize(ids.len() + width - text.len(), pad);
    }
    (ids, lengths)
}

/// Hands the loss of a batch over all processes to `take`: its value and that of the temperature's gradient from the first
/// process, and the gradients of `at_once` of this process's pictures, or texts, at a time.
pub(crate) fn losses(
    show: &Show<'_>,
    model: &Contrastive,
    batch: &Batch,
    at_once: usize,
    together: &dyn Together,
    take: &mut dyn FnMut(Part) -> Result<()>,
) -> Result<()> {
    let [images, texts] = vectors(show, model, batch, at_once, together);
    let scores = model.scores(images.clone(), texts.clone());
    let [right, _] = accuracy(scores.clone().inner(), &batch.about);
    let loss = model.loss(scores, &batch.about);
    let value: f32 = loss.mean.clone().inner().into_scalar();
    let gradients = loss.mean.backward();
    let of = |vectors: &Tensor<2>| {
        let gradient = vectors.grad(&gradients);
        gradient.expect("the loss depends on every vector")
    };
    let (of_images, of_texts) = (of(&images), of(&texts));
    let mut figures = is_first(together).then_some((value, loss.targets, right));
    let mut pass = |passed: Tensor<1>| {
        let (value, targets, accuracy) = match figures.take() {
            Some((value, targets, right)) => (value, targets, Some(right)),
            None => (0.0, 0, None),
        };
        take(Part {
            loss: passed + value,
            share: 1.0,
            targets,
            accuracy,
        })
    };
    let scale = model.logit_scale.val();
    if is_first(together)
        && let Some(gradient) = scale.grad(&gradients)
    {
        pass(passing(scale, gradient))?;
    }
    let [own_images, own_texts] = &batch.own;
    if learns(&model.vision) || learns(&model.vision_projection) {
        for (part, rows) in parts(&batch.pictures, at_once, own_images.start) {
            let gradient = of_images.clone().narrow(0, rows, part.len());
            pass(passing(show.images(model, part), gradient))?;
        }
    }
    if learns(&model.text) || learns(&model.text_projection) {
        for (part, rows) in parts(&batch.texts, at_once, own_texts.start) {
            let gradient = of_texts.clone().narrow(0, rows, part.len());
            pass(passing(show.texts(model, part), gradient))?;
        }
    }
    Ok(())
}

/// The vectors of all processes' pictures and of their texts, each the leaf of a graph.
///
/// # Shapes
/// - output: `[pictures, joint_width]`, `[texts, joint_width]`
fn vectors(
    show: &Show<'_>,
    model: &Contrastive,
    batch: &Batch,
    at_once: usize,
    together: &dyn Together,
) -> [Tensor<2>; 2] {
    let still = model.clone().no_grad();
    let values = |vectors: Tensor<2>| {
        let data = vectors.inner().into_data().convert::<f32>();
        data.try_to_vec::<f32>().expect("converted to f32")
    };
    let images = parts(&batch.pictures, at_once, 0);
    let images = images.flat_map(|(part, _)| values(show.images(&still, part)));
    let texts = parts(&batch.texts, at_once, 0);
    let texts = texts.flat_map(|(part, _)| values(show.texts(&still, part)));
    let width = model.config().joint_width;
    let of_all = |own: Vec<f32>, start: usize, count: usize| {
        let all = gather(together, own, start * width, count * width);
        floats(all, [count, width], show.device).require_grad()
    };
    let [own_images, own_texts] = &batch.own;
    [
        of_all(images.collect(), own_images.start, batch.count),
        of_all(texts.collect(), own_texts.start, batch.about.len()),
    ]
}

/// At most `at_once` of some rows at a time, and where each part begins if the first row is at `start`.
fn parts<T>(rows: &[T], at_once: usize, start: usize) -> impl Iterator<Item = (&[T], usize)> {
    let at_once = at_once.max(1);
    rows.chunks(at_once).zip((start..).step_by(at_once))
}

/// Whether anything in it is trained.
fn learns<M: Module>(module: &M) -> bool {
    !trained_shapes(module).is_empty()
}

/// A loss of 0 whose gradient with regard to `x` is this one, which is not recorded.
fn passing<const D: usize>(x: Tensor<D>, gradient: Tensor<D>) -> Tensor<1> {
    let gradient = recorded_on(gradient, &x.device());
    let product = (x * gradient).sum();
    product.clone() - product.detach()
}
