//! Scans that each bring the coefficients of the whole picture nearer to what they will be.

use super::bits::Bits;
use super::huffman::{Huffman, extend};
use super::segments::{CUT_SHORT, Scan};
use super::standard::ZIGZAG;
use super::turns::Turns;

/// A component in a scan.
pub(super) struct Part<'a> {
    pub(super) dc: Option<&'a Huffman>,
    /// Blocks across and down in each unit of the scan.
    pub(super) h: usize,
    pub(super) v: usize,
    pub(super) blocks: Vec<[i16; 64]>,
    pub(super) blocks_across: usize,
    /// The difference of the next block's first coefficient is to this.
    pub(super) before: i32,
}

/// Reads the first coefficients of the components, for the first time or a bit more of them.
pub(super) fn read_first(
    bits: &mut Bits,
    parts: &mut [Part],
    scan: &Scan,
    mut turns: Turns,
    (across, down): (usize, usize),
) -> Result<(), String> {
    for row in 0..down {
        for column in 0..across {
            if turns.is_new(bits) {
                parts.iter_mut().for_each(|part| part.before = 0);
            }
            if !turns.has_data {
                continue;
            }
            for part in &mut *parts {
                for at in 0..part.h * part.v {
                    let (y, x) = (row * part.v + at / part.h, column * part.h + at % part.h);
                    let first = &mut part.blocks[y * part.blocks_across + x][0];
                    if scan.high > 0 {
                        *first |= (bits.take(1) << scan.low) as i16;
                        continue;
                    }
                    let Some(dc) = part.dc else { continue };
                    let size = dc.symbol(bits).into();
                    if size > 0 {
                        let difference = extend(bits.take(size), size);
                        part.before = part.before.wrapping_add(difference);
                    }
                    *first = (part.before << scan.low) as i16;
                }
            }
            check(bits, &mut turns)?;
        }
    }
    Ok(())
}

/// Reads a band of one component's other coefficients.
pub(super) fn read_band(
    bits: &mut Bits,
    part: &mut Part,
    ac: &Huffman,
    scan: &Scan,
    turns: Turns,
    size: (usize, usize),
) -> Result<(), String> {
    #[cfg(target_arch = "x86_64")]
    if super::instructions::are_wide() {
        // SAFETY: the instructions are there.
        return unsafe { read_band_wide(bits, part, ac, scan, turns, size) };
    }
    read_bands(bits, part, ac, scan, turns, size)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
fn read_band_wide(
    bits: &mut Bits,
    part: &mut Part,
    ac: &Huffman,
    scan: &Scan,
    turns: Turns,
    size: (usize, usize),
) -> Result<(), String> {
    read_bands(bits, part, ac, scan, turns, size)
}

#[inline(always)]
fn read_bands(
    bits: &mut Bits,
    part: &mut Part,
    ac: &Huffman,
    scan: &Scan,
    mut turns: Turns,
    (across, down): (usize, usize),
) -> Result<(), String> {
    // Blocks whose band is said to be over.
    let mut over = 0;
    for row in 0..down {
        for column in 0..across {
            if turns.is_new(bits) {
                over = 0;
            }
            if !turns.has_data {
                continue;
            }
            let block = &mut part.blocks[row * part.blocks_across + column];
            if scan.high == 0 {
                band(bits, ac, block, scan, &mut over);
            } else {
                refine(bits, ac, block, scan, &mut over);
            }
            check(bits, &mut turns)?;
        }
    }
    Ok(())
}

#[inline(always)]
fn check(bits: &Bits, turns: &mut Turns) -> Result<(), String> {
    if bits.starved() {
        turns.has_data = false;
        if bits.cut_short() {
            return Err(CUT_SHORT.into());
        }
    }
    Ok(())
}

/// The coefficients of a band for the first time.
#[inline(always)]
fn band(bits: &mut Bits, ac: &Huffman, block: &mut [i16; 64], scan: &Scan, over: &mut u32) {
    if *over > 0 {
        *over -= 1;
        return;
    }
    let (mut window, mut count) = (bits.window, bits.count);
    let mut at = scan.first;
    while at <= scan.last {
        if count < 32 {
            (bits.window, bits.count) = (window, count);
            bits.refill();
            (window, count) = (bits.window, bits.count);
        }
        let look = ac.look(window);
        if look.value != 0 {
            at += usize::from(look.run);
            block[usize::from(ZIGZAG[at & 127] & 63)] = look.value << scan.low;
            at += 1;
            window <<= look.bits;
            count -= u32::from(look.bits);
            continue;
        }
        let (symbol, length) = match look.bits {
            0 => ac.long(window),
            length => (look.run, length.into()),
        };
        window <<= length;
        count -= length;
        let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        // Two shifts, so that none of them is by 64.
        let extra = |window: u64, count: u32| (window >> 1 >> (63 - count)) as u32;
        if size == 0 {
            if run == 15 {
                at += 16;
                continue;
            }
            *over = (1 << run) + extra(window, run) - 1;
            window <<= run;
            count -= run;
            break;
        }
        at += run as usize;
        let value = extend(extra(window, size), size);
        window <<= size;
        count -= size;
        block[usize::from(ZIGZAG[at & 127] & 63)] = (value << scan.low) as i16;
        at += 1;
    }
    (bits.window, bits.count) = (window, count);
}

/// One more bit of a band's coefficients, and those that become 1 or -1 by it.
#[inline(always)]
fn refine(bits: &mut Bits, ac: &Huffman, block: &mut [i16; 64], scan: &Scan, over: &mut u32) {
    let one = 1_i16 << scan.low;
    let mut at = scan.first;
    if *over == 0 {
        while at <= scan.last {
            let symbol = ac.symbol(bits);
            let (mut zeros, size) = (u32::from(symbol >> 4), symbol & 15);
            let mut value = 0;
            if size > 0 {
                value = if bits.take(1) == 1 { one } else { -one };
            } else if zeros < 15 {
                *over = (1 << zeros) + bits.take(zeros);
                break;
            }
            // Goes over as many zeros, and gives their bit to all coefficients on the way.
            while at <= scan.last {
                let coefficient = &mut block[usize::from(ZIGZAG[at] & 63)];
                if *coefficient != 0 {
                    more(bits, coefficient, one);
                } else if zeros == 0 {
                    break;
                } else {
                    zeros -= 1;
                }
                at += 1;
            }
            if value != 0 {
                block[usize::from(ZIGZAG[at & 127] & 63)] = value;
            }
            at += 1;
        }
    }
    if *over > 0 {
        while at <= scan.last {
            let coefficient = &mut block[usize::from(ZIGZAG[at] & 63)];
            if *coefficient != 0 {
                more(bits, coefficient, one);
            }
            at += 1;
        }
        *over -= 1;
    }
}

#[inline(always)]
fn more(bits: &mut Bits, coefficient: &mut i16, one: i16) {
    if bits.take(1) == 1 && *coefficient & one == 0 {
        let step = if *coefficient > 0 { one } else { -one };
        *coefficient = coefficient.wrapping_add(step);
    }
}
