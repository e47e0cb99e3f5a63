//! Scaled dot-product attention of tokens of many texts side by side, each of which meets keys and
//! values of its own, in as many pieces as they lie.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::OnceLock;

use burn::tensor::{DType, Tensor};

use crate::attention::{MASKED, attention, merge_heads, repeat_heads, split_heads};
use crate::cpu::attention::{BLOCK, Head, Mask, Piece, Rows};
use crate::cpu::product::Shared;
use crate::cpu::simd::InstructionSet;
use crate::cpu::tasks::for_each;
use crate::cpu::{self, FlexTensor, Source};
use crate::{floats, narrowed, widened};

/// Multiply-adds that are worth a task of their own.
const TASK: usize = 1 << 15;

/// Keys and values of consecutive tokens, or of a medium's latents. Cloning one copies nothing.
#[derive(Debug, Clone)]
pub struct KeysValues {
    keys: Tensor<2>,
    values: Tensor<2>,
    /// As kernels read them, if they can without a copy; found out once, as they are read in every pass.
    lying: OnceLock<Option<Lying>>,
}

/// Keys and values in f32, row-major and without gaps.
#[derive(Debug, Clone)]
struct Lying {
    keys: Source,
    values: Source,
    len: usize,
    /// What they lie in.
    _both: [FlexTensor; 2],
}

impl KeysValues {
    /// # Shapes
    /// - `keys`, `values`: `[L, H * Dh]`
    pub fn new(keys: Tensor<2>, values: Tensor<2>) -> Self {
        Self {
            keys,
            values,
            lying: OnceLock::new(),
        }
    }

    /// `[L, H * Dh]`.
    pub fn keys(&self) -> &Tensor<2> {
        &self.keys
    }

    /// `[L, H * Dh]`.
    pub fn values(&self) -> &Tensor<2> {
        &self.values
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.dims()[0]
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn as_they_lie(&self) -> Option<&Lying> {
        let find = || {
            let both = [&self.keys, &self.values];
            let plain = both
                .iter()
                .all(|x| cpu::readable(*x) && x.dtype() == DType::F32);
            let both = plain.then(|| both.map(|x| cpu::primitive(x.clone())))?;
            let whole = both.iter().all(FlexTensor::is_contiguous);
            whole.then(|| Lying::new(both, self.len()))
        };
        self.lying.get_or_init(find).as_ref()
    }

    fn is_readable(&self) -> bool {
        self.as_they_lie().is_some() || (cpu::readable(&self.keys) && cpu::readable(&self.values))
    }

    /// A copy that kernels can read.
    fn copied(&self) -> Lying {
        let both = [&self.keys, &self.values];
        let both = both.map(|x| cpu::contiguous(widened(x.clone())));
        Lying::new(both, self.len())
    }
}

impl Lying {
    fn new(both: [FlexTensor; 2], len: usize) -> Self {
        let [keys, values] = [0, 1].map(|i| Source::of(cpu::elements(&both[i])));
        Self {
            keys,
            values,
            len,
            _both: both,
        }
    }

    /// Those of the first head, of rows `stride` apart.
    fn piece(&self, stride: usize) -> Piece {
        let rows = |x: Source| Rows {
            first: x.pointer(),
            stride,
        };
        Piece {
            keys: rows(self.keys),
            values: rows(self.values),
            len: self.len,
        }
    }
}

/// Consecutive queries that meet the same keys.
#[derive(Debug, Clone)]
pub struct QueryGroup<'a> {
    /// Which of the queries.
    pub queries: Range<usize>,
    /// What they meet, in pieces.
    pub seen: Vec<&'a KeysValues>,
    /// Which of it each query meets.
    pub order: Order<'a>,
}

/// Which keys each query of a group meets.
#[derive(Debug, Clone, Copy)]
pub enum Order<'a> {
    /// All.
    All,
    /// The queries are of the last of the tokens that the keys are of: those up to its own.
    Causal,
    /// So, too, but the queries' tokens branch: those before the queries' tokens, its own, and those
    /// that lead to it. For each token the one that it follows, which stands before it, or none.
    Tree(&'a [Option<usize>]),
}

