//! Normalisation of rows and its gradients. A row is read from memory once and stays in the first
//! cache for its two sums (the mean, then the squares of the distances from it) and its output.
//!
//! A row's result depends on the row alone. Gradients of scale and shift are sums over rows: over
//! blocks of rows that the number of rows alone decides, the blocks one after the other.

use rayon::prelude::*;

use crate::cpu::columns::Blocks;
use crate::cpu::product::Shared;
use crate::cpu::simd::{InstructionSet, LANES, Lanes, for_processor};
use crate::cpu::{ALONE, Place};

/// What is done with a row of `d` elements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Normalisation {
    pub(crate) d: usize,
    /// Whether the mean is subtracted.
    pub(crate) centred: bool,
    pub(crate) epsilon: f32,
}

/// Writes `(x - mean) / deviation * weight + bias` for each row.
///
/// # Panics
/// If a slice is not as long as rows of `d` elements are.
pub(crate) fn normalise(
    set: InstructionSet,
    how: Normalisation,
    place: Place,
    weight: &[f32],
    bias: Option<&[f32]>,
) {
    let d = how.d;
    assert!(
        weight.len() == d && bias.is_none_or(|bias| bias.len() == d),
        "lengths of scale and shift"
    );
    if place.len == 0 {
        return;
    }
    assert_eq!(place.len % d, 0, "whole rows");
    let (rows, at_once) = (place.len / d, (ALONE / d).max(1));
    let block = |first: usize| {
        let rows = Rows {
            how,
            rows: [first, (first + at_once).min(rows)],
            x: place.from.pointer(),
            weight: weight.as_ptr(),
            bias: bias.map_or(std::ptr::null(), <[f32]>::as_ptr),
            out: place.to.pointer(),
        };
        // SAFETY: lengths were checked above, and blocks write rows of their own.
        unsafe { forward(set, &rows) }
    };
    match rows <= at_once {
        true => block(0),
        false => (0..rows.div_ceil(at_once))
            .into_par_iter()
            .for_each(|number| block(number * at_once)),
    }
}

/// What [`gradients`] is given and where its results go.
pub(crate) struct Backward<'a> {
    pub(crate) x: &'a [f32],
    pub(crate) weight: &'a [f32],
    /// The output's gradient, and the place for that of `x`, which may be the same.
    pub(crate) place: Place,
    /// Whether the gradients of scale and shift are.
    pub(crate) of_parameters: bool,
}

/// Gradients of [`normalise`]; returns those of scale and shift.
///
/// # Panics
/// If a slice is not as long as rows of `d` elements are.
pub(crate) fn gradients(
    set: InstructionSet,
    how: Normalisation,
    of: &Backward<'_>,
) -> Option<[Vec<f32>; 2]> {
    let d = how.d;
    assert_eq!(
        (of.weight.len(), of.place.len),
        (d, of.x.len()),
        "lengths of scale and gradient"
    );
    let rows = of.x.len() / d.max(1);
    assert_eq!(rows * d, of.x.len(), "whole rows");
    let blocks = Blocks::of(rows);
    let mut sums = match of.of_parameters {
        true => vec![0.0; blocks.count * 2 * d],
        false => Vec::new(),
    };
    let to = of.of_parameters.then(|| Shared::new(&mut sums));
    blocks.for_each(rows * d > ALONE, |number, rows| {
        let task = Reverse {
            how,
            rows,
            x: of.x.as_ptr(),
            weight: of.weight.as_ptr(),
            gradient: of.place.from.pointer(),
            out: of.place.to.pointer(),
            // SAFETY: each block has `2 d` sums.
            sums: to.map_or(std::ptr::null_mut(), |to| unsafe {
                to.behind(number * 2 * d).pointer()
            }),
        };
        // SAFETY: lengths were checked above, and blocks write rows and sums of their own.
        unsafe { backward(set, &task) }
    });
    of.of_parameters.then(|| {
        let both = blocks.total(&sums, 2 * d);
        [both[..d].to_vec(), both[d..].to_vec()]
    })
}

struct Rows {
    how: Normalisation,
    rows: [usize; 2],
    x: *const f32,
    weight: *const f32,
    bias: *const f32,
    out: *mut f32,
}

struct Reverse {
    how: Normalisation,
    rows: [usize; 2],
    x: *const f32,
    weight: *const f32,
    gradient: *const f32,
    out: *mut f32,
    /// Of scale, then of shift. Null if not wanted.
    sums: *mut f32,
}

for_processor!(fn forward(rows: &Rows) = forward_of);
for_processor!(fn backward(task: &Reverse) = backward_of);

/// The element of a row at `at` and those after it, of `d`: `rest` in the lanes beyond.
#[inline(always)]
unsafe fn load<V: Lanes>(row: *const f32, at: usize, d: usize, rest: f32) -> V {
    unsafe {
        match d - at >= LANES {
            true => V::load(row.add(at)),
            false => V::load_first(row.add(at), d - at, rest),
        }
    }
}

