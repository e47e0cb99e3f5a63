//! The configuration of a corpus: `corpus.toml`, its sections and which stages each of them reaches.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flamingo_crawl::{Digests, FetchConfig, ReadOptions, Stores};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use toml::{Table, Value};

use crate::deduplication::Deduplication;
use crate::error::{Error, Result};
use crate::films::FilmConfig;
use crate::filters::FilterConfig;
use crate::images::{EvaluationConfig, ImagesConfig};
use crate::output::OutputConfig;
use crate::pairs::PairConfig;
use crate::stage::Stage;
use crate::towers::TowerConfig;

/// The version of configurations that this program reads.
const VERSION: u32 = 1;

/// The configuration of a corpus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The version of this file: 1.
    pub version: u32,
    /// Where pages and pictures come from.
    pub input: InputConfig,
    /// How URLs are fetched, and what pages may forbid.
    #[serde(default)]
    pub fetch: FetchConfig,
    /// Which pictures are kept, and how they are written.
    #[serde(default)]
    pub images: ImagesConfig,
    /// Which documents and paragraphs are kept.
    #[serde(default)]
    pub filters: FilterConfig,
    /// What counts as a repetition.
    #[serde(default)]
    pub deduplication: Deduplication,
    /// Data sets whose pictures must not be in the corpus.
    #[serde(default)]
    pub evaluation: EvaluationConfig,
    /// Filters by an image tower.
    #[serde(default)]
    pub towers: TowerConfig,
    /// What makes an image and a text a pair, where pairs are written.
    #[serde(default)]
    pub pairs: PairConfig,
    /// What makes a film and a text a pair, where pairs are written.
    #[serde(default)]
    pub films: FilmConfig,
    /// What is written.
    #[serde(default)]
    pub output: OutputConfig,
}

/// The section `[input]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputConfig {
    /// WARC files, folders of pages, files of JSON lines, lists of URLs: paths from this file's folder, or URLs; `*` and
    /// `?` stand for parts of names.
    pub paths: Vec<String>,
    /// Where a folder of pages lies on the web, for pages that do not say it themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// Whether pictures that the inputs lack are fetched, as `[fetch]` says. Asked for is the first URL of each
    /// image that passes the rules for what a page says of it, if its unit holds none of its URLs: one that
    /// only another unit holds is fetched nevertheless. Films are not fetched.
    #[serde(default)]
    pub fetch_images: bool,
    /// The most bytes of a record or file; longer ones are left out.
    #[serde(default = "default_max_bytes")]
    pub max_record_bytes: u64,
    /// The most bytes of a page or picture once it is decompressed; it is cut there.
    #[serde(default = "default_max_bytes")]
    pub max_body_bytes: u64,
    /// What is done with the digests that WARC records tell: `ignore`, `count` or `drop`.
    #[serde(default)]
    pub digests: Digests,
    /// Settings of object stores, by the names that `object_store` gives them (`aws_region`).
    #[serde(default)]
    pub store: BTreeMap<String, String>,
}

fn default_max_bytes() -> u64 {
    ReadOptions::default().max_record
}

impl Config {
    /// Reads a configuration. Paths in it are from its own folder; they are made absolute.
    ///
    /// # Errors
    ///
    /// When it cannot be read or has keys or values that are not known.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::file(path))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let folder = std::path::absolute(folder.join(".")).map_err(Error::file(folder))?;
        Self::parse(&text, &folder)
            .map_err(|error| Error::Config(format!("{}: {error}", path.display())))
    }

    /// Reads a configuration whose paths are from `folder`.
    ///
    /// # Errors
    ///
    /// When it has keys or values that are not known.
    pub fn parse(text: &str, folder: &Path) -> Result<Self> {
        let mut config: Self =
            toml::from_str(text).map_err(|error| Error::Config(error.to_string()))?;
        if config.version != VERSION {
            let message = format!(
                "version is {}, and this program reads version {VERSION}",
                config.version
            );
            return Err(Error::Config(message));
        }
        if config.input.paths.is_empty() {
            let message = "[input] paths is empty: name a WARC file, a folder or a list of URLs";
            return Err(Error::Config(message.to_owned()));
        }
        config.resolve(folder);
        Ok(config)
    }

    fn resolve(&mut self, folder: &Path) {
        let resolved = |path: &str| folder.join(path).to_string_lossy().into_owned();
        for path in &mut self.input.paths {
            if !path.contains("://") {
                *path = resolved(path);
            }
        }
        let filters = &mut self.filters;
        let files = [
            &mut filters.flagged_words,
            &mut filters.common_words,
            &mut filters.quality.model,
        ];
        for file in files.into_iter().flatten() {
            *file = resolved(file);
        }
        let towers = &mut self.towers;
        let folders = [
            &mut towers.explicit.explicit_examples,
            &mut towers.explicit.safe_examples,
        ];
        for path in folders
            .into_iter()
            .flatten()
            .chain(&mut towers.evaluation.sets)
        {
            *path = resolved(path);
        }
        let paths: [&mut Vec<PathBuf>; 2] = [&mut self.evaluation.paths, &mut self.fetch.opt_out];
        for path in paths.into_iter().flatten() {
            *path = folder.join(&path);
        }
    }

    /// The whole configuration, every key said.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a configuration is made of tables and plain values")
    }

    /// How units are read.
    pub fn read_options(&self) -> ReadOptions {
        let store = self.input.store.iter();
        ReadOptions {
            pictures: true,
            max_record: self.input.max_record_bytes,
            max_body: self.input.max_body_bytes,
            digests: self.input.digests,
            stores: Stores::new(store.map(|(key, value)| (key.clone(), value.clone()))),
        }
    }

    fn table(&self) -> Table {
        Table::try_from(self).expect("a configuration is made of tables and plain values")
    }

    /// What the outputs of `stage` depend on, as a short hash: outputs of another one are out of date.
    pub fn fingerprint(&self, stage: Stage) -> String {
        let leaves = leaves(&self.table());
        let mut hash = Sha256::new();
        for (key, value) in &leaves {
            if stage_of(key) <= stage {
                hash.update(format!("{key} = {value}\n"));
            }
        }
        let hash = format!("{:x}", hash.finalize());
        hash[..16].to_owned()
    }

    /// The first key in which `other` differs, of those of the earliest stage.
    pub fn first_difference(&self, other: &Self) -> Option<Difference> {
        let (ours, theirs) = (leaves(&self.table()), leaves(&other.table()));
        let keys = ours.keys().chain(theirs.keys());
        let differing = keys.filter(|key| ours.get(*key) != theirs.get(*key));
        let key = differing.min_by_key(|key| (stage_of(key), (*key).clone()))?;
        let value = |leaves: &BTreeMap<String, String>| {
            leaves
                .get(key)
                .cloned()
                .unwrap_or_else(|| "not set".to_owned())
        };
        Some(Difference {
            stage: stage_of(key),
            ours: value(&ours),
            theirs: value(&theirs),
            key: key.clone(),
        })
    }
}

