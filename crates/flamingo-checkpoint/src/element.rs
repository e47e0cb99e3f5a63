//! Turning the bytes of a file into numbers.

use half::{bf16, f16};

use crate::Dtype;
use decode::Decode;

/// A number that tensors can be read as: [`f32`], [`f16`](half::f16) and [`bf16`](half::bf16) from
/// any floating-point tensor, [`i64`] from any integer or boolean one, [`u8`] from its own kind: bytes.
#[allow(
    private_bounds,
    reason = "sealed: how bytes become numbers is no promise"
)]
pub trait Element: Decode {}

/// Elements in a file: the first begins at the first byte.
#[derive(Clone, Copy)]
pub(crate) struct Strided<'a> {
    pub(crate) bytes: &'a [u8],
    /// The distance between neighbours, in elements.
    pub(crate) stride: usize,
}

pub(crate) mod decode {
    use super::*;

    pub(crate) trait Decode: Copy + 'static {
        const NAME: &'static str;

        fn accepts(dtype: Dtype) -> bool;

        /// Fills `out`; `dtype` is one that is accepted.
        fn decode(dtype: Dtype, source: Strided<'_>, out: &mut [Self]);

        /// Gives all values the other sign; of floats only.
        fn negate(out: &mut [Self]);
    }
}

fn each<const N: usize, T>(source: Strided<'_>, out: &mut [T], decode: impl Fn([u8; N]) -> T) {
    let elements = source.bytes.as_chunks::<N>().0;
    if source.stride == 1 {
        for (value, bytes) in out.iter_mut().zip(elements) {
            *value = decode(*bytes);
        }
    } else {
        for (i, value) in out.iter_mut().enumerate() {
            *value = decode(elements[i * source.stride]);
        }
    }
}

/// A float element: how it is made from each of the four formats.
macro_rules! float_element {
    ($type:ty, $name:literal, $f64:expr, $f32:expr, $f16:expr, $bf16:expr) => {
        impl Element for $type {}

        impl Decode for $type {
            const NAME: &'static str = $name;

            fn accepts(dtype: Dtype) -> bool {
                dtype.is_float()
            }

            fn decode(dtype: Dtype, source: Strided<'_>, out: &mut [Self]) {
                match dtype {
                    Dtype::F64 => each(source, out, |b| $f64(f64::from_le_bytes(b))),
                    Dtype::F32 => each(source, out, |b| $f32(f32::from_le_bytes(b))),
                    Dtype::F16 => each(source, out, |b| $f16(f16::from_le_bytes(b))),
                    Dtype::BF16 => each(source, out, |b| $bf16(bf16::from_le_bytes(b))),
                    _ => unreachable!("{dtype} is not accepted"),
                }
            }

            fn negate(out: &mut [Self]) {
                for value in out {
                    *value = -*value;
                }
            }
        }
    };
}

float_element!(f32, "f32", |x| x as f32, |x| x, f16::to_f32, bf16::to_f32);
float_element!(
    f16,
    "f16",
    f16::from_f64,
    f16::from_f32,
    |x| x,
    |x: bf16| { f16::from_f32(x.to_f32()) }
);
float_element!(
    bf16,
    "bf16",
    bf16::from_f64,
    bf16::from_f32,
    |x: f16| bf16::from_f32(x.to_f32()),
    |x| x
);

impl Element for u8 {}

impl Decode for u8 {
    const NAME: &'static str = "u8";

    fn accepts(dtype: Dtype) -> bool {
        dtype == Dtype::U8
    }

    fn decode(_dtype: Dtype, source: Strided<'_>, out: &mut [Self]) {
        each(source, out, |[b]| b);
    }

    fn negate(_: &mut [Self]) {
        unreachable!("only floats are negated");
    }
}

impl Element for i64 {}

impl Decode for i64 {
    const NAME: &'static str = "i64";

