//! The product of activations with the tiles of a matrix.

use std::ops::Range;

use super::activations::{Activations, STEP};
use super::simd::Simd;
#[cfg(target_arch = "x86_64")]
use super::simd::avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use super::simd::avx512::Avx512;
use super::simd::portable::Portable;
use super::tiles::{TILE, Tiles};
use super::{QuantKind, QuantisedMatrix};
use crate::cpu::finish::Finish;
use crate::cpu::simd::InstructionSet;
use crate::cpu::tasks::for_each;

/// Tiles that rows of activations meet one after the other, while they are in the first cache: the
/// tiles stay in the second.
const TILES: usize = 8;

/// Lines that are asked for before they are read, where no cache holds them: from one page of memory to the next the
/// processor does not do it by itself.
const AHEAD: usize = 64;

/// Multiply-adds that are worth a task of their own.
const TASK: usize = 1 << 19;

/// The instructions that products are made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Level {
    /// What this processor has, the fastest first.
    pub(super) fn available() -> Vec<Self> {
        let mut levels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let f_bw = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
            if f_bw && is_x86_feature_detected!("avx512vnni") {
                levels.push(Level::Avx512);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("f16c") {
                levels.push(Level::Avx2);
            }
        }
        levels.push(Level::Portable);
        levels
    }

    /// The fastest that the limit on instructions leaves.
    pub(super) fn best() -> Self {
        let most = InstructionSet::best();
        let mut levels = Self::available().into_iter();
        levels
            .find(|level| most.includes(level.needs()))
            .unwrap_or(Level::Portable)
    }

    fn needs(self) -> InstructionSet {
        match self {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => InstructionSet::Avx512Vnni,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => InstructionSet::Avx2,
            Level::Portable => InstructionSet::Portable,
        }
    }
}

impl QuantisedMatrix {
    /// `x W^T`.
    ///
    /// # Shapes
    /// - `x`: `[n, d_input]`, row-major
    /// - output: `[n, d_output]`
    ///
    /// # Panics
    /// If `x` is no whole rows.
    pub fn product(&self, x: &[f32]) -> Vec<f32> {
        product(self, x, Level::best(), Finish::default())
    }

    /// The same, finished.
    ///
    /// # Panics
    /// If `x` is no whole rows, or a slice of `finish` is not as long as they need it.
    pub(crate) fn finished_product(&self, x: &[f32], finish: Finish<'_, f32>) -> Vec<f32> {
        product(self, x, Level::best(), finish)
    }

    /// The same of several matrices of one kind, made together.
    ///
    /// # Panics
    /// As [`Self::finished_product`], and if the matrices are of several kinds.
    pub(crate) fn finished_products<const N: usize>(
        weights: [&Self; N],
        x: &[f32],
        finish: [Finish<'_, f32>; N],
    ) -> [Vec<f32>; N] {
        products(weights, x, Level::best(), finish)
    }
}

/// Where the outputs of different tiles go: different columns of the same rows.
#[derive(Clone, Copy)]
struct Out {
    start: *mut f32,
    d_output: usize,
}

// SAFETY: tasks write to the columns of their own tiles only.
unsafe impl Send for Out {}
// SAFETY: as above.
unsafe impl Sync for Out {}

impl Out {
    /// Some columns of a row.
    ///
    /// # Safety
    /// They must have been written, and no one else may use them.
    unsafe fn sums<'a>(self, row: usize, first: usize, columns: usize) -> &'a mut [f32] {
        unsafe {
            let sums = self.start.add(row * self.d_output + first);
            std::slice::from_raw_parts_mut(sums, columns)
        }
    }
}

/// One call's operands.
struct Operands<'a> {
    tiles: &'a Tiles,
    x: &'a Activations,
    d_input: usize,
    rows: usize,
    out: Out,
}

/// `x W^T` at a given level.
///
/// # Shapes
/// - `x`: `[n, d_input]`, row-major
/// - output: `[n, d_output]`
pub(super) fn product(
    weights: &QuantisedMatrix,
    x: &[f32],
    level: Level,
    finish: Finish<'_, f32>,
) -> Vec<f32> {
    let [y] = products([weights], x, level, [finish]);
    y
}

