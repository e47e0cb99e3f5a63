//! Functions of single elements and their gradients, and the sum of a residual stream and what a gate
//! lets through.

use rayon::prelude::*;

use crate::cpu::exp::exp;
use crate::cpu::product::Shared;
use crate::cpu::simd::{InstructionSet, LANES, Lanes, for_processor};
use crate::cpu::{ALONE, Place, Source};

/// A function of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    Gelu,
    GeluTanh,
    QuickGelu,
    Relu,
    Relu6,
    SquaredRelu,
    Silu,
}

/// Writes the function of each element.
pub(crate) fn apply(set: InstructionSet, function: Function, place: Place) {
    in_blocks(place.len, ALONE, |first, len| {
        // SAFETY: the place is as long as it says, and blocks write elements of their own.
        unsafe {
            let (from, to) = (place.from.pointer().add(first), place.to.behind(first));
            values(set, function, from, to, len);
        }
    });
}

/// Writes each element of a gradient, the place's, times the function's derivative at `x`.
///
/// # Panics
/// If there are not as many.
pub(crate) fn gradient(set: InstructionSet, function: Function, x: &[f32], place: Place) {
    assert_eq!(x.len(), place.len, "as many elements as gradients");
    in_blocks(place.len, ALONE, |first, len| {
        // SAFETY: the lengths are the same, and blocks write elements of their own.
        unsafe {
            let (from, to) = (place.from.pointer().add(first), place.to.behind(first));
            slopes(set, function, x.as_ptr().add(first), from, to, len);
        }
    });
}

/// Writes `x + y gate`, or `y gate` without an `x`, for rows as long as the gate; one of length 1 is for
/// all elements.
///
/// # Panics
/// If there are no whole rows.
///
/// # Safety
/// `x` and `y` must be as long as the place, which may be one of them.
pub(crate) unsafe fn add_gated(
    set: InstructionSet,
    x: Option<Source>,
    y: Source,
    gate: &[f32],
    place: Place,
) {
    assert!(
        place.len == 0 || place.len.is_multiple_of(gate.len()),
        "whole rows"
    );
    let at_once = (ALONE / gate.len().max(1)).max(1) * gate.len();
    in_blocks(place.len, at_once, |first, len| {
        // SAFETY: everything is as long as the place, and blocks write elements of their own.
        unsafe {
            let gated = Gated {
                x: x.map_or(std::ptr::null(), |x| x.pointer().add(first)),
                y: y.pointer().add(first),
                out: place.to.behind(first).pointer(),
                len,
                gate: gate.as_ptr(),
                d: gate.len(),
            };
            add(set, &gated);
        }
    });
}

/// Calls `block` with the first element and the number of those of each block.
fn in_blocks(len: usize, at_once: usize, block: impl Fn(usize, usize) + Sync) {
    match len <= at_once {
        true => block(0, len),
        false => (0..len.div_ceil(at_once))
            .into_par_iter()
            .for_each(|number| {
                let first = number * at_once;
                block(first, at_once.min(len - first));
            }),
    }
}

for_processor!(pub(crate) fn values(function: Function, from: *const f32, to: Shared, len: usize) = values_of);
for_processor!(fn slopes(function: Function, x: *const f32, from: *const f32, to: Shared, len: usize) = slopes_of);
for_processor!(fn add(gated: &Gated) = add_of);

#[inline(always)]
unsafe fn values_of<V: Lanes>(function: Function, from: *const f32, to: Shared, len: usize) {
    let to = to.pointer();
    unsafe {
        match function {
            Function::Gelu => each_value::<V, Gelu>(from, to, len),
            Function::GeluTanh => each_value::<V, GeluTanh>(from, to, len),
            Function::QuickGelu => each_value::<V, Swish<1702>>(from, to, len),
            Function::Silu => each_value::<V, Swish<1000>>(from, to, len),
            Function::Relu => each_value::<V, Relu>(from, to, len),
            Function::Relu6 => each_value::<V, Relu6>(from, to, len),
            Function::SquaredRelu => each_value::<V, SquaredRelu>(from, to, len),
        }
    }
}

