//! What has been read of each component, scan by scan.

use super::bits::Bits;
use super::cosine::{Block, inverse};
use super::frame::{Component, Frame};
use super::progressive;
use super::reduced::reduced;
use super::segments::{Scan, Segments};
use super::sequential;
use super::turns::Turns;
use super::upsample::Plane;

/// The components of a frame.
pub(super) struct Components {
    quantisers: Vec<Option<Block>>,
    /// Samples, empty where they are not wanted.
    samples: Vec<Vec<u8>>,
    /// Coefficients, of progressive files.
    blocks: Vec<Vec<[i16; 64]>>,
    /// Samples across a block of each: 8, or fewer of a reduced picture.
    sides: Vec<usize>,
    /// The fewest of them.
    least: usize,
}

impl Components {
    /// Nothing read yet; samples only of the first `wanted` components, at least `least` across a
    /// block.
    pub(super) fn new(frame: &Frame, wanted: usize, least: usize) -> Self {
        let of_frame = |it: &Component| it.side(frame, least);
        let sides: Vec<usize> = frame.components.iter().map(of_frame).collect();
        let samples = |(at, it): (usize, &Component)| match at < wanted {
            true => vec![128; it.stride(sides[at]) * sides[at] * it.blocks_down as usize],
            false => Vec::new(),
        };
        let blocks = |it: &Component| match frame.progressive {
            true => vec![[0; 64]; (it.blocks_across * it.blocks_down) as usize],
            false => Vec::new(),
        };
        Self {
            quantisers: vec![None; frame.components.len()],
            samples: frame.components.iter().enumerate().map(samples).collect(),
            blocks: frame.components.iter().map(blocks).collect(),
            sides,
            least,
        }
    }

    /// Reads a scan, and says where the file goes on.
    pub(super) fn read(
        &mut self,
        segments: &Segments,
        frame: &Frame,
        scan: &Scan,
    ) -> Result<usize, String> {
        self.keep_quantisers(segments, frame, scan)?;
        let mut bits = Bits::new(segments.data, segments.at());
        if frame.progressive {
            self.progress(&mut bits, segments, frame, scan)?;
        } else {
            self.complete(&mut bits, segments, frame, scan)?;
        }
        Ok(bits.rest())
    }

    /// Keeps the quantisers of components that a scan holds for the first time: later scans may
    /// find other tables in their place.
    fn keep_quantisers(
        &mut self,
        segments: &Segments,
        frame: &Frame,
        scan: &Scan,
    ) -> Result<(), String> {
        for &(at, ..) in &scan.parts {
            if self.quantisers[at].is_none() {
                let table = segments.quantisers[frame.components[at].table];
                let table = table.ok_or("a quantisation table is missing")?;
                self.quantisers[at] = Some(Block(table.map(|step| step as i16)));
            }
        }
        Ok(())
    }

    /// A scan of whole coefficients.
    fn complete(
        &mut self,
        bits: &mut Bits,
        segments: &Segments,
        frame: &Frame,
        scan: &Scan,
    ) -> Result<(), String> {
        let mut parts = Vec::new();
        for &(at, dc, ac) in &scan.parts {
            let it = &frame.components[at];
            let (h, v) = per_unit(it, scan);
            parts.push(sequential::Part {
                dc: segments.dc[dc].as_deref().ok_or(NO_TABLE)?,
                ac: segments.ac[ac].as_deref().ok_or(NO_TABLE)?,
                quantiser: self.quantisers[at].clone().expect("kept before the scan"),
                h,
                v,
                samples: std::mem::take(&mut self.samples[at]),
                stride: it.stride(self.sides[at]),
                side: self.sides[at],
                before: 0,
            });
        }
        let turns = Turns::new(segments.restart_interval);
        let result = sequential::read(bits, &mut parts, turns, units(frame, scan));
        for (part, &(at, ..)) in parts.into_iter().zip(&scan.parts) {
            self.samples[at] = part.samples;
        }
        result
    }

