//! Wu-Palmer similarity of words: how deep what they have in common lies.
//!
//! Agrees with NLTK's `wup_similarity` of the words' first synsets, of 3.10 and of 3.5, by [`Nltk`].

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use super::wordnet::{Endings, Pos, Synset, WordNet};

/// Which NLTK's rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nltk {
    /// From 3.6 on: verbs, adjectives and adverbs hang below one root, so that any two have something in
    /// common.
    From36,
    /// Up to 3.5, which NExT-OE pins (3.3) and with which its published figures were made: only if the first of
    /// two is a verb. "happy" and "sad" have nothing in common, nor has "red" with "run", though "run" has with
    /// "red". The default.
    #[default]
    UpTo35,
}

/// A node of the graph; the root that hangs over all of a part of speech has no synset.
type Node = Option<Synset>;

/// The way from a synset up.
struct Ancestors {
    /// Steps to each, itself included.
    distances: HashMap<Node, usize>,
    /// Steps to the nearest top, and to the farthest.
    nearest_top: usize,
    farthest_top: usize,
}

/// Similarities, with what they were computed of kept.
pub struct Similarity<'a> {
    wordnet: &'a WordNet,
    nltk: Nltk,
    firsts: RefCell<HashMap<String, Option<Synset>>>,
    ancestors: RefCell<HashMap<Synset, Rc<Ancestors>>>,
}

impl std::fmt::Debug for Similarity<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "similarity as of NLTK {:?}", self.nltk)
    }
}

impl<'a> Similarity<'a> {
    /// Similarities in a WordNet.
    #[must_use]
    pub fn new(wordnet: &'a WordNet, nltk: Nltk) -> Self {
        Self {
            wordnet,
            nltk,
            firsts: RefCell::default(),
            ancestors: RefCell::default(),
        }
    }

    /// The first synset of a word.
    pub fn first_synset(&self, word: &str) -> Option<Synset> {
        if let Some(&known) = self.firsts.borrow().get(word) {
            return known;
        }
        let endings = match self.nltk {
            Nltk::From36 => Endings::Once,
            Nltk::UpTo35 => Endings::UntilFound,
        };
        let found = self.wordnet.first_synset(word, endings);
        self.firsts.borrow_mut().insert(word.to_owned(), found);
        found
    }

    /// The similarity of two words, 0 to 1: 1 if they are the same, 0 if WordNet lacks one or has no way
    /// between them; a tenth of it if it is under `alpha`.
    pub fn words(&self, a: &str, b: &str, alpha: f64) -> f64 {
        if a == b {
            return 1.0;
        }
        let synsets = self.first_synset(a).zip(self.first_synset(b));
        let similarity = synsets.and_then(|(a, b)| self.synsets(a, b)).unwrap_or(0.0);
        match similarity < alpha {
            true => 0.1 * similarity,
            false => similarity,
        }
    }

    /// The similarity of two synsets; `None` without a way between them.
    pub fn synsets(&self, a: Synset, b: Synset) -> Option<f64> {
        let rooted = match self.nltk {
            Nltk::From36 => a.pos != Pos::Noun || b.pos != Pos::Noun,
            Nltk::UpTo35 => a.pos == Pos::Verb,
        };
        let (above_a, above_b) = (self.ancestors(a), self.ancestors(b));
        let shared = above_a.distances.keys().copied();
        let mut common: Vec<Node> = shared
            .filter(|node| above_b.distances.contains_key(node))
            .collect();
        if rooted {
            common.push(None);
        }
        let nearest = |node: Node| node.map_or(0, |synset| self.ancestors(synset).nearest_top);
        let deepest = common.iter().map(|&node| nearest(node)).max()?;
        common.retain(|&node| nearest(node) == deepest);
        let name = |node: &Node| match node {
            // The root's name comes before all others.
            None => String::new(),
            Some(synset) => self.wordnet.name(*synset),
        };
        let subsumer = match common.contains(&Some(a)) {
            true => Some(a),
            false => common.into_iter().min_by_key(name)?,
        };
        let depth = subsumer.map_or(0, |synset| self.ancestors(synset).farthest_top) + 1;
        let to_a = self.distance(a, subsumer, rooted)?;
        let to_b = self.distance(b, subsumer, rooted)?;
        Some(2.0 * depth as f64 / (to_a + to_b + 2 * depth) as f64)
    }

