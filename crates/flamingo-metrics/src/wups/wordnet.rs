//! WordNet's files, as NLTK reads them: words to synsets, synsets to what they are kinds of.
//!
//! The files are those of WordNet's folder `dict` (`index.noun`, `data.noun`, `noun.exc` and the same of verb,
//! adj, adv). Figures are of version 3.0, which Debian's package `wordnet-base` puts into /usr/share/wordnet.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::path::Path;

use crate::error::{MetricError, Result};

/// A part of speech, in the order in which synsets are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pos {
    /// A noun.
    Noun,
    /// A verb.
    Verb,
    /// An adjective, satellites included.
    Adjective,
    /// An adverb.
    Adverb,
}

impl Pos {
    /// All, in order.
    pub const ALL: [Self; 4] = [Self::Noun, Self::Verb, Self::Adjective, Self::Adverb];

    fn file(self) -> &'static str {
        match self {
            Self::Noun => "noun",
            Self::Verb => "verb",
            Self::Adjective => "adj",
            Self::Adverb => "adv",
        }
    }

    /// Endings and what stands for them in the lemma.
    fn endings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Noun => &[
                ("s", ""),
                ("ses", "s"),
                ("ves", "f"),
                ("xes", "x"),
                ("zes", "z"),
                ("ches", "ch"),
                ("shes", "sh"),
                ("men", "man"),
                ("ies", "y"),
            ],
            Self::Verb => &[
                ("s", ""),
                ("ies", "y"),
                ("es", "e"),
                ("es", ""),
                ("ed", "e"),
                ("ed", ""),
                ("ing", "e"),
                ("ing", ""),
            ],
            Self::Adjective => &[("er", ""), ("est", ""), ("er", "e"), ("est", "e")],
            Self::Adverb => &[],
        }
    }
}

/// One sense: a line of a data file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Synset {
    /// Its part of speech.
    pub pos: Pos,
    /// Where its line begins in the data file.
    pub offset: usize,
}

/// How often endings are taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endings {
    /// Once: NLTK of 2025 and later.
    Once,
    /// Again and again until a word is found: NLTK before, and the package `wn`.
    UntilFound,
}

/// WordNet in memory.
pub struct WordNet {
    senses: [HashMap<String, Vec<usize>>; 4],
    exceptions: [HashMap<String, Vec<String>>; 4],
    data: [String; 4],
}

impl fmt::Debug for WordNet {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let words: usize = self.senses.iter().map(HashMap::len).sum();
        write!(f, "WordNet of {words} words")
    }
}

impl WordNet {
    /// Reads the files of a folder `dict`.
    ///
    /// # Errors
    ///
    /// A file that is not there or is none of WordNet's.
    pub fn read(dict: &Path) -> Result<Self> {
        let read = |name: String| {
            let path = dict.join(name);
            fs::read(&path)
                .map(|bytes| (String::from_utf8_lossy(&bytes).into_owned(), path.clone()))
                .map_err(|error| MetricError::File {
                    path,
                    reason: format!(
                        "{error}; give the folder with WordNet 3.0's index and data files"
                    ),
                })
        };
        let mut wordnet = Self {
            senses: Default::default(),
            exceptions: Default::default(),
            data: Default::default(),
        };
        for pos in Pos::ALL {
            let (index, path) = read(format!("index.{}", pos.file()))?;
            let senses = &mut wordnet.senses[pos as usize];
            // The licence above the words is indented.
            for line in index.lines().filter(|line| !line.starts_with(' ')) {
                let (word, offsets) = index_line(line).ok_or_else(|| MetricError::File {
                    path: path.clone(),
                    reason: format!("{line:?} is no line of an index of WordNet"),
                })?;
                senses.insert(word.to_owned(), offsets);
            }
            let (exceptions, _) = read(format!("{}.exc", pos.file()))?;
            for line in exceptions.lines() {
                let mut words = line.split_whitespace().map(str::to_owned);
                if let Some(form) = words.next() {
                    wordnet.exceptions[pos as usize].insert(form, words.collect());
                }
            }
            wordnet.data[pos as usize] = read(format!("data.{}", pos.file()))?.0;
        }
        Ok(wordnet)
    }

