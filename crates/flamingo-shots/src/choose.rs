//! Which shots of a set.

use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::VectorIndex;

/// The shots whose picture is most like one of this vector, the most similar last. Those without a picture are never
/// among them.
pub fn choose_nearest(vector: &[f32], index: &VectorIndex, count: usize) -> Vec<usize> {
    let similarities = index.similarities(vector);
    most_similar_last(&similarities, count)
}

/// The numbers of the `count` highest similarities, the highest last; of equals the first stands last. NaN is never
/// among them.
pub fn most_similar_last(similarities: &[f32], count: usize) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..similarities.len())
        .filter(|&i| !similarities[i].is_nan())
        .collect();
    numbers.sort_by(|&a, &b| similarities[b].total_cmp(&similarities[a]).then(a.cmp(&b)));
    numbers.truncate(count);
    numbers.reverse();
    numbers
}

/// `count` different numbers below `all`, in a random order.
pub fn choose_random(all: usize, count: usize, seed: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    sample(&mut rng, all, count.min(all)).into_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_similar_stands_last_and_what_has_no_picture_is_left_out() {
        let similarities = [0.3, f32::NAN, 0.9, -0.5, 0.9];
        assert_eq!(most_similar_last(&similarities, 3), [0, 4, 2]);
        assert_eq!(most_similar_last(&similarities, 9), [3, 0, 4, 2]);
        assert!(most_similar_last(&similarities, 0).is_empty());
    }

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
