//! One block of a row: between numbers, the bytes of a file, and the parts that products need.

use std::ops::Range;

use half::f16;

use super::QuantKind;
use super::rounding::{Rounding, nearest};
use super::search::Found;
use crate::cpu::simd::{InstructionSet, LANES};

/// The parts of a block. Number `i` is `scale * (quants[i] - offset) - least`, where `scale` is
/// `d * scales[i / step]` and `least` is `d_least * leasts[i / step]`. Scales and least values that a
/// format does not have are 1; a format without `d_least` has 0 there.
#[derive(Clone)]
pub(super) struct Block {
    /// One byte for each number.
    pub(super) quants: [u8; 256],
    pub(super) d: f16,
    pub(super) d_least: f16,
    pub(super) scales: [i8; 16],
    pub(super) leasts: [u8; 16],
}

impl Block {
    fn empty() -> Self {
        Self {
            quants: [0; 256],
            d: f16::ZERO,
            d_least: f16::ZERO,
            scales: [1; 16],
            leasts: [1; 16],
        }
    }

    /// The numbers again.
    pub(super) fn numbers(&self, kind: QuantKind, out: &mut [f32]) {
        let form = kind.form();
        let (d, d_least) = (self.d.to_f32(), self.d_least.to_f32());
        for (i, value) in out.iter_mut().enumerate() {
            let part = i / form.step;
            let scale = d * f32::from(self.scales[part]);
            let least = d_least * f32::from(self.leasts[part]);
            *value = scale * (i32::from(self.quants[i]) - form.offset) as f32 - least;
        }
    }

    /// The blocks that are nearest to `x`, by the sum of squared differences as far as it is
    /// searched; each is given to `take` with its number.
    ///
    /// # Panics
    /// If `x` is no whole blocks.
    pub(super) fn nearest(
        set: InstructionSet,
        kind: QuantKind,
        x: &[f32],
        mut take: impl FnMut(usize, &Self),
    ) {
        assert!(x.len().is_multiple_of(kind.block()), "whole blocks");
        // As many as have a scale for each lane of a vector.
        let at_once = (LANES * kind.form().step).max(kind.block());
        let mut block = Self::empty();
        for (group, x) in x.chunks(at_once).enumerate() {
            let found = Found::in_parts(set, kind, x);
            for (i, x) in x.chunks_exact(kind.block()).enumerate() {
                block.set_scales(kind, &found, i * kind.parts(), x);
                block.round(set, kind, x);
                take(group * (at_once / kind.block()) + i, &block);
            }
        }
    }

    /// Sets the scales and least values to what was found for the parts from `first` on.
    fn set_scales(&mut self, kind: QuantKind, found: &Found, first: usize, x: &[f32]) {
        let parts = first..first + kind.parts();
        match kind {
            QuantKind::Q8_0 => self.d = f16::from_f32(largest(x) / 127.0),
            QuantKind::Q4_0 | QuantKind::Q5_0 => self.d = f16::from_f32(found.scales[first]),
            QuantKind::Q4_1 | QuantKind::Q5_1 => {
                // Here the least value may have either sign: it is that of the numbers less their lowest.
                self.d = f16::from_f32(found.scales[first]);
                self.d_least = f16::from_f32(found.leasts[first] - found.lowest[first]);
            }
            QuantKind::Q6K => self.code_scales(&found.scales[parts], 127.0),
            QuantKind::Q3K => self.code_scales(&found.scales[parts], 31.0),
            QuantKind::Q5K | QuantKind::Q4K => self.code_both(found, parts, 63.0),
            QuantKind::Q2K => self.code_both(found, parts, 15.0),
        }
    }

    /// Sets scales of either sign, whose codes go up to `codes`.
    fn code_scales(&mut self, scales: &[f32], codes: f32) {
        self.d = f16::from_f32(largest(scales) / codes);
        for (code, &scale) in self.scales.iter_mut().zip(scales) {
            *code = ratio(scale, self.d).clamp(-codes, codes) as i8;
        }
    }

    /// Sets scales and least values, whose codes go up to `codes`.
    fn code_both(&mut self, found: &Found, parts: Range<usize>, codes: f32) {
        let (scales, leasts) = (&found.scales[parts.clone()], &found.leasts[parts]);
        let most = |of: &[f32]| of.iter().copied().fold(0.0, f32::max);
        self.d = f16::from_f32(most(scales) / codes);
        self.d_least = f16::from_f32(most(leasts) / codes);
        for (i, (&scale, &least)) in scales.iter().zip(leasts).enumerate() {
            self.scales[i] = ratio(scale, self.d).clamp(0.0, codes) as i8;
            self.leasts[i] = ratio(least, self.d_least).clamp(0.0, codes) as u8;
        }
    }

