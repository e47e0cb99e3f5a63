//! A table of trainings that differ from one recipe in one thing each.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use flamingo::train::Recipe;
use serde::Deserialize;
use toml::Value;

use super::changed::Changed;
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
    /// Queries of each figure by which a model is judged.
    pub(super) queries: usize,
    /// Folders of photos by which models are judged in place of the demo; each has a folder for each thing.
    #[serde(default)]
    pub(super) photos: Vec<PathBuf>,
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
    /// `"data.pages.batch" = 3`.
    #[serde(default)]
    pub(super) set: BTreeMap<String, Value>,
    /// Keys of the recipe that are not said.
    #[serde(default)]
    pub(super) unset: Vec<String>,
    /// Sources of data that are left out, by their names.
    #[serde(default)]
    pub(super) without: Vec<String>,
    /// The vision encoder, where it is one of the row's own: trained once, before all seeds.
    #[serde(default)]
    pub(super) encoder: Option<Encoder>,
}

/// The training of an encoder, a recipe with other keys.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Encoder {
    /// A recipe whose model has an encoder.
    pub(super) recipe: PathBuf,
    /// Keys of it that are other ones.
    #[serde(default)]
    pub(super) set: BTreeMap<String, Value>,
    /// Keys of it that are not said.
    #[serde(default)]
    pub(super) unset: Vec<String>,
}