    fn accepts(dtype: Dtype) -> bool {
        !dtype.is_float()
    }

    fn decode(dtype: Dtype, source: Strided<'_>, out: &mut [Self]) {
        match dtype {
            Dtype::I64 => each(source, out, i64::from_le_bytes),
            Dtype::I32 => each(source, out, |b| i32::from_le_bytes(b).into()),
            Dtype::I16 => each(source, out, |b| i16::from_le_bytes(b).into()),
            Dtype::I8 => each(source, out, |b| i8::from_le_bytes(b).into()),
            Dtype::U8 => each(source, out, |[b]| b.into()),
            Dtype::Bool => each(source, out, |[b]| (b != 0).into()),
            _ => unreachable!("{dtype} is not accepted"),
        }
    }

    fn negate(_: &mut [Self]) {
        unreachable!("only floats are negated");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded<T: Element + Default>(
        dtype: Dtype,
        bytes: &[u8],
        stride: usize,
        n: usize,
    ) -> Vec<T> {
        let mut out = vec![T::default(); n];
        T::decode(dtype, Strided { bytes, stride }, &mut out);
        out
    }

    #[test]
    fn every_float_format_becomes_every_float_element() {
        for value in [0.0, -1.5, 0.25, 65504.0, f32::INFINITY] {
            let files = [
                (Dtype::F64, f64::from(value).to_le_bytes().to_vec()),
                (Dtype::F32, value.to_le_bytes().to_vec()),
                (Dtype::F16, f16::from_f32(value).to_le_bytes().to_vec()),
                (Dtype::BF16, bf16::from_f32(value).to_le_bytes().to_vec()),
            ];
            for (dtype, bytes) in files {
                let held = match dtype {
                    Dtype::BF16 => bf16::from_f32(value).to_f32(),
                    _ => value,
                };
                assert_eq!(decoded::<f32>(dtype, &bytes, 1, 1), [held]);
                assert_eq!(decoded::<f16>(dtype, &bytes, 1, 1), [f16::from_f32(held)]);
                assert_eq!(decoded::<bf16>(dtype, &bytes, 1, 1), [bf16::from_f32(held)]);
            }
        }
    }

    #[test]
    fn the_payload_of_a_nan_survives_reading_in_its_own_format() {
        let bits = 0x7e5a_u16;
        let read = decoded::<f16>(Dtype::F16, &bits.to_le_bytes(), 1, 1);
        assert_eq!(read[0].to_bits(), bits);
    }

    #[test]
    fn integers_keep_their_sign_and_booleans_become_zero_or_one() {
        assert_eq!(decoded::<i64>(Dtype::I8, &[0xff, 0x7f], 1, 2), [-1, 127]);
        assert_eq!(decoded::<i64>(Dtype::U8, &[0xff], 1, 1), [255]);
        assert_eq!(decoded::<u8>(Dtype::U8, &[0xff, 0], 1, 2), [0xff, 0]);
        assert_eq!(decoded::<i64>(Dtype::Bool, &[0, 7], 1, 2), [0, 1]);
        assert_eq!(
            decoded::<i64>(Dtype::I16, &(-3_i16).to_le_bytes(), 1, 1),
            [-3]
        );
        assert_eq!(
            decoded::<i64>(Dtype::I32, &(-5_i32).to_le_bytes(), 1, 1),
            [-5]
        );
        assert_eq!(
            decoded::<i64>(Dtype::I64, &i64::MIN.to_le_bytes(), 1, 1),
            [i64::MIN]
        );
    }

    #[test]
    fn a_stride_skips_elements_and_a_stride_of_zero_repeats_one() {
        let bytes = [1, 2, 3, 4, 5];
        assert_eq!(decoded::<i64>(Dtype::U8, &bytes, 2, 3), [1, 3, 5]);
        assert_eq!(decoded::<i64>(Dtype::U8, &bytes[..1], 0, 3), [1, 1, 1]);
    }
}
