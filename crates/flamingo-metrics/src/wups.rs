//! WUPS: NextQA's open-ended answers.
//!
//! Agrees with `metrics.py` and `eval_oe.py` of doc-doc/NExT-OE (a83f8f581191) with pywsd 1.2.4, NLTK 3.10 (or
//! 3.5) and WordNet 3.0: lemmas, without stop words; the smaller of two products over words of the best word
//! similarity. A word that is like no other is passed over, not counted as 0.

mod lemmas;
mod nextqa;
mod porter;
mod similarity;
mod tagger;
mod treebank;
mod wordnet;

pub use lemmas::{Lemmatizer, without_stop_words};
pub use nextqa::{MissingTypes, NextQaItem, NextQaScore, nextqa_score};
pub use similarity::{Nltk, Similarity};
pub use tagger::PerceptronTagger;
pub use wordnet::{Endings, Pos, Synset, WordNet};

use treebank::Tokenizer;

/// WUPS of two answers as [`Lemmatizer::kept`] gives them, 0 to 1. Word similarities under `alpha` count a tenth.
#[must_use]
pub fn wups(prediction: &str, truth: &str, alpha: f64, similarity: &Similarity) -> f64 {
    let prediction = Tokenizer::Nltk.words(prediction);
    let truth = Tokenizer::Nltk.words(truth);
    let product = |words: &[String], others: &[String]| {
        let best = |word: &String| {
            let to_other = others
                .iter()
                .map(|other| similarity.words(word, other, alpha));
            to_other.fold(0.0, f64::max)
        };
        let found: Vec<f64> = words.iter().map(best).filter(|&best| best > 0.0).collect();
        match found.is_empty() {
            true => 0.0,
            false => found.iter().product(),
        }
    };
    product(&prediction, &truth).min(product(&truth, &prediction))
}