    /// A scan of a progressive picture.
    fn progress(
        &mut self,
        bits: &mut Bits,
        segments: &Segments,
        frame: &Frame,
        scan: &Scan,
    ) -> Result<(), String> {
        let mut parts = Vec::new();
        for &(at, dc, _) in &scan.parts {
            let it = &frame.components[at];
            let (h, v) = per_unit(it, scan);
            parts.push(progressive::Part {
                dc: segments.dc[dc].as_deref(),
                h,
                v,
                blocks: std::mem::take(&mut self.blocks[at]),
                blocks_across: it.blocks_across as usize,
                before: 0,
            });
        }
        let (turns, size) = (Turns::new(segments.restart_interval), units(frame, scan));
        let result = if scan.first > 0 {
            match segments.ac[scan.parts[0].2].as_deref() {
                Some(ac) => progressive::read_band(bits, &mut parts[0], ac, scan, turns, size),
                None => Err(NO_TABLE.to_owned()),
            }
        } else if scan.high == 0 && parts.iter().any(|part| part.dc.is_none()) {
            Err(NO_TABLE.to_owned())
        } else {
            progressive::read_first(bits, &mut parts, scan, turns, size)
        };
        for (part, &(at, ..)) in parts.into_iter().zip(&scan.parts) {
            self.blocks[at] = part.blocks;
        }
        result
    }

    /// The samples, when all scans are read.
    pub(super) fn planes(mut self, frame: &Frame) -> Vec<Plane> {
        let mut planes = Vec::new();
        for (at, it) in frame.components.iter().enumerate() {
            let mut samples = std::mem::take(&mut self.samples[at]);
            let blocks = std::mem::take(&mut self.blocks[at]);
            if samples.is_empty() {
                continue;
            }
            let side = self.sides[at];
            let pixels = |ratio: u32| ratio as usize * self.least / side;
            if let Some(quantiser) = &self.quantisers[at] {
                let to = Rows {
                    side,
                    blocks_across: it.blocks_across as usize,
                    stride: it.stride(side),
                };
                transform(blocks, &to, quantiser, &mut samples);
            }
            planes.push(Plane {
                samples,
                stride: it.stride(side),
                width: (it.width as usize * side).div_ceil(8),
                height: (it.height as usize * side).div_ceil(8),
                across: pixels(frame.h_max / it.h),
                down: pixels(frame.v_max / it.v),
                // libjpeg keeps no rows beside the one that it writes where a block is one sample.
                smooth: self.least > 1,
            });
        }
        planes
    }
}

const NO_TABLE: &str = "a Huffman table is missing";

/// Blocks of a component in each unit of a scan.
fn per_unit(it: &Component, scan: &Scan) -> (usize, usize) {
    match scan.parts.len() {
        1 => (1, 1),
        _ => (it.h as usize, it.v as usize),
    }
}

/// Units of a scan across and down. A component alone leaves out the blocks that only fill the
/// frame's units.
fn units(frame: &Frame, scan: &Scan) -> (usize, usize) {
    let (width, height) = match scan.parts[..] {
        [(at, ..)] => {
            let it = &frame.components[at];
            (it.width.div_ceil(8), it.height.div_ceil(8))
        }
        _ => (
            frame.width.div_ceil(8 * frame.h_max),
            frame.height.div_ceil(8 * frame.v_max),
        ),
    };
    (width as usize, height as usize)
}

/// How the samples of a component lie.
struct Rows {
    side: usize,
    blocks_across: usize,
    stride: usize,
}

/// The samples of blocks of coefficients.
fn transform(blocks: Vec<[i16; 64]>, to: &Rows, quantiser: &Block, samples: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if super::instructions::are_wide() {
        // SAFETY: the instructions are there.
        return unsafe { transform_wide(blocks, to, quantiser, samples) };
    }
    transform_all::<false>(blocks, to, quantiser, samples);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
fn transform_wide(blocks: Vec<[i16; 64]>, to: &Rows, quantiser: &Block, samples: &mut [u8]) {
    transform_all::<true>(blocks, to, quantiser, samples);
}

#[inline(always)]
fn transform_all<const WIDE: bool>(
    blocks: Vec<[i16; 64]>,
    to: &Rows,
    quantiser: &Block,
    samples: &mut [u8],
) {
    for (at, block) in blocks.into_iter().enumerate() {
        let (y, x) = (at / to.blocks_across, at % to.blocks_across);
        let flat = block[1..].iter().fold(0, |any, value| any | value) == 0;
        let out = &mut samples[to.side * (y * to.stride + x)..];
        match to.side {
            8 => inverse::<WIDE>(&mut Block(block), quantiser, flat, out, to.stride),
            side => reduced::<WIDE>(&mut Block(block), quantiser, flat, side, out, to.stride),
        }
    }
}
