//! Lemmas of an answer, without stop words.
//!
//! Agrees with `lemmatize_sentence` of pywsd 1.2.4 and the stop words of doc-doc/NExT-OE (a83f8f581191). Exact
//! lemmas need NLTK's tagger; without it, the part of speech is guessed from the form of the word alone.

use super::porter::stem;
use super::tagger::PerceptronTagger;
use super::treebank::Tokenizer;
use super::wordnet::{Endings, Pos, WordNet};

/// NExT-OE's 156 stop words: "not", "in", "on", "up" and "down" are none.
const STOP_WORDS: &str = "i me my myself we our ours ourselves you you're you've you'll you'd your yours yourself \
    yourselves he him his himself she she's her hers herself it it's its itself they them their theirs themselves what \
    which who whom this that that'll these those am is are was were be been being have has had having do does did doing \
    a an the and but if or because as until while to from of at for with about into through during again further then \
    here there when where why how all any each most other some such only own so than too very s t can will just don \
    don't should should've now d ll m o re ve y ain aren aren't couldn couldn't didn didn't doesn doesn't hadn hadn't \
    hasn hasn't haven haven't isn isn't ma mightn mightn't mustn mustn't needn needn't shan shan't shouldn shouldn't \
    wasn wasn't weren weren't won won't wouldn wouldn't";

/// Reduces answers to lemmas.
#[derive(Clone, Copy, Debug)]
pub struct Lemmatizer<'a> {
    /// The words that there are.
    pub wordnet: &'a WordNet,
    /// NLTK's tagger, for exactly the official lemmas.
    pub tagger: Option<&'a PerceptronTagger>,
}

impl Lemmatizer<'_> {
    /// The words of an answer and their tags, as the Penn Treebank has them.
    #[must_use]
    pub fn tagged(&self, answer: &str) -> Vec<(String, String)> {
        let words = Tokenizer::Pywsd.words(answer);
        let tags = self.tags(&words);
        words.into_iter().zip(tags).collect()
    }

    fn tags(&self, words: &[String]) -> Vec<String> {
        match self.tagger {
            Some(tagger) => tagger.tag(words),
            None => {
                let alone = words.len() == 1;
                let guessed = words.iter().map(|word| self.guessed(word, alone));
                guessed.map(str::to_owned).collect()
            }
        }
    }

    /// A tag by the word's form, close to what the tagger gives, to which most words alone are nouns.
    fn guessed(&self, word: &str, alone: bool) -> &'static str {
        let word = word.to_lowercase();
        let is = |pos| !self.wordnet.morphy(&word, pos, Endings::Once).is_empty();
        let is_lemma = |pos| self.wordnet.is_lemma(&word, pos);
        match &word {
            word if word.ends_with("ing") => "VBG",
            word if word.ends_with("ly") => "RB",
            word if word.ends_with("er") && is(Pos::Adjective) && !is_lemma(Pos::Noun) => "JJR",
            word if alone && word.ends_with("ed") && !word.ends_with("ped") => "VBD",
            _ if alone || is_lemma(Pos::Noun) => "NN",
            word if self.wordnet.is_irregular(word, Pos::Verb) || word.ends_with("ed") => "VBD",
            _ if is(Pos::Verb) && !is(Pos::Noun) => "VBZ",
            _ => "NN",
        }
    }

    /// The lemmas of tagged words.
    #[must_use]
    pub fn lemmas(&self, tagged: &[(String, String)]) -> Vec<String> {
        let lemma = |(word, tag): &(String, String)| {
            let word = word.to_lowercase();
            // What is no noun, verb, adjective or adverb is tagged once more by itself.
            let pos = part_of_speech(tag).unwrap_or_else(|| {
                let alone = self.tags(std::slice::from_ref(&word));
                alone
                    .first()
                    .and_then(|tag| part_of_speech(tag))
                    .unwrap_or(Pos::Noun)
            });
            self.lemma(&word, pos)
        };
        tagged.iter().map(lemma).collect()
    }

    /// The shortest lemma that WordNet has; else the stem, if WordNet has that; else the word.
    fn lemma(&self, word: &str, pos: Pos) -> String {
        let lemmas = self.wordnet.morphy(word, pos, Endings::Once);
        let shortest = lemmas.into_iter().min_by_key(|lemma| lemma.chars().count());
        let lemma = shortest.unwrap_or_else(|| word.to_owned());
        if self.wordnet.knows(&lemma) {
            return lemma;
        }
        let stem = stem(word);
        match self.wordnet.knows(&stem) {
            true => stem,
            false => word.to_owned(),
        }
    }

    /// An answer as it is compared: its lemmas between spaces, without stop words.
    #[must_use]
    pub fn kept(&self, answer: &str) -> String {
        without_stop_words(&self.lemmas(&self.tagged(answer)))
    }
}

/// Lemmas between spaces, without stop words.
#[must_use]
pub fn without_stop_words(lemmas: &[String]) -> String {
    let is_kept = |lemma: &&String| !STOP_WORDS.split_whitespace().any(|stop| stop == *lemma);
    let kept: Vec<&str> = lemmas.iter().filter(is_kept).map(String::as_str).collect();
    kept.join(" ")
}

fn part_of_speech(tag: &str) -> Option<Pos> {
    match tag.get(..2)? {
        "NN" => Some(Pos::Noun),
        "JJ" => Some(Pos::Adjective),
        "VB" => Some(Pos::Verb),
        "RB" => Some(Pos::Adverb),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::wordnet::tests::small;
    use super::*;

    #[test]
    fn an_answer_is_its_lemmas_without_stop_words() {
        assert_eq!(STOP_WORDS.split_whitespace().count(), 156);
        let dir = tempfile::tempdir().expect("a folder");
        let wordnet = small(dir.path());
        let lemmatizer = Lemmatizer {
            wordnet: &wordnet,
            tagger: None,
        };
        assert_eq!(
            lemmatizer.kept("The geese flew, the bells did not"),
            "goose fly , bell not"
        );
    }
}
