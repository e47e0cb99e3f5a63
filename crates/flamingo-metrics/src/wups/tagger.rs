//! Parts of speech of words: NLTK's averaged perceptron, read from its JSON files.
//!
//! Agrees with `pos_tag` of NLTK 3.10. The files are
//! `taggers/averaged_perceptron_tagger_eng/averaged_perceptron_tagger_eng.{weights,tagdict,classes}.json` of
//! NLTK's data, which `nltk.download` fetches.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::error::{MetricError, Result};

/// The folder of the tagger within NLTK's data.
const FOLDER: &str = "taggers/averaged_perceptron_tagger_eng";

/// The tagger.
pub struct PerceptronTagger {
    weights: HashMap<String, HashMap<String, f64>>,
    tags: HashMap<String, String>,
    classes: Vec<String>,
}

impl fmt::Debug for PerceptronTagger {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "a tagger of {} features", self.weights.len())
    }
}

impl PerceptronTagger {
    /// Reads the tagger from a folder of NLTK's data, or from the tagger's own.
    ///
    /// # Errors
    ///
    /// A file that is not there or cannot be read.
    pub fn read(data: &Path) -> Result<Self> {
        let inner = data.join(FOLDER);
        let folder = if inner.is_dir() { &*inner } else { data };
        let mut classes: Vec<String> = read(folder, "classes")?;
        classes.sort();
        Ok(Self {
            weights: read(folder, "weights")?,
            tags: read(folder, "tagdict")?,
            classes,
        })
    }

    /// The tag of each word.
    #[must_use]
    pub fn tag(&self, words: &[String]) -> Vec<String> {
        let pads = |names: [&str; 2]| names.map(str::to_owned);
        let context: Vec<String> = pads(["-START-", "-START2-"])
            .into_iter()
            .chain(words.iter().map(|word| normalised(word)))
            .chain(pads(["-END-", "-END2-"]))
            .collect();
        let mut before = "-START-".to_owned();
        let mut before_that = "-START2-".to_owned();
        let mut tags = Vec::with_capacity(words.len());
        for (index, word) in words.iter().enumerate() {
            let tag = match self.tags.get(word) {
                Some(tag) => tag.clone(),
                None => self.best(&features(word, &context[index..], &before, &before_that)),
            };
            before_that = std::mem::replace(&mut before, tag.clone());
            tags.push(tag);
        }
        tags
    }

    /// The class of the largest sum; of equal ones, the last by name.
    fn best(&self, features: &[String]) -> String {
        let mut sums: HashMap<&str, f64> = HashMap::new();
        for weights in features
            .iter()
            .filter_map(|feature| self.weights.get(feature))
        {
            for (class, weight) in weights {
                *sums.entry(class).or_default() += weight;
            }
        }
        let sum = |class: &String| sums.get(class.as_str()).copied().unwrap_or(0.0);
        let best = self.classes.iter().max_by(|a, b| sum(a).total_cmp(&sum(b)));
        best.cloned().unwrap_or_default()
    }
}

fn read<T: DeserializeOwned>(folder: &Path, what: &str) -> Result<T> {
    let path = folder.join(format!("averaged_perceptron_tagger_eng.{what}.json"));
    let told = |reason: String, path| MetricError::File { path, reason };
    let file = File::open(&path).map_err(|error| {
        let next = "give a folder of NLTK's data that holds averaged_perceptron_tagger_eng";
        told(format!("{error}; {next}"), path.clone())
    })?;
    serde_json::from_reader(BufReader::new(file))
        .map_err(|error| told(format!("is none of the tagger's files: {error}"), path))
}

fn normalised(word: &str) -> String {
    let digits = !word.is_empty() && word.chars().all(char::is_numeric);
    match word.chars().next() {
        Some(first) if word.contains('-') && first != '-' => "!HYPHEN".to_owned(),
        Some(_) if digits && word.chars().count() == 4 => "!YEAR".to_owned(),
        Some(first) if first.is_numeric() => "!DIGITS".to_owned(),
        _ => word.to_lowercase(),
    }
}

/// What the classes are weighed by: the word, two before and two after it, and the two tags before.
///
/// `context` begins two words before the word.
fn features(word: &str, context: &[String], before: &str, before_that: &str) -> Vec<String> {
    let end = |word: &str| {
        let from = word.char_indices().rev().nth(2).map_or(0, |(at, _)| at);
        word[from..].to_owned()
    };
    let first: String = word.chars().take(1).collect();
    let [two_back, one_back, itself, next, after_next] = [0, 1, 2, 3, 4].map(|at| &context[at]);
    vec![
        "bias".to_owned(),
        format!("i suffix {}", end(word)),
        format!("i pref1 {first}"),
        format!("i-1 tag {before}"),
        format!("i-2 tag {before_that}"),
        format!("i tag+i-2 tag {before} {before_that}"),
        format!("i word {itself}"),
        format!("i-1 tag+i word {before} {itself}"),
        format!("i-1 word {one_back}"),
        format!("i-1 suffix {}", end(one_back)),
        format!("i-2 word {two_back}"),
        format!("i+1 word {next}"),
        format!("i+1 suffix {}", end(next)),
        format!("i+2 word {after_next}"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tagger in the form of NLTK's files that knows an article and what follows one.
    pub(super) fn small() -> PerceptronTagger {
        let weights = [
            ("i-1 tag DT", [("NN", 2.0), ("VB", -1.0)]),
            ("i suffix ing", [("VBG", 1.0), ("NN", 0.5)]),
        ];
        PerceptronTagger {
            weights: weights
                .map(|(feature, weights)| {
                    let weights = weights.map(|(class, weight)| (class.to_owned(), weight));
                    (feature.to_owned(), HashMap::from(weights))
                })
                .into(),
            tags: HashMap::from([("the".to_owned(), "DT".to_owned())]),
            classes: ["DT", "NN", "VB", "VBG"].map(str::to_owned).to_vec(),
        }
    }

    #[test]
    fn a_word_is_weighed_by_what_it_is_and_by_what_stands_before() {
        let words = ["the", "ring", "ringing"].map(str::to_owned);
        assert_eq!(small().tag(&words), ["DT", "NN", "VBG"]);
    }
}
