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
    /// `G * width` token indices; a shorter group is filled up with its last token.
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