    /// Sets the quants to what is nearest to `x` under the scales that are there.
    fn round(&mut self, set: InstructionSet, kind: QuantKind, x: &[f32]) {
        let form = kind.form();
        let (d, d_least) = (self.d.to_f32(), self.d_least.to_f32());
        let parts = x
            .chunks_exact(form.step)
            .zip(self.quants.chunks_exact_mut(form.step));
        for (part, (x, quants)) in parts.enumerate() {
            let scale = d * f32::from(self.scales[part]);
            let how = Rounding {
                least: d_least * f32::from(self.leasts[part]),
                inverse: if scale == 0.0 { 0.0 } else { 1.0 / scale },
                offset: form.offset as f32,
                // Nothing is kept as the code -128: the other sign has no such number.
                lowest: if form.largest == 255 { 1.0 } else { 0.0 },
                largest: f32::from(form.largest),
            };
            how.apply(set, x, quants);
        }
    }

    /// The bytes as they stand in a file.
    pub(super) fn write(&self, kind: QuantKind, out: &mut [u8]) {
        let d = self.d.to_le_bytes();
        let low = |i: usize| self.quants[i] & 15;
        match kind {
            QuantKind::Q8_0 => {
                out[..2].copy_from_slice(&d);
                for (byte, quant) in out[2..].iter_mut().zip(&self.quants) {
                    *byte = quant.wrapping_sub(128);
                }
            }
            QuantKind::Q4_0 | QuantKind::Q4_1 | QuantKind::Q5_0 | QuantKind::Q5_1 => {
                out[..2].copy_from_slice(&d);
                let mut at = 2;
                if matches!(kind, QuantKind::Q4_1 | QuantKind::Q5_1) {
                    out[2..4].copy_from_slice(&(-self.d_least).to_le_bytes());
                    at = 4;
                }
                if matches!(kind, QuantKind::Q5_0 | QuantKind::Q5_1) {
                    let fifth =
                        (0..32).fold(0_u32, |bits, i| bits | u32::from(self.quants[i] >> 4) << i);
                    out[at..at + 4].copy_from_slice(&fifth.to_le_bytes());
                    at += 4;
                }
                for (i, byte) in out[at..].iter_mut().enumerate() {
                    *byte = low(i) | low(i + 16) << 4;
                }
            }
            QuantKind::Q3K => {
                for (i, byte) in out[..32].iter_mut().enumerate() {
                    *byte = (0..8).fold(0, |bits, part| {
                        bits | (self.quants[32 * part + i] >> 2) << part
                    });
                }
                for (i, byte) in out[32..96].iter_mut().enumerate() {
                    *byte = self.pairs_of_bits(i);
                }
                out[96..108].copy_from_slice(&self.packed_scales());
                out[108..].copy_from_slice(&d);
            }
            QuantKind::Q2K => {
                for (i, byte) in out[..16].iter_mut().enumerate() {
                    *byte = self.scales[i] as u8 | self.leasts[i] << 4;
                }
                for (i, byte) in out[16..80].iter_mut().enumerate() {
                    *byte = self.pairs_of_bits(i);
                }
                out[80..82].copy_from_slice(&d);
                out[82..].copy_from_slice(&self.d_least.to_le_bytes());
            }
            QuantKind::Q4K | QuantKind::Q5K => {
                out[..2].copy_from_slice(&d);
                out[2..4].copy_from_slice(&self.d_least.to_le_bytes());
                out[4..16].copy_from_slice(&self.packed_codes());
                let high = if kind == QuantKind::Q5K { 32 } else { 0 };
                let (fifth, nibbles) = out[16..].split_at_mut(high);
                for (i, byte) in fifth.iter_mut().enumerate() {
                    *byte = (0..8).fold(0, |bits, part| {
                        bits | (self.quants[32 * part + i] >> 4) << part
                    });
                }
                for (i, byte) in nibbles.iter_mut().enumerate() {
                    let first = i / 32 * 64 + i % 32;
                    *byte = low(first) | low(first + 32) << 4;
                }
            }
            QuantKind::Q6K => {
                for (i, byte) in out[..128].iter_mut().enumerate() {
                    let first = i / 64 * 128 + i % 64;
                    *byte = low(first) | low(first + 64) << 4;
                }
                for (i, byte) in out[128..192].iter_mut().enumerate() {
                    let first = i / 32 * 128 + i % 32;
                    *byte = (0..4).fold(0, |bits, part| {
                        bits | (self.quants[first + 32 * part] >> 4) << (2 * part)
                    });
                }
                for (byte, code) in out[192..208].iter_mut().zip(self.scales) {
                    *byte = code as u8;
                }
                out[208..].copy_from_slice(&d);
            }
        }
    }

