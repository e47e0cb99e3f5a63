//! `softmax(q k^T scale + mask) v` for one head, a block of queries at a time: the scores of a block
//! are all that is ever in memory, and they stay in the second cache.
//!
//! Keys and values may lie in several pieces. Each score is one dot product, and each sum goes over
//! the keys in their order, so that the result depends neither on the pieces, nor on which queries
//! stand in a block, nor on keys that a query does not see.

use crate::cpu::exp::exp;
use crate::cpu::product::Shared;
use crate::cpu::simd::{InstructionSet, LANES, Lanes, for_processor};

/// Queries of a block.
pub(crate) const BLOCK: usize = 32;

/// Rows of a matrix, `stride` elements apart.
#[derive(Clone, Copy)]
pub(crate) struct Rows {
    pub(crate) first: *const f32,
    pub(crate) stride: usize,
}

impl Rows {
    #[inline(always)]
    pub(crate) unsafe fn row(self, index: usize) -> *const f32 {
        unsafe { self.first.add(index * self.stride) }
    }

    /// Those from row `index` on.
    #[inline(always)]
    unsafe fn from(self, index: usize) -> Self {
        Self {
            first: unsafe { self.row(index) },
            stride: self.stride,
        }
    }
}

/// Keys and values of one head for consecutive tokens.
#[derive(Clone, Copy)]
pub(crate) struct Piece {
    pub(crate) keys: Rows,
    pub(crate) values: Rows,
    pub(crate) len: usize,
}

impl Piece {
    /// The same some channels further.
    ///
    /// # Safety
    /// There must be so many.
    pub(crate) unsafe fn behind(self, channels: usize) -> Self {
        let rows = |rows: Rows| Rows {
            first: unsafe { rows.first.add(channels) },
            ..rows
        };
        Self {
            keys: rows(self.keys),
            values: rows(self.values),
            len: self.len,
        }
    }
}

/// What is added to scores, or hides them.
#[derive(Clone, Copy)]
pub(crate) enum Mask<'a> {
    /// Every query meets every key.
    None,
    /// A row of biases for each query; rows may be one and the same (stride 0).
    Bias(Rows),
    /// Query `i` meets the keys up to number `first + i`, each with `slope` times its distance.
    Causal { first: usize, slope: f32 },
    /// Query `i` meets the keys before number `first`, and of those behind it its own and those on
    /// the way to it by `parents`; a distance is one of steps on that way.
    Tree {
        first: usize,
        slope: f32,
        parents: &'a [Option<usize>],
    },
}

/// One head's queries and where its output goes.
#[derive(Clone, Copy)]
pub(crate) struct Head<'a> {
    pub(crate) queries: Rows,
    /// First and last of the queries that are wanted.
    pub(crate) wanted: [usize; 2],
    pub(crate) width: usize,
    pub(crate) scale: f32,
    pub(crate) mask: Mask<'a>,
    pub(crate) out: Shared,
    pub(crate) out_stride: usize,
}

/// Computes one block: at most [`BLOCK`] queries.
///
/// # Safety
/// Everything that `head` and `pieces` point to must be there, and no one else may write the rows of
/// the output that are `wanted`.
pub(crate) unsafe fn attend(set: InstructionSet, head: &Head<'_>, pieces: &[Piece]) {
    unsafe { block(set, head, pieces) }
}

