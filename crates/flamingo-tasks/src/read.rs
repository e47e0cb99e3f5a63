//! Files as JSON, JSON lines and CSV; what is wrong is told by file, item and field.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use crate::error::{Result, TaskError};
use crate::ids::Id;

pub(crate) fn form(path: &Path, reason: impl Into<String>) -> TaskError {
    TaskError::Form {
        path: path.to_owned(),
        reason: reason.into(),
    }
}

pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|source| TaskError::Io {
        path: path.to_owned(),
        source,
    })
}

/// A JSON file.
pub(crate) fn json(path: &Path) -> Result<Value> {
    serde_json::from_slice(&bytes(path)?)
        .map_err(|error| form(path, format!("is no JSON: {error}")))
}

/// One object of a file: it knows where it stands, so that a missing field can be told.
pub(crate) struct Record<'a> {
    path: &'a Path,
    name: String,
    fields: Map<String, Value>,
}

impl Record<'_> {
    /// A field that is other than it should be.
    pub(crate) fn other(&self, field: &str, should: &str) -> TaskError {
        self.wrong(field, should)
    }

    fn wrong(&self, field: &str, should: &str) -> TaskError {
        let found = match self.fields.get(field) {
            None => "is not there".to_owned(),
            Some(value) => {
                let text = value.to_string();
                let shown: String = text.chars().take(60).collect();
                format!("is {shown}")
            }
        };
        form(
            self.path,
            format!("{}: `{field}` {found}, it should be {should}", self.name),
        )
    }

    /// What the record is called: where it stands, or its key.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn get(&self, field: &str) -> Option<&Value> {
        self.fields.get(field)
    }

    pub(crate) fn has(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    /// The id under the first of these fields that is there.
    pub(crate) fn id(&self, fields: &[&str]) -> Result<Id> {
        let field = fields
            .iter()
            .find(|field| self.has(field))
            .or(fields.first());
        let field = field.copied().unwrap_or("id");
        let id = self.fields.get(field).and_then(Id::of);
        id.ok_or_else(|| self.wrong(field, "a whole number or a text"))
    }

    pub(crate) fn text(&self, field: &str) -> Result<String> {
        let text = self.fields.get(field).and_then(Value::as_str);
        text.map(str::to_owned)
            .ok_or_else(|| self.wrong(field, "a text"))
    }

    pub(crate) fn number(&self, field: &str) -> Result<f64> {
        let number = self.fields.get(field).and_then(Value::as_f64);
        number.ok_or_else(|| self.wrong(field, "a number"))
    }

    pub(crate) fn index(&self, field: &str) -> Result<usize> {
        let index = self.fields.get(field).and_then(Value::as_u64);
        let index = index.and_then(|index| usize::try_from(index).ok());
        index.ok_or_else(|| self.wrong(field, "a whole number from 0"))
    }

    /// A list of texts.
    pub(crate) fn texts(&self, field: &str) -> Result<Vec<String>> {
        let list = self.fields.get(field).and_then(Value::as_array);
        let texts = list.map(|list| list.iter().map(|text| text.as_str().map(str::to_owned)));
        let texts = texts.and_then(Iterator::collect::<Option<Vec<_>>>);
        texts.ok_or_else(|| self.wrong(field, "a list of texts"))
    }

    /// A list of whole numbers from 0.
    pub(crate) fn indices(&self, field: &str) -> Result<Vec<usize>> {
        let list = self.fields.get(field).and_then(Value::as_array);
        let index = |value: &Value| usize::try_from(value.as_u64()?).ok();
        let indices = list.map(|list| list.iter().map(index));
        let indices = indices.and_then(Iterator::collect::<Option<Vec<_>>>);
        indices.ok_or_else(|| self.wrong(field, "a list of whole numbers from 0"))
    }

    /// A list of numbers.
    pub(crate) fn numbers(&self, field: &str) -> Result<Vec<f64>> {
        let list = self.fields.get(field).and_then(Value::as_array);
        let numbers = list.map(|list| list.iter().map(Value::as_f64));
        let numbers = numbers.and_then(Iterator::collect::<Option<Vec<_>>>);
        numbers.ok_or_else(|| self.wrong(field, "a list of numbers"))
    }

    /// A list of objects within the object.
    pub(crate) fn records(&self, field: &str) -> Result<Vec<Record<'_>>> {
        let list = self.fields.get(field).and_then(Value::as_array);
        let list = list.ok_or_else(|| self.wrong(field, "a list of objects"))?;
        let records = list.iter().enumerate().map(|(index, value)| {
            let name = format!("{}, `{field}` {index}", self.name);
            record(self.path, name, value.clone())
        });
        records.collect()
    }
}

