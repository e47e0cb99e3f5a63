//! Tensors of several models put together as one.

use std::ops::Range;

use crate::tensors::{Entry, Piece};
use crate::{Error, Result, Tensors};

/// Between a table's name and the first of its rows that a tensor holds.
const ROWS: &str = ".rows.";

/// The name of rows of a table, from `first` on.
pub(crate) fn rows_name(table: &str, first: usize) -> String {
    format!("{table}{ROWS}{first}")
}

impl Tensors {
    /// Adds all of `other` under `prefix`.
    pub(crate) fn join(&mut self, prefix: &str, other: Tensors) {
        let files = self.files.len();
        self.files.extend(other.files);
        for (name, mut entry) in other.entries {
            for piece in &mut entry.pieces {
                piece.file += files;
            }
            self.entries.insert(format!("{prefix}{name}"), entry);
        }
    }

    /// Puts the tensors of `other` in the place of those of their names; those that `new` names are added.
    ///
    /// # Errors
    /// If one has no place, or is of another shape than what was there.
    pub(crate) fn replace(&mut self, other: Tensors, new: &dyn Fn(&str) -> bool) -> Result<()> {
        for (name, entry) in &other.entries {
            let what = match self.shape(name) {
                None if new(name) => continue,
                Some(shape) if shape == entry.shape => continue,
                Some(shape) => format!("`{name}` is {:?}, the model's is {shape:?}", entry.shape),
                None => format!("`{name}` is no tensor of the model"),
            };
            return Err(Error::Mismatch(what));
        }
        self.join("", other);
        Ok(())
    }

    /// Adds all of `other`; tensors of [`rows_name`] take the place of those rows.
    ///
    /// # Errors
    /// If a tensor is there already, or rows belong to no table.
    pub(crate) fn lay_over(&mut self, other: Tensors) -> Result<()> {
        let mut added = Tensors::default();
        let files = self.files.len();
        for (name, mut entry) in other.entries {
            let rows = name.rsplit_once(ROWS);
            match rows.and_then(|(table, first)| Some((table, first.parse().ok()?))) {
                Some((table, first)) => {
                    for piece in &mut entry.pieces {
                        piece.file += files;
                    }
                    let table = self.entries.get_mut(table);
                    let replaced = table.is_some_and(|table| replace(table, first, entry));
                    if !replaced {
                        let what = format!("`{name}` are no rows of a table in a file elsewhere");
                        return Err(Error::Mismatch(what));
                    }
                }
                None if self.entries.contains_key(&name) => {
                    let what =
                        format!("`{name}` is here and in a file elsewhere: take one of them away");
                    return Err(Error::Mismatch(what));
                }
                None => {
                    added.entries.insert(name, entry);
                }
            }
        }
        added.files = other.files;
        self.join("", added);
        Ok(())
    }
}

/// Puts rows in the place of those of a table from `first` on, if they fit.
fn replace(table: &mut Entry, first: usize, rows: Entry) -> bool {
    let (&[all, width], &[count, columns]) = (&table.shape[..], &rows.shape[..]) else {
        return false;
    };
    let end = first.checked_add(count);
    if columns != width || end.is_none_or(|end| end > all) {
        return false;
    }
    let taken = first * width..(first + count) * width;
    let mut pieces = Vec::with_capacity(table.pieces.len() + rows.pieces.len() + 1);
    for piece in &table.pieces {
        pieces.extend(part(
            piece,
            piece.ours.start..piece.ours.end.min(taken.start),
        ));
    }
    pieces.extend(rows.pieces.into_iter().map(|piece| Piece {
        ours: piece.ours.start + taken.start..piece.ours.end + taken.start,
        ..piece
    }));
    for piece in &table.pieces {
        pieces.extend(part(piece, piece.ours.start.max(taken.end)..piece.ours.end));
    }
    table.pieces = pieces;
    true
}

/// A piece cut down to `ours`; none if nothing is left.
fn part(piece: &Piece, ours: Range<usize>) -> Option<Piece> {
    let theirs = piece.theirs + ours.start.checked_sub(piece.ours.start)?;
    (ours.start < ours.end).then(|| Piece {
        ours,
        theirs,
        ..piece.clone()
    })
}
