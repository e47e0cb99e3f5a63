//! Which of many are taken: the same for a seed and a set of ids, in whatever order the files have them.

use std::collections::HashMap;

use crate::example::Example;
use crate::ids::Id;

/// FNV-1a over the id, its bits mixed with the seed's (splitmix64).
fn rank(seed: u64, id: &Id) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in id.to_string().bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let mut mixed = hash.wrapping_add(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The first `count` in an order that the seed decides.
pub(crate) fn drawn(mut examples: Vec<Example>, count: Option<usize>, seed: u64) -> Vec<Example> {
    examples.sort_by_cached_key(|example| (rank(seed, &example.id), example.id.to_string()));
    examples.truncate(count.unwrap_or(usize::MAX));
    examples
}

/// The first `count` of each class in an order that the seed decides.
pub(crate) fn drawn_by_class(examples: Vec<Example>, count: usize, seed: u64) -> Vec<Example> {
    let mut taken: HashMap<Option<String>, usize> = HashMap::new();
    let mut examples = drawn(examples, None, seed);
    examples.retain(|example| {
        let taken = taken.entry(example.answer.clone()).or_default();
        *taken += 1;
        *taken <= count
    });
    examples
}

/// So many in the order that they have, spread over all of them.
pub(crate) fn limited(examples: Vec<Example>, count: Option<usize>) -> Vec<Example> {
    let Some(count) = count.filter(|&count| count < examples.len()) else {
        return examples;
    };
    let mut ranks: Vec<(u64, usize)> = examples
        .iter()
        .enumerate()
        .map(|(index, example)| (rank(0, &example.id), index))
        .collect();
    ranks.sort_unstable();
    let mut kept = vec![false; examples.len()];
    ranks
        .iter()
        .take(count)
        .for_each(|&(_, index)| kept[index] = true);
    examples
        .into_iter()
        .zip(kept)
        .filter_map(|(example, kept)| kept.then_some(example))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples(ids: impl Iterator<Item = i64>) -> Vec<Example> {
        ids.map(|id| Example::new(Id::Number(id), Vec::new()))
            .collect()
    }

    #[test]
    fn the_seed_and_the_ids_decide_whatever_the_order_of_the_file() {
        let forwards = drawn(examples(0..97), Some(7), 3);
        let backwards = drawn(examples((0..97).rev()), Some(7), 3);
        assert_eq!(forwards, backwards);
        assert_eq!(forwards.len(), 7);
        assert_ne!(forwards, drawn(examples(0..97), Some(7), 4));
        assert_eq!(drawn(examples(0..97), Some(200), 3).len(), 97);
    }

    #[test]
    fn a_limit_keeps_the_order_and_more_holds_all_of_less() {
        let ids = |count| -> Vec<Id> {
            let kept = limited(examples(0..97), Some(count));
            kept.into_iter().map(|example| example.id).collect()
        };
        let (some, more) = (ids(11), ids(23));
        assert!(some.iter().all(|id| more.contains(id)));
        let numbers: Vec<i64> = more
            .iter()
            .map(|id| match id {
                Id::Number(number) => *number,
                Id::Text(_) => -1,
            })
            .collect();
        assert!(numbers.is_sorted() && numbers.len() == 23);
    }

    #[test]
    fn of_each_class_as_many_are_drawn() {
        let mut all = examples(0..97);
        for (index, example) in all.iter_mut().enumerate() {
            example.answer = Some(["ant", "bee", "cow"][index % 3].to_owned());
        }
        let drawn = drawn_by_class(all, 5, 1);
        for class in ["ant", "bee", "cow"] {
            let of_class = drawn
                .iter()
                .filter(|example| example.answer.as_deref() == Some(class));
            assert_eq!(of_class.count(), 5);
        }
    }
}
