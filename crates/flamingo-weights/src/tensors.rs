//! The tensors of a model under our names, wherever their numbers lie.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flamingo_checkpoint::{
    Checkpoint, Dtype, Element, Entry as FileEntry, TensorInfo, write_safetensors,
};
use flamingo_kernels::{Precision, QuantKind, dequantise_rows};
use half::{bf16, f16};

use crate::low_rank::LowRank;
use crate::made::Made;
use crate::{Error, Link, Result, Run};

/// Elements that are converted at once when tensors are copied.
const CHUNK: usize = 1 << 18;

/// A tensor in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values, row-major.
    pub values: Vec<f32>,
}

/// A stretch of one of our tensors, and where its numbers are.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    /// Elements of ours.
    pub(crate) ours: Range<usize>,
    pub(crate) file: usize,
    pub(crate) name: String,
    /// The first element of theirs.
    pub(crate) theirs: usize,
    /// How it is quantised, if it is: it is whole blocks, and bytes in its file.
    pub(crate) quantised: Option<QuantKind>,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) shape: Vec<usize>,
    /// In order; elements in no piece are 0.
    pub(crate) pieces: Vec<Piece>,
    /// Where they are in no file.
    pub(crate) made: Option<Made>,
    /// What is added to all of that.
    pub(crate) change: Option<Arc<LowRank>>,
}

impl Entry {
    /// Of numbers in files.
    pub(crate) fn of_pieces(shape: Vec<usize>, pieces: Vec<Piece>) -> Self {
        Self {
            shape,
            pieces,
            made: None,
            change: None,
        }
    }

    /// How all of it is quantised, if it is.
    fn quantised(&self) -> Option<QuantKind> {
        if self.change.is_some() {
            return None;
        }
        let first = self.pieces.first()?.quantised;
        let alike = |piece: &Piece| piece.quantised == first;
        first.filter(|_| self.pieces.iter().all(alike))
    }

    /// The pieces that hold some of `elements`, each with those that it holds.
    fn pieces_in(&self, elements: Range<usize>) -> impl Iterator<Item = (&Piece, Range<usize>)> {
        let from = self
            .pieces
            .partition_point(|piece| piece.ours.end <= elements.start);
        self.pieces[from..]
            .iter()
            .take_while(move |piece| piece.ours.start < elements.end)
            .map(move |piece| {
                let part = piece.ours.start.max(elements.start)..piece.ours.end.min(elements.end);
                (piece, part)
            })
    }
}

/// Numbers that weights can be read as.
pub trait Float: Element + Default + bytemuck::Pod {
    /// The nearest number to `value`.
    fn of(value: f32) -> Self;
}

impl Float for f32 {
    fn of(value: f32) -> Self {
        value
    }
}

impl Float for f16 {
    fn of(value: f32) -> Self {
        f16::from_f32(value)
    }
}

impl Float for bf16 {
    fn of(value: f32) -> Self {
        bf16::from_f32(value)
    }
}

/// Tensors under our names; values are read when asked for, straight into the type wanted.
#[derive(Default)]
pub struct Tensors {
    pub(crate) files: Vec<Arc<Checkpoint>>,
    pub(crate) entries: BTreeMap<String, Entry>,
}

/// One tensor of a published checkpoint.
#[derive(Clone)]
pub struct Stored {
    /// The files that it is in.
    pub checkpoint: Arc<Checkpoint>,
    /// Its name there.
    pub name: String,
}

impl Stored {
    /// Its name without the quantised format that its bytes are in, its shape, and that format.
    pub(crate) fn described(&self) -> (&str, Vec<usize>, Option<QuantKind>) {
        let Some(info) = self.checkpoint.info(&self.name) else {
            return (&self.name, Vec::new(), None);
        };
        match quantised_name(&self.name, info) {
            Some((name, shape, kind)) => (name, shape, Some(kind)),
            None => (&self.name, info.shape.clone(), None),
        }
    }

    /// Its shape.
    pub fn shape(&self) -> Vec<usize> {
        self.described().1
    }
}

impl Tensors {
    /// Files that have our names already.
    ///
    /// # Errors
    /// If one cannot be opened, is no file of weights, or repeats a name.
    pub fn open(paths: &[PathBuf]) -> Result<Self> {
        Ok(Self::of(Checkpoint::open(paths)?))
    }

