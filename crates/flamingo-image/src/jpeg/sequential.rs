//! Scans of whole coefficients, turned into samples as they are read.

use super::bits::Bits;
use super::cosine::{Block, inverse};
use super::huffman::{Huffman, extend};
use super::reduced::reduced;
use super::segments::CUT_SHORT;
use super::standard::ZIGZAG;
use super::turns::Turns;

/// A component in a scan.
pub(super) struct Part<'a> {
    pub(super) dc: &'a Huffman,
    pub(super) ac: &'a Huffman,
    pub(super) quantiser: Block,
    /// Blocks across and down in each unit of the scan.
    pub(super) h: usize,
    pub(super) v: usize,
    /// The component's samples; empty where they are not wanted.
    pub(super) samples: Vec<u8>,
    pub(super) stride: usize,
    /// Samples across a block.
    pub(super) side: usize,
    /// The difference of the next block's first coefficient is to this.
    pub(super) before: i32,
}

/// Reads a scan's units, `across` times `down` of them.
pub(super) fn read(
    bits: &mut Bits,
    parts: &mut [Part],
    turns: Turns,
    (across, down): (usize, usize),
) -> Result<(), String> {
    #[cfg(target_arch = "x86_64")]
    if super::instructions::are_wide() {
        // SAFETY: the instructions are there.
        return unsafe { read_wide(bits, parts, turns, (across, down)) };
    }
    read_units::<false>(bits, parts, turns, (across, down))
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
fn read_wide(
    bits: &mut Bits,
    parts: &mut [Part],
    turns: Turns,
    size: (usize, usize),
) -> Result<(), String> {
    read_units::<true>(bits, parts, turns, size)
}

#[inline(always)]
fn read_units<const WIDE: bool>(
    bits: &mut Bits,
    parts: &mut [Part],
    mut turns: Turns,
    (across, down): (usize, usize),
) -> Result<(), String> {
    let mut block = Block([0; 64]);
    for row in 0..down {
        for column in 0..across {
            if turns.is_new(bits) {
                parts.iter_mut().for_each(|part| part.before = 0);
            }
            for part in &mut *parts {
                for at in 0..part.h * part.v {
                    let (y, x) = (row * part.v + at / part.h, column * part.h + at % part.h);
                    let flat = !turns.has_data || !coefficients(bits, part, &mut block);
                    if part.samples.is_empty() {
                        block.0.fill(0);
                        continue;
                    }
                    let out = &mut part.samples[part.side * (y * part.stride + x)..];
                    match part.side {
                        8 => inverse::<WIDE>(&mut block, &part.quantiser, flat, out, part.stride),
                        side => {
                            let (quantiser, stride) = (&part.quantiser, part.stride);
                            reduced::<WIDE>(&mut block, quantiser, flat, side, out, stride);
                        }
                    }
                }
            }
            if bits.starved() {
                turns.has_data = false;
                if bits.cut_short() {
                    return Err(CUT_SHORT.into());
                }
            }
        }
    }
    Ok(())
}

/// Reads a block's coefficients; whether there are more than the first.
#[inline(always)]
fn coefficients(bits: &mut Bits, part: &mut Part, block: &mut Block) -> bool {
    let size = part.dc.symbol(bits).into();
    if size > 0 {
        let difference = extend(bits.take(size), size);
        part.before = part.before.wrapping_add(difference);
    }
    block.0[0] = part.before as i16;
    let (mut window, mut count) = (bits.window, bits.count);
    let mut at = 1;
    while at < 64 {
        if count < 32 {
            (bits.window, bits.count) = (window, count);
            bits.refill();
            (window, count) = (bits.window, bits.count);
        }
        let look = part.ac.look(window);
        if look.value != 0 {
            at += usize::from(look.run);
            block.0[usize::from(ZIGZAG[at & 127] & 63)] = look.value;
            at += 1;
            window <<= look.bits;
            count -= u32::from(look.bits);
            continue;
        }
        let (symbol, length) = match look.bits {
            0 => part.ac.long(window),
            length => (look.run, length.into()),
        };
        window <<= length;
        count -= length;
        let size = u32::from(symbol & 15);
        if size == 0 {
            if symbol != 0xF0 {
                break;
            }
            at += 16;
            continue;
        }
        at += usize::from(symbol >> 4);
        let value = extend((window >> (64 - size)) as u32, size);
        window <<= size;
        count -= size;
        block.0[usize::from(ZIGZAG[at & 127] & 63)] = value as i16;
        at += 1;
    }
    (bits.window, bits.count) = (window, count);
    at > 1
}