    /// The parts of a block of a file.
    pub(super) fn read(kind: QuantKind, bytes: &[u8]) -> Self {
        let half = |at: usize| f16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let mut block = Self::empty();
        match kind {
            QuantKind::Q8_0 => {
                block.d = half(0);
                for (quant, byte) in block.quants.iter_mut().zip(&bytes[2..]) {
                    *quant = byte.wrapping_add(128);
                }
            }
            QuantKind::Q4_0 | QuantKind::Q4_1 | QuantKind::Q5_0 | QuantKind::Q5_1 => {
                block.d = half(0);
                let mut at = 2;
                if matches!(kind, QuantKind::Q4_1 | QuantKind::Q5_1) {
                    block.d_least = -half(2);
                    at = 4;
                }
                let mut fifth = 0;
                if matches!(kind, QuantKind::Q5_0 | QuantKind::Q5_1) {
                    let bits = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
                    fifth = u32::from_le_bytes(bits);
                    at += 4;
                }
                let fifth = |i: usize| ((fifth >> i & 1) as u8) << 4;
                for (i, byte) in bytes[at..].iter().enumerate() {
                    block.quants[i] = byte & 15 | fifth(i);
                    block.quants[i + 16] = byte >> 4 | fifth(i + 16);
                }
            }
            QuantKind::Q3K => {
                for (i, byte) in bytes[32..96].iter().enumerate() {
                    block.unpack_pairs_of_bits(i, *byte);
                }
                for (i, byte) in bytes[..32].iter().enumerate() {
                    for part in 0..8 {
                        block.quants[32 * part + i] |= (byte >> part & 1) << 2;
                    }
                }
                block.unpack_scales(&bytes[96..108]);
                block.d = half(108);
            }
            QuantKind::Q2K => {
                for (i, byte) in bytes[..16].iter().enumerate() {
                    (block.scales[i], block.leasts[i]) = ((byte & 15) as i8, byte >> 4);
                }
                for (i, byte) in bytes[16..80].iter().enumerate() {
                    block.unpack_pairs_of_bits(i, *byte);
                }
                (block.d, block.d_least) = (half(80), half(82));
            }
            QuantKind::Q4K | QuantKind::Q5K => {
                (block.d, block.d_least) = (half(0), half(2));
                block.unpack_codes(&bytes[4..16]);
                let high = if kind == QuantKind::Q5K { 32 } else { 0 };
                let (fifth, nibbles) = bytes[16..].split_at(high);
                for (i, byte) in nibbles.iter().enumerate() {
                    let first = i / 32 * 64 + i % 32;
                    (block.quants[first], block.quants[first + 32]) = (byte & 15, byte >> 4);
                }
                for (i, byte) in fifth.iter().enumerate() {
                    for part in 0..8 {
                        block.quants[32 * part + i] |= (byte >> part & 1) << 4;
                    }
                }
            }
            QuantKind::Q6K => {
                for (i, byte) in bytes[..128].iter().enumerate() {
                    let first = i / 64 * 128 + i % 64;
                    (block.quants[first], block.quants[first + 64]) = (byte & 15, byte >> 4);
                }
                for (i, byte) in bytes[128..192].iter().enumerate() {
                    let first = i / 32 * 128 + i % 32;
                    for part in 0..4 {
                        block.quants[first + 32 * part] |= (byte >> (2 * part) & 3) << 4;
                    }
                }
                for (code, byte) in block.scales.iter_mut().zip(&bytes[192..208]) {
                    *code = *byte as i8;
                }
                block.d = half(208);
            }
        }
        block
    }

    /// Byte `i` of the low two bits of 256 quants: those of number `i` of the first or second 128,
    /// and of the numbers 32, 64 and 96 behind it.
    fn pairs_of_bits(&self, i: usize) -> u8 {
        let first = i / 32 * 128 + i % 32;
        (0..4).fold(0, |bits, part| {
            bits | (self.quants[first + 32 * part] & 3) << (2 * part)
        })
    }

    fn unpack_pairs_of_bits(&mut self, i: usize, byte: u8) {
        let first = i / 32 * 128 + i % 32;
        for part in 0..4 {
            self.quants[first + 32 * part] = byte >> (2 * part) & 3;
        }
    }

    /// Sixteen scales of 6 bits, kept 32 higher: the low four bits of the first eight in the low
    /// nibbles of eight bytes, those of the others in the high ones; then the high two bits of all, four
    /// scales that are four apart in a byte.
    fn packed_scales(&self) -> [u8; 12] {
        let mut bytes = [0; 12];
        for (i, scale) in self.scales.iter().enumerate() {
            let code = (scale + 32) as u8;
            bytes[i % 8] |= (code & 15) << (i / 8 * 4);
            bytes[8 + i % 4] |= (code >> 4) << (i / 4 * 2);
        }
        bytes
    }

