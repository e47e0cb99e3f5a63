//! Which media a token sees (paper 2.3: `phi(t)`, the last image before it).

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// To which media a token's cross-attention goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// The last one at or before the token: the paper's model. An `<image>` token sees its own.
    #[default]
    Last,
    /// The first one at or after the token: text bound to the next image, as for half of the pages
    /// in training (paper, `p_next`). The tokens are the same ones; an `<EOC>` ends the text before
    /// it, so it sees what that text sees, the image that follows.
    Next,
    /// All at or before the token (paper's ablation "all previous images").
    AllPrevious,
}

/// For each token, the range of the sequence's media that it sees; `0..0` if none.
///
/// `image` is the id of the `<image>` token; its k-th occurrence stands for medium k.
pub fn visible(ids: &[u32], image: u32, mode: Visibility) -> Vec<Range<usize>> {
    let total = ids.iter().filter(|id| **id == image).count();
    let mut seen = 0;
    let sees = ids.iter().map(|id| {
        let own = usize::from(*id == image);
        seen += own;
        match mode {
            Visibility::Last => seen.saturating_sub(1)..seen,
            Visibility::AllPrevious => 0..seen,
            Visibility::Next => match seen - own {
                next if next < total => next..next + 1,
                _ => 0..0,
            },
        }
    });
    sees.collect()
}
