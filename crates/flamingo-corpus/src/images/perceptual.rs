//! A hash of how a picture looks: the signs of its lowest frequencies.
//!
//! The picture's brightness is averaged over a grid of 32 x 32 cells and taken to frequencies
//! (DCT-II); a bit says whether one of the 64 lowest, the mean left out, is above their median
//! (pHash; Zauner, 2010). Another size or another compression moves few bits.

use std::f32::consts::PI;
use std::sync::LazyLock;

use flamingo_image::{Image, Luma};

const CELLS: usize = 32;
/// The 64 lowest frequencies lie within the first 11 of each axis.
const KEPT: usize = 11;

/// The perceptual hash of a picture.
pub fn perceptual_hash(image: &Image) -> u64 {
    let (pixels, _) = image.rgb.as_chunks::<3>();
    hash_of_luma(&Luma {
        width: image.width,
        height: image.height,
        values: pixels.iter().map(brightness).collect(),
    })
}

/// The perceptual hash of a picture of which only the brightness is known; it may differ by a bit
/// or two from that of its colours.
pub(super) fn hash_of_luma(luma: &Luma) -> u64 {
    bits(&lowest(&means(luma)))
}

/// In how many bits two perceptual hashes differ.
pub fn distance(a: u64, b: u64) -> u32 {
    (a ^ b).count_ones()
}

/// ITU-R BT.601 luma in 8 bits.
fn brightness(&[r, g, b]: &[u8; 3]) -> u8 {
    ((u32::from(r) * 77 + u32::from(g) * 150 + u32::from(b) * 29) >> 8) as u8
}

/// Mean brightness of each cell. A pixel on a border counts in each cell by its share, so that the
/// cells of a picture of another size cover the same parts of it.
fn means(luma: &Luma) -> [f32; CELLS * CELLS] {
    let (width, height) = (luma.width as usize, luma.height as usize);
    let mut means = [0.0; CELLS * CELLS];
    let mut columns = vec![0_u32; width];
    for (row, means) in means.chunks_exact_mut(CELLS).enumerate() {
        columns.fill(0);
        for (y, share) in cell(row, height) {
            let line = &luma.values[y * width..][..width];
            for (sum, &value) in columns.iter_mut().zip(line) {
                *sum += share * u32::from(value);
            }
        }
        for (column, mean) in means.iter_mut().enumerate() {
            let share_of = |(x, share)| u64::from(columns[x]) * u64::from(share);
            let sum: u64 = cell(column, width).map(share_of).sum();
            *mean = (sum as f64 / (width * height) as f64) as f32;
        }
    }
    means
}

/// The pixels of a side that lie in a cell, and how many 32nds of each: `side` in all.
fn cell(cell: usize, side: usize) -> impl Iterator<Item = (usize, u32)> {
    let (start, end) = (cell * side, (cell + 1) * side);
    (start / CELLS..end.div_ceil(CELLS)).map(move |pixel| {
        let from = start.max(pixel * CELLS);
        let to = end.min((pixel + 1) * CELLS);
        (pixel, (to - from) as u32)
    })
}

/// `cos(pi / 32 * (x + 1/2) * u)` at `u * CELLS + x`.
static COSINES: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let cosine = |at| {
        let (u, x) = (at / CELLS, at % CELLS);
        (PI / CELLS as f32 * (x as f32 + 0.5) * u as f32).cos()
    };
    (0..KEPT * CELLS).map(cosine).collect()
});

/// The 64 lowest frequencies after the mean, in zigzag order.
fn lowest(means: &[f32; CELLS * CELLS]) -> [f32; 64] {
    let dot = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    let frequency = |u: usize| &COSINES[u * CELLS..][..CELLS];
    // Rows first: [KEPT horizontal frequencies, CELLS rows].
    let mut across = [[0.0; CELLS]; KEPT];
    for (u, of_rows) in across.iter_mut().enumerate() {
        for (value, row) in of_rows.iter_mut().zip(means.chunks_exact(CELLS)) {
            *value = dot(frequency(u), row);
        }
    }
    let zigzag = (1..KEPT).flat_map(|sum| (0..=sum).map(move |u| (u, sum - u)));
    let mut found = [0.0; 64];
    for (value, (u, v)) in found.iter_mut().zip(zigzag) {
        *value = dot(frequency(v), &across[u]);
    }
    found
}

fn bits(values: &[f32; 64]) -> u64 {
    let mut sorted = *values;
    sorted.sort_by(f32::total_cmp);
    let median = (sorted[31] + sorted[32]) / 2.0;
    let bit = |(at, value): (usize, &f32)| u64::from(*value > median) << at;
    values.iter().enumerate().map(bit).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use flamingo_image::{Limits, decode_still};

    use super::super::testing::{half, jpeg, photo};
    use super::*;

    fn hash_of_file(bytes: &[u8]) -> u64 {
        perceptual_hash(&decode_still(bytes, "test", &Limits::default()).unwrap())
    }

    #[test]
    fn copies_are_near_and_other_pictures_are_far() {
        let pictures: Vec<Image> = (0..40).map(|seed| photo(seed, 317, 211)).collect();
        let hashes: Vec<u64> = pictures.iter().map(perceptual_hash).collect();
        for (picture, &hash) in pictures.iter().zip(&hashes) {
            let low_quality = hash_of_file(&jpeg(picture, 50));
            assert!(distance(hash, low_quality) <= 6, "{hash:x} {low_quality:x}");
            let small = hash_of_file(&jpeg(&half(picture), 80));
            assert!(distance(hash, small) <= 6, "{hash:x} {small:x}");
        }
        for (at, &hash) in hashes.iter().enumerate() {
            for &other in &hashes[..at] {
                assert!(distance(hash, other) > 10, "{hash:x} {other:x}");
            }
        }
    }

    #[test]
    fn a_picture_of_any_size_has_the_hash_of_its_enlargement() {
        for (width, height) in [(1, 1), (1, 97), (31, 2), (33, 65)] {
            let image = Image::from_fn(width, height, |x, y| [x as u8, y as u8 * 2, 7]);
            let hash = perceptual_hash(&image);
            assert_eq!(
                hash,
                perceptual_hash(&resize(&image, 3)),
                "{width}x{height}"
            );
        }
    }

    #[test]
    fn the_cells_share_out_a_side() {
        for side in [1, 31, 32, 33, 97] {
            let mut shares = vec![0; side];
            for number in 0..CELLS {
                let of_cell: u32 = cell(number, side).map(|(_, share)| share).sum();
                assert_eq!(of_cell as usize, side);
                cell(number, side).for_each(|(pixel, share)| shares[pixel] += share);
            }
            assert!(shares.iter().all(|&share| share as usize == CELLS));
        }
    }

    fn resize(image: &Image, times: u32) -> Image {
        Image::from_fn(image.width * times, image.height * times, |x, y| {
            image.pixel(x / times, y / times)
        })
    }

    #[test]
    fn half_of_the_bits_are_set() {
        for seed in 0..10 {
            assert_eq!(perceptual_hash(&photo(seed, 97, 103)).count_ones(), 32);
        }
    }
}
