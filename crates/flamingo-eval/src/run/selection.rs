//! Which supports are the shots of a query, and in which orders they stand.

use flamingo_data::stream;
use rand::Rng;
use rand::seq::SliceRandom;

/// Orders of the shots over which an answer is averaged at most (paper, 3.2 and appendix B.1.5).
const MOST_ORDERS: usize = 6;

/// The supports that are the shots of query number `query`, drawn without replacement. Those of fewer shots are the
/// first of those of more, so that prompts of one query begin alike. `excluded` is the query itself, where it is a
/// support, too.
pub fn random_shots(
    seed: u64,
    query: usize,
    supports: usize,
    shots: usize,
    excluded: Option<usize>,
) -> Vec<usize> {
    let mut rng = stream(seed, "shots", &[query as u64]);
    let most = (shots + usize::from(excluded.is_some())).min(supports);
    // A partial shuffle, drawn one by one: more shots go on where fewer ended.
    let mut order = Places::default();
    let mut drawn = Vec::with_capacity(shots);
    for place in 0..most {
        let other = rng.random_range(place..supports);
        let support = order.swap(place, other);
        if Some(support) != excluded && drawn.len() < shots {
            drawn.push(support);
        }
    }
    drawn
}

/// A shuffle of many places of which few have been touched.
#[derive(Default)]
struct Places(std::collections::HashMap<usize, usize>);

impl Places {
    fn at(&self, place: usize) -> usize {
        self.0.get(&place).copied().unwrap_or(place)
    }

    /// What stands at `place` after it has been exchanged with `other`.
    fn swap(&mut self, place: usize, other: usize) -> usize {
        let (here, there) = (self.at(place), self.at(other));
        self.0.insert(other, here);
        self.0.insert(place, there);
        there
    }
}

/// Orders of `shots` shots: as they are, and up to five others, all different: min(6, n!) of them.
pub fn orders(seed: u64, query: usize, shots: usize) -> Vec<Vec<usize>> {
    let plain: Vec<usize> = (0..shots).collect();
    let possible = (1..=shots).try_fold(1_usize, |product, n| product.checked_mul(n));
    let wanted = possible.map_or(MOST_ORDERS, |possible| possible.min(MOST_ORDERS));
    let mut rng = stream(seed, "orders", &[query as u64]);
    let mut orders = vec![plain.clone()];
    while orders.len() < wanted {
        let mut order = plain.clone();
        order.shuffle(&mut rng);
        if !orders.contains(&order) {
            orders.push(order);
        }
    }
    orders
}

/// A permutation without a fixed place (Sattolo's); of one place, itself.
pub(super) fn cycle(rng: &mut impl Rng, count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        let other = rng.random_range(0..last);
        places.swap(last, other);
    }
    places
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn fewer_shots_are_the_first_of_more_and_none_comes_twice() {
        for query in 0..23 {
            let all = random_shots(5, query, 37, 32, Some(11));
            assert_eq!(all.len(), 32);
            assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 32);
            assert!(!all.contains(&11) && all.iter().all(|&shot| shot < 37));
            for shots in [1, 4, 8, 16] {
                assert_eq!(
                    random_shots(5, query, 37, shots, Some(11)),
                    all[..shots],
                    "query {query}"
                );
            }
        }
        assert_ne!(
            random_shots(5, 0, 37, 8, None),
            random_shots(6, 0, 37, 8, None)
        );
        assert_ne!(
            random_shots(5, 0, 37, 8, None),
            random_shots(5, 1, 37, 8, None)
        );
    }

    #[test]
    fn all_supports_are_drawn_alike() {
        let mut counts = [0_usize; 7];
        for query in 0..7000 {
            for shot in random_shots(3, query, 7, 3, None) {
                counts[shot] += 1;
            }
        }
        for count in counts {
            assert!((2800..3200).contains(&count), "{counts:?}");
        }
    }

    #[test]
    fn too_few_supports_give_what_there_is() {
        assert_eq!(random_shots(1, 0, 3, 8, None).len(), 3);
        assert_eq!(random_shots(1, 0, 3, 8, Some(1)).len(), 2);
        assert!(random_shots(1, 0, 0, 8, None).is_empty());
    }

    #[test]
    fn orders_are_different_and_as_many_as_there_can_be() {
        for (shots, count) in [(0, 1), (1, 1), (2, 2), (3, 6), (4, 6), (32, 6)] {
            let orders = orders(7, 3, shots);
            assert_eq!(orders.len(), count, "{shots} shots");
            assert_eq!(orders.iter().collect::<BTreeSet<_>>().len(), count);
            assert!(orders[0].is_sorted());
        }
    }

    #[test]
    fn a_cycle_leaves_nothing_where_it_was() {
        let mut rng = stream(0, "test", &[]);
        for count in 2..13 {
            let places = cycle(&mut rng, count);
            assert!(places.iter().enumerate().all(|(at, &place)| at != place));
            assert_eq!(places.iter().collect::<BTreeSet<_>>().len(), count);
        }
    }
}
