//! What was read of prompts, by their beginnings: prompts that begin alike, to the token, share what
//! was computed of it.
//!
//! A tree of runs of tokens. A token is known by its id and by the media that it sees, so that two
//! beginnings are one exactly if the model computes the same for both. The least recently used ends
//! go when there is too much.

use std::sync::Arc;

use flamingo_model::{Chunk, TextCache};
use sha2::{Digest, Sha256};

use crate::looked::Hash;

/// Tokens of a run at most: what is dropped at once, and what is copied when prompts part within.
const RUN: usize = 64;

/// A token with what it sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    id: u32,
    sees: u128,
}

impl Key {
    pub(crate) fn new(id: u32, sees: impl Iterator<Item = Hash>) -> Self {
        let mut hasher = Sha256::new();
        let mut any = false;
        for hash in sees {
            hasher.update(hash);
            any = true;
        }
        let digest: [u8; 32] = hasher.finalize().into();
        let sees = u128::from_le_bytes(digest[..16].try_into().expect("16 bytes"));
        Self {
            id,
            sees: if any { sees } else { 0 },
        }
    }
}

/// A run of tokens behind those of its parent.
struct Node {
    keys: Vec<Key>,
    chunk: Arc<Chunk>,
    children: Vec<usize>,
    parent: Option<usize>,
    used: u64,
}

/// The tree.
pub(crate) struct PrefixCache {
    budget: usize,
    bytes: usize,
    clock: u64,
    nodes: Vec<Option<Node>>,
    roots: Vec<usize>,
}

impl PrefixCache {
    /// A cache of at most `budget` bytes.
    pub(crate) fn new(budget: usize) -> Self {
        Self {
            budget,
            bytes: 0,
            clock: 0,
            nodes: Vec::new(),
            roots: Vec::new(),
        }
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.budget);
    }

    /// What is known of the longest beginning of `keys`.
    pub(crate) fn longest(&mut self, keys: &[Key]) -> TextCache {
        self.clock += 1;
        let mut text = TextCache::default();
        let mut at = None;
        while let Some((child, common)) = self.follow(at, &keys[text.len()..]) {
            let clock = self.clock;
            let node = self.node_mut(child);
            node.used = clock;
            let wanted = text.len() + common;
            text.push(node.chunk.clone());
            if text.len() > wanted {
                text.truncate(wanted);
                break;
            }
            at = Some(child);
        }
        text
    }

    /// Keeps what was read of a prompt, `keys` in all, and returns it as it is kept.
    pub(crate) fn insert(&mut self, keys: &[Key], text: TextCache) -> TextCache {
        assert_eq!(keys.len(), text.len(), "a key for each token");
        if text
            .chunks()
            .iter()
            .map(|chunk| chunk.bytes())
            .sum::<usize>()
            > self.budget
        {
            return text;
        }
        self.clock += 1;
        let (mut kept, mut at) = (TextCache::default(), None);
        while let Some((child, common)) = self.follow(at, &keys[kept.len()..]) {
            if common < self.node(child).keys.len() {
                self.split(child, common);
            }
            let clock = self.clock;
            let node = self.node_mut(child);
            node.used = clock;
            kept.push(node.chunk.clone());
            at = Some(child);
        }
        while kept.len() < keys.len() {
            let run = kept.len()..(kept.len() + RUN).min(keys.len());
            let chunk = Arc::new(text.copy(run.clone()));
            kept.push(chunk.clone());
            at = Some(self.add(at, keys[run].to_vec(), chunk));
        }
        self.evict();
        kept
    }

    /// The child of `at` that goes on with the first of `keys`, and how many tokens they have in
    /// common.
    fn follow(&self, at: Option<usize>, keys: &[Key]) -> Option<(usize, usize)> {
        let children = at.map_or(&self.roots, |at| &self.node(at).children);
        let first = keys.first()?;
        let child = *children
            .iter()
            .find(|&&child| self.node(child).keys[0] == *first)?;
        let pairs = self.node(child).keys.iter().zip(keys);
        Some((child, pairs.take_while(|(a, b)| a == b).count()))
    }

    fn node(&self, at: usize) -> &Node {
        self.nodes[at].as_ref().expect("a node of the tree")
    }

    fn node_mut(&mut self, at: usize) -> &mut Node {
        self.nodes[at].as_mut().expect("a node of the tree")
    }

    fn add(&mut self, parent: Option<usize>, keys: Vec<Key>, chunk: Arc<Chunk>) -> usize {
        self.bytes += chunk.bytes();
        let node = Node {
            keys,
            chunk,
            children: Vec::new(),
            parent,
            used: self.clock,
        };
        let free = self.nodes.iter().position(Option::is_none);
        let at = free.unwrap_or_else(|| {
            self.nodes.push(None);
            self.nodes.len() - 1
        });
        self.nodes[at] = Some(node);
        match parent {
            Some(parent) => self.node_mut(parent).children.push(at),
            None => self.roots.push(at),
        }
        at
    }

    /// Cuts a run in two behind its first `tokens`; `at` stays the first of them.
    fn split(&mut self, at: usize, tokens: usize) {
        let node = self.node_mut(at);
        let all = node.keys.len();
        let rest = node.keys.split_off(tokens);
        let (first, last) = (node.chunk.copy(0..tokens), node.chunk.copy(tokens..all));
        let before = node.chunk.bytes();
        node.chunk = Arc::new(first);
        let children = std::mem::take(&mut node.children);
        let (used, bytes) = (node.used, node.chunk.bytes());
        self.bytes = self.bytes + bytes - before;
        let lower = self.add(Some(at), rest, Arc::new(last));
        for &child in &children {
            self.node_mut(child).parent = Some(lower);
        }
        let lower = self.node_mut(lower);
        lower.children = children;
        lower.used = used;
    }

    fn evict(&mut self) {
        while self.bytes > self.budget {
            let ends = self.nodes.iter().enumerate().filter_map(|(at, node)| {
                let node = node.as_ref().filter(|node| node.children.is_empty())?;
                Some((node.used, at))
            });
            let Some((_, oldest)) = ends.min() else {
                break;
            };
            let node = self.nodes[oldest].take().expect("a node of the tree");
            self.bytes -= node.chunk.bytes();
            let siblings = match node.parent {
                Some(parent) => &mut self.node_mut(parent).children,
                None => &mut self.roots,
            };
            siblings.retain(|&child| child != oldest);
        }
    }
}