#[inline(always)]
unsafe fn store<V: Lanes>(value: V, row: *mut f32, at: usize, d: usize) {
    unsafe {
        match d - at >= LANES {
            true => value.store(row.add(at)),
            false => value.store_first(row.add(at), d - at),
        }
    }
}

/// The sum of the elements' distances from `mean`, or of the squares of these.
#[inline(always)]
unsafe fn sum_of<V: Lanes, const SQUARES: bool>(row: *const f32, d: usize, mean: f32) -> f32 {
    unsafe {
        let centre = V::splat(mean);
        let mut sums = [V::splat(0.0); 4];
        let mut at = 0;
        while at + 4 * LANES <= d {
            for (lane, sum) in sums.iter_mut().enumerate() {
                let distance = V::load(row.add(at + lane * LANES)).sub(centre);
                *sum = match SQUARES {
                    true => distance.mul_add(distance, *sum),
                    false => sum.add(distance),
                };
            }
            at += 4 * LANES;
        }
        while at < d {
            let distance = load::<V>(row, at, d, mean).sub(centre);
            sums[0] = match SQUARES {
                true => distance.mul_add(distance, sums[0]),
                false => sums[0].add(distance),
            };
            at += LANES;
        }
        let four = V::sums(sums);
        (four[0] + four[1]) + (four[2] + four[3])
    }
}

/// The mean (0 if it stays) and what the distances from it are multiplied by.
#[inline(always)]
unsafe fn statistics<V: Lanes>(row: *const f32, how: &Normalisation) -> [f32; 2] {
    unsafe {
        let n = how.d as f32;
        let mean = match how.centred {
            true => sum_of::<V, false>(row, how.d, 0.0) / n,
            false => 0.0,
        };
        let variance = sum_of::<V, true>(row, how.d, mean) / n;
        [mean, 1.0 / (variance + how.epsilon).sqrt()]
    }
}

#[inline(always)]
unsafe fn forward_of<V: Lanes>(rows: &Rows) {
    let d = rows.how.d;
    unsafe {
        for number in rows.rows[0]..rows.rows[1] {
            let (row, out) = (rows.x.add(number * d), rows.out.add(number * d));
            let [mean, scale] = statistics::<V>(row, &rows.how).map(|value| V::splat(value));
            for at in (0..d).step_by(LANES) {
                let normal = load::<V>(row, at, d, 0.0).sub(mean).mul(scale);
                let weight = load::<V>(rows.weight, at, d, 0.0);
                let value = match rows.bias.is_null() {
                    true => normal.mul(weight),
                    false => normal.mul_add(weight, load::<V>(rows.bias, at, d, 0.0)),
                };
                store(value, out, at, d);
            }
        }
    }
}

/// With `n` the normalised row and `g` the output's gradient times the scale, the gradient of the row
/// is `(g - mean(g) - n mean(g n)) / deviation`, without `mean(g)` where no mean was subtracted.
#[inline(always)]
unsafe fn backward_of<V: Lanes>(task: &Reverse) {
    let d = task.how.d;
    unsafe {
        for number in task.rows[0]..task.rows[1] {
            let (row, dy) = (task.x.add(number * d), task.gradient.add(number * d));
            let [mean, scale] = statistics::<V>(row, &task.how).map(|value| V::splat(value));
            let mut sums = [V::splat(0.0); 4];
            for at in (0..d).step_by(LANES) {
                let normal = load::<V>(row, at, d, 0.0).sub(mean).mul(scale);
                let g = load::<V>(dy, at, d, 0.0).mul(load::<V>(task.weight, at, d, 0.0));
                let pair = at / LANES % 2 * 2;
                sums[pair] = sums[pair].add(g);
                sums[pair + 1] = g.mul_add(normal, sums[pair + 1]);
            }
            let [a, b, c, e] = V::sums(sums);
            let mean_g = match task.how.centred {
                true => V::splat((a + c) / d as f32),
                false => V::splat(0.0),
            };
            let mean_gn = V::splat((b + e) / d as f32);
            for at in (0..d).step_by(LANES) {
                let normal = load::<V>(row, at, d, 0.0).sub(mean).mul(scale);
                let gradient = load::<V>(dy, at, d, 0.0);
                if !task.sums.is_null() {
                    let (of_scale, of_shift) = (task.sums, task.sums.add(d));
                    let before = load::<V>(of_scale, at, d, 0.0);
                    store(gradient.mul_add(normal, before), of_scale, at, d);
                    let before = load::<V>(of_shift, at, d, 0.0);
                    store(gradient.add(before), of_shift, at, d);
                }
                let g = gradient.mul(load::<V>(task.weight, at, d, 0.0));
                let value = g.sub(mean_g).sub(normal.mul(mean_gn)).mul(scale);
                store(value, task.out.add(number * d), at, d);
            }
        }
    }
}
