//! Which media a token sees (paper 2.3: `phi(t)`, the last image before it).

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::SpecialTokens;

/// To which media a token's cross-attention goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// The last one at or before the token: the paper's model. An `<image>` token sees its own.
    #[default]
    Last,
    /// The last one at or before the token, but none behind an `<EOS>` until the next image
    /// (IDEFICS, which packs several texts into one sequence).
    LastInText,
    /// The last row of images at or before the token, up to it: all that follow each other without a
    /// token between (Llama-3.2-Vision).
    LastRow,
    /// The first one at or after the token: text bound to the next image, as for half of the pages
    /// in training (paper, `p_next`). The tokens are the same ones; an `<EOC>` ends the text before
    /// it, so it sees what that text sees, the image that follows.
    Next,
    /// All at or before the token (paper's ablation "all previous images").
    AllPrevious,
}

/// For each token, the range of the sequence's media that it sees; `0..0` if none.
///
/// The k-th `<image>` token stands for medium k.
pub fn visible(ids: &[u32], specials: &SpecialTokens, mode: Visibility) -> Vec<Range<usize>> {
    let total = ids.iter().filter(|id| **id == specials.image).count();
    let (mut seen, mut ended) = (0, false);
    let (mut row, mut in_row) = (0, false);
    let sees = ids.iter().map(|id| {
        let own = usize::from(*id == specials.image);
        if own == 1 && !in_row {
            row = seen;
        }
        in_row = own == 1;
        seen += own;
        let hidden = ended && own == 0;
        ended = hidden || Some(*id) == specials.eos;
        match mode {
            Visibility::LastInText if hidden => 0..0,
            Visibility::Last | Visibility::LastInText => seen.saturating_sub(1)..seen,
            Visibility::AllPrevious => 0..seen,
            Visibility::LastRow => row..seen,
            Visibility::Next => match seen - own {
                next if next < total => next..next + 1,
                _ => 0..0,
            },
        }
    });
    sees.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{EOC, IMAGE, SPECIALS, TEXT, all_strings};

    const EOS: u32 = 2;

    /// The definition, as slow and plain as it can be said: the set of media that the token at
    /// `position` sees.
    fn slow(ids: &[u32], position: usize, mode: Visibility) -> Vec<usize> {
        let at: Vec<usize> = (0..ids.len()).filter(|p| ids[*p] == IMAGE).collect();
        let mut media = 0..at.len();
        match mode {
            Visibility::Last => media.rfind(|k| at[*k] <= position),
            Visibility::LastInText => {
                let last = media.rfind(|k| at[*k] <= position);
                let ended = |k: &usize| ids[at[*k]..position].contains(&EOS);
                last.filter(|k| !ended(k))
            }
            Visibility::Next => media.find(|k| at[*k] >= position),
            Visibility::AllPrevious => return media.filter(|k| at[*k] <= position).collect(),
            Visibility::LastRow => {
                let before: Vec<usize> = media.filter(|k| at[*k] <= position).collect();
                let beside = |k: &&usize| {
                    let (last, row) = (at[before[before.len() - 1]], at[**k]);
                    (row..last).all(|p| ids[p] == IMAGE)
                };
                return before.iter().filter(beside).copied().collect();
            }
        }
        .into_iter()
        .collect()
    }

    #[test]
    fn all_short_token_strings_see_what_the_definition_says() {
        let modes = [
            Visibility::Last,
            Visibility::LastInText,
            Visibility::LastRow,
            Visibility::Next,
            Visibility::AllPrevious,
        ];
        // Ends of chunks as ends of texts, too, so that all strings have some.
        let with_eos = |ids: &[u32]| -> Vec<u32> {
            ids.iter()
                .map(|id| if *id == EOC { EOS } else { *id })
                .collect()
        };
        let strings = all_strings(7);
        for ids in strings
            .iter()
            .map(|ids| with_eos(ids))
            .chain(strings.clone())
        {
            for mode in modes {
                let sees = visible(&ids, &SPECIALS, mode);
                assert_eq!(sees.len(), ids.len());
                for (position, range) in sees.into_iter().enumerate() {
                    let expected = slow(&ids, position, mode);
                    assert!(!range.is_empty() || range == (0..0), "{range:?}");
                    let seen: Vec<usize> = range.collect();
                    assert_eq!(seen, expected, "{mode:?} {ids:?} at {position}");
                }
            }
        }
    }

    #[test]
    fn an_image_token_sees_its_own_image_and_text_before_any_sees_none() {
        let ids = [TEXT, IMAGE, TEXT, EOC, IMAGE, TEXT];
        let last = visible(&ids, &SPECIALS, Visibility::Last);
        assert_eq!(last, [0..0, 0..1, 0..1, 0..1, 1..2, 1..2]);
        let next = visible(&ids, &SPECIALS, Visibility::Next);
        assert_eq!(next, [0..1, 0..1, 1..2, 1..2, 1..2, 0..0]);
        let all = visible(&ids, &SPECIALS, Visibility::AllPrevious);
        assert_eq!(all, [0..0, 0..1, 0..1, 0..1, 0..2, 0..2]);
        let ids = [TEXT, IMAGE, IMAGE, TEXT, IMAGE, TEXT];
        let in_rows = visible(&ids, &SPECIALS, Visibility::LastRow);
        assert_eq!(in_rows, [0..0, 0..1, 0..2, 0..2, 2..3, 2..3]);
        let ids = [IMAGE, TEXT, EOS, TEXT, IMAGE, EOS];
        let in_text = visible(&ids, &SPECIALS, Visibility::LastInText);
        assert_eq!(in_text, [0..1, 0..1, 0..1, 0..0, 1..2, 1..2]);
    }
}
