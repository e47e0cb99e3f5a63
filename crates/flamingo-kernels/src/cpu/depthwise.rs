//! Convolutions of each channel by itself, over pictures whose channels lie side by side.
//!
//! Sixteen channels at a time go over a row of the output, four places beside each other where all of the
//! kernel is inside the picture: a weight that was loaded is used four times.

use std::ops::Range;

use rayon::prelude::*;

use crate::cpu::ALONE;
use crate::cpu::product::Shared;
use crate::cpu::simd::{InstructionSet, LANES, Lanes, for_processor};

/// Places of an output row that are made together.
const TOGETHER: usize = 4;

/// What is convolved with what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) pictures: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
    /// Height and width of the kernel.
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
}

impl Sizes {
    /// Height and width of the output.
    pub(crate) fn output(&self) -> [usize; 2] {
        [self.height, self.width].map(|size| size.div_ceil(self.stride))
    }

    /// Rows or columns of zeros before the first of `size`: half of those that the last place of the
    /// output needs, the odd one being behind.
    fn before(&self, size: usize) -> usize {
        let outputs = size.div_ceil(self.stride);
        (((outputs - 1) * self.stride + self.kernel).saturating_sub(size)) / 2
    }

    /// The places of an output row at which the whole width of the kernel is inside the picture.
    fn inner(&self) -> Range<usize> {
        let before = self.before(self.width);
        let from = before.div_ceil(self.stride);
        let to = (self.width + before)
            .checked_sub(self.kernel)
            .map_or(0, |last| last / self.stride + 1);
        from..to.max(from)
    }
}

/// One call's operands.
struct Job<'a> {
    sizes: Sizes,
    x: &'a [f32],
    weight: &'a [f32],
    bias: &'a [f32],
    /// The output is kept within these.
    within: [f32; 2],
    out: Shared,
}

/// The convolution, kept within two bounds.
///
/// # Shapes
/// - `x`: `[pictures, height, width, channels]`
/// - `weight`: `[kernel * kernel, channels]`
/// - `bias`: `[channels]`
/// - output: `[pictures, ceil(height / stride), ceil(width / stride), channels]`
///
/// # Panics
/// If a length is another.
pub(crate) fn depthwise(
    set: InstructionSet,
    sizes: Sizes,
    [x, weight, bias]: [&[f32]; 3],
    within: [f32; 2],
) -> Vec<f32> {
    let c = sizes.channels;
    let [rows, columns] = sizes.output();
    assert_eq!(x.len(), sizes.pictures * sizes.height * sizes.width * c);
    assert_eq!(weight.len(), sizes.kernel * sizes.kernel * c);
    assert_eq!(bias.len(), c);
    let (count, length) = (sizes.pictures * rows, columns * c);
    let mut out = Vec::<f32>::with_capacity(count * length);
    let job = Job {
        sizes,
        x,
        weight,
        bias,
        within,
        out: Shared::unwritten(&mut out),
    };
    // SAFETY: the lengths were checked; each call writes the row of its number.
    let of_row = |number: usize| unsafe { row(set, &job, number) };
    match count * length <= ALONE {
        true => (0..count).for_each(of_row),
        false => (0..count).into_par_iter().for_each(of_row),
    }
    // SAFETY: every row was written.
    unsafe { out.set_len(count * length) };
    out
}

for_processor!(fn row(job: &Job, number: usize) = row_of);

/// Row `number` of all pictures' outputs.
#[inline(always)]
unsafe fn row_of<V: Lanes>(job: &Job, number: usize) {
    let c = job.sizes.channels;
    let [rows, columns] = job.sizes.output();
    let (picture, y) = (number / rows, number % rows);
    let inner = job.sizes.inner();
    unsafe {
        let out = job.out.behind(number * columns * c).pointer();
        for first in (0..c).step_by(LANES) {
            let lanes = LANES.min(c - first);
            let mut x = 0;
            while x < columns {
                let out = out.add(x * c + first);
                if x >= inner.start && x + TOGETHER <= inner.end && lanes == LANES {
                    let sums = inside::<V>(job, [picture, y, x], first);
                    for (i, sum) in sums.into_iter().enumerate() {
                        sum.store(out.add(i * c));
                    }
                    x += TOGETHER;
                } else {
                    let sum = anywhere::<V>(job, [picture, y, x], [first, lanes]);
                    match lanes == LANES {
                        true => sum.store(out),
                        false => sum.store_first(out, lanes),
                    }
                    x += 1;
                }
            }
        }
    }
}

/// Rows of the kernel that are inside the picture for row `y` of the output, and the first row of the
/// picture under them.
#[inline(always)]
fn rows_inside(sizes: &Sizes, y: usize) -> (Range<usize>, usize) {
    let (top, before) = (y * sizes.stride, sizes.before(sizes.height));
    let from = before.saturating_sub(top);
    let to = sizes.kernel.min(sizes.height + before - top);
    (from..to, top + from - before)
}

/// Some places beside each other from `x` on, the kernel's width being inside the picture at all of them.
#[inline(always)]
unsafe fn inside<V: Lanes>(job: &Job, [picture, y, x]: [usize; 3], first: usize) -> [V; TOGETHER] {
    let sizes = &job.sizes;
    let (c, k, step) = (sizes.channels, sizes.kernel, sizes.stride * sizes.channels);
    let (rows, top) = rows_inside(sizes, y);
    let left = x * sizes.stride - sizes.before(sizes.width);
    unsafe {
        let mut sums = [V::load(job.bias.as_ptr().add(first)); TOGETHER];
        for (i, row) in rows.enumerate() {
            let line = (picture * sizes.height + top + i) * sizes.width + left;
            let from = job.x.as_ptr().add(line * c + first);
            let weights = job.weight.as_ptr().add(row * k * c + first);
            for column in 0..k {
                let weight = V::load(weights.add(column * c));
                for (place, sum) in sums.iter_mut().enumerate() {
                    let value = V::load(from.add(place * step + column * c));
                    *sum = value.mul_add(weight, *sum);
                }
            }
        }
        sums.map(|sum| bounded(sum, job.within))
    }
}

/// One place, and as many channels as there are.
#[inline(always)]
unsafe fn anywhere<V: Lanes>(
    job: &Job,
    [picture, y, x]: [usize; 3],
    [first, lanes]: [usize; 2],
) -> V {
    let sizes = &job.sizes;
    let (c, k) = (sizes.channels, sizes.kernel);
    let (rows, top) = rows_inside(sizes, y);
    let (left, before) = (x * sizes.stride, sizes.before(sizes.width));
    unsafe {
        let load = |from: *const f32| match lanes == LANES {
            true => V::load(from),
            false => V::load_first(from, lanes, 0.0),
        };
        let mut sum = load(job.bias.as_ptr().add(first));
        for (i, row) in rows.enumerate() {
            let line = (picture * sizes.height + top + i) * sizes.width;
            for column in before.saturating_sub(left)..k.min(sizes.width + before - left) {
                let at = (line + left + column - before) * c + first;
                let weight = load(job.weight.as_ptr().add((row * k + column) * c + first));
                sum = load(job.x.as_ptr().add(at)).mul_add(weight, sum);
            }
        }
        bounded(sum, job.within)
    }
}

#[inline(always)]
unsafe fn bounded<V: Lanes>(value: V, [low, high]: [f32; 2]) -> V {
    unsafe { V::splat(low).max(V::splat(high).min(value)) }
}
