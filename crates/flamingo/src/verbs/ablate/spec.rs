//! A table of trainings that differ from one recipe in one thing each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flamingo::train::Recipe;
use serde::Deserialize;
use toml::{Table, Value};

use crate::failure::{Failure, Result};

/// What is trained and judged; a TOML file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AblationSpec {
    /// The recipe that rows differ from.
    pub(super) recipe: PathBuf,
    /// A folder for the runs, one for each row and seed.
    pub(super) folder: PathBuf,
    /// Each row is trained with each.
    pub(super) seeds: Vec<u64>,
    /// Queries of each figure of the demo, by which a model is judged.
    pub(super) queries: usize,
    /// Keys of the recipe that are other ones in all rows.
    #[serde(default)]
    pub(super) set: BTreeMap<String, Value>,
    /// The rows; the first is what the others are compared with.
    pub(super) row: Vec<Row>,
}

/// A training that differs from the recipe.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    /// What it is called; also its folder.
    pub(super) name: String,
    /// The paper's overall score of it.
    #[serde(default)]
    pub(super) paper: Option<f64>,
    /// Keys of the recipe that are other ones, without those sources: `"model.flamingo.gated.gate" = "open"`,
    /// `"data.0.batch" = 3`.
    #[serde(default)]
    pub(super) set: BTreeMap<String, Value>,
    /// Keys of the recipe that are not said.
    #[serde(default)]
    pub(super) unset: Vec<String>,
    /// Sources of data that are left out, by their names.
    #[serde(default)]
    pub(super) without: Vec<String>,
}

impl AblationSpec {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let wrong = |what: String| Failure::new(format!("{}: {what}", path.display()));
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())))?;
        let spec: Self = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        if spec.seeds.is_empty() || spec.row.is_empty() || spec.queries == 0 {
            return Err(wrong(
                "it needs seeds, rows and queries: give at least one of each".to_owned(),
            ));
        }
        let mut names: Vec<&str> = spec.row.iter().map(|row| row.name.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(wrong(format!("two rows are named {:?}", pair[0]))),
            None => Ok(spec),
        }
    }

    /// The recipe of a row and a seed.
    pub(super) fn recipe(&self, row: &Row, seed: u64) -> Result<Recipe> {
        let path = &self.recipe;
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())))?;
        let table: Table = text
            .parse()
            .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        let mut recipe = Value::from(table);
        let wrong = |what: String| Failure::new(format!("row {:?}: {what}", row.name));
        let sources = recipe.get_mut("data").and_then(Value::as_array_mut);
        let sources = sources.ok_or_else(|| wrong(format!("{} has no data", path.display())))?;
        for name in &row.without {
            let before = sources.len();
            sources.retain(|source| source.get("name").and_then(Value::as_str) != Some(name));
            if sources.len() == before {
                return Err(wrong(format!("{} has no source {name:?}", path.display())));
            }
        }
        for key in &row.unset {
            let (parent, last) = place(&mut recipe, key).map_err(wrong)?;
            let there = parent.remove(last);
            there.ok_or_else(|| wrong(format!("{} has no {key}", path.display())))?;
        }
        for (key, value) in self.set.iter().chain(&row.set) {
            let (parent, last) = place(&mut recipe, key).map_err(wrong)?;
            parent.insert(last.to_owned(), value.clone());
        }
        let run = self.run(row, seed);
        for (key, value) in [
            ("run", Value::from(run.display().to_string())),
            ("seed", Value::from(seed as i64)),
        ] {
            place(&mut recipe, key)
                .map_err(wrong)?
                .0
                .insert(key.to_owned(), value);
        }
        let name = format!("row {:?} over {}", row.name, path.display());
        let text = toml::to_string(&recipe).map_err(|error| wrong(error.to_string()))?;
        Ok(Recipe::from_toml(&text, &name)?)
    }

    /// The run folder of a row and a seed.
    pub(super) fn run(&self, row: &Row, seed: u64) -> PathBuf {
        let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = row.name.chars().map(letter).collect();
        self.folder.join(name).join(format!("seed-{seed}"))
    }
}