    /// The forms of a word, the word itself first, that WordNet has as this part of speech.
    #[must_use]
    pub fn morphy(&self, form: &str, pos: Pos, endings: Endings) -> Vec<String> {
        let known = |forms: Vec<String>| {
            let mut found: Vec<String> = Vec::new();
            for form in forms {
                if self.senses[pos as usize].contains_key(&form) && !found.contains(&form) {
                    found.push(form);
                }
            }
            found
        };
        let itself = || std::iter::once(form.to_owned());
        if let Some(lemmas) = self.exceptions[pos as usize].get(form) {
            return known(itself().chain(lemmas.iter().cloned()).collect());
        }
        let mut forms = without_endings(&[form.to_owned()], pos);
        let mut found = known(itself().chain(forms.iter().cloned()).collect());
        while endings == Endings::UntilFound && found.is_empty() && !forms.is_empty() {
            forms = without_endings(&forms, pos);
            found = known(forms.clone());
        }
        found
    }

    /// Whether any part of speech has a form of the word.
    #[must_use]
    pub fn knows(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        let forms = |pos| self.morphy(&word, pos, Endings::UntilFound);
        Pos::ALL.into_iter().any(|pos| !forms(pos).is_empty())
    }

    /// The first sense of a word: of the first of noun, verb, adjective, adverb that has one.
    #[must_use]
    pub fn first_synset(&self, word: &str, endings: Endings) -> Option<Synset> {
        let word = word.to_lowercase();
        Pos::ALL.into_iter().find_map(|pos| {
            let forms = self.morphy(&word, pos, endings);
            let senses = forms
                .iter()
                .filter_map(|form| self.senses[pos as usize].get(form));
            let offset = *senses.flatten().next()?;
            Some(Synset { pos, offset })
        })
    }

    /// Whether a word, as it stands, is a lemma of this part of speech.
    #[must_use]
    pub fn is_lemma(&self, word: &str, pos: Pos) -> bool {
        self.senses[pos as usize].contains_key(word)
    }

    /// Whether a word, as it stands, is an irregular form of this part of speech.
    #[must_use]
    pub fn is_irregular(&self, form: &str, pos: Pos) -> bool {
        self.exceptions[pos as usize].contains_key(form)
    }

    fn fields(&self, synset: Synset) -> impl Iterator<Item = &str> {
        let line = self.data[synset.pos as usize].get(synset.offset..);
        line.and_then(|text| text.lines().next())
            .unwrap_or_default()
            .split(' ')
    }

    /// What a synset is a kind, or an instance, of.
    #[must_use]
    pub fn hypernyms(&self, synset: Synset) -> Vec<Synset> {
        let mut fields = self.fields(synset).skip(3);
        let words = fields
            .next()
            .and_then(|count| usize::from_str_radix(count, 16).ok());
        let mut fields = fields.skip(2 * words.unwrap_or(0));
        let pointers = fields.next().and_then(|count| count.parse::<usize>().ok());
        let mut found = Vec::new();
        for _ in 0..pointers.unwrap_or(0) {
            let (symbol, offset, pos) = (fields.next(), fields.next(), fields.next());
            fields.next();
            let pos = match pos {
                Some("n") => Pos::Noun,
                Some("v") => Pos::Verb,
                Some("a" | "s") => Pos::Adjective,
                _ => Pos::Adverb,
            };
            let offset = offset.and_then(|offset| offset.parse().ok());
            if let (Some("@" | "@i"), Some(offset)) = (symbol, offset) {
                found.push(Synset { pos, offset });
            }
        }
        found
    }

    /// A synset's name as NLTK spells it: its first word, its part of speech and the word's sense (`dog.n.01`).
    #[must_use]
    pub fn name(&self, synset: Synset) -> String {
        let fields: Vec<&str> = self.fields(synset).take(5).collect();
        let [_, _, kind, _, word] = fields[..] else {
            return String::new();
        };
        let word = word.split('(').next().unwrap_or(word).to_lowercase();
        let senses = self.senses[synset.pos as usize].get(&word);
        // Satellites are counted among themselves.
        let is_counted = |offset: usize| {
            let other = Synset { offset, ..synset };
            kind != "s" || self.fields(other).nth(2) == Some(kind)
        };
        let counted = senses
            .into_iter()
            .flatten()
            .filter(|&&offset| is_counted(offset));
        let before = counted
            .take_while(|&&offset| offset != synset.offset)
            .count();
        format!("{word}.{kind}.{:02}", before + 1)
    }
}