for_processor!(fn block(head: &Head<'_>, pieces: &[Piece]) = block_of);

#[inline(always)]
unsafe fn block_of<V: Lanes>(head: &Head<'_>, pieces: &[Piece]) {
    let [first, last] = head.wanted;
    let all: usize = pieces.iter().map(|piece| piece.len).sum();
    let keys = match head.mask {
        Mask::Causal { first, .. } => (first + last).min(all),
        _ => all,
    };
    let (padded_width, padded_keys) = (
        head.width.next_multiple_of(LANES),
        keys.next_multiple_of(LANES),
    );
    let rows = last - first;
    let mut scratch = vec![0.0f32; rows * (padded_width + padded_keys)];
    let (queries, scores) = scratch.split_at_mut(rows * padded_width);
    unsafe {
        for r in 0..rows {
            let row = std::slice::from_raw_parts(head.queries.row(first + r), head.width);
            for (scaled, value) in queries[r * padded_width..].iter_mut().zip(row) {
                *scaled = value * head.scale;
            }
        }
        let q = Rows {
            first: queries.as_ptr(),
            stride: padded_width,
        };
        let (mut at, mut rest) = (0, pieces);
        while let [piece, behind @ ..] = rest {
            let to = scores.as_mut_ptr().add(at);
            // An answer on its way is in pieces of one token: four of them are one tile.
            if let [a, b, c, d, behind @ ..] = rest
                && at + 4 <= keys
                && [a, b, c, d].iter().all(|piece| piece.len == 1)
            {
                let keys = [a, b, c, d].map(|piece| piece.keys.first);
                for r in 0..rows {
                    let (row, to) = (q.from(r), to.add(r * padded_keys));
                    dots_tile::<V, 1, 4>(row, keys, head.width, to, padded_keys);
                }
                (at, rest) = (at + 4, behind);
                continue;
            }
            let len = piece.len.min(keys - at);
            dots::<V>(q, rows, piece.keys, len, head.width, to, padded_keys);
            (at, rest) = (at + len, behind);
        }
        let mut sums = [0.0f32; BLOCK];
        for r in 0..rows {
            let row = scores.as_mut_ptr().add(r * padded_keys);
            let seen = mask_row(head.mask, row, first + r, keys);
            sums[r] = exponentials::<V>(row, seen, padded_keys);
        }
        let mut r = 0;
        while r < rows {
            let p = Rows {
                first: scores.as_ptr().add(r * padded_keys),
                stride: padded_keys,
            };
            let out = head.out.pointer().add((first + r) * head.out_stride);
            let to = (out, head.out_stride);
            let many = V::TILE[0] > 4 && r + 4 <= rows;
            match many {
                true => weighted::<V, 4>(p, pieces, keys, head.width, &sums[r..], to),
                false => weighted::<V, 1>(p, pieces, keys, head.width, &sums[r..], to),
            }
            r += if many { 4 } else { 1 };
        }
    }
}

/// Dot products of `rows` queries, padded with zeros to whole vectors, with `len` keys.
#[inline(always)]
pub(crate) unsafe fn dots<V: Lanes>(
    queries: Rows,
    rows: usize,
    keys: Rows,
    len: usize,
    width: usize,
    out: *mut f32,
    out_stride: usize,
) {
    unsafe {
        let mut r = 0;
        while r < rows {
            let many = V::TILE[0] > 4 && r + 4 <= rows;
            let mut j = 0;
            while j < len {
                let columns = (len - j).min(4);
                let to = out.add(r * out_stride + j);
                let q = queries.from(r);
                let key = |c: usize| keys.row(j + c);
                match (many, columns) {
                    (true, 4) => {
                        let k = std::array::from_fn(key);
                        dots_tile::<V, 4, 4>(q, k, width, to, out_stride);
                    }
                    (true, _) => {
                        for c in 0..columns {
                            dots_tile::<V, 4, 1>(q, [key(c)], width, to.add(c), out_stride);
                        }
                    }
                    (false, 4) => {
                        let k = std::array::from_fn(key);
                        dots_tile::<V, 1, 4>(q, k, width, to, out_stride);
                    }
                    (false, _) => {
                        for c in 0..columns {
                            dots_tile::<V, 1, 1>(q, [key(c)], width, to.add(c), out_stride);
                        }
                    }
                }
                j += columns;
            }
            r += if many { 4 } else { 1 };
        }
    }
}

/// With the keys at `keys`.
#[inline(always)]
unsafe fn dots_tile<V: Lanes, const R: usize, const C: usize>(
    queries: Rows,
    keys: [*const f32; C],
    width: usize,
    out: *mut f32,
    out_stride: usize,
) {
    unsafe {
        let mut sums = [[V::splat(0.0); C]; R];
        let mut at = 0;
        while at < width {
            let left = width - at;
            let mut columns = [V::splat(0.0); C];
            for c in 0..C {
                let from = keys[c].add(at);
                columns[c] = match left >= LANES {
                    true => V::load(from),
                    false => V::load_first(from, left, 0.0),
                };
            }
            for r in 0..R {
                let row = V::load(queries.row(r).add(at));
                for c in 0..C {
                    sums[r][c] = row.mul_add(columns[c], sums[r][c]);
                }
            }
            at += LANES;
        }
        for r in 0..R {
            let mut four = [V::splat(0.0); 4];
            four[..C].copy_from_slice(&sums[r]);
            let totals = V::sums(four);
            for c in 0..C {
                *out.add(r * out_stride + c) = totals[c];
            }
        }
    }
}

/// Adds the mask to a row of scores and returns how many keys the query sees.
#[inline(always)]
pub(crate) unsafe fn mask_row(mask: Mask<'_>, row: *mut f32, query: usize, keys: usize) -> usize {
    match mask {
        Mask::None => keys,
        Mask::Bias(bias) => {
            unsafe {
                let bias = bias.row(query);
                for j in 0..keys {
                    *row.add(j) += *bias.add(j);
                }
            }
            keys
        }
        Mask::Causal { first, slope } => {
            let own = first + query;
            let seen = (own + 1).min(keys);
            if slope != 0.0 {
                for j in 0..seen {
                    unsafe { *row.add(j) += slope * (j as f32 - own as f32) };
                }
            }
            seen
        }
        Mask::Tree {
            first,
            slope,
            parents,
        } => {
            // On the way back, parents stand before their children.
            let (mut at, mut back) = (Some(query), 0);
            for token in (0..keys - first).rev() {
                let score = unsafe { &mut *row.add(first + token) };
                if at == Some(token) {
                    *score -= slope * back as f32;
                    (at, back) = (parents[token], back + 1);
                } else {
                    *score = f32::NEG_INFINITY;
                }
            }
            if slope != 0.0 {
                let own = first + back - 1;
                for j in 0..first {
                    unsafe { *row.add(j) += slope * (j as f32 - own as f32) };
                }
            }
            keys
        }
    }
}

/// Turns the first `seen` scores of a row into exponentials of their distance from the greatest,
/// and the rest into zeros; returns the sum.
#[inline(always)]
pub(crate) unsafe fn exponentials<V: Lanes>(row: *mut f32, seen: usize, padded: usize) -> f32 {
    unsafe {
        for j in seen..padded {
            *row.add(j) = f32::NEG_INFINITY;
        }
        let mut greatest = V::splat(f32::NEG_INFINITY);
        for j in (0..seen).step_by(LANES) {
            greatest = greatest.max(V::load(row.add(j)));
        }
        let greatest = V::splat(greatest.greatest());
        let mut sum = V::splat(0.0);
        for j in (0..seen).step_by(LANES) {
            let e = exp(V::load(row.add(j)).sub(greatest));
            e.store(row.add(j));
            sum = sum.add(e);
        }
        for j in seen..padded {
            *row.add(j) = 0.0;
        }
        sum.sum()
    }
}

/// Rows of `p v / sum`, [`LANES`] times up to four channels at a time.
#[inline(always)]
unsafe fn weighted<V: Lanes, const R: usize>(
    p: Rows,
    pieces: &[Piece],
    keys: usize,
    width: usize,
    sums: &[f32],
    (out, out_stride): (*mut f32, usize),
) {
    let mut at = 0;
    while at < width {
        let left = width - at;
        unsafe {
            let to = (out.add(at), out_stride);
            match left / LANES {
                0 => channels::<V, R, 1>(p, pieces, keys, at, left, sums, to),
                1 => channels::<V, R, 1>(p, pieces, keys, at, LANES, sums, to),
                2 | 3 => channels::<V, R, 2>(p, pieces, keys, at, LANES, sums, to),
                _ => channels::<V, R, 4>(p, pieces, keys, at, LANES, sums, to),
            }
        }
        at += match left / LANES {
            0 | 1 => LANES,
            2 | 3 => 2 * LANES,
            _ => 4 * LANES,
        };
    }
}

/// `C` vectors of channels from channel `at` on; of the last one `last` lanes.
#[inline(always)]
unsafe fn channels<V: Lanes, const R: usize, const C: usize>(
    p: Rows,
    pieces: &[Piece],
    keys: usize,
    at: usize,
    last: usize,
    sums: &[f32],
    (out, out_stride): (*mut f32, usize),
) {
    unsafe {
        let mut totals = [[V::splat(0.0); C]; R];
        let mut key = 0;
        for piece in pieces {
            for j in 0..piece.len.min(keys - key) {
                let from = piece.values.row(j).add(at);
                let mut values = [V::splat(0.0); C];
                for c in 0..C {
                    values[c] = match last {
                        LANES => V::load(from.add(c * LANES)),
                        _ => V::load_first(from, last, 0.0),
                    };
                }
                for r in 0..R {
                    let weight = V::splat(*p.row(r).add(key + j));
                    for c in 0..C {
                        totals[r][c] = weight.mul_add(values[c], totals[r][c]);
                    }
                }
            }
            key += piece.len.min(keys - key);
        }
        for r in 0..R {
            let share = V::splat(1.0 / sums[r]);
            for c in 0..C {
                let to = out.add(r * out_stride + c * LANES);
                let value = totals[r][c].mul(share);
                match last {
                    LANES => value.store(to),
                    _ => value.store_first(to, last),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 89;

    fn numbers(rows: usize, seed: usize) -> Vec<f32> {
        let value = |i: usize| ((i * 7919 + seed * 104_729) % 1009) as f32 / 504.5 - 1.0;
        (0..rows * WIDTH).map(value).collect()
    }

    fn rows(of: &[f32]) -> Rows {
        Rows {
            first: of.as_ptr(),
            stride: WIDTH,
        }
    }

    #[test]
    fn every_instruction_set_gives_the_weighted_means() {
        let (queries, keys) = (29, 43);
        let (q, k, v) = (numbers(queries, 1), numbers(keys, 2), numbers(keys, 3));
        let pieces = [0..17, 17..43].map(|part: std::ops::Range<usize>| Piece {
            keys: rows(&k[part.start * WIDTH..]),
            values: rows(&v[part.start * WIDTH..]),
            len: part.len(),
        });
        let slope = 0.25;
        for set in InstructionSet::available() {
            let mut out = vec![0.0; queries * WIDTH];
            let head = Head {
                queries: rows(&q),
                wanted: [0, queries],
                width: WIDTH,
                scale: 0.4,
                mask: Mask::Causal { first: 14, slope },
                out: Shared::new(&mut out),
                out_stride: WIDTH,
            };
            // SAFETY: everything is there, and no one else writes.
            unsafe { attend(set, &head, &pieces) };
            for query in 0..queries {
                let own = 14 + query;
                let score = |key: usize| {
                    let terms = (0..WIDTH).map(|c| q[query * WIDTH + c] * k[key * WIDTH + c]);
                    f64::from(0.4 * terms.sum::<f32>() + slope * (key as f32 - own as f32))
                };
                let weights: Vec<f64> = (0..=own).map(|key| score(key).exp()).collect();
                let sum: f64 = weights.iter().sum();
                for c in 0..WIDTH {
                    let terms = weights.iter().enumerate();
                    let terms = terms.map(|(key, w)| w * f64::from(v[key * WIDTH + c]));
                    let far = f64::from(out[query * WIDTH + c]) - terms.sum::<f64>() / sum;
                    assert!(far.abs() < 1e-4, "{set:?} query {query} channel {c}: {far}");
                }
            }
        }
    }
}