/// The heads of an [`attend`].
#[derive(Debug, Clone, Copy)]
pub struct Heads<'a> {
    /// Of the queries.
    pub queries: usize,
    /// Of keys and values; each serves as many neighbouring heads of the queries.
    pub keys: usize,
    /// What scores are multiplied by.
    pub scale: f64,
    /// What is added to a causal score, times the distance back: a slope a head (ALiBi).
    pub slopes: Option<&'a [f32]>,
}

/// Attention of queries that stand side by side, whatever prompt each is of. What is in no group, or
/// in one that sees nothing, gets zeros.
///
/// # Shapes
/// - `q` and output: `[L, H * Dh]`
///
/// # Panics
/// If groups overlap or reach beyond the queries.
pub fn attend(q: Tensor<2>, groups: &[QueryGroup<'_>], heads: &Heads<'_>) -> Tensor<2> {
    let mut end = 0;
    for group in groups {
        assert!(group.queries.start >= end, "groups of queries overlap");
        end = group.queries.end;
    }
    assert!(
        end <= q.dims()[0],
        "a group reaches to {end} of {} queries",
        q.dims()[0]
    );
    let mut seen = groups.iter().flat_map(|group| &group.seen);
    match cpu::readable(&q) && seen.all(|seen| seen.is_readable()) {
        true => attend_on_the_processor(q, groups, heads),
        false => attend_plain(q, groups, heads),
    }
}

fn attend_on_the_processor<'a>(
    q: Tensor<2>,
    groups: &[QueryGroup<'a>],
    heads: &Heads<'_>,
) -> Tensor<2> {
    let (dtype, [tokens, inner]) = (q.dtype(), q.dims());
    let (width, share) = (inner / heads.queries, heads.queries / heads.keys);
    let q = cpu::contiguous(widened(q));
    // Texts that begin alike see the same keys and values: they are copied once.
    let mut copies: HashMap<*const KeysValues, Lying> = HashMap::new();
    for seen in groups.iter().flat_map(|group| &group.seen) {
        if seen.as_they_lie().is_none() {
            let copy = copies.entry(std::ptr::from_ref(*seen));
            copy.or_insert_with(|| seen.copied());
        }
    }
    let lying = |seen: &&'a KeysValues| match seen.as_they_lie() {
        Some(lying) => lying,
        None => &copies[&std::ptr::from_ref(*seen)],
    };
    let lying: Vec<Vec<&Lying>> = groups
        .iter()
        .map(|group| group.seen.iter().map(lying).collect())
        .collect();
    let mut tasks = Vec::new();
    for (number, lying) in lying.iter().enumerate() {
        let keys: usize = lying.iter().map(|lying| lying.len).sum();
        let count = if keys == 0 {
            0
        } else {
            groups[number].queries.len()
        };
        for first in (0..count).step_by(BLOCK) {
            let wanted = [first, (first + BLOCK).min(count)];
            // Scores, and what they weigh.
            let work = 2 * (wanted[1] - first) * keys * inner;
            let at_once = heads.queries.div_ceil((work / TASK).max(1));
            let of_heads = (0..heads.queries).step_by(at_once);
            tasks.extend(of_heads.map(|head| {
                let end = (head + at_once).min(heads.queries);
                (number, wanted, head..end)
            }));
        }
    }
    // One head of all groups after the other: what texts have in common is read once.
    tasks.sort_by_key(|(_, _, heads)| heads.start);
    let mut out = vec![0.0; tokens * inner];
    let shared = Shared::new(&mut out);
    let set = InstructionSet::best();
    for_each(tasks.len(), |task| {
        let (number, wanted, of_heads) = tasks[task].clone();
        let group = &groups[number];
        let pieces = lying[number].iter().filter(|lying| lying.len > 0);
        let pieces: Vec<Piece> = pieces
            .map(|lying| lying.piece(heads.keys * width))
            .collect();
        let all: usize = pieces.iter().map(|piece| piece.len).sum();
        let first = all.saturating_sub(group.queries.len());
        let mut own = pieces.clone();
        for head in of_heads {
            let slope = heads.slopes.map_or(0.0, |slopes| slopes[head]);
            let mask = match group.order {
                Order::All => Mask::None,
                Order::Causal => Mask::Causal { first, slope },
                Order::Tree(parents) => Mask::Tree {
                    first,
                    slope,
                    parents,
                },
            };
            let at = group.queries.start * inner + head * width;
            // SAFETY: the tensors outlive the loop; each task writes rows and channels of its own.
            unsafe {
                for (own, piece) in own.iter_mut().zip(&pieces) {
                    *own = piece.behind(head / share * width);
                }
                let head = Head {
                    queries: Rows {
                        first: cpu::elements::<f32>(&q)[at..].as_ptr(),
                        stride: inner,
                    },
                    wanted,
                    width,
                    scale: heads.scale as f32,
                    mask,
                    out: shared.behind(at),
                    out_stride: inner,
                };
                cpu::attention::attend(set, &head, &own);
            }
        }
    });
    narrowed(cpu::tensor(out, [tokens, inner]), dtype)
}

