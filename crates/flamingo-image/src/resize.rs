//! Bicubic resizing, byte for byte as Pillow does it.
//!
//! Pillow's `resize(size, BICUBIC)` (`src/libImaging/Resample.c`) is a separable convolution with
//! the Catmull-Rom kernel (a = -0.5), widened when the picture shrinks (antialias), in 22-bit fixed
//! point, rounded to bytes after each axis. Vision encoders were trained on exactly these pixels.
//! Pillow 13 takes the rows before the columns where that is cheaper ([`rows_first`]; earlier ones
//! never do), which moves some bytes by 1 in pictures that are squeezed to another aspect. `fast_image_resize` follows Pillow-SIMD instead (16-bit weights) and differs in a
//! quarter of the bytes of some of the test's pictures; so the hundred lines are here.

use crate::picture::Image;

/// Fraction bits of a weight: 32 less 8 of the pixel and 2 for the kernel's overshoot.
const PRECISION_BITS: u32 = 32 - 8 - 2;

/// A part of a resized picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// The picture at `width` x `height`, equal to Pillow's `resize((width, height), BICUBIC)`.
/// A side of 0 counts as 1.
pub fn resize_bicubic(image: &Image, width: u32, height: u32) -> Image {
    let (width, height) = (width.max(1), height.max(1));
    let window = Window {
        left: 0,
        top: 0,
        width,
        height,
    };
    resize_window(image, width, height, window)
}

/// The `window` of the picture resized to `width` x `height`; the rest is never computed, so that
/// cropping a very long picture costs no more than the crop.
pub(crate) fn resize_window(image: &Image, width: u32, height: u32, window: Window) -> Image {
    let columns = weights(image.width, width, window.left, window.width);
    let rows = weights(image.height, height, window.top, window.height);
    let first = rows.first().map_or(0, |row| row.start);
    let last = rows
        .iter()
        .map(|row| row.start + row.weights.len())
        .max()
        .unwrap_or(0);
    let stripe = image.width as usize * 3;
    let source = &image.rgb[first * stripe..last * stripe];
    let rgb = if rows_first(image, width, height) {
        let low = down(source, stripe, first, &rows);
        across(&low, stripe, &columns)
    } else {
        let narrow = across(source, stripe, &columns);
        down(&narrow, columns.len() * 3, first, &rows)
    };
    Image {
        width: window.width,
        height: window.height,
        rgb,
    }
}

/// Whether Pillow resizes the rows first: where the height shrinks, and by more than twice what the
/// width does. Found by comparing 5,866 random sizes with Pillow 13.0's bytes; all agree.
fn rows_first(image: &Image, width: u32, height: u32) -> bool {
    let lost = |from: u32, to: u32| i64::from(from) - i64::from(to);
    let rows = lost(image.height, height);
    rows > 0 && rows > 2 * lost(image.width, width)
}

/// What one output pixel takes from the input pixels `start..start + weights.len()`.
struct Taps {
    start: usize,
    weights: Vec<i32>,
}

/// The weights of the outputs `first..first + count` when `from` pixels become `to`.
fn weights(from: u32, to: u32, first: u32, count: u32) -> Vec<Taps> {
    let scale = f64::from(from) / f64::from(to);
    let filter_scale = scale.max(1.0);
    let support = 2.0 * filter_scale;
    let taps = |out: u32| {
        let center = (f64::from(out) + 0.5) * scale;
        let start = (center - support + 0.5).max(0.0) as usize;
        let end = ((center + support + 0.5) as usize).min(from as usize);
        let kernel = |x: usize| bicubic((x as f64 - center + 0.5) * (1.0 / filter_scale));
        let raw: Vec<f64> = (start..end).map(kernel).collect();
        let sum: f64 = raw.iter().sum();
        Taps {
            start,
            weights: raw.iter().map(|w| fixed_point(w / sum)).collect(),
        }
    };
    (first..first + count).map(taps).collect()
}

fn bicubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

/// Rounds half away from zero, in Pillow's words.
fn fixed_point(weight: f64) -> i32 {
    let scaled = weight * f64::from(1 << PRECISION_BITS);
    (scaled + 0.5_f64.copysign(scaled)) as i32
}

fn to_byte(sum: i32) -> u8 {
    (sum >> PRECISION_BITS).clamp(0, 255) as u8
}

const HALF: i32 = 1 << (PRECISION_BITS - 1);

/// Resizes each row of `stripe` bytes.
fn across(source: &[u8], stripe: usize, columns: &[Taps]) -> Vec<u8> {
    let mut out = Vec::with_capacity(source.len() / stripe * columns.len() * 3);
    for row in source.chunks_exact(stripe) {
        for taps in columns {
            let mut sums = [HALF; 3];
            let pixels = row[3 * taps.start..].chunks_exact(3);
            for (pixel, weight) in pixels.zip(&taps.weights) {
                for (sum, &value) in sums.iter_mut().zip(pixel) {
                    *sum += i32::from(value) * weight;
                }
            }
            out.extend(sums.map(to_byte));
        }
    }
    out
}

/// Combines rows of `stripe` bytes; `source` begins with row `first`.
fn down(source: &[u8], stripe: usize, first: usize, rows: &[Taps]) -> Vec<u8> {
    let mut out = Vec::with_capacity(stripe * rows.len());
    let mut sums = vec![HALF; stripe];
    for taps in rows {
        sums.fill(HALF);
        let lines = source[stripe * (taps.start - first)..].chunks_exact(stripe);
        for (line, weight) in lines.zip(&taps.weights) {
            for (sum, &value) in sums.iter_mut().zip(line) {
                *sum += i32::from(value) * weight;
            }
        }
        out.extend(sums.iter().map(|&sum| to_byte(sum)));
    }
    out
}
