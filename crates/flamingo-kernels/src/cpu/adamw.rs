//! One pass over parameters, gradients and moments: each is read once and written once.

use crate::cpu::product::Shared;
use crate::cpu::simd::{InstructionSet, Lanes, for_processor};
use crate::cpu::tasks::for_each;
use crate::cpu::{ALONE, Place, Source};

/// The numbers of one update.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbers {
    /// How much of each mean stays, and how much of the gradient and of its square is added to it.
    pub(crate) betas: [f32; 2],
    pub(crate) rests: [f32; 2],
    /// The mean of squares is divided by it.
    pub(crate) unbias: f32,
    pub(crate) epsilon: f32,
    pub(crate) rate: f32,
    /// What decay leaves of a parameter.
    pub(crate) kept: f32,
    /// Of the gradient.
    pub(crate) scale: f32,
}

/// Updates `values` and the means of gradients and of their squares.
///
/// # Panics
/// If the lengths differ.
pub(crate) fn update(
    set: InstructionSet,
    numbers: Numbers,
    gradient: &[f32],
    values: Place,
    moments: [Place; 2],
) {
    let len = gradient.len();
    let lengths = [values.len, moments[0].len, moments[1].len];
    assert_eq!(lengths, [len; 3], "lengths of an update");
    let from = Source::of(gradient);
    for_each(len.div_ceil(ALONE), |number| {
        let first = number * ALONE;
        let part = Part {
            numbers,
            len: ALONE.min(len - first),
            // SAFETY: `first` lies within all of them, and parts do not overlap.
            gradient: unsafe { from.pointer().add(first) },
            from: [values, moments[0], moments[1]]
                .map(|place| unsafe { place.from.pointer().add(first) }),
            to: [values, moments[0], moments[1]].map(|place| unsafe { place.to.behind(first) }),
        };
        // SAFETY: as above.
        unsafe { update_part(set, &part) }
    });
}

/// What one thread does at once.
struct Part {
    numbers: Numbers,
    len: usize,
    gradient: *const f32,
    /// Values and both means.
    from: [*const f32; 3],
    to: [Shared; 3],
}

for_processor!(fn update_part(part: &Part) = update_part_of);

/// In plain arithmetic, which the compiler makes lanes of.
#[inline(always)]
unsafe fn update_part_of<V: Lanes>(part: &Part) {
    let n = part.numbers;
    let [values, means, squares] = part.from;
    let [to_values, to_means, to_squares] = part.to.map(Shared::pointer);
    for i in 0..part.len {
        // SAFETY: all have so many numbers.
        unsafe {
            let g = *part.gradient.add(i) * n.scale;
            let mean = *means.add(i) * n.betas[0] + g * n.rests[0];
            let square = *squares.add(i) * n.betas[1] + g * g * n.rests[1];
            let root = (square / n.unbias).sqrt() + n.epsilon;
            let value = *values.add(i) * n.kept - mean / root * n.rate;
            *to_means.add(i) = mean;
            *to_squares.add(i) = square;
            *to_values.add(i) = value;
        }
    }
}

/// The sum of the squares, in f64: the same with any number of threads.
pub(crate) fn squares(set: InstructionSet, numbers: &[f32]) -> f64 {
    let mut sums = vec![0.0; numbers.len().div_ceil(ALONE)];
    let (from, to) = (Source::of(numbers), Shared::new(&mut sums));
    let len = numbers.len();
    for_each(len.div_ceil(ALONE), |number| {
        let first = number * ALONE;
        let mut sum = 0.0;
        // SAFETY: the part lies within the numbers, and has a place of its own.
        unsafe {
            squares_part(
                set,
                from.pointer().add(first),
                ALONE.min(len - first),
                &mut sum,
            );
            to.behind(number).pointer().write(sum);
        }
    });
    sums.iter().sum()
}

for_processor!(fn squares_part(from: *const f32, len: usize, sum: &mut f64) = squares_part_of);

#[inline(always)]
unsafe fn squares_part_of<V: Lanes>(from: *const f32, len: usize, sum: &mut f64) {
    /// Sums side by side.
    const WIDTH: usize = 16;
    let mut sums = [0f64; WIDTH];
    let whole = len / WIDTH * WIDTH;
    // SAFETY: there are `len` numbers.
    unsafe {
        for at in (0..whole).step_by(WIDTH) {
            for (lane, sum) in sums.iter_mut().enumerate() {
                let x = f64::from(*from.add(at + lane));
                *sum += x * x;
            }
        }
        for at in whole..len {
            let x = f64::from(*from.add(at));
            sums[at - whole] += x * x;
        }
    }
    *sum = sums.iter().sum();
}
