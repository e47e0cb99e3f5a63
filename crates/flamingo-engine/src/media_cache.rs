//! What was computed of pictures and films, by their content.

use flamingo_model::Medium;
use lru::LruCache;

use crate::looked::Hash;

/// Keys and values of media by content; the least recently used ones go when there are too many.
pub(crate) struct MediaCache {
    budget: usize,
    bytes: usize,
    media: LruCache<Hash, Medium>,
}

impl MediaCache {
    /// A cache of at most `budget` bytes.
    pub(crate) fn new(budget: usize) -> Self {
        Self {
            budget,
            bytes: 0,
            media: LruCache::unbounded(),
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

    /// Whether a medium is there.
    pub(crate) fn contains(&self, hash: &Hash) -> bool {
        self.media.contains(hash)
    }

    pub(crate) fn get(&mut self, hash: &Hash) -> Option<Medium> {
        self.media.get(hash).cloned()
    }

    pub(crate) fn insert(&mut self, hash: Hash, medium: Medium) {
        self.bytes += medium.bytes();
        if let Some(old) = self.media.put(hash, medium) {
            self.bytes -= old.bytes();
        }
        while self.bytes > self.budget {
            let Some((_, oldest)) = self.media.pop_lru() else {
                break;
            };
            self.bytes -= oldest.bytes();
        }
    }
}

/// Media whose content is known by their version.
const VERSIONS: usize = 1 << 16;

/// Contents by the version that a source tells.
pub(crate) fn versions() -> LruCache<String, Hash> {
    LruCache::new(VERSIONS.try_into().expect("more than none"))
}
