//! What was read of a text, kept so that what follows can be read alone.

use std::ops::Range;
use std::sync::Arc;

use flamingo_kernels::{KeysValues, Tensor, compact};

/// Chunks of so few tokens are joined ...
const SMALL: usize = 8;
/// ... as soon as so many of them stand at the end of a text.
const MANY: usize = 16;

/// Keys and values of consecutive tokens in every layer; never changed once it is made.
#[derive(Debug)]
pub struct Chunk {
    layers: Vec<KeysValues>,
    tokens: usize,
}

impl Chunk {
    /// Keys and values in each layer, of the same number of tokens.
    pub(super) fn new(layers: Vec<KeysValues>) -> Self {
        let tokens = layers.first().map_or(0, KeysValues::len);
        Self { layers, tokens }
    }

    /// How many tokens it holds.
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// What its keys and values take in memory, if no other chunk shares it.
    pub fn bytes(&self) -> usize {
        let of = |x: &Tensor<2>| x.dims().iter().product::<usize>() * x.dtype().size();
        let layer = |layer: &KeysValues| of(layer.keys()) + of(layer.values());
        self.layers.iter().map(layer).sum()
    }

    /// Some of its tokens, sharing their memory.
    fn part(&self, tokens: Range<usize>) -> Self {
        self.map(|x| x.clone().narrow(0, tokens.start, tokens.len()))
    }

    /// Some of its tokens, in memory of their own.
    pub fn copy(&self, tokens: Range<usize>) -> Self {
        self.map(|x| compact(x.clone().narrow(0, tokens.start, tokens.len())))
    }

    fn map(&self, of: impl Fn(&Tensor<2>) -> Tensor<2>) -> Self {
        let layer = |layer: &KeysValues| KeysValues::new(of(layer.keys()), of(layer.values()));
        Self::new(self.layers.iter().map(layer).collect())
    }

    fn join(chunks: &[Arc<Chunk>]) -> Self {
        let layer = |i: usize| {
            let join = |of: fn(&KeysValues) -> &Tensor<2>| {
                let all = chunks.iter().map(|chunk| of(&chunk.layers[i]).clone());
                Tensor::cat(all.collect(), 0)
            };
            KeysValues::new(join(KeysValues::keys), join(KeysValues::values))
        };
        Self::new((0..chunks[0].layers.len()).map(layer).collect())
    }
}

/// The tokens of one text that were read, first to last. A clone shares all of them: texts that begin
/// alike hold their beginning once.
#[derive(Debug, Clone, Default)]
pub struct TextCache {
    chunks: Vec<Arc<Chunk>>,
    tokens: usize,
}

impl TextCache {
    /// How many tokens were read; the place of the next one.
    pub fn len(&self) -> usize {
        self.tokens
    }

    /// Whether nothing was read.
    pub fn is_empty(&self) -> bool {
        self.tokens == 0
    }

    /// Puts tokens behind those that were read.
    pub fn push(&mut self, chunk: Arc<Chunk>) {
        self.tokens += chunk.tokens;
        self.chunks.push(chunk);
        let small = |chunk: &&Arc<Chunk>| chunk.tokens <= SMALL;
        let last = self.chunks.iter().rev().take_while(small).count();
        if last >= MANY {
            let joined = Chunk::join(&self.chunks[self.chunks.len() - last..]);
            self.chunks.truncate(self.chunks.len() - last);
            self.chunks.push(Arc::new(joined));
        }
    }

    /// Forgets all tokens but the first `tokens`.
    pub fn truncate(&mut self, tokens: usize) {
        while self.tokens > tokens {
            let last = self.chunks.pop().expect("tokens are in chunks");
            self.tokens -= last.tokens;
            if self.tokens < tokens {
                self.push(Arc::new(last.part(0..tokens - self.tokens)));
            }
        }
    }

    /// Some of its tokens, in memory of their own.
    pub fn copy(&self, tokens: Range<usize>) -> Chunk {
        let (mut parts, mut start) = (Vec::new(), 0);
        for chunk in &self.chunks {
            let end = start + chunk.tokens;
            let part = tokens.start.max(start)..tokens.end.min(end);
            if !part.is_empty() {
                parts.push(Arc::new(chunk.part(part.start - start..part.end - start)));
            }
            start = end;
        }
        match &parts[..] {
            [one] => one.copy(0..one.tokens),
            _ => Chunk::join(&parts),
        }
    }

    /// Its chunks, in order.
    pub fn chunks(&self) -> &[Arc<Chunk>] {
        &self.chunks
    }

    /// Keys and values in one layer.
    pub(super) fn layer(&self, layer: usize) -> impl Iterator<Item = &KeysValues> {
        self.chunks.iter().map(move |chunk| &chunk.layers[layer])
    }
}