/// The products of `x` with several matrices of one kind, each made as it is alone.
///
/// # Panics
/// If the matrices are of several kinds, `x` is no whole rows of one of them, or a slice of `finish` is not as long as
/// they need it.
pub(super) fn products<const N: usize>(
    weights: [&QuantisedMatrix; N],
    x: &[f32],
    level: Level,
    finish: [Finish<'_, f32>; N],
) -> [Vec<f32>; N] {
    let (kind, [_, d_input]) = (weights[0].kind(), weights[0].shape());
    assert!(
        d_input > 0 && x.len().is_multiple_of(d_input),
        "{} activations for rows of {d_input}",
        x.len()
    );
    let alike = |weights: &QuantisedMatrix| (weights.kind(), weights.shape()[1]) == (kind, d_input);
    assert!(weights.into_iter().all(alike), "matrices of one kind");
    let (x, rows) = (Activations::new(kind, x), x.len() / d_input);
    let mut out = weights.map(|weights| Vec::<f32>::with_capacity(rows * weights.shape()[0]));
    let operands: [Operands<'_>; N] = std::array::from_fn(|i| Operands {
        tiles: &weights[i].tiles,
        x: &x,
        d_input,
        rows,
        out: Out {
            start: out[i].as_mut_ptr(),
            d_output: weights[i].shape()[0],
        },
    });
    let counts = weights.map(|weights| weights.shape()[0].div_ceil(TILE));
    let worth = TASK / (TILE * d_input * rows).max(1);
    let shared = counts.iter().sum::<usize>() / (4 * rayon::current_num_threads()) + 1;
    let at_once = shared.min(TILES).max(worth).max(1);
    let tasks = counts.map(|count| count.div_ceil(at_once));
    for_each(tasks.iter().sum(), |mut task| {
        let mut i = 0;
        while task >= tasks[i] {
            task -= tasks[i];
            i += 1;
        }
        let tiles = task * at_once..((task + 1) * at_once).min(counts[i]);
        operands[i].finished(kind, tiles, level, finish[i]);
    });
    for (out, weights) in out.iter_mut().zip(weights) {
        // SAFETY: the tasks were all of it.
        unsafe { out.set_len(rows * weights.shape()[0]) };
    }
    out
}

/// Asks for block `at` of a list in which each has `extent` elements.
#[inline(always)]
unsafe fn ask_for_all<S: Simd, T>(all: &[T], at: usize, extent: usize) {
    let first = all.as_ptr().wrapping_add(at * extent).cast::<u8>();
    for byte in (0..extent * size_of::<T>()).step_by(64) {
        unsafe { S::prefetch(first.wrapping_add(byte)) }
    }
}

/// The format of number `kind`, as `QuantKind as u8` gives it.
const fn kind_of(kind: u8) -> QuantKind {
    QuantKind::ALL[kind as usize]
}

