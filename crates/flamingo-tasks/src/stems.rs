//! OKVQA's stems. Its makers stemmed the annotated answers, so a prediction scores only if it is stemmed likewise.
//!
//! The annotations hold each answer twice, as it was given (`raw_answer`) and stemmed (`answer`): so the stems of words
//! are learnt from them. OpenFlamingo has a table that was found in the same way, and rules for all other words, which
//! are followed here as far as WordNet goes: words in -ing become the verb, plurals the noun. OpenFlamingo asks NLTK's
//! tagger what is a plural and the package `inflection` for its noun; here WordNet says both.

use std::collections::HashMap;
use std::path::Path;

use flamingo_metrics::{Endings, Pos, WordNet};

use crate::entries::{Entries, each};
use crate::error::Result;
use crate::read::{Record, form};

/// The stems of words, as OKVQA's annotations have them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stems {
    stems: HashMap<String, String>,
}

impl Stems {
    /// Learns them from files of annotations; of several stems of a word the most frequent counts, of equally frequent
    /// ones the first in the alphabet.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or in which no answer stands both as it was given and stemmed.
    pub fn learn<P: AsRef<Path>>(annotations: &[P]) -> Result<Self> {
        let mut counts: HashMap<String, HashMap<String, usize>> = HashMap::new();
        for path in annotations {
            let path = path.as_ref();
            let mut found = false;
            each(path, Entries::List(&["annotations"]), &mut |record| {
                let answers = record.and_then(|record| pairs(&record)).unwrap_or_default();
                for (raw, stemmed) in answers {
                    found = true;
                    count(&raw, &stemmed, &mut counts);
                }
            })?;
            if !found {
                return Err(form(
                    path,
                    "has no answers with both `raw_answer` and `answer`: OKVQA's stems cannot be learnt from it",
                ));
            }
        }
        let most = |stems: HashMap<String, usize>| {
            let mut stems: Vec<_> = stems.into_iter().collect();
            stems.sort_by(|(a, a_count), (b, b_count)| b_count.cmp(a_count).then(a.cmp(b)));
            stems.into_iter().next().map(|(stem, _)| stem)
        };
        let stems = counts
            .into_iter()
            .filter_map(|(word, stems)| Some((word, most(stems)?)));
        Ok(Self {
            stems: stems.collect(),
        })
    }

    /// How many words have a stem.
    #[must_use]
    pub fn len(&self) -> usize {
        self.stems.len()
    }

    /// Whether no word has one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stems.is_empty()
    }

    /// An answer in lower case, each of its words stemmed.
    #[must_use]
    pub fn stem(&self, answer: &str, wordnet: Option<&WordNet>) -> String {
        let answer = answer.to_lowercase();
        let words = answer.split_whitespace();
        let stems: Vec<String> = words.map(|word| self.word(word, wordnet)).collect();
        stems.join(" ")
    }

    fn word(&self, word: &str, wordnet: Option<&WordNet>) -> String {
        if let Some(stem) = self.stems.get(word) {
            return stem.clone();
        }
        let lemma = |pos| {
            let forms = wordnet?.morphy(word, pos, Endings::Once);
            forms.into_iter().min_by_key(String::len)
        };
        let lemma = match word {
            word if word.ends_with("ing") => lemma(Pos::Verb),
            word if word.ends_with('s') => lemma(Pos::Noun),
            _ => None,
        };
        lemma.unwrap_or_else(|| word.to_owned())
    }
}

/// The answers of an annotation, as they were given and stemmed.
fn pairs(record: &Record) -> Result<Vec<(String, String)>> {
    let answers = record.records("answers")?;
    answers
        .iter()
        .map(|answer| Ok((answer.text("raw_answer")?, answer.text("answer")?)))
        .collect()
}

/// Counts word by word, where both have as many.
fn count(raw: &str, stemmed: &str, counts: &mut HashMap<String, HashMap<String, usize>>) {
    let raw = raw.to_lowercase();
    let (words, stems): (Vec<_>, Vec<_>) = (
        raw.split_whitespace().collect(),
        stemmed.split_whitespace().collect(),
    );
    if words.len() != stems.len() {
        return;
    }
    for (word, stem) in words.into_iter().zip(stems) {
        let stems = counts.entry(word.to_owned()).or_default();
        *stems.entry(stem.to_owned()).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_are_those_that_the_annotations_have_most() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("annotations.json");
        let answer = |raw: &str, stemmed: &str| {
            format!(r#"{{"answer_id": 1, "raw_answer": "{raw}", "answer": "{stemmed}"}}"#)
        };
        let answers = [
            answer("Riding waves", "ride wave"),
            answer("waves", "wave"),
            answer("waves", "waves"),
            answer("race horses", "race"),
        ];
        let text = format!(
            r#"{{"annotations": [{{"question_id": 1, "answers": [{}]}}, null]}}"#,
            answers.join(", ")
        );
        std::fs::write(&path, text).expect("a file");
        let stems = Stems::learn(&[&path]).expect("stems");
        assert_eq!(stems.len(), 2);
        assert_eq!(stems.stem("riding big  Waves", None), "ride big wave");
        std::fs::write(
            &path,
            r#"{"annotations": [{"answers": [{"answer": "x"}]}]}"#,
        )
        .expect("a file");
        let refused = Stems::learn(&[&path]).expect_err("no raw answers");
        assert!(refused.to_string().contains("`raw_answer`"), "{refused}");
    }
}