    /// A file that is part of the program; `name` is for messages.
    ///
    /// # Errors
    /// If it is no safetensors file.
    pub fn embedded(name: &str, bytes: &'static [u8]) -> Result<Self> {
        Ok(Self::of(Checkpoint::embedded(name, bytes)?))
    }

    fn of(checkpoint: Checkpoint) -> Self {
        let mut tensors = Self::default();
        let names: Vec<String> = checkpoint.names().map(str::to_owned).collect();
        for name in names {
            let Some(info) = checkpoint.info(&name) else {
                continue;
            };
            let (ours, shape, quantised) = match quantised_name(&name, info) {
                Some((ours, shape, kind)) => (ours.to_owned(), shape, Some(kind)),
                None => (name.clone(), info.shape.clone(), None),
            };
            let piece = Piece {
                ours: 0..shape.iter().product(),
                file: 0,
                name,
                theirs: 0,
                quantised,
            };
            tensors
                .entries
                .insert(ours, Entry::of_pieces(shape, vec![piece]));
        }
        tensors.files.push(Arc::new(checkpoint));
        tensors
    }

    /// Adds the tensors of a link, from theirs as they are stored; `ours` are the shapes wanted.
    ///
    /// # Errors
    /// If the shapes do not fit; the message names both tensors with both shapes.
    pub fn add(&mut self, link: &Link, theirs: &[Stored], ours: &[Vec<usize>]) -> Result<()> {
        let shapes: Vec<Vec<usize>> = theirs.iter().map(Stored::shape).collect();
        let runs = link
            .runs(&shapes, ours)
            .map_err(|what| Error::Mismatch(format!("`{}` {what}", link.theirs.join("`, `"))))?;
        let quantised = common_kind(theirs, &runs)?;
        let files: Vec<usize> = theirs
            .iter()
            .map(|t| self.file_index(&t.checkpoint))
            .collect();
        for (name, shape) in link.ours.iter().zip(ours) {
            self.add_zeros(name.clone(), shape.clone());
        }
        for run in runs {
            let entry = self.entries.get_mut(&link.ours[run.ours.0]);
            let pieces = &mut entry.expect("inserted above").pieces;
            pieces.push(Piece {
                ours: run.ours.1..run.ours.1 + run.length,
                file: files[run.theirs.0],
                name: theirs[run.theirs.0].name.clone(),
                theirs: run.theirs.1,
                quantised,
            });
        }
        Ok(())
    }

    fn file_index(&mut self, checkpoint: &Arc<Checkpoint>) -> usize {
        let known = self.files.iter().position(|f| Arc::ptr_eq(f, checkpoint));
        known.unwrap_or_else(|| {
            self.files.push(checkpoint.clone());
            self.files.len() - 1
        })
    }

    /// Adds a tensor of zeros, for what no file has.
    pub fn add_zeros(&mut self, name: String, shape: Vec<usize>) {
        self.entries
            .insert(name, Entry::of_pieces(shape, Vec::new()));
    }

    /// Adds a tensor whose numbers are made when they are read.
    pub(crate) fn add_made(&mut self, name: String, shape: Vec<usize>, made: Made) {
        let entry = Entry {
            made: Some(made),
            ..Entry::of_pieces(shape, Vec::new())
        };
        self.entries.insert(name, entry);
    }

    /// The tensors under `prefix`, without it.
    pub fn under(&self, prefix: &str) -> Self {
        let entries = self.entries.iter().filter_map(|(name, entry)| {
            let rest = name.strip_prefix(prefix)?;
            Some((rest.to_owned(), entry.clone()))
        });
        Self {
            files: self.files.clone(),
            entries: entries.collect(),
        }
    }

    /// The same tensors, `prefix` before each name.
    pub(crate) fn within(&self, prefix: &str) -> Self {
        let entries = self.entries.iter();
        Self {
            files: self.files.clone(),
            entries: entries
                .map(|(name, entry)| (format!("{prefix}{name}"), entry.clone()))
                .collect(),
        }
    }

