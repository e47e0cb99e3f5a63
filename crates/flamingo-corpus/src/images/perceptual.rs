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
    let stride = 3 * image.width as usize;
    let rows = image.rgb.chunks_exact(stride);
    let mut grid = Grid::new(image.width, image.height);
    let mut line = vec![0; image.width as usize];
    for row in rows {
        for (luma, pixel) in line.iter_mut().zip(row.chunks_exact(3)) {
            *luma = brightness(pixel);
        }
        grid.add_row(&line);
    }
    grid.hash()
}

/// The perceptual hash of a picture of which only the brightness is known; it may differ by a bit
/// or two from that of its colours.
pub(super) fn hash_of_luma(luma: &Luma) -> u64 {
    let mut grid = Grid::new(luma.width, luma.height);
    for line in luma.values.chunks_exact(luma.width as usize) {
        grid.add_row(line);
    }
    grid.hash()
}

/// In how many bits two perceptual hashes differ.
pub fn distance(a: u64, b: u64) -> u32 {
    (a ^ b).count_ones()
}

/// ITU-R BT.601 luma in 8 bits.
fn brightness(pixel: &[u8]) -> u8 {
    let weigh = |at: usize, weight: u32| u32::from(pixel[at]) * weight;
    ((weigh(0, 77) + weigh(1, 150) + weigh(2, 29)) >> 8) as u8
}

/// Mean brightness of each cell of a picture whose rows come one by one.
struct Grid {
    /// Where the cells begin and end, in pixels of each axis.
    columns: Vec<(usize, usize)>,
    rows: Vec<(usize, usize)>,
    sums: Vec<u64>,
    row: usize,
}

impl Grid {
    fn new(width: u32, height: u32) -> Self {
        Self {
            columns: cells(width as usize),
            rows: cells(height as usize),
            sums: vec![0; CELLS * CELLS],
            row: 0,
        }
    }

    fn add_row(&mut self, line: &[u8]) {
        let mut of_row = [0; CELLS];
        for (sum, &(start, end)) in of_row.iter_mut().zip(&self.columns) {
            *sum = line[start..end].iter().map(|&luma| u64::from(luma)).sum();
        }
        for (cell, &(start, end)) in self.rows.iter().enumerate() {
            if (start..end).contains(&self.row) {
                let sums = &mut self.sums[cell * CELLS..][..CELLS];
                sums.iter_mut()
                    .zip(of_row)
                    .for_each(|(sum, add)| *sum += add);
            }
        }
        self.row += 1;
    }

    fn hash(&self) -> u64 {
        let mut means = [0.0; CELLS * CELLS];
        for (at, (mean, sum)) in means.iter_mut().zip(&self.sums).enumerate() {
            let (rows, columns) = (self.rows[at / CELLS], self.columns[at % CELLS]);
            let pixels = (rows.1 - rows.0) * (columns.1 - columns.0);
            *mean = *sum as f32 / pixels as f32;
        }
        bits(&lowest(&means))
    }
}

/// The pixels of each cell: at least one, so that small pictures repeat theirs.
fn cells(side: usize) -> Vec<(usize, usize)> {
    let border = |cell: usize| cell * side / CELLS;
    let cell = |cell| (border(cell), border(cell + 1).max(border(cell) + 1));
    (0..CELLS).map(cell).collect()
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
        perceptual_hash(
            &decode_still(bytes, "test", &Limits::default())
                .unwrap()
                .image,
        )
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
    fn a_picture_of_any_size_has_a_hash() {
        for (width, height) in [(1, 1), (1, 97), (31, 2), (33, 65)] {
            let image = Image::from_fn(width, height, |x, y| [x as u8, y as u8, 7]);
            let larger = resize(&image, 3);
            let near = distance(perceptual_hash(&image), perceptual_hash(&larger));
            assert!(near <= 24, "{width}x{height}: {near}");
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
