//! The exponential function and what is made of it, on vectors.

use crate::cpu::simd::Lanes;

/// `e^x` to within two units in the last place: 0 below the range of f32, infinity above it.
#[inline(always)]
pub(crate) unsafe fn exp<V: Lanes>(x: V) -> V {
    unsafe {
        // e^x = 2^n e^r with |r| <= ln 2 / 2; ln 2 in two parts, the first of few bits.
        // In this order what is no number stays none.
        let x = V::splat(-104.0).max(V::splat(89.0).min(x));
        let n = x.mul(V::splat(std::f32::consts::LOG2_E)).round();
        let r = n.mul_add(V::splat(-0.693_359_4), x);
        let r = n.mul_add(V::splat(2.121_944_4e-4), r);
        // Taylor's series; its eighth term is below half a unit.
        let mut series = V::splat(1.0 / 5040.0);
        for coefficient in [
            1.0 / 720.0,
            1.0 / 120.0,
            1.0 / 24.0,
            1.0 / 6.0,
            0.5,
            1.0,
            1.0,
        ] {
            series = series.mul_add(r, V::splat(coefficient));
        }
        // In two steps, for the power alone may lie beyond the range.
        let half = n.mul(V::splat(0.5)).round();
        series.scale_by_power(half).scale_by_power(n.sub(half))
    }
}
