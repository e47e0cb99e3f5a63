//! Padded rows of token ids, as a peer has them, and the ragged rows that we compute.

use std::ops::Range;

use flamingo_kernels::{Device, MASKED, Tensor, floats, indices};
use flamingo_model::language::PADDED;
use flamingo_model::{Flamingo, Looking, Media, Passing, TextCache, TextInput, TextRow};

use crate::case::Rows;
use crate::{Array, Computed};

/// What a token's cross-attention goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sees {
    /// At most one medium.
    One(Range<usize>),
    /// Several media, all of them alike, whatever the query: what a peer's softmax over nothing but
    /// hidden scores comes to.
    Evenly(Range<usize>),
    /// Several media, by their scores.
    All(Range<usize>),
}

impl Sees {
    pub(crate) fn nothing() -> Self {
        Sees::One(0..0)
    }
}

/// The plan of tokens that see `sees` of `media` media.
pub(crate) fn looking(sees: &[Sees], media: usize, device: &Device) -> Looking {
    let ranges: Option<Vec<Range<usize>>> = sees
        .iter()
        .map(|sees| match sees {
            Sees::One(range) | Sees::All(range) => Some(range.clone()),
            Sees::Evenly(_) => None,
        })
        .collect();
    if let Some(ranges) = ranges {
        return Looking::new(&ranges, media, device);
    }
    let bias = |sees: &Sees, medium: usize| match sees {
        Sees::One(range) | Sees::All(range) if range.contains(&medium) => 0.0,
        Sees::One(_) | Sees::All(_) => MASKED,
        // As large a number swallows any score, and a larger one hides the others.
        Sees::Evenly(range) if range.contains(&medium) => MASKED,
        Sees::Evenly(_) => 4.0 * MASKED,
    };
    let any = |sees: &Sees| match sees {
        Sees::One(range) | Sees::Evenly(range) | Sees::All(range) => f32::from(!range.is_empty()),
    };
    let values = sees
        .iter()
        .flat_map(|s| (0..media).map(move |m| bias(s, m)))
        .collect();
    let seeing = sees.iter().enumerate().filter(|(_, sees)| any(sees) > 0.0);
    Looking::Many {
        bias: floats(values, [sees.len(), media], device),
        sees_any: floats(sees.iter().map(any).collect(), [sees.len(), 1], device),
        seeing: seeing.map(|(token, _)| token).collect(),
    }
}

/// Rows without their padding, wherever it was.
#[derive(Debug, Clone)]
pub(crate) struct Ragged {
    pub(crate) rows: Vec<Vec<u32>>,
    /// For each row the columns of its tokens in the padded rows.
    pub(crate) columns: Vec<Vec<usize>>,
    /// Width of the padded rows.
    pub(crate) padded: usize,
}

impl Ragged {
    pub(crate) fn new(ids: &Rows, mask: &Rows) -> Self {
        let mut ragged = Self {
            rows: Vec::new(),
            columns: Vec::new(),
            padded: ids.width,
        };
        for (ids, mask) in ids.rows().zip(mask.rows()) {
            let columns: Vec<usize> = (0..ids.len()).filter(|&i| mask[i] != 0).collect();
            ragged
                .rows
                .push(columns.iter().map(|&i| ids[i] as u32).collect());
            ragged.columns.push(columns);
        }
        ragged
    }

    /// Rows that have no padding, for tokens that are appended.
    pub(crate) fn of_rows(rows: Vec<Vec<u32>>) -> Self {
        let columns = rows.iter().map(|row| (0..row.len()).collect()).collect();
        let padded = rows.iter().map(Vec::len).max().unwrap_or(0);
        Self {
            rows,
            columns,
            padded,
        }
    }

    pub(crate) fn width(&self) -> usize {
        self.rows.iter().map(Vec::len).max().unwrap_or(0)
    }

    pub(crate) fn input(&self) -> TextInput {
        let width = self.width();
        let ids: Vec<u32> = self.flat(|row| row.to_vec(), 0);
        let lengths: Vec<usize> = self.rows.iter().map(Vec::len).collect();
        TextInput::ragged(&ids, width, &lengths)
    }

