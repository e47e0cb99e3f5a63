//! Which sample comes when: shuffled epoch by epoch, a pure function of a seed and a number.

use std::sync::{Arc, Mutex, PoisonError};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// Random numbers that depend on `seed`, on what they are for, and on `numbers`, and on nothing
/// else.
pub fn stream(seed: u64, subject: &str, numbers: &[u64]) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update((subject.len() as u64).to_le_bytes());
    hash.update(subject);
    for number in numbers {
        hash.update(number.to_le_bytes());
    }
    ChaCha8Rng::from_seed(hash.finalize().into())
}

/// An endless order of `items` items: each once an epoch, every epoch in another shuffle.
#[derive(Debug)]
pub struct Order {
    seed: u64,
    subject: String,
    items: usize,
    /// The last epoch asked for, with its shuffle.
    epoch: Mutex<Option<(u64, Arc<[u32]>)>>,
}

impl Order {
    /// An order of its own for each `subject` (the name of a source).
    ///
    /// # Panics
    /// If there are no items, or more than `u32` can number.
    pub fn new(seed: u64, subject: &str, items: usize) -> Self {
        assert!(items > 0, "an order of no items");
        assert!(u32::try_from(items).is_ok(), "{items} items are too many");
        Self {
            seed,
            subject: subject.to_owned(),
            items,
            epoch: Mutex::new(None),
        }
    }

    /// The item at place `number` (from 0, over all epochs).
    pub fn item(&self, number: u64) -> usize {
        let items = self.items as u64;
        let shuffle = self.shuffle(number / items);
        shuffle[(number % items) as usize] as usize
    }

    fn shuffle(&self, epoch: u64) -> Arc<[u32]> {
        // A poisoned lock guards a cache that is whole at all times.
        let mut cached = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, shuffle)) = &*cached
            && *of == epoch
        {
            return shuffle.clone();
        }
        let mut shuffle: Vec<u32> = (0..self.items as u32).collect();
        shuffle.shuffle(&mut stream(self.seed, &self.subject, &[epoch]));
        let shuffle: Arc<[u32]> = shuffle.into();
        *cached = Some((epoch, shuffle.clone()));
        shuffle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_epoch_has_every_item_once_in_another_order() {
        let order = Order::new(3, "pages", 101);
        let epoch = |e: u64| {
            (e * 101..(e + 1) * 101)
                .map(|n| order.item(n))
                .collect::<Vec<_>>()
        };
        let (first, second) = (epoch(0), epoch(1));
        assert_ne!(first, second);
        for mut items in [first.clone(), second] {
            items.sort_unstable();
            assert_eq!(items, (0..101).collect::<Vec<_>>());
        }
        assert_eq!(first, epoch(0), "asked again, out of order");
        let other = Order::new(3, "pairs", 101);
        assert_ne!(first, (0..101).map(|n| other.item(n)).collect::<Vec<_>>());
    }

    #[test]
    fn streams_differ_by_each_of_their_arguments() {
        use rand::Rng;
        let draw = |seed, subject, numbers: &[u64]| stream(seed, subject, numbers).random::<u64>();
        let base = draw(1, "a", &[1, 2]);
        assert_eq!(base, draw(1, "a", &[1, 2]));
        for other in [
            draw(2, "a", &[1, 2]),
            draw(1, "b", &[1, 2]),
            draw(1, "a", &[2, 1]),
        ] {
            assert_ne!(base, other);
        }
    }
}
