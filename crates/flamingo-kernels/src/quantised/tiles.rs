//! Quantised weights as products read them: 16 outputs side by side.
//!
//! A tile is 16 rows. Four numbers of each of its rows lie together, 64 bytes or nibbles of them in
//! a line, so that one instruction multiplies a line with four numbers of an activation. A matrix
//! whose rows are no multiple of 16 ends in rows of zeros.

use half::f16;

use super::QuantKind;
use super::block::Block;

/// Rows of a tile.
pub(super) const TILE: usize = 16;

/// The low nibbles of four bytes.
const NIBBLES: u32 = 0x0f0f_0f0f;

/// 64 bytes that begin at a multiple of 64.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [u8; 64]);

/// The weights of a matrix, tile after tile, block after block.
#[derive(Clone)]
pub(super) struct Tiles {
    /// Bytes (8 bits): line `g` has numbers `4 g ..` of each row. Nibbles: its low ones have numbers
    /// `8 g ..`, its high ones numbers `8 g + 4 ..`.
    pub(super) lines: Vec<Line>,
    /// The fifth bits of 64 numbers, in the order of the bytes of a line; then, of six bits, the
    /// sixth bits of all of them.
    pub(super) bits: Vec<u64>,
    /// `d` of each row, as f16, and `d_least` where there is one.
    pub(super) halves: Vec<[u16; TILE]>,
    /// Scales of each row, and behind all of a block the least values.
    pub(super) codes: Vec<[u8; TILE]>,
}

/// How much of each part of [`Tiles`] a block of a tile takes.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub(super) lines: usize,
    pub(super) bits: usize,
    pub(super) halves: usize,
    pub(super) codes: usize,
}

impl QuantKind {
    pub(super) const fn extent(self) -> Extent {
        let (lines, bits, halves, codes) = match self {
            QuantKind::Q8_0 => (8, 0, 1, 0),
            QuantKind::Q4_0 => (4, 0, 1, 0),
            QuantKind::Q4K => (32, 0, 2, 16),
            QuantKind::Q5K => (32, 64, 2, 16),
            QuantKind::Q6K => (32, 128, 1, 16),
            QuantKind::Q5_1 => (4, 8, 2, 0),
            QuantKind::Q5_0 => (4, 8, 1, 0),
            QuantKind::Q4_1 => (4, 0, 2, 0),
            QuantKind::Q3K => (32, 0, 1, 16),
            QuantKind::Q2K => (32, 0, 2, 32),
        };
        Extent {
            lines,
            bits,
            halves,
            codes,
        }
    }
}