    fn unpack_scales(&mut self, bytes: &[u8]) {
        for (i, scale) in self.scales.iter_mut().enumerate() {
            let low = bytes[i % 8] >> (i / 8 * 4) & 15;
            let high = bytes[8 + i % 4] >> (i / 4 * 2) & 3;
            *scale = (low | high << 4) as i8 - 32;
        }
    }

    /// Eight scales and eight least values of 6 bits: the first four of each in a byte's low bits,
    /// the others' low four bits in a nibble and their high two above the first ones.
    fn packed_codes(&self) -> [u8; 12] {
        let mut bytes = [0; 12];
        for i in 0..4 {
            let (scale, least) = (self.scales[i] as u8, self.leasts[i]);
            let (scale4, least4) = (self.scales[i + 4] as u8, self.leasts[i + 4]);
            bytes[i] = scale | scale4 >> 4 << 6;
            bytes[i + 4] = least | least4 >> 4 << 6;
            bytes[i + 8] = scale4 & 15 | (least4 & 15) << 4;
        }
        bytes
    }

    fn unpack_codes(&mut self, bytes: &[u8]) {
        for i in 0..4 {
            let (low, high, both) = (bytes[i], bytes[i + 4], bytes[i + 8]);
            self.scales[i] = (low & 63) as i8;
            self.leasts[i] = high & 63;
            self.scales[i + 4] = (both & 15 | low >> 6 << 4) as i8;
            self.leasts[i + 4] = both >> 4 | high >> 6 << 4;
        }
    }
}

fn ratio(x: f32, unit: f16) -> f32 {
    let unit = unit.to_f32();
    if unit == 0.0 { 0.0 } else { nearest(x / unit) }
}

fn largest(x: &[f32]) -> f32 {
    x.iter().fold(0.0, |most: f32, value| most.max(value.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: usize) -> Vec<f32> {
        (0..n)
            .map(|i| ((i * 7919 % 1009) as f32 / 504.5 - 1.0) * 0.03)
            .collect()
    }

    fn nearest_block(kind: QuantKind, x: &[f32]) -> Block {
        let mut found = Block::empty();
        Block::nearest(InstructionSet::best(), kind, x, |_, block| {
            found = block.clone()
        });
        found
    }

    #[test]
    fn a_block_that_is_written_and_read_is_the_same_block() {
        for kind in QuantKind::ALL {
            let block = nearest_block(kind, &numbers(kind.block()));
            let mut bytes = vec![0; kind.block_bytes()];
            block.write(kind, &mut bytes);
            let read = Block::read(kind, &bytes);
            assert_eq!(read.quants, block.quants, "{kind}");
            assert_eq!((read.d, read.d_least), (block.d, block.d_least), "{kind}");
            let parts = kind.block() / kind.form().step;
            if parts > 1 {
                assert_eq!(read.scales[..parts], block.scales[..parts], "{kind}");
                assert_eq!(read.leasts[..parts], block.leasts[..parts], "{kind}");
            }
        }
    }

    #[test]
    fn more_bits_are_nearer() {
        let mut kinds = QuantKind::ALL;
        kinds.sort_by(|a, b| b.bits().total_cmp(&a.bits()));
        // Blocks of 256 make more of their bits than those of 32.
        let (large, small): (Vec<_>, Vec<_>) =
            kinds.into_iter().partition(|kind| kind.block() == 256);
        nearer_in_order(&large);
        nearer_in_order(&small);
    }

    fn nearer_in_order(kinds: &[QuantKind]) {
        let mut last = 0.0;
        for &kind in kinds {
            let x = numbers(256);
            let mut back = vec![0.0; 256];
            for (x, back) in x.chunks(kind.block()).zip(back.chunks_mut(kind.block())) {
                nearest_block(kind, x).numbers(kind, back);
            }
            let error = x
                .iter()
                .zip(&back)
                .map(|(a, b)| (a - b).powi(2))
                .sum::<f32>();
            assert!(error > last, "{kind}: {error} after {last}");
            last = error;
            let of_x = x.iter().map(|x| x * x).sum::<f32>();
            let most = if kind.bits() > 4.0 { 0.02 } else { 0.2 };
            assert!(error < most * of_x, "{kind}: {error} of {of_x}");
        }
    }

    #[test]
    fn zeros_and_single_spikes_are_kept() {
        for kind in QuantKind::ALL {
            let mut x = vec![0.0; kind.block()];
            for spike in [0.0, 1.0, -3.0] {
                x[5] = spike;
                let mut back = vec![7.0; kind.block()];
                nearest_block(kind, &x).numbers(kind, &mut back);
                for (a, b) in x.iter().zip(&back) {
                    assert!((a - b).abs() <= 0.01 * spike.abs(), "{kind}: {a} {b}");
                }
            }
        }
    }
}
