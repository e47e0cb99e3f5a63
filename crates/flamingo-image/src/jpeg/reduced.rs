//! Blocks of fewer samples, for pictures that are too large as they are.

use super::cosine::{Block, inverse};

/// Writes `side` rows of `side` samples of a block, each the mean of those that it stands for, and
/// clears the block. `side` is 1, 2 or 4; the rest is as for [`inverse`].
#[inline(never)]
pub(super) fn reduced<const WIDE: bool>(
    block: &mut Block,
    quantiser: &Block,
    flat: bool,
    side: usize,
    out: &mut [u8],
    stride: usize,
) {
    let mut whole = [0_u8; 64];
    inverse::<WIDE>(block, quantiser, flat, &mut whole, 8);
    let times = 8 / side;
    for (y, row) in out.chunks_mut(stride).take(side).enumerate() {
        for (x, sample) in row[..side].iter_mut().enumerate() {
            let lines = whole.chunks_exact(8).skip(y * times).take(times);
            let sum: u32 = lines
                .flat_map(|line| &line[x * times..][..times])
                .map(|value| u32::from(*value))
                .sum();
            let count = (times * times) as u32;
            *sample = ((sum + count / 2) / count) as u8;
        }
    }
}
