//! Entries of a file gathered into a set: what is broken, doubled or not there costs only itself.

use std::collections::HashSet;
use std::path::Path;

use flamingo_sequence::Part;

use crate::data::DataFolder;
use crate::entries::{Entries, each};
use crate::error::{Result, TaskError};
use crate::example::{Example, Set, Span};
use crate::ids::Id;
use crate::read::Record;

/// A set in the making.
pub(super) struct Gather {
    pub(super) set: Set,
    /// The ids of all entries, usable or not, in order: what a submission has to hold.
    pub(super) required: Vec<Id>,
    /// The place of the entry that is being taken, from 0; broken ones count.
    pub(super) place: usize,
    seen: HashSet<String>,
}

impl Gather {
    pub(super) fn new(name: &str) -> Self {
        Self {
            set: Set {
                name: name.to_owned(),
                ..Set::default()
            },
            required: Vec::new(),
            place: 0,
            seen: HashSet::new(),
        }
    }

    /// Takes a file's entries; `take` says of each whether it is one of the set's.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or the folder cannot be looked through.
    pub(super) fn read(
        &mut self,
        path: &Path,
        entries: Entries,
        take: &mut dyn FnMut(&mut Self, &Record) -> Result<bool>,
    ) -> Result<()> {
        let mut stop = Ok(());
        let mut next = 0;
        each(path, entries, &mut |record| {
            self.place = next;
            next += 1;
            if stop.is_err() {
                return;
            }
            match record.and_then(|record| take(self, &record)) {
                Ok(true) => self.set.entries += 1,
                Ok(false) => {}
                Err(error @ TaskError::Form { .. }) => {
                    self.set.entries += 1;
                    self.set.dropped.add("broken entry", error.reason());
                }
                Err(error) => stop = Err(error),
            }
        })?;
        stop
    }

    /// Adds an example, but for one whose id came before.
    pub(super) fn push(&mut self, example: Example) {
        if self.seen.insert(example.id.to_string()) {
            self.set.examples.push(example);
        } else {
            self.set.dropped.add("id that came before", &example.id);
        }
    }

    /// A picture by its name; counted if it is not there.
    pub(super) fn picture(&mut self, data: &DataFolder, name: &str) -> Result<Option<Vec<Part>>> {
        let picture = data.picture(name)?;
        if picture.is_none() {
            self.set.dropped.add("picture that is not there", name);
        }
        Ok(picture.map(|part| vec![part]))
    }

    /// A film by the first of these names that is there, cut to its own file; or a part of the whole film.
    pub(super) fn film(
        &mut self,
        data: &DataFolder,
        cut: &[String],
        whole: Option<(&str, Span)>,
    ) -> Result<Option<Vec<Part>>> {
        for name in cut {
            if let Some(path) = data.medium(name)? {
                return Ok(Some(vec![Part::Video(path)]));
            }
        }
        if let Some((name, span)) = whole
            && let Some(path) = data.medium(name)?
        {
            return Ok(Some(vec![Part::Video(span.of(&path))]));
        }
        let name = whole.map_or(cut.first().map_or("", String::as_str), |(name, _)| name);
        self.set.dropped.add("film that is not there", name);
        Ok(None)
    }
}

/// Seconds of a film in two fields, as numbers or as a table has them.
pub(super) fn span(record: &Record, start: &str, end: &str) -> Result<Span> {
    let seconds = |field: &str| {
        record
            .number(field)
            .or_else(|_| record.parsed(field, "seconds"))
    };
    let span = Span {
        start: seconds(start)?,
        end: seconds(end)?,
    };
    checked(record, end, span)
}

/// Seconds of a film in one field, a list of start and end.
pub(super) fn span_of(record: &Record, field: &str) -> Result<Span> {
    match record.numbers(field)?.as_slice() {
        &[start, end] => checked(record, field, Span { start, end }),
        _ => Err(record.other(field, "a list of start and end")),
    }
}

fn checked(record: &Record, field: &str, span: Span) -> Result<Span> {
    match span.start >= 0.0 && span.start < span.end && span.end.is_finite() {
        true => Ok(span),
        false => Err(record.other(field, "seconds after its start")),
    }
}

/// The places of so many entries as ids, where a file has no others.
pub(super) fn places(entries: usize) -> Vec<Id> {
    (0..entries).map(place_id).collect()
}

/// The id of an entry that is known by its place.
pub(super) fn place_id(place: usize) -> Id {
    i64::try_from(place).map_or_else(|_| Id::Text(place.to_string()), Id::Number)
}

/// The ids of a set as they stand.
pub(super) fn ids(set: &Set) -> Vec<Id> {
    set.examples
        .iter()
        .map(|example| example.id.clone())
        .collect()
}