    /// Something for each token, `filler` for padding, row-major.
    pub(crate) fn flat<T: Clone>(&self, of_row: impl Fn(&[u32]) -> Vec<T>, filler: T) -> Vec<T> {
        let width = self.width();
        let mut flat = Vec::with_capacity(width * self.rows.len());
        for row in &self.rows {
            let mut values = of_row(row);
            values.resize(width, filler.clone());
            flat.extend(values);
        }
        flat
    }

    /// What the last token of each row has, of what all have.
    pub(crate) fn last<T: Clone>(&self, of_tokens: &[T]) -> Vec<T> {
        let width = self.width();
        let last = |(i, row): (usize, &Vec<u32>)| of_tokens[i * width + row.len() - 1].clone();
        self.rows.iter().enumerate().map(last).collect()
    }

    /// `[B, L, d]` of our rows in the peer's padded layout; 0 where it has padding.
    pub(crate) fn padded(&self, tensor: Tensor<3>) -> Array {
        let array = Array::of(tensor);
        let [_, width, d] = array.shape[..] else {
            unreachable!("three axes")
        };
        let mut out = Array::zeros([self.rows.len(), self.padded, d]);
        for (row, columns) in self.columns.iter().enumerate() {
            for (place, column) in columns.iter().enumerate() {
                let from = (row * width + place) * d;
                let to = (row * self.padded + column) * d;
                out.values[to..to + d].copy_from_slice(&array.values[from..from + d]);
            }
        }
        out
    }
}

/// The stream's stations under a peer's names.
pub(crate) struct Names<'a> {
    /// Of the stream before layer n and any block there; behind the last for n layers.
    pub(crate) stream: &'a dyn Fn(usize) -> Vec<String>,
    /// Of block n's cross-attention, before its gate.
    pub(crate) attention: &'a dyn Fn(usize) -> Option<String>,
    /// Of the stream behind block n.
    pub(crate) block: &'a dyn Fn(usize) -> Vec<String>,
}

/// One pass over whole rows: logits of all tokens, `[B, L, V]`; stations go into `computed`.
pub(crate) fn pass(
    model: &Flamingo,
    rows: &Ragged,
    media: &Media,
    sees: &[Sees],
    device: &Device,
    record: Option<(&mut Computed, &Names<'_>)>,
) -> Tensor<3> {
    let looking = looking(sees, media.len(), device);
    let input = rows.input();
    let hidden = match record {
        None => model.hidden(&input, media, &looking),
        Some((computed, names)) => {
            let mut watch = |passing: Passing, y: &Tensor<3>| {
                let found: Vec<String> = match passing {
                    Passing::Stream(point) => (names.stream)(point),
                    Passing::CrossAttention(block) => {
                        (names.attention)(block).into_iter().collect()
                    }
                    Passing::BehindBlock(block) => (names.block)(block),
                    Passing::BeforeBlock(_) => Vec::new(),
                };
                for name in found {
                    computed.put(name, rows.padded(y.clone()));
                }
            };
            model.hidden_with(&input, media, &looking, &mut watch)
        }
    };
    logits(model, hidden)
}

pub(crate) fn logits(model: &Flamingo, hidden: Tensor<3>) -> Tensor<3> {
    let [b, l, d] = hidden.dims();
    let logits = model.logits(hidden.reshape([b * l, d]));
    let [_, v] = logits.dims();
    logits.reshape([b, l, v])
}

/// A pass over rows with their padding, as they stand: the logits before each token that is no padding,
/// is not the first of the padded row, and that `asked` says yes to, `[n, V]`, and these tokens. A
/// peer's loss asks the last padding of a row for the row's first token, too.
pub(crate) fn over_padding(
    model: &Flamingo,
    [ids, mask]: [&Rows; 2],
    rows: &Ragged,
    media: &Media,
    sees: &[Sees],
    asked: impl Fn(i64) -> bool,
    device: &Device,
) -> (Tensor<2>, Vec<usize>) {
    let width = ids.width;
    let places = |mask: &[i64]| {
        let mut next = 0;
        let place = |&mask: &i64| match mask {
            0 => PADDED,
            _ => {
                next += 1;
                next - 1
            }
        };
        mask.iter().map(place).collect()
    };
    let input = TextInput {
        ids: ids.values.iter().map(|&id| id as u32).collect(),
        positions: mask.rows().map(places).collect(),
        branches: Vec::new(),
    };
    let mut padded = vec![Sees::nothing(); ids.values.len()];
    for (row, columns) in rows.columns.iter().enumerate() {
        for (place, column) in columns.iter().enumerate() {
            padded[row * width + column] = sees[row * rows.width() + place].clone();
        }
    }
    let looking = looking(&padded, media.len(), device);
    let logits = logits(model, model.hidden(&input, media, &looking));
    let [b, _, v] = logits.dims();
    let counts =
        |i: &usize| mask.values[*i] != 0 && !i.is_multiple_of(width) && asked(ids.values[*i]);
    let read: Vec<usize> = (0..ids.values.len()).filter(counts).collect();
    let targets = read.iter().map(|&i| ids.values[i] as usize).collect();
    let before = indices(read.into_iter().map(|i| i - 1), device);
    (logits.reshape([b * width, v]).select(0, before), targets)
}

/// Logits of all tokens that `model` reads; those that are never written have the least.
pub(crate) fn over_vocabulary(model: &Flamingo, mut logits: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    for row in &mut logits {
        row.resize(model.config().language.vocabulary, f32::NEG_INFINITY);
    }
    logits
}

/// Rows that have been read, and what is read next to them.
#[derive(Clone)]
pub(crate) struct Read<'a> {
    pub(crate) model: &'a Flamingo,
    pub(crate) media: Media,
    pub(crate) caches: Vec<TextCache>,
    pub(crate) device: Device,
}

