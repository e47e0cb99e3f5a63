//! Cross-entropy of the scores of a vocabulary, made and used up a few rows at a time: neither the scores nor their
//! gradients of all rows are ever in memory.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::{DType, Tensor, TensorData};
use rayon::prelude::*;

use crate::cpu::finish::Finish;
use crate::cpu::mixed::{LinesOf, Lying, Numbers, lines, product_mixed, rounded_rows};
use crate::cpu::product::{Rows, Sizes, product};
use crate::cpu::simd::InstructionSet;
use crate::cpu::{self, FlexTensor};
use crate::differentiable::{Operation, apply, tracked};
use crate::linear::affine;
use crate::loss::{Loss, Predicted, predicted, row_loss};
use crate::{autocast, widened};

/// Rows whose scores are in memory at once.
pub const SCORED_AT_ONCE: usize = 256;

/// [`predicted`] by the scores of a vocabulary, the products of `hidden` with the rows of `table` times `scale`. On the
/// processor, the scores are made and used up a few rows at a time.
///
/// Where only some rows of the table learn, `learnt` says which: the gradients of all others are 0.
///
/// # Shapes
/// - `hidden`: `[n, d]`, `n > 0`
/// - `table`: `[V, d]`
/// - `targets`: `n` indices into the vocabulary
pub fn vocabulary_loss(
    hidden: Tensor<2>,
    table: Tensor<2>,
    targets: &[usize],
    scale: Option<f64>,
    learnt: Option<Range<usize>>,
) -> Predicted {
    if !cpu::here(&hidden) || !cpu::here(&table) {
        let scores = affine(hidden, table, None);
        let scores = match scale {
            Some(scale) => scores * scale,
            None => scores,
        };
        return predicted(scores, targets);
    }
    let wanted = Wanted {
        targets,
        scale: scale.unwrap_or(1.0) as f32,
        learnt,
    };
    on_the_processor(hidden, table, wanted)
}

/// What there is to predict, and how.
#[derive(Debug, Clone)]
struct Wanted<'a> {
    /// Of each row.
    targets: &'a [usize],
    /// What scores are multiplied by.
    scale: f32,
    /// Rows of the table that learn, if not all do.
    learnt: Option<Range<usize>>,
}

/// Mean cross-entropy of targets under the product of `hidden` and each row of `table`.
///
/// # Shapes
/// - `hidden`: `[n, d]`, `n > 0`
/// - `table`: `[V, d]`
///
/// # Panics
/// If the tensors are not on the processor, the targets not as many as rows, or one lies outside the table.
fn on_the_processor(hidden: Tensor<2>, table: Tensor<2>, wanted: Wanted<'_>) -> Predicted {
    let ([n, _], [vocabulary, _]) = (hidden.dims(), table.dims());
    assert_eq!(n, wanted.targets.len(), "rows and targets");
    assert!(n > 0, "cross-entropy of no targets");
    assert!(
        wanted.targets.iter().all(|&t| t < vocabulary),
        "a target lies outside the vocabulary"
    );
    let made = Arc::new(Mutex::new(Made::default()));
    let operation = VocabularyLoss {
        targets: wanted.targets.into(),
        scale: wanted.scale,
        learnt: wanted.learnt.unwrap_or(0..vocabulary),
        wanted: [tracked(&hidden), tracked(&table)],
        is_mixed: autocast::in_bf16(),
        made: made.clone(),
    };
    let inputs = [widened(hidden).into_dispatch(), table.into_dispatch()];
    let mean: Tensor<1> = apply(operation, inputs);
    let right = std::mem::take(&mut lock(&made).right);
    let loss = Loss { mean, targets: n };
    Predicted { loss, right }
}

/// Of `hidden` and the table.
#[derive(Debug, Clone)]
struct VocabularyLoss {
    targets: Arc<[usize]>,
    scale: f32,
    learnt: Range<usize>,
    wanted: [bool; 2],
    is_mixed: bool,
    made: Arc<Mutex<Made>>,
}

/// What the forward pass leaves.
#[derive(Debug, Default)]
struct Made {
    right: Vec<bool>,
    /// Of the table.
    shape: [usize; 2],
    /// The gradients of `hidden`, and of the rows of the table that learn.
    gradients: [Option<Tensor<2>>; 2],
}

fn lock(made: &Mutex<Made>) -> std::sync::MutexGuard<'_, Made> {
    made.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The table as products read it.
enum Table<'a> {
    /// With factors rounded to bf16: for scores, and for gradients of `hidden`.
    Mixed(LinesOf, Option<LinesOf>),
    Plain(Rows<'a>, Tensor<2>),
}

impl Operation<2> for VocabularyLoss {
    const CHEAP: bool = false;

