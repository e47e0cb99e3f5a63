//! The entries of a file one by one, so that a large file is never held as a whole and a broken entry costs only
//! itself.

use std::fmt;
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::error::Result;
use crate::read::{Record, bytes, form, record, table_record};

/// Where a file's entries are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entries {
    /// A JSON list, or the first of an object's lists with one of these names.
    List(&'static [&'static str]),
    /// A JSON list in an object in the file's object, by their names.
    Inner(&'static str, &'static str),
    /// The values of an object, or of the object of this name in it; each is called by its key.
    Values(Option<&'static str>),
    /// A JSON object a line.
    Lines,
    /// Rows of a CSV file, below the names of its columns.
    Rows,
}

/// Hands each entry to `take`, or what is wrong with it.
///
/// # Errors
///
/// The file cannot be read, or is not of the form at all.
pub(crate) fn each(
    path: &Path,
    entries: Entries,
    take: &mut dyn FnMut(Result<Record<'_>>),
) -> Result<()> {
    let bytes = bytes(path)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    match entries {
        Entries::Lines => lines(path, bytes, take),
        Entries::Rows => return rows(path, bytes, take),
        Entries::List(names) => {
            let told = || match names {
                [] => "is no list".to_owned(),
                names => format!("is neither a list nor has one as `{}`", names.join("`, `")),
            };
            nested(path, bytes, &[names], Level::List, take, told)?;
        }
        Entries::Inner(outer, inner) => {
            let told = || format!("has no list `{inner}` in an object `{outer}`");
            nested(path, bytes, &[&[outer], &[inner]], Level::List, take, told)?;
        }
        Entries::Values(None) => {
            let told = || "is no object of entries".to_owned();
            nested(path, bytes, &[], Level::Object, take, told)?;
        }
        Entries::Values(Some(name)) => {
            let told = || format!("has no object `{name}` of entries");
            nested(path, bytes, &[&[name]], Level::Object, take, told)?;
        }
    }
    Ok(())
}

fn lines(path: &Path, bytes: &[u8], take: &mut dyn FnMut(Result<Record<'_>>)) {
    for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let name = format!("line {}", index + 1);
        let value = serde_json::from_slice(line)
            .map_err(|error| form(path, format!("{name} is no JSON: {error}")));
        take(value.and_then(|value| record(path, name, value)));
    }
}

fn rows(path: &Path, bytes: &[u8], take: &mut dyn FnMut(Result<Record<'_>>)) -> Result<()> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let headers = reader.headers().cloned();
    let headers = headers.map_err(|error| form(path, format!("is no CSV: {error}")))?;
    for (row, index) in reader.records().zip(1..) {
        let row = match row {
            Ok(row) if row.len() == headers.len() => Ok(table_record(path, index, &headers, &row)),
            Ok(row) => {
                let (found, wanted) = (row.len(), headers.len());
                Err(form(
                    path,
                    format!("row {index} has {found} cells below {wanted} columns"),
                ))
            }
            Err(error) => Err(form(path, format!("row {index} is no CSV: {error}"))),
        };
        take(row);
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq)]
enum Level {
    List,
    Object,
}

/// Entries of JSON below these names, a set of alternatives a level.
fn nested(
    path: &Path,
    bytes: &[u8],
    names: &[&[&str]],
    level: Level,
    take: &mut dyn FnMut(Result<Record<'_>>),
    told: impl Fn() -> String,
) -> Result<()> {
    let mut found = false;
    let mut each = |name: String, value: Value| take(record(path, name, value));
    let seed = Below {
        names,
        level,
        // A list may stand where an object with it may stand.
        bare: level == Level::List && names.len() <= 1,
        found: &mut found,
        each: &mut each,
    };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    seed.deserialize(&mut reader)
        .and_then(|()| reader.end())
        .map_err(|error| form(path, format!("is no JSON of its form: {error}")))?;
    if found {
        Ok(())
    } else {
        Err(form(path, told()))
    }
}

struct Below<'a> {
    names: &'a [&'a [&'a str]],
    level: Level,
    bare: bool,
    found: &'a mut bool,
    each: &'a mut dyn FnMut(String, Value),
}

impl<'de> DeserializeSeed<'de> for Below<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Below<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let level = if self.level == Level::List {
            "list"
        } else {
            "object"
        };
        match self.names.first() {
            Some(names) => write!(f, "an object with `{}`", names.join("` or `")),
            None => write!(f, "a {level} of entries"),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let is_list = self.names.is_empty() && self.level == Level::List;
        if !(self.bare || is_list) {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(());
        }
        *self.found = true;
        let mut index = 0_usize;
        while let Some(value) = list.next_element::<Value>()? {
            (self.each)(format!("entry {index}"), value);
            index += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Some((names, deeper)) = self.names.split_first() else {
            if self.level == Level::List {
                while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                return Ok(());
            }
            *self.found = true;
            while let Some((name, value)) = fields.next_entry::<String, Value>()? {
                (self.each)(name, value);
            }
            return Ok(());
        };
        while let Some(name) = fields.next_key::<String>()? {
            if *self.found || !names.contains(&name.as_str()) {
                fields.next_value::<IgnoredAny>()?;
                continue;
            }
            fields.next_value_seed(Below {
                names: deeper,
                level: self.level,
                bare: false,
                found: self.found,
                each: self.each,
            })?;
        }
        Ok(())
    }
}

/// The lists of texts of an object's lists: `{"data": {"questions": [..]}}`.
pub(crate) fn inner_texts(path: &Path, outer: &str, names: [&str; 2]) -> Result<[Vec<String>; 2]> {
    struct Lists<'a>(&'a str, [&'a str; 2]);

    impl<'de> DeserializeSeed<'de> for Lists<'_> {
        type Value = [Option<Vec<String>>; 2];

        fn deserialize<D: Deserializer<'de>>(
            self,
            deserializer: D,
        ) -> Result<Self::Value, D::Error> {
            deserializer.deserialize_map(self)
        }
    }

    impl<'de> Visitor<'de> for Lists<'_> {
        type Value = [Option<Vec<String>>; 2];

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            write!(f, "an object with `{}`", self.0)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
            let mut lists = [None, None];
            while let Some(name) = fields.next_key::<String>()? {
                if !self.0.is_empty() && name == self.0 {
                    lists = fields.next_value_seed(Lists("", self.1))?;
                } else if self.0.is_empty() && name == self.1[0] {
                    lists[0] = Some(fields.next_value()?);
                } else if self.0.is_empty() && name == self.1[1] {
                    lists[1] = Some(fields.next_value()?);
                } else {
                    fields.next_value::<IgnoredAny>()?;
                }
            }
            Ok(lists)
        }
    }

    let bytes = bytes(path)?;
    let mut reader = serde_json::Deserializer::from_slice(&bytes);
    let lists = Lists(outer, names)
        .deserialize(&mut reader)
        .map_err(|error| form(path, format!("is no JSON of its form: {error}")))?;
    match lists {
        [Some(first), Some(second)] => Ok([first, second]),
        _ => Err(form(
            path,
            format!("`{outer}` has not both `{}` and `{}`", names[0], names[1]),
        )),
    }
}