impl<'a> Read<'a> {
    /// Reads whole rows, of which each token of the padded ones sees `sees`, and returns the logits at
    /// the last token of each.
    pub(crate) fn prompts(
        model: &'a Flamingo,
        rows: &Ragged,
        media: &Media,
        sees: &[Sees],
        device: &Device,
    ) -> (Self, Vec<Vec<f32>>) {
        let mut read = Self {
            model,
            media: media.clone(),
            caches: vec![TextCache::default(); rows.rows.len()],
            device: device.clone(),
        };
        let width = rows.width();
        let own = |(i, row): (usize, &Vec<u32>)| sees[i * width..][..row.len()].to_vec();
        let sees: Vec<Sees> = rows.rows.iter().enumerate().flat_map(own).collect();
        let mut end = 0;
        let ends = rows.rows.iter().map(|row| {
            end += row.len();
            end - 1
        });
        let ends: Vec<usize> = ends.collect();
        let first = read.logits(&rows.rows, &sees, &ends);
        (read, first)
    }

    /// Reads one token of each row and returns the logits there.
    pub(crate) fn step(&mut self, tokens: &[u32], sees: &[Sees]) -> Vec<Vec<f32>> {
        let rows: Vec<Vec<u32>> = tokens.iter().map(|&token| vec![token]).collect();
        let ends: Vec<usize> = (0..tokens.len()).collect();
        self.logits(&rows, sees, &ends)
    }

    fn logits(&mut self, ids: &[Vec<u32>], sees: &[Sees], read: &[usize]) -> Vec<Vec<f32>> {
        let looking = looking(sees, self.media.len(), &self.device);
        let mut rows: Vec<TextRow<'_>> = ids
            .iter()
            .zip(&mut self.caches)
            .map(|(ids, cache)| TextRow::new(ids, cache))
            .collect();
        let hidden = self.model.read(&mut rows, &self.media, &looking);
        let hidden = hidden.select(0, indices(read.iter().copied(), &self.device));
        let logits = Array::of(self.model.logits(hidden));
        let width = logits.width();
        logits.values.chunks(width).map(<[f32]>::to_vec).collect()
    }
}