/// The table that a dotted key ends in, made where it is not there, and the last name. A number in a key is a place in a
/// list, from 0.
fn place<'a, 'k>(recipe: &'a mut Value, key: &'k str) -> Result<(&'a mut Table, &'k str), String> {
    let mut names: Vec<&str> = key.split('.').collect();
    let last = names.pop().unwrap_or_default();
    let mut parent = recipe;
    for name in names {
        parent = match parent {
            Value::Table(table) => table.entry(name).or_insert_with(|| Table::new().into()),
            Value::Array(list) => name
                .parse()
                .ok()
                .and_then(|at: usize| list.get_mut(at))
                .ok_or_else(|| format!("{key:?}: there is no number {name}"))?,
            _ => return Err(format!("{key:?}: what {name} is in is no table")),
        };
    }
    let table = parent.as_table_mut();
    Ok((
        table.ok_or_else(|| format!("{key:?}: what {last} is in is no table"))?,
        last,
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use flamingo::model::{Gate, Placement, ResamplerKind};
    use flamingo::sequence::Visibility;
    use flamingo::train::{LanguageStart, ModelSpec, Updates};

    use super::*;

    fn repository() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    /// The table of the repository, its paths being of here.
    fn spec() -> AblationSpec {
        let mut spec =
            AblationSpec::read(&repository().join("recipes/demo/ablation.toml")).unwrap();
        spec.recipe = repository().join(&spec.recipe);
        spec
    }

    #[test]
    fn every_row_of_the_papers_table_is_a_recipe_and_differs_from_the_first() {
        let spec = spec();
        let of = |name: &str| {
            let row = spec.row.iter().find(|row| row.name == name).unwrap();
            spec.recipe(row, 3).unwrap()
        };
        let first = spec.recipe(&spec.row[0], 3).unwrap();
        assert_eq!(first.seed, 3);
        for row in &spec.row[1..] {
            let mut recipe = spec.recipe(row, 3).unwrap();
            recipe.run.clone_from(&first.run);
            assert_ne!(recipe, first, "{}", row.name);
        }
        let flamingo = |recipe: &Recipe| match &recipe.model {
            ModelSpec::Flamingo(spec) => spec.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(of("round robin").updates, Updates::RoundRobin);
        assert_eq!(flamingo(&of("no tanh gate")).gated.gate, Gate::Open);
        assert_eq!(
            flamingo(&of("a single block in the middle"))
                .gated
                .layers
                .len(),
            1
        );
        assert_eq!(
            flamingo(&of("resampler: MLP")).resampler.kind,
            ResamplerKind::Mlp
        );
        let transformer = flamingo(&of("resampler: Transformer"));
        assert_eq!(transformer.resampler.kind, ResamplerKind::Transformer);
        let random = flamingo(&of("language model not frozen, random"));
        assert_eq!(random.language, LanguageStart::Random);
        let all = flamingo(&of("all previous pictures seen"));
        assert_eq!(all.sees, Visibility::AllPrevious);
        assert_eq!(all.gated.placement, Placement::Before);
        assert!(of("no films").data.iter().all(|data| data.name != "films"));
    }

    #[test]
    fn what_a_row_cannot_change_is_said() {
        let spec = spec();
        let told = |row: Row| spec.recipe(&row, 0).unwrap_err().message;
        let row = |set: &[(&str, &str)], without: &[&str]| Row {
            name: "x".into(),
            paper: None,
            set: set
                .iter()
                .map(|(key, value)| ((*key).to_owned(), Value::from(*value)))
                .collect(),
            unset: Vec::new(),
            without: without.iter().map(|name| (*name).to_owned()).collect(),
        };
        assert!(told(row(&[("model.flamingo.gated.gates", "open")], &[])).contains("`gates`"));
        assert!(told(row(&[("seed.x", "1")], &[])).contains("what x is in is no table"));
        assert!(told(row(&[], &["laion"])).contains("no source \"laion\""));
        let unset = Row {
            unset: vec!["cache.features".into()],
            ..row(&[], &[])
        };
        assert!(told(unset).contains("has no cache.features"));
    }

    #[test]
    fn a_table_without_rows_or_with_one_twice_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        let told = |text: &str| {
            fs::write(&path, text).unwrap();
            AblationSpec::read(&path).unwrap_err().message
        };
        let head = "recipe = \"r\"\nfolder = \"f\"\nqueries = 1\n";
        assert!(told(&format!("{head}seeds = [1]\nrow = []")).contains("at least one"));
        let rows = "[[row]]\nname = \"a\"\n[[row]]\nname = \"a\"\n";
        assert!(told(&format!("{head}seeds = [1]\n{rows}")).contains("two rows"));
        assert!(told("recipes = 1").contains("recipes"));
    }
}