fn attend_plain(q: Tensor<2>, groups: &[QueryGroup<'_>], heads: &Heads<'_>) -> Tensor<2> {
    let (device, dtype, [tokens, inner]) = (q.device(), q.dtype(), q.dims());
    let share = heads.queries / heads.keys;
    let zeros = |rows: usize| Tensor::<2>::zeros([rows, inner], (&device, dtype));
    let (mut parts, mut end) = (Vec::new(), 0);
    for group in groups {
        if group.queries.is_empty() || group.seen.is_empty() {
            continue;
        }
        if group.queries.start > end {
            parts.push(zeros(group.queries.start - end));
        }
        end = group.queries.end;
        let own = q
            .clone()
            .narrow(0, group.queries.start, group.queries.len());
        let join = |of: fn(&KeysValues) -> &Tensor<2>| {
            let all = group.seen.iter().map(|seen| of(seen).clone()).collect();
            repeat_heads(
                split_heads(Tensor::cat(all, 0).unsqueeze::<3>(), heads.keys),
                share,
            )
        };
        let (k, v) = (join(KeysValues::keys), join(KeysValues::values));
        let (queries, keys) = (group.queries.len(), k.dims()[2]);
        let bias = order_bias(group.order, queries, keys, heads.slopes.unwrap_or(&[0.0]));
        let bias = bias.map(|bias| {
            let heads = bias.len() / (queries * keys);
            floats(bias, [1, heads, queries, keys], &device)
        });
        let q = split_heads(own.unsqueeze::<3>(), heads.queries);
        let looked = attention(q, k, v, bias, heads.scale);
        parts.push(merge_heads(looked).squeeze_dim::<2>(0));
    }
    if end < tokens {
        parts.push(zeros(tokens - end));
    }
    Tensor::cat(parts, 0)
}

/// What is added to scores, `[H, queries, keys]`; none if every query meets every key.
fn order_bias(order: Order<'_>, queries: usize, keys: usize, slopes: &[f32]) -> Option<Vec<f32>> {
    let chain: Vec<Option<usize>> = (0..queries).map(|i| i.checked_sub(1)).collect();
    let parents = match order {
        Order::All => return None,
        Order::Causal => &chain,
        Order::Tree(parents) => parents,
    };
    let first = keys - queries;
    let mut bias = Vec::with_capacity(slopes.len() * queries * keys);
    for slope in slopes {
        for query in 0..queries {
            let mut path = vec![query];
            while let Some(parent) = parents[path[path.len() - 1]] {
                path.push(parent);
            }
            let own = first + path.len() - 1;
            let mut row = vec![MASKED; keys];
            for (key, bias) in row[..first].iter_mut().enumerate() {
                *bias = slope * (key as f32 - own as f32);
            }
            for (back, token) in path.into_iter().enumerate() {
                row[first + token] = -slope * back as f32;
            }
            bias.extend(row);
        }
    }
    Some(bias)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Device, Init};

    fn largest_difference(a: Tensor<2>, b: Tensor<2>) -> f32 {
        (a - b).abs().max().into_scalar()
    }

    fn keys_values(len: usize, inner: usize, seed: u64) -> KeysValues {
        let of = |seed| {
            Init::new(seed, &Device::flex())
                .normal([len, inner], 1.0)
                .val()
        };
        KeysValues::new(of(seed), of(seed + 100))
    }

    /// Two prompts and, between them, a token that sees nothing.
    fn groups(pieces: &[KeysValues]) -> Vec<QueryGroup<'_>> {
        vec![
            QueryGroup {
                queries: 0..5,
                seen: pieces[..2].iter().collect(),
                order: Order::Causal,
            },
            QueryGroup {
                queries: 6..43,
                seen: pieces[2..].iter().collect(),
                order: Order::Causal,
            },
        ]
    }

    #[test]
    fn tokens_side_by_side_get_what_plain_operations_give() {
        let pieces =
            [(3, 1), (5, 2), (41, 3), (2, 4)].map(|(len, seed)| keys_values(len, 22, seed));
        let q: Tensor<2> = Init::new(9, &Device::flex()).normal([44, 66], 1.0).val();
        let slopes = [0.5, 0.25, 0.1, 0.3, 0.2, 0.7];
        // Every query branches off somewhere before the last.
        let tree: Vec<Option<usize>> = (0..37).map(|i: usize| i.checked_sub(1 + i % 3)).collect();
        let orders = [
            (None, Order::Causal),
            (Some(&slopes[..]), Order::Causal),
            (None, Order::All),
            (Some(&slopes[..]), Order::Tree(&tree)),
        ];
        for (slopes, order) in orders {
            let heads = Heads {
                queries: 6,
                keys: 2,
                scale: 0.3,
                slopes,
            };
            let mut groups = groups(&pieces);
            groups[1].order = order;
            let kernel = attend_on_the_processor(q.clone(), &groups, &heads);
            let expected = attend_plain(q.clone(), &groups, &heads);
            assert!(largest_difference(kernel.clone(), expected) < 2e-6);
            let nothing = kernel.narrow(0, 5, 1).abs().max().into_scalar::<f32>();
            assert_eq!(nothing, 0.0);
        }
    }

    #[test]
    fn a_token_gets_the_same_bits_alone_and_among_others_and_however_its_keys_are_cut() {
        let whole = keys_values(43, 22, 5);
        let part = |range: Range<usize>| {
            let cut = |x: &Tensor<2>| x.clone().narrow(0, range.start, range.len());
            KeysValues::new(cut(&whole.keys), cut(&whole.values))
        };
        let q: Tensor<2> = Init::new(9, &Device::flex()).normal([40, 22], 1.0).val();
        let heads = Heads {
            queries: 2,
            keys: 2,
            scale: 0.3,
            slopes: Some(&[0.1, 0.2]),
        };
        let run = |q: Tensor<2>, pieces: &[KeysValues]| {
            let groups = [QueryGroup {
                queries: 0..q.dims()[0],
                seen: pieces.iter().collect(),
                order: Order::Causal,
            }];
            attend_on_the_processor(q, &groups, &heads)
        };
        let all = run(q.clone(), std::slice::from_ref(&whole));
        let cut = run(q.clone(), &[part(0..17), part(17..18), part(18..43)]);
        assert_eq!(all.to_data(), cut.into_data());
        let ones: Vec<KeysValues> = (5..43).map(|i| part(i..i + 1)).collect();
        let cut = run(q.clone(), &[&[part(0..5)], &ones[..]].concat());
        assert_eq!(all.to_data(), cut.into_data());
        for token in [0, 7, 39] {
            let alone = run(q.clone().narrow(0, token, 1), &[part(0..token + 4)]);
            assert_eq!(
                all.clone().narrow(0, token, 1).into_data(),
                alone.into_data()
            );
        }
    }
}