pub(crate) fn record(path: &Path, name: String, value: Value) -> Result<Record<'_>> {
    match value {
        Value::Object(fields) => Ok(Record { path, name, fields }),
        other => {
            let shown: String = other.to_string().chars().take(60).collect();
            Err(form(
                path,
                format!("{name} is {shown}, it should be an object"),
            ))
        }
    }
}

/// The objects of a list.
pub(crate) fn list(path: &Path, value: Value) -> Result<Vec<Record<'_>>> {
    let Value::Array(values) = value else {
        return Err(form(path, "is no list of objects"));
    };
    let records = values.into_iter().enumerate();
    records
        .map(|(index, value)| record(path, format!("entry {index}"), value))
        .collect()
}

/// The objects of a JSON file that is a list, or holds it under one of these names.
pub(crate) fn records<'a>(path: &'a Path, names: &[&str]) -> Result<Vec<Record<'a>>> {
    match json(path)? {
        Value::Object(mut fields) => {
            let found = names.iter().find_map(|name| fields.remove(*name));
            let told = || {
                let names = names.join("`, `");
                form(path, format!("is neither a list nor has one as `{names}`"))
            };
            list(path, found.ok_or_else(told)?)
        }
        value => list(path, value),
    }
}

/// The objects of a file with one a line.
pub(crate) fn lines(path: &Path) -> Result<Vec<Record<'_>>> {
    let bytes = bytes(path)?;
    let lines = bytes.split(|&byte| byte == b'\n').enumerate();
    let lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    lines
        .map(|(index, line)| {
            let name = format!("line {}", index + 1);
            let value = serde_json::from_slice(line)
                .map_err(|error| form(path, format!("{name} is no JSON: {error}")))?;
            record(path, name, value)
        })
        .collect()
}

/// The rows of a CSV file with names above its columns, as objects of texts.
pub(crate) fn table(path: &Path) -> Result<Vec<Record<'_>>> {
    let bytes = bytes(path)?;
    let mut reader = csv::ReaderBuilder::new().from_reader(bytes.as_slice());
    let told = |error: csv::Error| form(path, format!("is no CSV: {error}"));
    let names = reader.headers().map_err(told)?.clone();
    let rows = reader.records().enumerate();
    rows.map(|(index, row)| Ok(table_record(path, index + 1, &names, &row.map_err(told)?)))
        .collect()
}

/// A row as an object of texts.
pub(crate) fn table_record<'a>(
    path: &'a Path,
    index: usize,
    names: &csv::StringRecord,
    row: &csv::StringRecord,
) -> Record<'a> {
    let names = names.iter().map(str::to_owned);
    Record {
        path,
        name: format!("row {index}"),
        fields: names.zip(row.iter().map(Value::from)).collect(),
    }
}

impl Record<'_> {
    /// A number that a CSV file holds as text.
    pub(crate) fn parsed<T: std::str::FromStr>(&self, field: &str, should: &str) -> Result<T> {
        let text = self.text(field)?;
        text.trim().parse().map_err(|_| self.wrong(field, should))
    }
}
