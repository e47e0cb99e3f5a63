//! A prompt on its way: prepared, then read.

use std::collections::HashSet;
use std::ops::Range;

use flamingo_model::{Medium, TextCache};
use flamingo_sequence::Sequence;

use crate::looked::Looked;
use crate::prefix_cache::Key;

/// A prompt whose pictures are loaded, before it is read.
pub(crate) struct Prepared {
    pub(crate) sequence: Sequence,
    pub(crate) keys: Vec<Key>,
    pub(crate) sees: Vec<Range<usize>>,
    pub(crate) media: Vec<Looked>,
}

impl Prepared {
    /// How many tokens two prompts begin with alike.
    pub(crate) fn common(&self, other: &Self) -> usize {
        let pairs = self.keys.iter().zip(&other.keys);
        pairs.take_while(|(a, b)| a == b).count()
    }

    /// How many media the tokens behind the first `known` see.
    pub(crate) fn media_behind(&self, known: usize) -> usize {
        let seen = self.sees[known..].iter().cloned().flatten();
        seen.collect::<HashSet<usize>>().len()
    }

    /// The last medium that its last token sees.
    pub(crate) fn last_seen(&self) -> Option<usize> {
        self.sees.last()?.clone().last()
    }

    /// Without its pictures, which are loaded again if they are wanted: it has to wait.
    pub(crate) fn unloaded(self) -> Self {
        Self {
            media: self.media.into_iter().map(Looked::unloaded).collect(),
            ..self
        }
    }
}

/// A prompt after it was read.
pub(crate) struct ReadPrompt {
    pub(crate) text: TextCache,
    /// What the tokens behind it see.
    pub(crate) seen: Vec<Medium>,
}