    fn forward(&self, [hidden, table]: [FlexTensor; 2]) -> FlexTensor {
        let hidden = cpu::plain_f32(hidden);
        let table = cpu::contiguous::<2>(cpu::wrapped(table));
        let [vocabulary, d] = [0, 1].map(|axis| table.layout().shape()[axis]);
        let set = InstructionSet::best();
        let [of_hidden, of_table] = self.wanted;
        let dense = match table.dtype() {
            DType::F32 | DType::BF16 => table.clone(),
            _ => cpu::primitive(widened(cpu::wrapped::<2>(table.clone()))),
        };
        let numbers = match dense.dtype() {
            DType::BF16 => Numbers::Bf16(cpu::elements(&dense)),
            _ => Numbers::F32(cpu::elements(&dense)),
        };
        let table = match (self.is_mixed, numbers) {
            (true, numbers) => Table::Mixed(
                lines(set, (numbers, Lying::Whole), [vocabulary, d]),
                of_hidden.then(|| lines(set, (numbers, Lying::Across), [d, vocabulary])),
            ),
            (false, Numbers::Bf16(rows)) => {
                Table::Plain(Rows::Bf16(rows), widened(cpu::wrapped(dense.clone())))
            }
            (false, Numbers::F32(rows)) => {
                Table::Plain(Rows::F32(rows), cpu::wrapped(dense.clone()))
            }
        };
        let mut losses = Vec::with_capacity(self.targets.len());
        let (mut right, mut parts) = (Vec::with_capacity(self.targets.len()), Vec::new());
        let mut of_learnt: Option<Tensor<2>> = None;
        let all = self.targets.len() as f32;
        let chunks = cpu::elements::<f32>(&hidden).chunks(SCORED_AT_ONCE * d.max(1));
        for (targets, hidden) in self.targets.chunks(SCORED_AT_ONCE).zip(chunks) {
            let m = targets.len();
            let mut scores = self.scores(set, hidden, &table, [m, vocabulary, d]);
            let found: Vec<(f64, bool)> = scores
                .par_chunks_mut(vocabulary)
                .zip(targets)
                .map(|(row, &target)| {
                    if self.scale != 1.0 {
                        row.iter_mut().for_each(|x| *x *= self.scale);
                    }
                    let greatest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                    let right = row.iter().position(|&x| x == greatest) == Some(target);
                    let loss = row_loss(row, target, 0.0, all);
                    if self.scale != 1.0 {
                        row.iter_mut().for_each(|x| *x *= self.scale);
                    }
                    (loss, right)
                })
                .collect();
            losses.extend(found.iter().map(|(loss, _)| loss));
            right.extend(found.iter().map(|(_, right)| right));
            if of_table {
                let gradient = self.of_learnt(set, &scores, hidden, [m, vocabulary, d]);
                of_learnt = Some(match of_learnt {
                    Some(before) => before + gradient,
                    None => gradient,
                });
            }
            if of_hidden {
                parts.push(match &table {
                    Table::Mixed(_, across) => {
                        let across = across.as_ref().expect("made as the gradient is wanted");
                        let rows = rounded_rows(set, (&scores, Lying::Whole), [m, vocabulary]);
                        let out = across.product(set, &rows, Finish::default());
                        cpu::tensor(out, [m, d])
                    }
                    Table::Plain(_, table) => {
                        cpu::tensor(scores, [m, vocabulary]).matmul(table.clone())
                    }
                });
            }
        }
        let mean = losses.iter().sum::<f64>() / f64::from(all);
        *lock(&self.made) = Made {
            right,
            shape: [vocabulary, d],
            gradients: [of_hidden.then(|| Tensor::cat(parts, 0)), of_learnt],
        };
        cpu::primitive(cpu::tensor(vec![mean as f32], [1]))
    }

    fn kept(&self, _: [bool; 2]) -> [bool; 2] {
        [false, false]
    }

    fn backward(
        &self,
        _: [Option<FlexTensor>; 2],
        gradient: FlexTensor,
        wanted: [bool; 2],
    ) -> [Option<FlexTensor>; 2] {
        let Made {
            shape: [vocabulary, d],
            gradients: [of_hidden, of_learnt],
            ..
        } = std::mem::take(&mut *lock(&self.made));
        let by = cpu::wrapped::<1>(gradient).into_scalar::<f32>();
        let of_table = of_learnt.map(|rows| {
            let rows = rows * by;
            if self.learnt == (0..vocabulary) {
                return cpu::primitive(rows);
            }
            let mut all = vec![0f32; vocabulary * d];
            let learnt = self.learnt.start * d..self.learnt.end * d;
            all[learnt].copy_from_slice(cpu::elements(&cpu::contiguous(rows)));
            FlexTensor::from_data(TensorData::new(all, [vocabulary, d]))
        });
        let of_hidden = of_hidden.map(|x| cpu::primitive(x * by));
        [
            of_hidden.filter(|_| wanted[0]),
            of_table.filter(|_| wanted[1]),
        ]
    }
}

