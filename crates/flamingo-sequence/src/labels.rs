//! What each position is to predict.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::SpecialTokens;

/// The label of a position at which nothing is predicted.
pub const IGNORE: i64 = -100;

/// Which tokens the loss counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Predict {
    /// Every text token, `<EOC>` and `<EOS>` (paper 2.4).
    #[default]
    Text,
    /// Of those only the ones that see a medium: text before the first image is left out, as in
    /// OpenFlamingo (and, where text is bound to the next image, text after the last).
    TextWithMedia,
}

/// `labels[i]` is what the logits at position `i` should predict: `ids[i + 1]`, or [`IGNORE`].
///
/// Never predicted: `<image>`, `<BOS>` (unless the vocabulary uses it as `<EOS>` too), and whatever
/// would follow the last token. `sees` is what [`crate::visible`] gives for the same ids.
pub fn next_token_labels(
    ids: &[u32],
    sees: &[Range<usize>],
    specials: &SpecialTokens,
    predict: Predict,
) -> Vec<i64> {
    assert_eq!(ids.len(), sees.len(), "one range of media for each token");
    let only_bos = specials.bos.filter(|_| specials.bos != specials.eos);
    let label = |position: usize| {
        let Some(&id) = ids.get(position + 1) else {
            return IGNORE;
        };
        let unseeing = predict == Predict::TextWithMedia && sees[position + 1].is_empty();
        if id == specials.image || Some(id) == only_bos || unseeing {
            return IGNORE;
        }
        i64::from(id)
    };
    (0..ids.len()).map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{EOC, IMAGE, SPECIALS, TEXT, all_strings};
    use crate::{Visibility, visible};

    const MODES: [Visibility; 3] = [Visibility::Last, Visibility::Next, Visibility::AllPrevious];

    #[test]
    fn all_short_token_strings_are_labelled_as_the_definition_says() {
        for ids in all_strings(7) {
            for mode in MODES {
                let sees = visible(&ids, &SPECIALS, mode);
                let all = next_token_labels(&ids, &sees, &SPECIALS, Predict::Text);
                let seeing = next_token_labels(&ids, &sees, &SPECIALS, Predict::TextWithMedia);
                let mut expected = Vec::new();
                for window in ids.windows(2) {
                    expected.push(if window[1] == IMAGE {
                        -100
                    } else {
                        i64::from(window[1])
                    });
                }
                expected.resize(ids.len(), -100);
                assert_eq!(all, expected, "{ids:?}");

                for (position, label) in expected.iter_mut().enumerate() {
                    let (before, after) = ids.split_at((position + 1).min(ids.len()));
                    let blind = match mode {
                        Visibility::Next => !after.contains(&IMAGE),
                        // The target itself is no image (those are ignored anyway).
                        Visibility::Last
                        | Visibility::LastInText
                        | Visibility::LastRow
                        | Visibility::AllPrevious => !before.contains(&IMAGE),
                    };
                    if blind {
                        *label = -100;
                    }
                }
                assert_eq!(seeing, expected, "{mode:?} {ids:?}");
            }
        }
    }

    #[test]
    fn end_of_chunk_and_eos_are_predicted_and_bos_is_not() {
        let ids = [1, IMAGE, TEXT, EOC, 2, 1, TEXT];
        let sees = visible(&ids, &SPECIALS, Visibility::Last);
        let labels = next_token_labels(&ids, &sees, &SPECIALS, Predict::Text);
        let text = i64::from(TEXT);
        assert_eq!(
            labels,
            [IGNORE, text, i64::from(EOC), 2, IGNORE, text, IGNORE]
        );
    }

    #[test]
    fn an_eos_that_is_also_bos_is_predicted() {
        let specials = SpecialTokens {
            bos: SPECIALS.eos,
            ..SPECIALS
        };
        let ids = [2, IMAGE, TEXT, EOC, 2];
        let sees = visible(&ids, &SPECIALS, Visibility::Last);
        let labels = next_token_labels(&ids, &sees, &specials, Predict::Text);
        assert_eq!(labels[3..], [2, IGNORE]);
    }
}