#[inline(always)]
unsafe fn slopes_of<V: Lanes>(
    function: Function,
    x: *const f32,
    from: *const f32,
    to: Shared,
    len: usize,
) {
    let to = to.pointer();
    unsafe {
        match function {
            Function::Gelu => each_slope::<V, Gelu>(x, from, to, len),
            Function::GeluTanh => each_slope::<V, GeluTanh>(x, from, to, len),
            Function::QuickGelu => each_slope::<V, Swish<1702>>(x, from, to, len),
            Function::Silu => each_slope::<V, Swish<1000>>(x, from, to, len),
            Function::Relu => each_slope::<V, Relu>(x, from, to, len),
            Function::Relu6 => each_slope::<V, Relu6>(x, from, to, len),
            Function::SquaredRelu => each_slope::<V, SquaredRelu>(x, from, to, len),
        }
    }
}

#[inline(always)]
unsafe fn each_value<V: Lanes, F: Of>(from: *const f32, to: *mut f32, len: usize) {
    unsafe {
        let whole = len / LANES * LANES;
        for at in (0..whole).step_by(LANES) {
            F::value(V::load(from.add(at))).store(to.add(at));
        }
        if whole < len {
            let last = V::load_first(from.add(whole), len - whole, 0.0);
            F::value(last).store_first(to.add(whole), len - whole);
        }
    }
}

#[inline(always)]
unsafe fn each_slope<V: Lanes, F: Of>(x: *const f32, from: *const f32, to: *mut f32, len: usize) {
    unsafe {
        let whole = len / LANES * LANES;
        for at in (0..whole).step_by(LANES) {
            let slope = F::slope(V::load(x.add(at)));
            slope.mul(V::load(from.add(at))).store(to.add(at));
        }
        if whole < len {
            let left = len - whole;
            let slope = F::slope(V::load_first(x.add(whole), left, 0.0));
            let gradient = V::load_first(from.add(whole), left, 0.0);
            slope.mul(gradient).store_first(to.add(whole), left);
        }
    }
}

/// A function and its derivative.
trait Of {
    unsafe fn value<V: Lanes>(x: V) -> V;
    unsafe fn slope<V: Lanes>(x: V) -> V;
}

struct Gelu;
struct GeluTanh;
/// `x sigmoid(beta x)`, beta in thousandths.
struct Swish<const BETA: u32>;
struct Relu;
struct Relu6;
struct SquaredRelu;

/// The normal distribution's share below `x`, and `e^(-x^2 / 2)`.
///
/// The share beyond `|x|` is `e^(-x^2 / 2) (1 - s) p(s)` with `s = c |x| / (1 + c |x|)`. The polynomial is
/// the Chebyshev fit of degree 8 of what that leaves, within 3e-8 of it wherever the share is not 0 in
/// f32. Small shares are as exact as large ones, which `1 + erf` would not make them.
#[inline(always)]
unsafe fn normal<V: Lanes>(x: V) -> [V; 2] {
    unsafe {
        let (zero, one) = (V::splat(0.0), V::splat(1.0));
        let scaled = x.max(zero.sub(x)).mul(V::splat(0.268_700_57));
        let rest = one.div(scaled.add(one));
        let s = scaled.mul(rest);
        let bell = exp(x.mul(x).mul(V::splat(-0.5)));
        let mut p = V::splat(0.029_815_132);
        for coefficient in [
            -0.105_724_89,
            0.090_689_294,
            0.091_277_175,
            -0.085_502_97,
            -0.421_890_6,
            0.993_256_57,
            -0.984_711_5,
            0.5,
        ] {
            p = p.mul_add(s, V::splat(coefficient));
        }
        let beyond = p.mul(rest).mul(bell);
        [x.choose(one.sub(beyond), beyond), bell]
    }
}

impl Of for Gelu {
    #[inline(always)]
    unsafe fn value<V: Lanes>(x: V) -> V {
        unsafe { x.mul(normal(x)[0]) }
    }
    #[inline(always)]
    unsafe fn slope<V: Lanes>(x: V) -> V {
        unsafe {
            let [below, bell] = normal(x);
            // 1 / sqrt(2 pi)
            x.mul(bell).mul_add(V::splat(0.398_942_3), below)
        }
    }
}

/// `sigmoid(x)`.
#[inline(always)]
unsafe fn sigmoid<V: Lanes>(x: V) -> V {
    unsafe {
        let one = V::splat(1.0);
        one.div(one.add(exp(V::splat(0.0).sub(x))))
    }
}

/// Twice the square root of 2 / pi: `(1 + tanh(u)) / 2` is the sigmoid of `2 u`.
const TWICE: f32 = 1.595_769;
const CUBE: f32 = 0.044_715;

