//! Supports in an order of which every beginning has as many of each class as can be.

use flamingo_data::stream;
use rand::seq::SliceRandom;

/// The numbers of all supports: a round takes one of each class, in a random order of the classes.
pub(super) fn balanced(seed: u64, classes_of: &[usize], classes: usize) -> Vec<usize> {
    let mut rng = stream(seed, "examples", &[]);
    let mut by_class: Vec<Vec<usize>> = vec![Vec::new(); classes];
    for (support, &class) in classes_of.iter().enumerate() {
        by_class[class].push(support);
    }
    for supports in &mut by_class {
        supports.shuffle(&mut rng);
    }
    let mut order = Vec::with_capacity(classes_of.len());
    while order.len() < classes_of.len() {
        let mut round: Vec<usize> = by_class.iter_mut().filter_map(Vec::pop).collect();
        round.shuffle(&mut rng);
        order.extend(round);
    }
    order
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_beginning_is_as_even_as_can_be() {
        let classes_of: Vec<usize> = (0..39).map(|support| support % 3).collect();
        let order = balanced(5, &classes_of, 3);
        for count in 1..=39 {
            let mut counts = [0_usize; 3];
            order[..count]
                .iter()
                .for_each(|&support| counts[classes_of[support]] += 1);
            let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
            assert!(most - least <= 1, "{count}: {counts:?}");
        }
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert!(sorted.iter().copied().eq(0..39));
        assert_ne!(order, balanced(6, &classes_of, 3));
    }
}
