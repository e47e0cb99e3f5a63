//! The plan by which a token's queries meet only its own medium's latents.
//!
//! The cross-attention of paper 2.3 lets a token see one medium. Instead of all media under a mask,
//! tokens are gathered into one group a medium, attend to its latents alone, and are put back.

use std::collections::BTreeMap;
use std::ops::Range;

/// Tokens grouped by the medium they see. `G` groups, `width` queries each.
///
/// With queries `q: [tokens, D]`: gather rows `gather` to `[G, width, D]`, attend to
/// `latents[media]`, append a row of zeros to the `[G * width, D]` result and take its rows
/// `scatter`: `[tokens, D]`, zeros where a token sees nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segments {
    /// The medium of each group: those that some token sees, ascending. Length `G`.
    pub media: Vec<usize>,
    /// Tokens of the largest group.
    pub width: usize,
    /// `G * width` indices into the `sees` that the plan was made of (for a batch, its flat
    /// `rows * width` tokens); a shorter group is filled up with its last token.
    pub gather: Vec<usize>,
    /// For each token its place in `gather`, or `G * width` (the row of zeros) if it sees nothing.
    pub scatter: Vec<usize>,
}

impl Segments {
    /// The plan for tokens that see `sees` (a batch's, or one sequence's). `None` if some token
    /// sees more than one medium: that needs a mask.
    pub fn new(sees: &[Range<usize>]) -> Option<Self> {
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (token, range) in sees.iter().enumerate() {
            match range.len() {
                0 => {}
                1 => groups.entry(range.start).or_default().push(token),
                _ => return None,
            }
        }
        let width = groups.values().map(Vec::len).max().unwrap_or(0);
        let mut gather = Vec::with_capacity(groups.len() * width);
        let mut scatter = vec![groups.len() * width; sees.len()];
        for tokens in groups.values() {
            for (place, token) in (gather.len()..).zip(tokens) {
                scatter[*token] = place;
            }
            let last = tokens.last().copied().into_iter().cycle();
            gather.extend(tokens.iter().copied().chain(last).take(width));
        }
        Some(Self {
            media: groups.into_keys().collect(),
            width,
            gather,
            scatter,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::testing::{SPECIALS, all_strings, sequence};
    use crate::{Batch, Sequence, Visibility};

    /// Carries out the plan with the medium's number as the "attention": what each token receives.
    fn route(plan: &Segments, tokens: usize) -> Vec<Option<usize>> {
        let places = plan.media.len() * plan.width;
        assert_eq!((plan.gather.len(), plan.scatter.len()), (places, tokens));
        let group = |place: usize| plan.media[place / plan.width];
        let received = plan.scatter.iter().enumerate().map(|(token, place)| {
            assert!(*place <= places);
            (*place < places).then(|| {
                assert_eq!(
                    plan.gather[*place], token,
                    "a token gets back its own query"
                );
                group(*place)
            })
        });
        received.collect()
    }

    fn check(sees: &[Range<usize>]) {
        let plan = Segments::new(sees).unwrap();
        let expected: Vec<Option<usize>> = sees.iter().map(|range| range.clone().next()).collect();
        assert_eq!(route(&plan, sees.len()), expected);

        // Every place that no token reads repeats a token of the same group.
        let mut places: Vec<usize> = plan.scatter.clone();
        places.retain(|place| *place < plan.gather.len());
        let read = places.len();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), read, "no two tokens share a place");
        for (place, token) in plan.gather.iter().enumerate() {
            assert_eq!(expected[*token], Some(plan.media[place / plan.width]));
        }
        // No group is without queries and no width is wasted on all groups.
        let largest = plan
            .media
            .iter()
            .map(|m| expected.iter().filter(|e| **e == Some(*m)).count());
        assert_eq!(largest.clone().max().unwrap_or(0), plan.width);
        assert!(largest.min().is_none_or(|least| least > 0));
        assert!(plan.media.is_sorted());
    }

    #[test]
    fn all_token_strings_are_routed_each_token_to_its_medium_once() {
        for ids in all_strings(7) {
            for mode in [Visibility::Last, Visibility::Next] {
                check(&crate::visible(&ids, &SPECIALS, mode));
            }
        }
    }

    fn check_batch(rows: &[&Sequence]) {
        let rows: Vec<Sequence> = rows.iter().map(|row| (*row).clone()).collect();
        for mode in [Visibility::Last, Visibility::Next] {
            let batch = Batch::of_prompts(&rows, mode, &SPECIALS);
            check(&batch.sees);
            for token in Segments::new(&batch.sees).unwrap().gather {
                let (row, column) = (token / batch.width, token % batch.width);
                assert!(column < batch.lengths[row], "padding asks nothing");
            }
        }
    }

    fn rows(longest: usize) -> Vec<Sequence> {
        let rows = all_strings(longest);
        rows.iter().map(|ids| sequence(ids)).collect()
    }

    #[test]
    fn all_batches_of_two_rows_are_routed_and_padding_reaches_no_token() {
        let rows = rows(5);
        let few = |row: &&Sequence| row.media.len() <= 3;
        for a in rows.iter().filter(few) {
            for b in rows.iter().filter(few) {
                check_batch(&[a, b]);
            }
        }
    }

    #[test]
    fn all_batches_of_three_rows_are_routed_and_padding_reaches_no_token() {
        let rows = rows(3);
        for a in &rows {
            for b in &rows {
                for c in &rows {
                    check_batch(&[a, b, c]);
                }
            }
        }
    }

    /// Independent of tokens: any assignment of 0 or 1 of 3 media to up to 7 tokens.
    #[test]
    fn all_assignments_of_media_to_tokens_are_routed() {
        for tokens in 0..=7u32 {
            for code in 0..4usize.pow(tokens) {
                let sees = (0..tokens).map(|t| match code / 4usize.pow(t) % 4 {
                    3 => 0..0,
                    medium => medium..medium + 1,
                });
                check(&sees.collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_token_that_sees_two_media_needs_a_mask() {
        assert_eq!(Segments::new(&[0..1, 0..2]), None);
    }

    #[test]
    fn tokens_that_see_nothing_read_the_row_of_zeros() {
        let plan = Segments::new(&[0..0, 2..3, 0..0, 1..2, 2..3]).unwrap();
        assert_eq!(plan.media, [1, 2]);
        assert_eq!((plan.width, plan.gather), (2, vec![3, 3, 1, 4]));
        assert_eq!(plan.scatter, [4, 2, 4, 0, 3]);
        let plan = Segments::new(&[0..0, 0..0]).unwrap();
        assert_eq!((plan.width, plan.scatter), (0, vec![0, 0]));
    }
}