impl VocabularyLoss {
    /// Scores of some rows, `[m, vocabulary]`.
    fn scores(
        &self,
        set: InstructionSet,
        hidden: &[f32],
        table: &Table<'_>,
        [m, n, k]: [usize; 3],
    ) -> Vec<f32> {
        match table {
            Table::Mixed(whole, _) => {
                let rows = rounded_rows(set, (hidden, Lying::Whole), [m, k]);
                whole.product(set, &rows, Finish::default())
            }
            Table::Plain(table, _) => product(set, Sizes { m, n, k }, hidden, *table, None),
        }
    }

    /// The gradient of the rows of the table that learn, `[learnt, d]`, of what some rows of scores give.
    fn of_learnt(
        &self,
        set: InstructionSet,
        gradients: &[f32],
        hidden: &[f32],
        [m, vocabulary, d]: [usize; 3],
    ) -> Tensor<2> {
        let learnt = self.learnt.clone();
        let (rows, count): (Cow<'_, [f32]>, usize) = match learnt == (0..vocabulary) {
            true => (gradients.into(), vocabulary),
            false => {
                let rows = gradients.chunks(vocabulary);
                let rows: Vec<f32> = rows.flat_map(|row| &row[learnt.clone()]).copied().collect();
                (rows.into(), learnt.len())
            }
        };
        if self.is_mixed {
            let sizes = Sizes {
                m: count,
                n: d,
                k: m,
            };
            let columns = (Numbers::F32(hidden), Lying::Across);
            let rows = (&rows[..], Lying::Across);
            let out = product_mixed(set, sizes, rows, columns, Finish::default());
            return cpu::tensor(out, [count, d]);
        }
        let rows: Tensor<2> = cpu::tensor(rows.into_owned(), [m, count]);
        let hidden: Tensor<2> = cpu::tensor(hidden.to_vec(), [m, d]);
        rows.transpose().matmul(hidden)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::differentiable::testing::{assert_close, devices, gradient, leaf, values};
    use crate::{Precision, cross_entropy};

    const VOCABULARY: usize = 331;

    fn targets() -> Vec<usize> {
        (0..SCORED_AT_ONCE + 7)
            .map(|i| i * 37 % VOCABULARY)
            .collect()
    }

    /// Loss and gradients, those of the table's rows from 300 to 305 alone where these learn.
    fn run(learnt: Option<Range<usize>>, plain: bool, scale: f32) -> [Vec<Vec<f32>>; 2] {
        devices().map(|device| {
            let targets = targets();
            let hidden = leaf([targets.len(), 19], 1, true, &device);
            let table = leaf([VOCABULARY, 19], 2, true, &device);
            let mean = match plain {
                true => {
                    let scores = hidden.clone().matmul(table.clone().transpose());
                    cross_entropy(scores * scale, &targets, 0.0).mean
                }
                false => {
                    let wanted = Wanted {
                        targets: &targets,
                        scale,
                        learnt: learnt.clone(),
                    };
                    on_the_processor(hidden.clone(), table.clone(), wanted)
                        .loss
                        .mean
                }
            };
            let gradients = (mean.clone() * 3.0).backward();
            let mut of_table = gradient(&table, &gradients);
            if let (true, Some(learnt)) = (plain, &learnt) {
                for (row, numbers) in of_table.chunks_mut(19).enumerate() {
                    if !learnt.contains(&row) {
                        numbers.fill(0.0);
                    }
                }
            }
            vec![values(mean), gradient(&hidden, &gradients), of_table]
        })
    }

    #[test]
    fn loss_and_gradients_are_those_of_all_scores_at_once() {
        for learnt in [None, Some(300..305)] {
            for scale in [1.0, 0.25] {
                let (ours, plain) = (
                    run(learnt.clone(), false, scale),
                    run(learnt.clone(), true, scale),
                );
                for (ours, plain) in ours.iter().zip(&plain) {
                    assert_close(ours, plain, 1e-5);
                }
                autocast::autocast(Precision::Bf16, || {
                    let mixed = run(learnt.clone(), false, scale);
                    for (mixed, plain) in mixed.iter().zip(&plain) {
                        assert_close(mixed, plain, 2e-2);
                    }
                    assert_ne!(mixed[0][0], ours[0][0], "factors are rounded");
                });
            }
        }
    }

    #[test]
    fn what_is_frozen_gets_no_gradient_and_the_likeliest_are_told() {
        let device = &devices()[0];
        let hidden = leaf([2, 3], 1, true, device);
        let table: Tensor<2> = Tensor::from_data([[1.0f32, 0., 0.], [0., 1., 0.]], device);
        let wanted = Wanted {
            targets: &[0, 1],
            scale: 1.0,
            learnt: None,
        };
        let Predicted { loss, right } = on_the_processor(hidden.clone(), table.clone(), wanted);
        let numbers = values(hidden.clone());
        let first = |row: usize| numbers[3 * row] >= numbers[3 * row + 1];
        assert_eq!(right, [first(0), !first(1)]);
        let gradients = loss.mean.backward();
        assert_eq!(gradient(&hidden, &gradients).len(), 6);
        assert!(gradient(&table, &gradients).is_empty());
    }
}