impl Of for GeluTanh {
    #[inline(always)]
    unsafe fn value<V: Lanes>(x: V) -> V {
        unsafe {
            let square = x.mul(x);
            let inner = square.mul_add(V::splat(TWICE * CUBE), V::splat(TWICE));
            x.mul(sigmoid(x.mul(inner)))
        }
    }
    #[inline(always)]
    unsafe fn slope<V: Lanes>(x: V) -> V {
        unsafe {
            // Beyond, it is 0 or 1, and the square would leave the range.
            let x = V::splat(-16.0).max(V::splat(16.0).min(x));
            let square = x.mul(x);
            let inner = square.mul_add(V::splat(TWICE * CUBE), V::splat(TWICE));
            let s = sigmoid(x.mul(inner));
            let of_inner = square.mul_add(V::splat(3.0 * TWICE * CUBE), V::splat(TWICE));
            let rest = V::splat(1.0).sub(s);
            x.mul(s).mul(rest).mul_add(of_inner, s)
        }
    }
}

impl<const BETA: u32> Of for Swish<BETA> {
    #[inline(always)]
    unsafe fn value<V: Lanes>(x: V) -> V {
        unsafe { x.mul(sigmoid(x.mul(V::splat(BETA as f32 / 1000.0)))) }
    }
    #[inline(always)]
    unsafe fn slope<V: Lanes>(x: V) -> V {
        unsafe {
            let scaled = x.mul(V::splat(BETA as f32 / 1000.0));
            let s = sigmoid(scaled);
            scaled.mul(V::splat(1.0).sub(s)).mul_add(s, s)
        }
    }
}

impl Of for Relu {
    #[inline(always)]
    unsafe fn value<V: Lanes>(x: V) -> V {
        unsafe { V::splat(0.0).max(x) }
    }
    #[inline(always)]
    unsafe fn slope<V: Lanes>(x: V) -> V {
        unsafe { x.choose(V::splat(1.0), V::splat(0.0)) }
    }
}

impl Of for Relu6 {
    #[inline(always)]
    unsafe fn value<V: Lanes>(x: V) -> V {
        unsafe { V::splat(0.0).max(V::splat(6.0).min(x)) }
    }
    #[inline(always)]
    unsafe fn slope<V: Lanes>(x: V) -> V {
        unsafe {
            let (zero, one) = (V::splat(0.0), V::splat(1.0));
            let below = V::splat(6.0).sub(x).choose(one, zero);
            x.choose(below, zero)
        }
    }
}

impl Of for SquaredRelu {
    #[inline(always)]
    unsafe fn value<V: Lanes>(x: V) -> V {
        unsafe {
            let positive = V::splat(0.0).max(x);
            positive.mul(positive)
        }
    }
    #[inline(always)]
    unsafe fn slope<V: Lanes>(x: V) -> V {
        unsafe {
            let positive = V::splat(0.0).max(x);
            positive.add(positive)
        }
    }
}

struct Gated {
    /// Null for zeros.
    x: *const f32,
    y: *const f32,
    out: *mut f32,
    len: usize,
    gate: *const f32,
    /// Length of the gate.
    d: usize,
}

#[inline(always)]
unsafe fn add_of<V: Lanes>(gated: &Gated) {
    unsafe {
        if gated.d == 1 {
            let gate = V::splat(*gated.gate);
            add_row(gated, 0, gated.len, |_, _| gate);
            return;
        }
        for first in (0..gated.len).step_by(gated.d) {
            add_row(gated, first, gated.d, |at, left| match left >= LANES {
                true => V::load(gated.gate.add(at)),
                false => V::load_first(gated.gate.add(at), left, 0.0),
            });
        }
    }
}

#[inline(always)]
unsafe fn add_row<V: Lanes>(
    gated: &Gated,
    first: usize,
    len: usize,
    gate: impl Fn(usize, usize) -> V,
) {
    unsafe {
        let y = gated.y.add(first);
        for at in (0..len).step_by(LANES) {
            let left = len - at;
            let whole = left >= LANES;
            let factor = gate(at, left);
            let y = match whole {
                true => V::load(y.add(at)),
                false => V::load_first(y.add(at), left, 0.0),
            };
            let value = if gated.x.is_null() {
                y.mul(factor)
            } else {
                let x = gated.x.add(first + at);
                let x = match whole {
                    true => V::load(x),
                    false => V::load_first(x, left, 0.0),
                };
                y.mul_add(factor, x)
            };
            match whole {
                true => value.store(gated.out.add(first + at)),
                false => value.store_first(gated.out.add(first + at), left),
            }
        }
    }
}