/// A key in which two configurations differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The key with its section: `images.min_side`.
    pub key: String,
    /// The first stage whose outputs depend on it.
    pub stage: Stage,
    /// The value of the one.
    pub ours: String,
    /// The value of the other.
    pub theirs: String,
}

/// The first stage that a key reaches.
fn stage_of(key: &str) -> Stage {
    if key == "deduplication.band_rows" {
        return Stage::Read;
    }
    // How much memory a step may take changes nothing in what it finds.
    if key == "deduplication.memory_limit" {
        return Stage::Finish;
    }
    match key.split('.').next() {
        Some("version" | "input" | "fetch") => Stage::Read,
        Some("deduplication") => Stage::Join,
        _ => Stage::Write,
    }
}

/// All values that are no tables, by their dotted keys.
fn leaves(table: &Table) -> BTreeMap<String, String> {
    fn walk(table: &Table, before: &str, leaves: &mut BTreeMap<String, String>) {
        for (name, value) in table {
            let key = format!("{before}{name}");
            match value {
                Value::Table(table) => walk(table, &format!("{key}."), leaves),
                value => {
                    leaves.insert(key, value.to_string());
                }
            }
        }
    }
    let mut all = BTreeMap::new();
    walk(table, "", &mut all);
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn config(text: &str) -> Config {
        let text = format!("version = 1\n[input]\npaths = [\"crawl.warc.gz\"]\n{text}");
        Config::parse(&text, Path::new("/corpus")).unwrap()
    }

    #[test]
    fn a_configuration_written_out_reads_as_itself() {
        for text in [
            "",
            "[filters]\npreset = \"obelics\"\n[images]\npreset = \"mmc4\"",
        ] {
            let config = config(text);
            let again = Config::parse(&config.to_toml(), Path::new("/elsewhere")).unwrap();
            assert_eq!(again, config);
        }
    }

    #[test]
    fn paths_are_from_the_folder_of_the_file_and_urls_stay() {
        let text = "version = 1\n[input]\npaths = [\"a/*.warc.gz\", \"s3://b/c.warc.gz\"]\n[fetch]\nopt_out = [\"no.txt\"]";
        let config = Config::parse(text, Path::new("/corpus")).unwrap();
        assert_eq!(
            config.input.paths,
            ["/corpus/a/*.warc.gz", "s3://b/c.warc.gz"]
        );
        assert_eq!(config.fetch.opt_out, [Path::new("/corpus/no.txt")]);
    }

    #[test]
    fn an_unknown_key_is_named() {
        let text = "version = 1\n[input]\npaths = [\"x\"]\n[output]\nshard_byte = 3";
        let error = Config::parse(text, Path::new("/")).unwrap_err().to_string();
        assert!(error.contains("shard_byte"), "{error}");
    }

    #[test]
    fn a_difference_names_the_key_both_values_and_the_first_stage_that_must_be_redone() {
        let (old, new) = (config(""), config("[images]\nmin_side = 97"));
        let difference = old.first_difference(&new).unwrap();
        assert_eq!(difference.key, "images.min_side");
        assert_eq!(
            (difference.ours.as_str(), difference.theirs.as_str()),
            ("64", "97")
        );
        assert_eq!(difference.stage, Stage::Write);
        assert_eq!(old.first_difference(&old), None);
    }

    #[test]
    fn the_earliest_stage_decides_among_several_differences() {
        let new =
            config("digests = \"drop\"\n[images]\nmin_side = 97\n[deduplication]\nurl = false");
        assert_eq!(
            config("").first_difference(&new).unwrap().key,
            "input.digests"
        );
    }

    #[test]
    fn outputs_of_a_stage_depend_on_it_and_those_before() {
        let (old, new) = (config(""), config("[deduplication]\nurl = false"));
        let same = |stage| old.fingerprint(stage) == new.fingerprint(stage);
        assert!(same(Stage::Read) && !same(Stage::Join) && !same(Stage::Write));
    }
}
