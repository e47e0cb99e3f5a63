use super::product::{Level, product};
use super::*;
use crate::cpu::activation::Function;
use crate::cpu::finish::Finish;

/// Numbers of no pattern in about -1 ..= 1.
fn numbers(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..n).map(|_| next() * next() + 0.3 * next()).collect()
}

/// A matrix whose rows are no multiple of a tile, of two blocks of the format.
fn matrix(kind: QuantKind) -> QuantisedMatrix {
    let shape = [37, 2 * kind.block()];
    let values = numbers(shape[0] * shape[1], 1 + kind as u64);
    QuantisedMatrix::nearest(kind, shape, &values).expect("fits")
}

/// `x W^T` in f64.
fn reference(weights: &[f32], x: &[f32], d_input: usize) -> Vec<f64> {
    let dot = |x: &[f32], w: &[f32]| -> f64 {
        x.iter()
            .zip(w)
            .map(|(&x, &w)| f64::from(x) * f64::from(w))
            .sum()
    };
    x.chunks(d_input)
        .flat_map(|x| weights.chunks(d_input).map(move |w| dot(x, w)))
        .collect()
}

#[test]
fn a_product_is_that_of_the_dequantised_matrix_but_for_the_rounding_of_activations() {
    for kind in QuantKind::ALL {
        let matrix = matrix(kind);
        let [d_output, d_input] = matrix.shape();
        let x = numbers(5 * d_input, 11);
        let found = matrix.product(&x);
        let expected = reference(&matrix.dequantise(), &x, d_input);
        assert_eq!(found.len(), 5 * d_output);
        let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
        let size = square(&mut expected.iter().copied());
        let error = square(&mut found.iter().zip(&expected).map(|(&a, b)| f64::from(a) - b));
        let share = (error / size).sqrt();
        assert!(share < 0.01, "{kind}: {share}");
        // Activations that 8 bits hold exactly leave only the rounding of sums.
        let x: Vec<f32> = (0..d_input)
            .map(|i| ((i * 37) % 255) as f32 - 127.0)
            .collect();
        let x: Vec<f32> = x
            .chunks(32)
            .flat_map(|x| [&[127.0], &x[1..]].concat())
            .collect();
        let exact = reference(&matrix.dequantise(), &x, d_input);
        for (a, b) in matrix.product(&x).iter().zip(exact) {
            assert!((f64::from(*a) - b).abs() < 1e-3, "{kind}: {a} {b}");
        }
    }
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    for kind in QuantKind::ALL {
        let matrix = matrix(kind);
        let x = numbers(11 * matrix.shape()[1], 3);
        let expected = product(&matrix, &x, Level::Portable, Finish::default());
        for level in Level::available() {
            assert_eq!(
                product(&matrix, &x, level, Finish::default()),
                expected,
                "{kind} {level:?}"
            );
        }
    }
}

#[test]
fn a_row_alone_is_the_row_in_a_batch() {
    for kind in QuantKind::ALL {
        let matrix = matrix(kind);
        let d_input = matrix.shape()[1];
        for rows in [2, 3, 5, 7, 8, 13, 23] {
            let x = numbers(rows * d_input, rows as u64);
            let alone: Vec<f32> = x.chunks(d_input).flat_map(|x| matrix.product(x)).collect();
            assert_eq!(matrix.product(&x), alone, "{kind}, {rows} rows");
        }
    }
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let (kind, shape) = (QuantKind::Q4K, [1031, 512]);
    let matrix = QuantisedMatrix::nearest(kind, shape, &numbers(1031 * 512, 5)).expect("fits");
    let x = numbers(17 * 512, 6);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("a pool").install(|| matrix.product(&x))
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn bytes_of_a_file_and_the_matrix_stand_for_the_same_numbers() {
    for kind in QuantKind::ALL {
        let (rows, d_input) = (19, 3 * kind.block());
        let bytes = quantise_rows(kind, &numbers(rows * d_input, 7), d_input).expect("fits");
        assert_eq!(bytes.len(), rows * kind.row_bytes(d_input));
        let matrix = QuantisedMatrix::from_bytes(kind, [rows, d_input], &bytes).expect("fits");
        assert_eq!(matrix.dequantise(), dequantise_rows(kind, &bytes), "{kind}");
    }
}

#[test]
fn what_does_not_fit_is_told_with_both_values() {
    let told = |kind, shape: [usize; 2], value: f32| {
        let values = vec![value; shape[0] * shape[1]];
        let error = QuantisedMatrix::nearest(kind, shape, &values).expect_err("unfit");
        error.to_string()
    };
    let width = told(QuantKind::Q4K, [3, 160], 1.0);
    assert_eq!(
        width,
        "its rows have 160 numbers, q4_k takes multiples of 256"
    );
    assert!(told(QuantKind::Q8_0, [3, 31], 1.0).contains("31"));
    for value in [f32::NAN, f32::INFINITY, 7e4] {
        assert!(told(QuantKind::Q8_0, [3, 32], value).contains("65504"));
    }
    let short = QuantisedMatrix::from_bytes(QuantKind::Q8_0, [3, 32], &[0; 101]);
    let told = short.expect_err("unfit").to_string();
    assert_eq!(told, "it has 101 bytes, [3, 32] in q8_0 are 102");
}

#[test]
fn a_finished_product_is_the_product_and_then_the_rest() {
    let matrix = matrix(QuantKind::Q8_0);
    let [d_output, d_input] = matrix.shape();
    let x = numbers(19 * d_input, 9);
    let (bias, stream) = (numbers(d_output, 1), numbers(19 * d_output, 2));
    let finish = Finish {
        bias: Some(&bias),
        function: Some(Function::Relu),
        stream: Some(&stream),
    };
    let mut expected = matrix.product(&x);
    for (i, value) in expected.iter_mut().enumerate() {
        *value = (*value + bias[i % d_output]).max(0.0) + stream[i];
    }
    assert_eq!(matrix.finished_product(&x, finish), expected);
}

#[test]
fn an_activation_that_is_no_number_is_not_hidden() {
    let matrix = matrix(QuantKind::Q8_0);
    for value in [f32::NAN, f32::INFINITY] {
        let mut x = numbers(2 * 64, 9);
        x[70] = value;
        let y = matrix.product(&x);
        assert!(y[..37].iter().all(|y| y.is_finite()));
        assert!(y[37..].iter().all(|y| !y.is_finite()));
    }
}

#[test]
fn no_rows_give_no_outputs() {
    assert_eq!(matrix(QuantKind::Q4_0).product(&[]), Vec::<f32>::new());
}

/// Blocks of every format, and what GGUF's own package makes of them (`make_golden.py`).
const GOLDEN: &[u8] = include_bytes!("golden.bin");

#[test]
fn blocks_of_a_file_stand_for_the_numbers_that_gguf_reads_in_them() {
    let mut rest = GOLDEN;
    for kind in QuantKind::ALL {
        let (bytes, behind) = rest.split_at(kind.row_bytes(256));
        let (numbers, behind) = behind.split_at(4 * 256);
        rest = behind;
        let numbers: Vec<f32> = numbers
            .as_chunks::<4>()
            .0
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect();
        assert_eq!(dequantise_rows(kind, bytes), numbers, "{kind}");
        let matrix = QuantisedMatrix::from_bytes(kind, [1, 256], bytes).expect("fits");
        assert_eq!(matrix.dequantise(), numbers, "{kind}");
    }
    assert!(rest.is_empty());
}