    /// The names, in order of the alphabet.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The shape of a tensor.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.entries.get(name).map(|entry| entry.shape.as_slice())
    }

    /// Rows along the first axis that are in no file, if there are any: those of new tokens.
    pub fn missing_rows(&self, name: &str) -> Option<Range<usize>> {
        let entry = self.entries.get(name)?;
        let rows = *entry.shape.first()?;
        let row: usize = entry.shape[1..].iter().product();
        let stored = entry.pieces.iter().map(|piece| piece.ours.end).max();
        let first = stored.unwrap_or(0) / row.max(1);
        (first < rows).then_some(first..rows)
    }

    /// The file of a tensor; of the first of its parts, where it has several.
    pub fn file(&self, name: &str) -> Option<&Path> {
        let piece = self.entries.get(name)?.pieces.first()?;
        self.files[piece.file].file(&piece.name)
    }

    /// The type in which a tensor is stored; of the first of its parts, where it has several.
    pub fn dtype(&self, name: &str) -> Option<Dtype> {
        let piece = self.entries.get(name)?.pieces.first()?;
        Some(self.files[piece.file].info(&piece.name)?.dtype)
    }

    /// How all of a tensor is quantised in its files, if it is.
    pub fn quantised(&self, name: &str) -> Option<QuantKind> {
        self.entries.get(name)?.quantised()
    }

    /// As [`Self::dtype`], the format of a part that is quantised.
    pub(crate) fn first_quantised(&self, name: &str) -> Option<QuantKind> {
        self.entries.get(name)?.pieces.first()?.quantised
    }

    /// Whether any tensor is quantised in its file, in whole or in part.
    pub fn any_quantised(&self) -> bool {
        let mut pieces = self.entries.values().flat_map(|entry| &entry.pieces);
        pieces.any(|piece| piece.quantised.is_some())
    }

    /// The bytes of a tensor that is quantised in its file.
    ///
    /// # Errors
    /// If there is no such tensor.
    pub fn bytes(&self, name: &str) -> Result<Vec<u8>> {
        let entry = self.entries.get(name);
        let (entry, kind) = entry
            .and_then(|entry| Some((entry, entry.quantised()?)))
            .ok_or_else(|| Error::Mismatch(format!("there is no quantised tensor `{name}`")))?;
        let elements: usize = entry.shape.iter().product();
        let mut bytes = vec![0; kind.row_bytes(elements)];
        self.read_blocks(entry, kind, 0, &mut bytes)?;
        Ok(bytes)
    }

    /// Fills `bytes` with whole blocks of `entry`, from number `first` on; those in no file are zeros.
    fn read_blocks(
        &self,
        entry: &Entry,
        kind: QuantKind,
        first: usize,
        bytes: &mut [u8],
    ) -> flamingo_checkpoint::Result<()> {
        let start = first * kind.block();
        let end = start + bytes.len() / kind.block_bytes() * kind.block();
        bytes.fill(0);
        for (piece, part) in entry.pieces_in(start..end) {
            let theirs = kind.row_bytes(piece.theirs + part.start - piece.ours.start);
            let out = kind.row_bytes(part.start - start)..kind.row_bytes(part.end - start);
            let length = out.len();
            self.files[piece.file].read(&piece.name, theirs..theirs + length, &mut bytes[out])?;
        }
        Ok(())
    }

    /// The values of a tensor, widened to f32.
    ///
    /// # Errors
    /// If there is no such tensor, or it does not hold floating-point numbers.
    pub fn values(&self, name: &str) -> Result<Vec<f32>> {
        self.read(name)
    }

    /// The values of a tensor as `T`, with no copy between the file and what is returned; those of
    /// a quantised tensor are what its blocks stand for.
    ///
    /// # Errors
    /// If there is no such tensor, or it does not hold floating-point numbers.
    pub fn read<T: Float>(&self, name: &str) -> Result<Vec<T>> {
        let entry = self
            .entries
            .get(name)
            .ok_or_else(|| Error::Mismatch(format!("there is no tensor `{name}`")))?;
        let mut values = vec![T::default(); entry.shape.iter().product()];
        self.read_range(entry, 0, &mut values)?;
        Ok(values)
    }

    /// Elements of a tensor, counted row by row.
    pub(crate) fn part<T: Float>(
        &self,
        name: &str,
        elements: Range<usize>,
    ) -> flamingo_checkpoint::Result<Vec<T>> {
        let mut values = vec![T::default(); elements.len()];
        self.read_range(&self.entries[name], elements.start, &mut values)?;
        Ok(values)
    }

    /// Fills `values`, which are zeros, with the elements of `entry` from `start` on.
    fn read_range<T: Float>(
        &self,
        entry: &Entry,
        start: usize,
        values: &mut [T],
    ) -> flamingo_checkpoint::Result<()> {
        let Some(change) = &entry.change else {
            return self.read_stored(entry, start, values);
        };
        let mut wide = vec![0.0; values.len()];
        self.read_stored(entry, start, &mut wide)?;
        change.add(start, &mut wide);
        for (value, wide) in values.iter_mut().zip(wide) {
            *value = T::of(wide);
        }
        Ok(())
    }

    fn read_stored<T: Float>(
        &self,
        entry: &Entry,
        start: usize,
        values: &mut [T],
    ) -> flamingo_checkpoint::Result<()> {
        let end = start + values.len();
        if let Some(made) = &entry.made {
            for (place, value) in (start..).zip(values.iter_mut()) {
                *value = T::of(made.at(place));
            }
        }
        for (piece, part) in entry.pieces_in(start..end) {
            let theirs = piece.theirs + part.start - piece.ours.start;
            let out = &mut values[part.start - start..part.end - start];
            match piece.quantised {
                Some(kind) => self.widen(piece, kind, theirs, out)?,
                None => {
                    self.files[piece.file].read(&piece.name, theirs..theirs + part.len(), out)?;
                }
            }
        }
        Ok(())
    }

    /// Fills `values` with the elements of a quantised tensor of theirs from `start` on.
    fn widen<T: Float>(
        &self,
        piece: &Piece,
        kind: QuantKind,
        start: usize,
        values: &mut [T],
    ) -> flamingo_checkpoint::Result<()> {
        let (first, end) = (start / kind.block(), start + values.len());
        let blocks = first..end.div_ceil(kind.block());
        let mut bytes = vec![0; blocks.len() * kind.block_bytes()];
        let from = first * kind.block_bytes();
        self.files[piece.file].read(&piece.name, from..from + bytes.len(), &mut bytes)?;
        let wide = dequantise_rows(kind, &bytes);
        let skipped = start - first * kind.block();
        for (value, wide) in values.iter_mut().zip(&wide[skipped..]) {
            *value = T::of(*wide);
        }
        Ok(())
    }

    /// Writes the bytes of a tensor that is quantised in its file.
    pub(crate) fn copy_blocks(
        &self,
        name: &str,
        out: &mut dyn Write,
    ) -> flamingo_checkpoint::Result<()> {
        let entry = &self.entries[name];
        let Some(kind) = entry.quantised() else {
            return Err(std::io::Error::other(format!("`{name}` is not quantised")).into());
        };
        let all = entry.shape.iter().product::<usize>() / kind.block();
        let at_once = CHUNK / kind.block();
        let mut bytes = vec![0; at_once.min(all) * kind.block_bytes()];
        for first in (0..all).step_by(at_once) {
            let part = &mut bytes[..at_once.min(all - first) * kind.block_bytes()];
            self.read_blocks(entry, kind, first, part)?;
            out.write_all(part)?;
        }
        Ok(())
    }

    /// Writes all elements of a tensor as `T`, [`CHUNK`] at a time.
    pub(crate) fn copy_as(
        &self,
        name: &str,
        precision: Precision,
        out: &mut dyn Write,
    ) -> flamingo_checkpoint::Result<()> {
        let entry = &self.entries[name];
        match precision {
            Precision::F32 => self.copy::<f32>(entry, out),
            Precision::F16 => self.copy::<f16>(entry, out),
            Precision::Bf16 => self.copy::<bf16>(entry, out),
        }
    }

    fn copy<T: Float>(
        &self,
        entry: &Entry,
        out: &mut dyn Write,
    ) -> flamingo_checkpoint::Result<()> {
        let all = entry.shape.iter().product::<usize>();
        let mut values = vec![T::default(); CHUNK.min(all)];
        for start in (0..all).step_by(CHUNK) {
            let part = &mut values[..CHUNK.min(all - start)];
            part.fill(T::default());
            self.read_range(entry, start, part)?;
            out.write_all(bytemuck::cast_slice(part))?;
        }
        Ok(())
    }
}

