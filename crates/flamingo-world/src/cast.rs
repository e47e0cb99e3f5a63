//! Who plays in a binding sequence: some things, a made-up name for each, and the order in which
//! they appear.

use rand::Rng;
use rand::seq::{SliceRandom, index};

use crate::names::{NameUse, draw_names};
use crate::things::Thing;

/// Things under made-up names, recurring.
#[derive(Clone, Debug)]
pub(crate) struct Cast {
    pub(crate) things: Vec<&'static Thing>,
    pub(crate) names: Vec<String>,
    /// Who appears when: indices into `things` and `names`.
    pub(crate) order: Vec<usize>,
}

/// Sequences in which the same few names recur; in the others each appears once. What makes
/// learning from context emerge (Chan et al., 2022, section 3.1).
const BURSTY: f64 = 0.9;

/// Sequences of pages and of the harder texts that have many names.
pub(crate) const MANY: f64 = 0.2;

/// The most names of a sequence.
const MOST_NAMES: usize = 20;

impl Cast {
    /// `count` of the things under names that `usage` allows, each appearing once.
    pub(crate) fn draw(
        things: &[&'static Thing],
        count: usize,
        usage: NameUse,
        rng: &mut impl Rng,
    ) -> Self {
        let chosen = index::sample(rng, things.len(), count);
        Self {
            things: chosen.into_iter().map(|index| things[index]).collect(),
            names: draw_names(count, usage, rng),
            order: (0..count).collect(),
        }
    }

    /// A cast of a training sequence: 2 to `most` things that recur, in a share of `many` of these up to 20;
    /// or, one time in ten, up to 8 that do not. At most `longest` appearances.
    pub(crate) fn training(
        things: &[&'static Thing],
        most: usize,
        many: f64,
        longest: usize,
        rng: &mut impl Rng,
    ) -> Self {
        let bursty = rng.random_bool(BURSTY);
        let counts = match (bursty, rng.random_bool(many)) {
            (false, _) => 4..=8,
            (true, false) => 2..=most,
            (true, true) => most..=MOST_NAMES,
        };
        let count = rng.random_range(counts);
        let mut cast = Self::draw(things, count.min(longest), NameUse::Training, rng);
        if bursty {
            cast.recur(longest, rng);
        } else {
            cast.order.shuffle(rng);
        }
        cast
    }

    /// Everyone appears again and again: in rounds, in rounds that run into one another, or at
    /// random; four sequences in ten as long as may be.
    fn recur(&mut self, longest: usize, rng: &mut impl Rng) {
        let count = self.things.len();
        let shortest = longest.min(count + 2);
        let length = match rng.random_bool(0.6) {
            true => rng.random_range(shortest..=longest),
            false => longest,
        };
        self.order.clear();
        let in_rounds: bool = rng.random();
        while self.order.len() < length {
            if in_rounds {
                let mut round: Vec<usize> = (0..count).collect();
                round.shuffle(rng);
                self.order.extend(round);
            } else {
                self.order.push(rng.random_range(0..count));
            }
        }
        self.order.truncate(length);
        if rng.random() {
            self.order.shuffle(rng);
        }
    }

    /// Things and names in the order in which they appear.
    pub(crate) fn appearances(&self) -> impl Iterator<Item = (&'static Thing, &str)> {
        let of = |&who: &usize| (self.things[who], &*self.names[who]);
        self.order.iter().map(of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::stream;
    use crate::things::held_in;

    #[test]
    fn nine_sequences_in_ten_are_bursty_and_none_is_too_long() {
        let recurs = |index| {
            let cast = Cast::training(held_in(), 6, 0.0, 13, &mut stream(1, "test", index));
            assert!(cast.order.len() <= 13);
            assert_eq!(cast.things.len(), cast.names.len());
            cast.order.len() > cast.things.len()
        };
        let bursty = (0..1_000).filter(|&index| recurs(index)).count();
        assert!((860..940).contains(&bursty), "{bursty}");
    }

    #[test]
    fn each_name_means_one_thing() {
        let cast = Cast::training(held_in(), 6, MANY, 24, &mut stream(1, "test", 4));
        for (thing, name) in cast.appearances() {
            let who = cast.names.iter().position(|other| other == name);
            assert_eq!(who.map(|who| cast.things[who]), Some(thing));
        }
    }
}
