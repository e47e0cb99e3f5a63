//! Prompts of numbers and random pictures, as many as a measurement wants.

use std::collections::HashMap;

use flamingo::image::{Image, Media};
use flamingo::sequence::{Document, Part};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Tokens of a shot, its picture's and its end's included.
pub(crate) const SHOT: usize = 20;

/// A supply of shots, queries and their pictures.
pub(crate) struct World {
    rng: ChaCha8Rng,
    vocabulary: usize,
    side: usize,
    /// By name.
    pub(crate) pictures: HashMap<String, Media>,
}

impl World {
    pub(crate) fn new(vocabulary: usize, side: usize) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(0),
            vocabulary,
            side,
            pictures: HashMap::new(),
        }
    }

    /// Ids as words.
    pub(crate) fn words(&mut self, count: usize) -> String {
        let words = self.vocabulary - 2;
        let word = |_| self.rng.random_range(5.min(words - 1)..words).to_string();
        (0..count).map(word).collect::<Vec<_>>().join(" ")
    }

    /// A picture that was not there before.
    fn picture(&mut self) -> Part {
        let name = self.pictures.len().to_string();
        let mut rgb = vec![0; self.side * self.side * 3];
        self.rng.fill(&mut rgb[..]);
        let side = self.side as u32;
        let image = Image::new(side, side, rgb).expect("its pixels fill its sides");
        self.pictures.insert(name.clone(), Media::Image(image));
        Part::Image(name)
    }

    /// Shots: a picture, 18 words and an end, each.
    pub(crate) fn shots(&mut self, count: usize) -> Vec<Vec<Part>> {
        let shot = |_| vec![self.picture(), Part::Text(self.words(SHOT - 2)), Part::End];
        (0..count).map(shot).collect()
    }

    /// Shots and a new query behind them: a picture and 10 words.
    pub(crate) fn query(&mut self, shots: &[Vec<Part>]) -> Document {
        let query = [self.picture(), Part::Text(self.words(SHOT / 2))];
        Document::new(shots.iter().flatten().cloned().chain(query))
    }
}
