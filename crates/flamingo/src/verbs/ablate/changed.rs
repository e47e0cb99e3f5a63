//! A recipe with other keys.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flamingo::train::Recipe;
use toml::{Table, Value};

use crate::failure::{Failure, Result};

/// A recipe file, some keys of which are other ones.
pub(super) struct Changed {
    path: PathBuf,
    /// What it is for, as in messages.
    what: String,
    keys: Value,
}

impl Changed {
    /// The recipe as it is in the file.
    pub(super) fn read(path: &Path, what: &str) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())))?;
        let table: Table = text
            .parse()
            .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        Ok(Self {
            path: path.to_path_buf(),
            what: what.to_owned(),
            keys: Value::from(table),
        })
    }

    /// Leaves sources of data out.
    pub(super) fn leave_out(&mut self, names: &[String]) -> Result<()> {
        for name in names {
            let sources = self.keys.get_mut("data").and_then(Value::as_array_mut);
            let named = |source: &Value| source.get("name").and_then(Value::as_str) == Some(name);
            let place = sources.as_ref().and_then(|all| all.iter().position(named));
            let (Some(sources), Some(place)) = (sources, place) else {
                let path = self.path.display();
                return Err(self.wrong(format!("{path} has no source {name:?}")));
            };
            sources.remove(place);
        }
        Ok(())
    }

    /// Takes keys out.
    pub(super) fn unset(&mut self, keys: &[String]) -> Result<()> {
        for key in keys {
            let place = place(&mut self.keys, key);
            let there = place.map(|(parent, last)| parent.remove(last).is_some());
            if !there.map_err(|what| self.wrong(what))? {
                let path = self.path.display();
                return Err(self.wrong(format!("{path} has no {key}")));
            }
        }
        Ok(())
    }

    pub(super) fn set_all(&mut self, values: &BTreeMap<String, Value>) -> Result<()> {
        let mut all = values.iter();
        all.try_for_each(|(key, value)| self.set(key, value.clone()))
    }

    pub(super) fn set(&mut self, key: &str, value: impl Into<Value>) -> Result<()> {
        match place(&mut self.keys, key) {
            Ok((parent, last)) => {
                parent.insert(last.to_owned(), value.into());
                Ok(())
            }
            Err(what) => Err(self.wrong(what)),
        }
    }

    /// The recipe of a run in the folder `run`.
    pub(super) fn into_recipe(mut self, run: &Path) -> Result<Recipe> {
        self.set("run", run.display().to_string())?;
        let text = toml::to_string(&self.keys).map_err(|error| self.wrong(error.to_string()))?;
        let name = format!("{} over {}", self.what, self.path.display());
        Ok(Recipe::from_toml(&text, &name)?)
    }

    fn wrong(&self, what: String) -> Failure {
        Failure::new(format!("{}: {what}", self.what))
    }
}

/// The table that a dotted key ends in, made where it is not there, and the last name. What is in a list is told by its
/// place, from 0, or its `name`.
fn place<'a, 'k>(recipe: &'a mut Value, key: &'k str) -> Result<(&'a mut Table, &'k str), String> {
    let mut names: Vec<&str> = key.split('.').collect();
    let last = names.pop().unwrap_or_default();
    let mut parent = recipe;
    for name in names {
        parent = match parent {
            Value::Table(table) => table.entry(name).or_insert_with(|| Table::new().into()),
            Value::Array(list) => {
                let named = |item: &Value| item.get("name").and_then(Value::as_str) == Some(name);
                let at = name.parse().ok().or_else(|| list.iter().position(named));
                at.and_then(|at: usize| list.get_mut(at))
                    .ok_or_else(|| format!("{key:?}: nothing has the number or name {name}"))?
            }
            _ => return Err(format!("{key:?}: what {name} is in is no table")),
        };
    }
    let table = parent.as_table_mut();
    Ok((
        table.ok_or_else(|| format!("{key:?}: what {last} is in is no table"))?,
        last,
    ))
}