impl Tiles {
    /// Room for a matrix, all zeros.
    pub(super) fn zeros(kind: QuantKind, d_output: usize, d_input: usize) -> Self {
        let blocks = d_output.div_ceil(TILE) * (d_input / kind.block());
        let extent = kind.extent();
        Self {
            lines: vec![Line([0; 64]); blocks * extent.lines],
            bits: vec![0; blocks * extent.bits],
            halves: vec![[0; TILE]; blocks * extent.halves],
            codes: vec![[0; TILE]; blocks * extent.codes],
        }
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&self.lines[..])
            + size_of_val(&self.bits[..])
            + size_of_val(&self.halves[..])
            + size_of_val(&self.codes[..])
    }

    /// Parts of the tiles from `first` to `end`, to be filled.
    pub(super) fn split(&mut self, kind: QuantKind, blocks: usize) -> Vec<TileMut<'_>> {
        let extent = kind.extent();
        let mut bits = self.bits.chunks_mut((blocks * extent.bits).max(1));
        let mut codes = self.codes.chunks_mut((blocks * extent.codes).max(1));
        let halves = self.halves.chunks_mut((blocks * extent.halves).max(1));
        let lines = self.lines.chunks_mut((blocks * extent.lines).max(1));
        lines
            .zip(halves)
            .map(|(lines, halves)| TileMut {
                lines,
                halves,
                bits: bits.next().unwrap_or_default(),
                codes: codes.next().unwrap_or_default(),
            })
            .collect()
    }

    /// The block at place `at` of row `row`, counted over all tiles and blocks of a tile.
    pub(super) fn block(&self, kind: QuantKind, at: usize, row: usize) -> Block {
        let (extent, mut block) = (
            kind.extent(),
            Block::read(kind, &vec![0; kind.block_bytes()]),
        );
        for i in 0..kind.block() {
            let (group, j) = (i / 4, 4 * row + i % 4);
            let nibbles = extent.lines * 8 == kind.block();
            block.quants[i] = match nibbles {
                false => self.lines[at * extent.lines + group].0[j],
                true => self.lines[at * extent.lines + group / 2].0[j] >> (4 * (group % 2)) & 15,
            };
            for plane in 0..kind.planes() {
                let bits = self.bits[at * extent.bits + kind.groups() * plane + group];
                block.quants[i] |= ((bits >> j & 1) as u8) << (4 + plane);
            }
        }
        block.d = f16::from_bits(self.halves[at * extent.halves][row]);
        if extent.halves == 2 {
            block.d_least = f16::from_bits(self.halves[at * extent.halves + 1][row]);
        }
        for i in 0..extent.codes.min(kind.parts()) {
            block.scales[i] = self.codes[at * extent.codes + i][row] as i8;
        }
        for i in kind.parts()..extent.codes {
            block.leasts[i - kind.parts()] = self.codes[at * extent.codes + i][row];
        }
        block
    }
}

impl QuantKind {
    /// Fours of numbers in a block.
    pub(super) const fn groups(self) -> usize {
        self.block() / 4
    }

    /// Bits of a quant beyond its nibble.
    pub(super) const fn planes(self) -> usize {
        self.extent().bits / self.groups()
    }
}

/// One tile to be filled.
pub(super) struct TileMut<'a> {
    lines: &'a mut [Line],
    bits: &'a mut [u64],
    halves: &'a mut [[u16; TILE]],
    codes: &'a mut [[u8; TILE]],
}

impl TileMut<'_> {
    /// Puts a block of row `row` at place `at` of the tile.
    pub(super) fn put(&mut self, kind: QuantKind, at: usize, row: usize, block: &Block) {
        let extent = kind.extent();
        let nibbles = extent.lines * 8 == kind.block();
        // Four quants at a time, which lie together in a line.
        let fours = block.quants[..kind.block()].as_chunks::<4>().0;
        let four = |group: usize| u32::from_le_bytes(fours[group]);
        let lines = &mut self.lines[at * extent.lines..][..extent.lines];
        for (i, line) in lines.iter_mut().enumerate() {
            let bytes = match nibbles {
                false => four(i),
                true => four(2 * i) & NIBBLES | (four(2 * i + 1) & NIBBLES) << 4,
            };
            line.0[4 * row..][..4].copy_from_slice(&bytes.to_le_bytes());
        }
        for plane in 0..kind.planes() {
            let bits = &mut self.bits[at * extent.bits + kind.groups() * plane..];
            for (group, bits) in bits[..kind.groups()].iter_mut().enumerate() {
                // One bit of each byte, moved together.
                let apart = four(group) >> (4 + plane) & 0x0101_0101;
                let together = apart.wrapping_mul(0x0102_0408) >> 24 & 15;
                *bits |= u64::from(together) << (4 * row);
            }
        }
        self.halves[at * extent.halves][row] = block.d.to_bits();
        if extent.halves == 2 {
            self.halves[at * extent.halves + 1][row] = block.d_least.to_bits();
        }
        for i in 0..extent.codes.min(kind.parts()) {
            self.codes[at * extent.codes + i][row] = block.scales[i] as u8;
        }
        for i in kind.parts()..extent.codes {
            self.codes[at * extent.codes + i][row] = block.leasts[i - kind.parts()];
        }
    }
}