    /// The shortest way between two nodes by what is above both.
    fn distance(&self, from: Synset, to: Node, rooted: bool) -> Option<usize> {
        if to == Some(from) {
            return Some(0);
        }
        let ways = |synset: Synset| {
            let mut distances = self.ancestors(synset).distances.clone();
            if rooted {
                let farthest = distances.values().max().copied().unwrap_or(0);
                distances.insert(None, farthest + 1);
            }
            distances
        };
        let from = ways(from);
        let to = match to {
            None => HashMap::from([(None, 0)]),
            Some(synset) => ways(synset),
        };
        let both = from
            .iter()
            .filter_map(|(node, steps)| Some(steps + to.get(node)?));
        both.min()
    }

    fn ancestors(&self, synset: Synset) -> Rc<Ancestors> {
        if let Some(known) = self.ancestors.borrow().get(&synset) {
            return Rc::clone(known);
        }
        let mut distances = HashMap::new();
        let mut nearest_top = None;
        let mut queue = VecDeque::from([(synset, 0)]);
        while let Some((next, steps)) = queue.pop_front() {
            if distances.contains_key(&Some(next)) {
                continue;
            }
            distances.insert(Some(next), steps);
            let above = self.wordnet.hypernyms(next);
            if above.is_empty() {
                nearest_top.get_or_insert(steps);
            }
            queue.extend(above.into_iter().map(|above| (above, steps + 1)));
        }
        let ancestors = Rc::new(Ancestors {
            distances,
            nearest_top: nearest_top.unwrap_or(0),
            farthest_top: self.farthest_top(synset, &mut Vec::new()),
        });
        let mut known = self.ancestors.borrow_mut();
        known.insert(synset, Rc::clone(&ancestors));
        ancestors
    }

    fn farthest_top(&self, synset: Synset, below: &mut Vec<Synset>) -> usize {
        below.push(synset);
        let above = self.wordnet.hypernyms(synset).into_iter();
        // Verbs of WordNet 3.0 are in a circle somewhere.
        let above: Vec<Synset> = above.filter(|next| !below.contains(next)).collect();
        let steps = above
            .into_iter()
            .map(|next| 1 + self.farthest_top(next, below))
            .max();
        below.pop();
        steps.unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::wordnet::tests::small;
    use super::*;

    #[test]
    fn what_two_words_have_in_common_counts_twice_against_both_ways_up() {
        let dir = tempfile::tempdir().expect("a folder");
        let wordnet = small(dir.path());
        let similarity = Similarity::new(&wordnet, Nltk::From36);
        // Both are one step from bird, which is the second from the top.
        assert_eq!(
            similarity.words("goose", "swan", 0.0),
            2.0 * 2.0 / (3.0 + 3.0)
        );
        assert_eq!(similarity.words("goose", "bell", 0.0), 2.0 / (3.0 + 2.0));
        assert_eq!(
            similarity.words("goose", "swan", 0.9),
            0.1 * 2.0 * 2.0 / 6.0
        );
        assert_eq!(similarity.words("goose", "zyzzy", 0.0), 0.0);
    }

    #[test]
    fn adjectives_have_a_root_from_nltk_3_6_on_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let wordnet = small(dir.path());
        let of = |nltk| Similarity::new(&wordnet, nltk).words("grey", "goose", 0.0);
        assert_eq!(of(Nltk::UpTo35), 0.0);
        // One step from grey to the root, and from goose the steps to its top and one more.
        assert_eq!(of(Nltk::From36), 2.0 / (2.0 + 4.0));
    }

    #[test]
    fn up_to_nltk_3_5_the_first_of_two_words_decides_whether_there_is_a_root() {
        let dir = tempfile::tempdir().expect("a folder");
        let wordnet = small(dir.path());
        let similarity = Similarity::new(&wordnet, Nltk::UpTo35);
        assert_eq!(similarity.words("goose", "fly", 0.0), 0.0);
        assert!(similarity.words("fly", "goose", 0.0) > 0.0);
    }
}
