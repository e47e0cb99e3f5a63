//! By what the models of an ablation are judged.

use std::collections::BTreeMap;
use std::path::PathBuf;

use flamingo::engine::Engine;
use flamingo::eval::{
    DemoOptions, DemoReport, NamingOptions, NamingReport, Photos, demo, naming, statistics,
};
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Result};

/// The columns of the demo.
const DEMO: [&str; 4] = ["names", "captions", "questions", "films"];

/// What a model is asked, a column of the table for each kind.
pub(super) enum Judge {
    /// The figures of `flamingo demo`.
    Demo,
    /// Those of `flamingo demo --data`, of each of these sets.
    Photos(Vec<(String, Photos)>),
}

/// What a model scored, 0 to 100: the name of a column, and its figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Score(BTreeMap<String, f64>);

impl Judge {
    /// The demo, or photos in these folders, each of which has a folder for each thing.
    ///
    /// # Errors
    /// If a folder has too few photos, or two have one name.
    pub(super) fn new(photos: &[PathBuf]) -> Result<Self> {
        if photos.is_empty() {
            return Ok(Judge::Demo);
        }
        let mut sets: Vec<(String, Photos)> = Vec::new();
        for folder in photos {
            let name = folder.file_name().unwrap_or(folder.as_os_str());
            let name = name.to_string_lossy().into_owned();
            if sets.iter().any(|(other, _)| *other == name) {
                return Err(Failure::new(format!(
                    "two folders of `photos` are named {name}, as one column would be: rename one"
                )));
            }
            sets.push((name, Photos::read(folder)?));
        }
        Ok(Judge::Photos(sets))
    }

    pub(super) fn columns(&self) -> Vec<&str> {
        match self {
            Judge::Demo => DEMO.to_vec(),
            Judge::Photos(sets) => sets.iter().map(|(name, _)| name.as_str()).collect(),
        }
    }

    /// What is asked, as a sentence of the table's page says it.
    pub(super) fn told(&self) -> &'static str {
        match self {
            Judge::Demo => "each figure of `flamingo demo`",
            Judge::Photos(_) => {
                "each figure of `flamingo demo --data` with the photos of a column, the mean of 2 and 5 names after 1, 2 and 4 \
                 shots of each"
            }
        }
    }

    /// Asks a model so many queries for each figure.
    ///
    /// # Errors
    /// If the model cannot answer.
    pub(super) fn score(&self, engine: &mut Engine, queries: usize) -> Result<Score> {
        let score = match self {
            Judge::Demo => {
                let options = DemoOptions {
                    queries,
                    ..DemoOptions::default()
                };
                of_demo(&demo(engine, &options, &mut |_| {})?.report)
            }
            Judge::Photos(sets) => {
                let options = NamingOptions {
                    queries,
                    seed: DemoOptions::default().seed,
                };
                let mut score = BTreeMap::new();
                for (name, photos) in sets {
                    let report = naming(engine, photos, &options, &mut |_| {})?;
                    score.insert(name.clone(), of_photos(&report));
                }
                score
            }
        };
        Ok(Score(score))
    }

    /// A score that was written earlier, if it is of the same columns.
    pub(super) fn read(&self, json: &[u8]) -> Option<Score> {
        let score: Score = serde_json::from_slice(json).ok()?;
        let mut columns = self.columns();
        columns.sort_unstable();
        score.0.keys().eq(columns).then_some(score)
    }
}

impl Score {
    #[cfg(test)]
    pub(super) fn new(figures: &[(&str, f64)]) -> Self {
        let figure = |(name, value): &(&str, f64)| ((*name).to_owned(), *value);
        Self(figures.iter().map(figure).collect())
    }

    /// The figure of a column.
    pub(super) fn column(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or(f64::NAN)
    }

    /// The mean of all columns.
    pub(super) fn overall(&self) -> f64 {
        statistics::mean(&self.0.values().copied().collect::<Vec<_>>())
    }
}

fn percent(shares: impl Iterator<Item = f64>) -> f64 {
    100.0 * statistics::mean(&shares.collect::<Vec<_>>())
}

/// Questions are those in dialogues, too, and what things do in films is also asked by questions. No control counts.
fn of_demo(report: &DemoReport) -> BTreeMap<String, f64> {
    let names = report.binding.iter().filter(|of| !of.is_control());
    let names = names.map(|of| of.accuracy.accuracy());
    let captions = report.captions.iter().map(|of| of.exact.accuracy());
    let questions = report.questions.iter().filter(|of| !of.is_control());
    let dialogues = report.dialogues.iter().filter(|of| !of.is_control());
    let questions = questions
        .map(|of| of.accuracy.accuracy())
        .chain(dialogues.map(|of| of.accuracy.accuracy()));
    let of_films = report.film_questions.iter().filter(|of| !of.is_control());
    let films = report.films.iter().map(|of| of.accuracy.accuracy());
    let films = films.chain(of_films.map(|of| of.accuracy.accuracy()));
    let figures = [
        percent(names),
        percent(captions),
        percent(questions),
        percent(films),
    ];
    DEMO.map(str::to_owned).into_iter().zip(figures).collect()
}

/// No control counts.
fn of_photos(report: &NamingReport) -> f64 {
    let figures = report.figures.iter().filter(|of| !of.is_control());
    percent(figures.map(|of| of.accuracy.accuracy()))
}