/// The one format that all of `theirs` are quantised in, if any is; `runs` must then be whole blocks.
fn common_kind(theirs: &[Stored], runs: &[Run]) -> Result<Option<QuantKind>> {
    let kind = |stored: &Stored| stored.described().2;
    let Some(first) = theirs.first().and_then(kind) else {
        return match theirs.iter().find(|stored| kind(stored).is_some()) {
            Some(other) => Err(unlike(&theirs[0], other)),
            None => Ok(None),
        };
    };
    if let Some(other) = theirs.iter().find(|stored| kind(stored) != Some(first)) {
        return Err(unlike(&theirs[0], other));
    }
    let whole = |run: &Run| {
        [run.theirs.1, run.ours.1, run.length]
            .iter()
            .all(|number| number.is_multiple_of(first.block()))
    };
    match runs.iter().all(whole) {
        true => Ok(Some(first)),
        false => Err(Error::Mismatch(format!(
            "`{}` is quantised to {first} and cannot be taken apart: use the original weights",
            theirs[0].name
        ))),
    }
}

fn unlike(first: &Stored, other: &Stored) -> Error {
    Error::Mismatch(format!(
        "`{}` and `{}` belong into one matrix and are quantised differently: use the original weights",
        first.name, other.name
    ))
}

/// Of a tensor of bytes whose name ends in a quantised format: our name, its shape, the format.
pub(crate) fn quantised_name<'a>(
    name: &'a str,
    info: &TensorInfo,
) -> Option<(&'a str, Vec<usize>, QuantKind)> {
    let (ours, kind) = name.rsplit_once('.')?;
    let (kind, [rows, bytes]) = (
        kind.parse::<QuantKind>().ok()?,
        info.shape[..].try_into().ok()?,
    );
    let _: usize = rows;
    let whole = info.dtype == Dtype::U8 && usize::is_multiple_of(bytes, kind.block_bytes());
    whole.then(|| {
        (
            ours,
            vec![rows, bytes / kind.block_bytes() * kind.block()],
            kind,
        )
    })
}

