//! The things of the world: what its pictures show, what they are called and which are held out.

mod table;

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use table::{Row, TABLE};
use twemoji_assets::png::PngTwemojiAsset;

use crate::drawing::Drawing;
use crate::rng::hash;

/// One thing, with a drawing of the Twemoji set.
#[derive(Debug)]
pub struct Thing {
    /// Its name: one word of the world's vocabulary, such as `pig-face`.
    pub name: &'static str,
    /// The kind of thing that it is, one of [`groups`].
    pub group: &'static str,
    /// Never shown or named in any training. Fixed: no seed has a say in it.
    pub held_out: bool,
    /// The emoji.
    pub codepoint: char,
    asset: &'static PngTwemojiAsset,
    index: usize,
}

impl Thing {
    /// Its place in [`things`].
    pub fn index(&self) -> usize {
        self.index
    }

    /// Its drawing, decoded once.
    pub(crate) fn drawing(&self) -> &'static Drawing {
        static DRAWINGS: LazyLock<Vec<OnceLock<Drawing>>> =
            LazyLock::new(|| things().iter().map(|_| OnceLock::new()).collect());
        DRAWINGS[self.index].get_or_init(|| Drawing::from_png(self.asset.data.0))
    }
}

impl PartialEq for Thing {
    fn eq(&self, other: &Self) -> bool {
        self.codepoint == other.codepoint
    }
}

/// One thing in so many is held out.
const HELD_OUT_SHARE: usize = 5;

/// All things of the world.
pub fn things() -> &'static [Thing] {
    static THINGS: LazyLock<Vec<Thing>> = LazyLock::new(|| {
        let mut things: Vec<Thing> = TABLE.iter().enumerate().map(thing).collect();
        hold_out(&mut things);
        things
    });
    &THINGS
}

/// The kinds of things, in the order in which [`things`] lists them.
pub fn groups() -> &'static [&'static str] {
    static GROUPS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        let mut groups: Vec<&str> = things().iter().map(|thing| thing.group).collect();
        groups.dedup();
        groups
    });
    &GROUPS
}

/// The things shown in training.
pub fn held_in() -> &'static [&'static Thing] {
    static HELD_IN: LazyLock<Vec<&'static Thing>> =
        LazyLock::new(|| things().iter().filter(|thing| !thing.held_out).collect());
    &HELD_IN
}

/// The things that no training shows.
pub fn held_out() -> &'static [&'static Thing] {
    static HELD_OUT: LazyLock<Vec<&'static Thing>> =
        LazyLock::new(|| things().iter().filter(|thing| thing.held_out).collect());
    &HELD_OUT
}

fn thing((index, &(asset, name, group)): (usize, &Row)) -> Thing {
    let codepoint = asset.emoji.chars().next();
    Thing {
        name,
        group,
        held_out: false,
        codepoint: codepoint.expect("an emoji is a character at least"),
        asset,
        index,
    }
}

/// Holds out, of each group, the fifth with the smallest hashes of their codepoints.
fn hold_out(things: &mut [Thing]) {
    let mut by_group: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, thing) in things.iter().enumerate() {
        by_group.entry(thing.group).or_default().push(index);
    }
    for mut members in by_group.into_values() {
        members.sort_by_key(|&index| hash(u64::from(u32::from(things[index].codepoint))));
        let count = (members.len() + HELD_OUT_SHARE / 2) / HELD_OUT_SHARE;
        for &index in &members[..count] {
            things[index].held_out = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_thing_has_a_name_and_an_emoji_of_its_own() {
        let names: BTreeSet<_> = things().iter().map(|thing| thing.name).collect();
        let emojis: BTreeSet<_> = things().iter().map(|thing| thing.codepoint).collect();
        assert!(things().len() >= 900);
        assert_eq!(names.len(), things().len());
        assert_eq!(emojis.len(), things().len());
        let plain = |c: char| c.is_ascii_lowercase() || c == '-';
        assert!(names.iter().all(|name| name.chars().all(plain)));
    }

    #[test]
    fn every_thing_has_a_drawing() {
        for thing in things() {
            assert!(thing.drawing().coverage() > 0.05, "{}", thing.name);
        }
    }

    #[test]
    fn a_fifth_of_each_group_is_held_out() {
        assert_eq!(groups().len(), 17);
        for group in groups() {
            let members = things().iter().filter(|thing| thing.group == *group);
            let held_out = members.clone().filter(|thing| thing.held_out).count();
            let share = held_out as f64 / members.count() as f64;
            assert!((0.17..0.23).contains(&share), "{group}: {share}");
        }
        assert_eq!(held_in().len() + held_out().len(), things().len());
    }

    /// The demo model was trained without these; moving one would spoil every figure about it.
    #[test]
    fn what_is_held_out_never_changes() {
        let sum = held_out().iter().fold(0, |sum: u64, thing| {
            sum.wrapping_add(hash(u64::from(u32::from(thing.codepoint))))
        });
        assert_eq!(
            (things().len(), held_out().len(), sum),
            (1_030, 205, 15_789_526_232_961_798_511)
        );
    }
}