/// A line's word and the offsets of its senses.
fn index_line(line: &str) -> Option<(&str, Vec<usize>)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let senses: usize = fields.get(2)?.parse().ok()?;
    let offsets = fields.get(fields.len().checked_sub(senses)?..)?;
    let offsets = offsets.iter().map(|offset| offset.parse().ok());
    Some((fields.first()?, offsets.collect::<Option<_>>()?))
}

fn without_endings(forms: &[String], pos: Pos) -> Vec<String> {
    let shorter = |form: &String| {
        let endings = pos.endings().iter();
        let stems = endings.filter_map(|(end, new)| Some(form.strip_suffix(end)?.to_owned() + new));
        stems.collect::<Vec<_>>()
    };
    forms.iter().flat_map(shorter).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A WordNet of a few words in its form: geese and swans are birds, a bell is none; to fly is to move.
    pub(crate) fn small(dir: &Path) -> WordNet {
        for (pos, index, data, exceptions) in [
            (
                "noun",
                "  1 about the licence\nbell n 1 1 @ 1 0 00000400\nbird n 1 1 @ 1 0 00000100\nentity n 1 0 1 0 \
                 00000000\ngoose n 1 1 @ 1 0 00000200\nswan n 1 1 @ 1 0 00000300\n",
                vec![
                    (0, "00000000 03 n 01 entity 0 000 | all"),
                    (
                        100,
                        "00000100 05 n 01 bird 0 001 @ 00000000 n 0000 | it flies",
                    ),
                    (200, "00000200 05 n 01 goose 0 001 @ 00000100 n 0000 | grey"),
                    (300, "00000300 05 n 01 swan 0 001 @ 00000100 n 0000 | wet"),
                    (400, "00000400 06 n 01 bell 0 001 @ 00000000 n 0000 | rings"),
                ],
                "geese goose\n",
            ),
            (
                "verb",
                "fly v 1 1 @ 1 0 00000100\nmove v 1 0 1 0 00000000\n",
                vec![
                    (0, "00000000 38 v 01 move 0 000 00 | go"),
                    (
                        100,
                        "00000100 38 v 01 fly 0 001 @ 00000000 v 0000 00 | by wings",
                    ),
                ],
                "flew fly\n",
            ),
            (
                "adj",
                "grey a 1 0 1 0 00000000\n",
                vec![(0, "00000000 00 a 01 grey 0 000 | ash")],
                "",
            ),
            ("adv", "", vec![], ""),
        ] {
            let mut file = String::new();
            for (offset, line) in data {
                let gap: usize = offset - file.len();
                file.push_str(&" ".repeat(gap.saturating_sub(1)));
                file.push_str(if gap > 0 { "\n" } else { "" });
                file.push_str(line);
                file.push('\n');
            }
            fs::write(dir.join(format!("index.{pos}")), index).expect("an index");
            fs::write(dir.join(format!("data.{pos}")), file).expect("a data file");
            fs::write(dir.join(format!("{pos}.exc")), exceptions).expect("exceptions");
        }
        WordNet::read(dir).expect("a small WordNet")
    }

    #[test]
    fn a_form_is_looked_up_as_it_stands_and_without_its_ending() {
        let dir = tempfile::tempdir().expect("a folder");
        let wordnet = small(dir.path());
        assert_eq!(wordnet.morphy("geese", Pos::Noun, Endings::Once), ["goose"]);
        assert_eq!(wordnet.morphy("flies", Pos::Verb, Endings::Once), ["fly"]);
        assert!(
            wordnet
                .morphy("flingsings", Pos::Verb, Endings::UntilFound)
                .is_empty()
        );
        let synset = wordnet
            .first_synset("Swans", Endings::Once)
            .expect("a noun");
        assert_eq!(wordnet.name(synset), "swan.n.01");
        let kinds: Vec<_> = wordnet.hypernyms(synset);
        assert_eq!(wordnet.name(kinds[0]), "bird.n.01");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let error = WordNet::read(dir.path()).expect_err("an empty folder");
        assert!(error.to_string().contains("index.noun"), "{error}");
    }
}
