//! Shots of a set at random.

use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// `count` different numbers below `all`, in a random order.
pub fn choose_random(all: usize, count: usize, seed: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    sample(&mut rng, all, count.min(all)).into_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_shots_differ_from_one_another_and_are_the_seeds() {
        let mut first = choose_random(7, 5, 3);
        assert_eq!(first, choose_random(7, 5, 3));
        assert_ne!(first, choose_random(7, 5, 4));
        first.sort_unstable();
        first.dedup();
        assert_eq!(first.len(), 5);
        assert_eq!(choose_random(3, 5, 0).len(), 3);
    }
}