impl AblationSpec {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let wrong = |what: String| Failure::new(format!("{}: {what}", path.display()));
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())))?;
        let spec: Self = toml::from_str(&text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = 1 + text[..start].matches('\n').count();
            let what = error.message().trim_end();
            Failure::new(format!("{}:{line}: {what}", path.display()))
        })?;
        spec.check().map_err(wrong)?;
        Ok(spec)
    }

    /// Whether each training has a folder of its own.
    fn check(&self) -> Result<(), String> {
        if self.seeds.is_empty() || self.row.is_empty() || self.queries == 0 {
            return Err("it needs seeds, rows and queries: give at least one of each".to_owned());
        }
        let mut seeds = HashSet::new();
        if let Some(twice) = self.seeds.iter().find(|seed| !seeds.insert(**seed)) {
            return Err(format!(
                "the seed {twice} is given twice, and would count as two: give each once"
            ));
        }
        let mut rows: BTreeMap<PathBuf, &str> = BTreeMap::new();
        for row in &self.row {
            if let Some(other) = rows.insert(self.folder_of(row), &row.name) {
                return Err(match other == row.name {
                    true => format!("two rows are named {other:?}"),
                    false => format!(
                        "the rows {other:?} and {:?} have the same folder, {}: let them differ in a letter or digit",
                        row.name,
                        self.folder_of(row).display()
                    ),
                });
            }
        }
        Ok(())
    }

    /// The recipe of a row and a seed.
    pub(super) fn recipe(&self, row: &Row, seed: u64) -> Result<Recipe> {
        let mut changed = Changed::read(&self.recipe, &format!("row {:?}", row.name))?;
        changed.set_all(&self.set)?;
        changed.leave_out(&row.without)?;
        changed.unset(&row.unset)?;
        changed.set_all(&row.set)?;
        if row.encoder.is_some() {
            let model = self.encoder_run(row).join("model");
            changed.set("init.vision", model.display().to_string())?;
        }
        changed.set("seed", seed as i64)?;
        changed.into_recipe(&self.folder_of(row).join(format!("seed-{seed}")))
    }

    /// The recipe of a row's own encoder, if it has one.
    pub(super) fn encoder(&self, row: &Row) -> Result<Option<Recipe>> {
        let Some(encoder) = &row.encoder else {
            return Ok(None);
        };
        let what = format!("the encoder of row {:?}", row.name);
        let mut changed = Changed::read(&encoder.recipe, &what)?;
        changed.unset(&encoder.unset)?;
        changed.set_all(&encoder.set)?;
        changed.into_recipe(&self.encoder_run(row)).map(Some)
    }

    fn encoder_run(&self, row: &Row) -> PathBuf {
        self.folder_of(row).join("encoder")
    }

    /// The folder for the runs of a row.
    fn folder_of(&self, row: &Row) -> PathBuf {
        let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = row.name.chars().map(letter).collect();
        self.folder.join(name)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use flamingo::model::vision::VisionConfig;
    use flamingo::model::{Gate, Placement, ResamplerKind};
    use flamingo::sequence::Visibility;
    use flamingo::train::{InitPart, LanguageStart, ModelSpec, Updates};

    use super::*;

    fn repository() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    /// The table of the repository, its paths being of here.
    fn spec() -> AblationSpec {
        let mut spec =
            AblationSpec::read(&repository().join("recipes/demo/ablation.toml")).unwrap();
        spec.recipe = repository().join(&spec.recipe);
        for encoder in spec.row.iter_mut().filter_map(|row| row.encoder.as_mut()) {
            encoder.recipe = repository().join(&encoder.recipe);
        }
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
        let vanilla = flamingo(&of("cross-attention: vanilla")).gated;
        assert_eq!(
            (vanilla.placement, vanilla.dense),
            (Placement::Inside, false)
        );
        let grafting = flamingo(&of("cross-attention: grafting")).gated;
        assert_eq!(
            (grafting.placement, grafting.dense),
            (Placement::OnTop, true)
        );
        assert_eq!((vanilla.gate, grafting.gate), (Gate::Open, Gate::Open));
        assert!(of("no films").data.iter().all(|data| data.name != "films"));
        let pairs = of("no pairs").data;
        assert_eq!(pairs.len(), 4);
        assert!(pairs.iter().all(|data| data.from == 0), "{pairs:?}");
    }

    #[test]
    fn every_row_of_the_photos_table_is_a_recipe_and_differs_from_the_first() {
        let path = repository().join("recipes/photos/ablation.toml");
        let mut spec = AblationSpec::read(&path).unwrap();
        spec.recipe = repository().join(&spec.recipe);
        assert_eq!(spec.photos.len(), 3);
        let first = spec.recipe(&spec.row[0], 3).unwrap();
        for row in &spec.row[1..] {
            let mut recipe = spec.recipe(row, 3).unwrap();
            recipe.run.clone_from(&first.run);
            assert_ne!(recipe, first, "{}", row.name);
        }
    }

    #[test]
    fn a_row_may_have_an_encoder_of_its_own_which_a_recipe_makes_in_its_folder() {
        let spec = spec();
        let mut kinds = Vec::new();
        for row in &spec.row {
            let recipe = spec.recipe(row, 2).unwrap();
            let vision = recipe.init.unwrap().vision;
            let Some(encoder) = spec.encoder(row).unwrap() else {
                assert_eq!(vision, InitPart::Path("models/demo".into()), "{}", row.name);
                continue;
            };
            assert_eq!(vision, InitPart::Path(encoder.run.join("model")));
            assert_eq!(encoder.run.parent(), recipe.run.parent());
            let ModelSpec::Contrastive(towers) = encoder.model else {
                panic!("{:?}", encoder.model);
            };
            kinds.push(towers.config.vision);
        }
        assert!(
            matches!(kinds[..], [VisionConfig::Vit(_), VisionConfig::Nfnet(_)]),
            "{kinds:?}"
        );
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
            encoder: None,
        };
        assert!(told(row(&[("model.flamingo.gated.gates", "open")], &[])).contains("`gates`"));
        assert!(told(row(&[("seed.x", "1")], &[])).contains("what x is in is no table"));
        assert!(told(row(&[("data.laion.batch", "1")], &[])).contains("number or name laion"));
        assert!(told(row(&[], &["laion"])).contains("no source \"laion\""));
        let unset = Row {
            unset: vec!["cache.downloads".into()],
            ..row(&[], &[])
        };
        assert!(told(unset).contains("has no cache.downloads"));
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
        let unknown = told("recipes = 1");
        assert!(
            unknown.contains("a.toml:1: unknown field `recipes`") && !unknown.contains('\n'),
            "{unknown}"
        );
        // What would share a folder would be one training that is taken for two.
        let rows = "[[row]]\nname = \"every 2\"\n[[row]]\nname = \"every-2\"\n";
        let same = told(&format!("{head}seeds = [1]\n{rows}"));
        assert!(
            same.contains("\"every 2\" and \"every-2\" have the same folder"),
            "{same}"
        );
        let seeds = told(&format!("{head}seeds = [1, 2, 1]\n[[row]]\nname = \"a\"\n"));
        assert!(seeds.contains("the seed 1 is given twice"), "{seeds}");
    }
}
