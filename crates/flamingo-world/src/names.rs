//! Made-up names: two syllables that mean nothing, such as `daxo`.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use rand::Rng;
use rand::seq::index;

use crate::rng::hash;
use crate::vocabulary::words;

const CONSONANTS: &str = "bdfghjklmnprstvwxz";
const VOWELS: &str = "aeiou";

/// One pair of syllables in so many is kept from training.
const RESERVED_SHARE: u64 = 5;

/// Who may use a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameUse {
    /// Names seen in training.
    Training,
    /// Names that no training ever uses. Fixed: no seed has a say in it.
    Evaluation,
}

/// The syllables, a consonant and a vowel each.
pub fn syllables() -> &'static [String] {
    static SYLLABLES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let of = |consonant| {
            VOWELS
                .chars()
                .map(move |vowel| format!("{consonant}{vowel}"))
        };
        CONSONANTS.chars().flat_map(of).collect()
    });
    &SYLLABLES
}

/// `count` different names; no two share a syllable at the same place.
///
/// # Panics
///
/// If `count` is more than 20: so many always exist.
pub fn draw_names(count: usize, usage: NameUse, rng: &mut impl Rng) -> Vec<String> {
    assert!(count <= 20, "{count} names at once are more than 20");
    loop {
        let firsts = index::sample(rng, syllables().len(), count);
        if let Some(names) = complete(&firsts.into_vec(), usage, rng) {
            return names;
        }
    }
}

/// Adds second syllables such that every name may be used; gives up when that takes long.
fn complete(firsts: &[usize], usage: NameUse, rng: &mut impl Rng) -> Option<Vec<String>> {
    let syllables = syllables();
    let mut seconds: Vec<usize> = Vec::with_capacity(firsts.len());
    let mut tries = 0;
    while seconds.len() < firsts.len() {
        let (first, second) = (firsts[seconds.len()], rng.random_range(0..syllables.len()));
        if usage_of(first, second) == Some(usage) && !seconds.contains(&second) {
            seconds.push(second);
        }
        tries += 1;
        if tries > 1_000 {
            return None;
        }
    }
    let name = |(&first, &second): (&usize, &usize)| syllables[first].clone() + &syllables[second];
    Some(firsts.iter().zip(&seconds).map(name).collect())
}

/// Who may use the name of these two syllables; nobody if it reads as a word or begins with one,
/// or repeats its syllable.
fn usage_of(first: usize, second: usize) -> Option<NameUse> {
    static TAKEN: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
        let short = |word: &&&str| (3..=4).contains(&word.len());
        words().iter().filter(short).copied().collect()
    });
    let syllables = syllables();
    let name = [&*syllables[first], &*syllables[second]].concat();
    if first == second || TAKEN.contains(&*name) || TAKEN.contains(&name[..3]) {
        return None;
    }
    let reserved = hash((first * syllables.len() + second) as u64).is_multiple_of(RESERVED_SHARE);
    Some(if reserved {
        NameUse::Evaluation
    } else {
        NameUse::Training
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;

    #[test]
    fn names_of_training_and_evaluation_never_meet() {
        let collect = |usage| {
            let mut names = BTreeSet::new();
            for index in 0..500 {
                let drawn = draw_names(5, usage, &mut stream(11, "test", index));
                assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), 5);
                names.extend(drawn);
            }
            names
        };
        let (training, evaluation) = (collect(NameUse::Training), collect(NameUse::Evaluation));
        assert!(training.is_disjoint(&evaluation));
        assert!(training.len() > 1_500 && evaluation.len() > 800);
        assert!(training.iter().all(|name| !words().contains(&**name)));
    }

    #[test]
    fn names_drawn_together_differ_in_both_syllables() {
        for index in 0..100 {
            let names = draw_names(20, NameUse::Evaluation, &mut stream(1, "test", index));
            let part = |range: std::ops::Range<usize>| -> BTreeSet<_> {
                names.iter().map(|name| &name[range.clone()]).collect()
            };
            assert_eq!((part(0..2).len(), part(2..4).len()), (20, 20));
        }
    }

    #[test]
    fn a_fifth_of_the_pairs_is_reserved() {
        let all = (0..90 * 90).filter_map(|pair| usage_of(pair / 90, pair % 90));
        let (mut training, mut evaluation) = (0, 0);
        for usage in all {
            match usage {
                NameUse::Training => training += 1,
                NameUse::Evaluation => evaluation += 1,
            }
        }
        assert_eq!(syllables().len(), 90);
        assert_eq!((training, evaluation), (6_283, 1_586));
    }
}
