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