impl Operands<'_> {
    /// All rows with some tiles of this kind, finished.
    fn finished(
        &self,
        kind: QuantKind,
        tiles: Range<usize>,
        level: Level,
        finish: Finish<'_, f32>,
    ) {
        let of = tiles.clone();
        match kind {
            QuantKind::Q8_0 => self.tiles::<{ QuantKind::Q8_0 as u8 }>(of, level),
            QuantKind::Q6K => self.tiles::<{ QuantKind::Q6K as u8 }>(of, level),
            QuantKind::Q5K => self.tiles::<{ QuantKind::Q5K as u8 }>(of, level),
            QuantKind::Q4K => self.tiles::<{ QuantKind::Q4K as u8 }>(of, level),
            QuantKind::Q5_1 => self.tiles::<{ QuantKind::Q5_1 as u8 }>(of, level),
            QuantKind::Q5_0 => self.tiles::<{ QuantKind::Q5_0 as u8 }>(of, level),
            QuantKind::Q4_1 => self.tiles::<{ QuantKind::Q4_1 as u8 }>(of, level),
            QuantKind::Q4_0 => self.tiles::<{ QuantKind::Q4_0 as u8 }>(of, level),
            QuantKind::Q3K => self.tiles::<{ QuantKind::Q3K as u8 }>(of, level),
            QuantKind::Q2K => self.tiles::<{ QuantKind::Q2K as u8 }>(of, level),
        }
        if finish.is_nothing() {
            return;
        }
        let (first, d_output) = (tiles.start * TILE, self.out.d_output);
        let columns = (tiles.end * TILE).min(d_output) - first;
        for row in 0..self.rows {
            // SAFETY: the task wrote these, and no other reads or writes them.
            let sums = unsafe { self.out.sums(row, first, columns) };
            finish.apply(InstructionSet::best(), sums, [row, first, d_output]);
        }
    }

    /// All rows with some tiles.
    fn tiles<const KIND: u8>(&self, tiles: Range<usize>, level: Level) {
        match level {
            // SAFETY: a level is only chosen where the processor has its instructions.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { self.avx512::<KIND>(tiles) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { self.avx2::<KIND>(tiles) },
            // SAFETY: needs nothing.
            Level::Portable => unsafe { self.all_rows::<Portable, KIND>(tiles) },
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    unsafe fn avx512<const KIND: u8>(&self, tiles: Range<usize>) {
        unsafe { self.all_rows::<Avx512, KIND>(tiles) }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,f16c")]
    unsafe fn avx2<const KIND: u8>(&self, tiles: Range<usize>) {
        unsafe { self.all_rows::<Avx2, KIND>(tiles) }
    }

    #[inline(always)]
    unsafe fn all_rows<S: Simd, const KIND: u8>(&self, tiles: Range<usize>) {
        let mut row = 0;
        unsafe {
            while S::PAIRS && row + 6 <= self.rows {
                self.rows_of::<S, KIND, 6>(tiles.clone(), row);
                row += 6;
            }
            while row + 8 <= self.rows {
                self.rows_of::<S, KIND, 8>(tiles.clone(), row);
                row += 8;
            }
            while row + 4 <= self.rows {
                self.rows_of::<S, KIND, 4>(tiles.clone(), row);
                row += 4;
            }
            if row + 2 <= self.rows {
                self.rows_of::<S, KIND, 2>(tiles.clone(), row);
                row += 2;
            }
            if row < self.rows {
                self.rows_of::<S, KIND, 1>(tiles, row);
            }
        }
    }

    #[inline(always)]
    unsafe fn rows_of<S: Simd, const KIND: u8, const R: usize>(
        &self,
        tiles: Range<usize>,
        row: usize,
    ) {
        let Range { mut start, end } = tiles;
        unsafe {
            // With fewer rows memory is the limit, which is fastest where it is read from one end to the other.
            if S::PAIRS && R >= 4 {
                while start + 2 <= end {
                    self.some_rows::<S, KIND, R, 2>(start, row);
                    start += 2;
                }
            }
            for tile in start..end {
                self.some_rows::<S, KIND, R, 1>(tile, row);
            }
        }
    }

    /// `R` rows from `row` on with `T` tiles. Each sum is made alike for every `R` and `T`.
    #[inline(always)]
    unsafe fn some_rows<S: Simd, const KIND: u8, const R: usize, const T: usize>(
        &self,
        tile: usize,
        row: usize,
    ) {
        let kind = const { kind_of(KIND) };
        let (form, extent) = const { (kind_of(KIND).form(), kind_of(KIND).extent()) };
        let blocks = self.d_input / kind.block();
        let steps = kind.block() / STEP;
        let per_step = STEP / form.step;
        unsafe {
            let mut sums = [[S::floats(0.0); R]; T];
            for block in 0..blocks {
                let (mut at, mut d) = ([0; T], [S::floats(0.0); T]);
                for t in 0..T {
                    at[t] = (tile + t) * blocks + block;
                    if row == 0 {
                        self.ask_for::<S, KIND>(at[t]);
                    }
                    d[t] = S::halves(self.tiles.halves.get_unchecked(at[t] * extent.halves));
                }
                let mut d_least = d;
                if extent.halves == 2 {
                    for t in 0..T {
                        let half = at[t] * extent.halves + 1;
                        d_least[t] = S::halves(self.tiles.halves.get_unchecked(half));
                    }
                }
                for step in 0..steps {
                    // The place of these 32 numbers in their row of activations.
                    let place = block * steps + step;
                    for part in 0..per_step {
                        let number = step * per_step + part;
                        let mut dots = [[S::integers(0); R]; T];
                        if form.offset != 0 {
                            for r in 0..R {
                                let steps = (row + r) * (self.d_input / STEP) + place;
                                let start = self.x.starts.get_unchecked(steps * per_step + part);
                                let start = S::integers(*start);
                                for t in 0..T {
                                    dots[t][r] = start;
                                }
                            }
                        }
                        let x = (row, place, part);
                        self.dots::<S, KIND, R, T>(&mut dots, at, number, x);
                        let mut scale = d;
                        if extent.codes != 0 {
                            for t in 0..T {
                                let code = at[t] * extent.codes + number;
                                let code = self.tiles.codes.get_unchecked(code);
                                let code = match kind {
                                    QuantKind::Q6K | QuantKind::Q3K => S::signed(code),
                                    _ => S::unsigned(code),
                                };
                                scale[t] = S::multiply(code, d[t]);
                            }
                        }
                        for r in 0..R {
                            let at = (row + r) * (self.d_input / STEP) + place;
                            let x = S::floats(*self.x.scales.get_unchecked(at));
                            for t in 0..T {
                                let dot = S::to_floats(dots[t][r]);
                                let term = S::multiply(S::multiply(scale[t], x), dot);
                                sums[t][r] = S::add(sums[t][r], term);
                            }
                        }
                        if extent.halves == 2 {
                            let mut least = d_least;
                            if extent.codes != 0 {
                                for t in 0..T {
                                    let code = at[t] * extent.codes + kind.parts() + number;
                                    let code = S::unsigned(self.tiles.codes.get_unchecked(code));
                                    least[t] = S::multiply(code, d_least[t]);
                                }
                            }
                            for r in 0..R {
                                let steps = (row + r) * (self.d_input / STEP) + place;
                                let x = self.x.sums.get_unchecked(steps * per_step + part);
                                let x = S::floats(*x);
                                for t in 0..T {
                                    sums[t][r] = S::subtract(sums[t][r], S::multiply(least[t], x));
                                }
                            }
                        }
                    }
                }
            }
            for t in 0..T {
                let first = (tile + t) * TILE;
                let columns = TILE.min(self.out.d_output - first);
                for r in 0..R {
                    let values = S::to_array(sums[t][r]);
                    let to = self.out.start.add((row + r) * self.out.d_output + first);
                    std::ptr::copy_nonoverlapping(values.as_ptr(), to, columns);
                }
            }
        }
    }

    /// Asks for what belongs to the lines of a block that are [`AHEAD`] of those of block `at`, and for these.
    #[inline(always)]
    unsafe fn ask_for<S: Simd, const KIND: u8>(&self, at: usize) {
        let extent = const { kind_of(KIND).extent() };
        let at = at + const { AHEAD.div_ceil(kind_of(KIND).extent().lines) };
        unsafe {
            ask_for_all::<S, _>(&self.tiles.lines, at, extent.lines);
            ask_for_all::<S, _>(&self.tiles.halves, at, extent.halves);
            ask_for_all::<S, _>(&self.tiles.bits, at, extent.bits);
            ask_for_all::<S, _>(&self.tiles.codes, at, extent.codes);
        }
    }

    /// Adds to `dots` the quants of one scale, number `code` of the blocks `at`, times the activations.
    #[inline(always)]
    unsafe fn dots<S: Simd, const KIND: u8, const R: usize, const T: usize>(
        &self,
        dots: &mut [[S::Integers; R]; T],
        at: [usize; T],
        code: usize,
        (row, place, part): (usize, usize, usize),
    ) {
        let groups = const { kind_of(KIND).form().step / 4 };
        let lines = const { kind_of(KIND).extent().lines };
        let nibbles = const { kind_of(KIND).extent().lines * 8 == kind_of(KIND).block() };
        let x = |i: usize| (row, place * (STEP / 4) + part * groups + i);
        unsafe {
            let mut now = [S::line(self.tiles.lines.get_unchecked(at[0] * lines)); T];
            let mut behind = now;
            for i in 0..if nibbles { groups / 2 } else { groups } {
                let first = match nibbles {
                    true => code * groups + 2 * i,
                    false => code * groups + i,
                };
                for t in 0..T {
                    let place = at[t] * lines + if nibbles { first / 2 } else { first };
                    let line = S::line(self.tiles.lines.get_unchecked(place));
                    if nibbles {
                        now[t] = self.with_bits::<S, KIND>(S::low(line), at[t], first);
                        behind[t] = self.with_bits::<S, KIND>(S::high(line), at[t], first + 1);
                    } else {
                        now[t] = line;
                    }
                }
                if nibbles {
                    self.dot::<S, R, T>(dots, now, x(2 * i));
                    self.dot::<S, R, T>(dots, behind, x(2 * i + 1));
                } else {
                    self.dot::<S, R, T>(dots, now, x(i));
                }
            }
        }
    }

    /// Nibbles of group `group` of block `at` with their fifth and sixth bits, as far as there are
    /// such.
    #[inline(always)]
    unsafe fn with_bits<S: Simd, const KIND: u8>(
        &self,
        bytes: S::Bytes,
        at: usize,
        group: usize,
    ) -> S::Bytes {
        let bits = const { kind_of(KIND).extent().bits };
        let (planes, groups) = const { (kind_of(KIND).planes(), kind_of(KIND).groups()) };
        let mut bytes = bytes;
        unsafe {
            if planes >= 1 {
                let mask = self.tiles.bits.get_unchecked(at * bits + group);
                bytes = S::with_bits::<16>(bytes, *mask);
            }
            if planes >= 2 {
                let mask = self.tiles.bits.get_unchecked(at * bits + groups + group);
                bytes = S::with_bits::<32>(bytes, *mask);
            }
        }
        bytes
    }

    /// Lines times four activations of each row: those at `x`, counted in fours.
    #[inline(always)]
    unsafe fn dot<S: Simd, const R: usize, const T: usize>(
        &self,
        dots: &mut [[S::Integers; R]; T],
        lines: [S::Bytes; T],
        (row, x): (usize, usize),
    ) {
        let width = self.d_input / 4;
        for r in 0..R {
            unsafe {
                let x = self.x.quants.get_unchecked((row + r) * width + x);
                for t in 0..T {
                    dots[t][r] = S::dot(dots[t][r], lines[t], *x);
                }
            }
        }
    }
}