/// The file's type of a precision.
pub(crate) fn stored_type(precision: Precision) -> Dtype {
    match precision {
        Precision::F32 => Dtype::F32,
        Precision::F16 => Dtype::F16,
        Precision::Bf16 => Dtype::BF16,
    }
}

/// Writes tensors into one safetensors file, whole or not at all.
///
/// # Errors
/// If the file cannot be written.
pub fn write_tensors(path: &Path, tensors: &[NamedTensor], precision: Precision) -> Result<()> {
    let dtype = stored_type(precision);
    let entries: Vec<FileEntry> = tensors
        .iter()
        .map(|tensor| FileEntry::new(&tensor.name, dtype, &tensor.shape[..]))
        .collect();
    let fill = &mut |index: usize, out: &mut dyn Write| {
        for values in tensors[index].values.chunks(CHUNK) {
            out.write_all(&narrow(values, precision))?;
        }
        Ok(())
    };
    Ok(write_safetensors(path, &entries, None, fill)?)
}

pub(crate) fn narrow(values: &[f32], precision: Precision) -> Cow<'_, [u8]> {
    let in_pairs = |to_bytes: fn(f32) -> [u8; 2]| {
        Cow::Owned(values.iter().flat_map(|&value| to_bytes(value)).collect())
    };
    match precision {
        Precision::F32 => Cow::Borrowed(bytemuck::cast_slice(values)),
        Precision::F16 => in_pairs(|value| f16::from_f32(value).to_le_bytes()),
        Precision::Bf16 => in_pairs(|value| bf16::from_f32(value).to_le_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor() -> NamedTensor {
        let values = (0..6).map(|i| i as f32 / 3.0 - 1.0).collect();
        NamedTensor {
            name: "a.weight".into(),
            shape: vec![2, 3],
            values,
        }
    }

    fn written(precision: Precision) -> Vec<f32> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("model.safetensors");
        write_tensors(&path, &[tensor()], precision).expect("written");
        let read = Tensors::open(&[path]).expect("opened");
        assert_eq!(read.shape("a.weight"), Some(&[2, 3][..]));
        read.values("a.weight").expect("values")
    }

    #[test]
    fn what_is_written_is_read_back_in_every_precision() {
        assert_eq!(written(Precision::F32), tensor().values);
        for (precision, step) in [(Precision::F16, 1e-3), (Precision::Bf16, 1e-2)] {
            for (a, b) in written(precision).iter().zip(tensor().values) {
                assert!((a - b).abs() <= step * b.abs(), "{precision:?} {a} {b}");
            }
        }
    }

    #[test]
    fn a_file_cut_off_anywhere_is_an_error_and_no_panic() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("model.safetensors");
        write_tensors(&path, &[tensor()], Precision::F32).expect("written");
        let whole = std::fs::read(&path).expect("read");
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).expect("cut");
            assert!(
                Tensors::open(std::slice::from_ref(&path)).is_err(),
                "{length} bytes"
            );
        }
    }
}
