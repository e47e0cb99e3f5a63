//! Ragged sequences as one batch: padded on the right, media flat over all rows.

use std::ops::Range;

use crate::{IGNORE, Predict, Sequence, SpecialTokens, Visibility, next_token_labels, visible};

/// Sequences of different lengths and numbers of media side by side.
///
/// Token `c` of row `r` is at `r * width + c` of `ids`, `labels` and `sees`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Sequences.
    pub rows: usize,
    /// The length of the longest.
    pub width: usize,
    /// `rows * width` token ids; behind a row's end `pad`.
    pub ids: Vec<u32>,
    /// Tokens of each row.
    pub lengths: Vec<usize>,
    /// `rows * width` labels ([`next_token_labels`]); [`IGNORE`] on padding.
    pub labels: Vec<i64>,
    /// `rows * width` ranges into `media`; empty where a token sees none and on padding.
    pub sees: Vec<Range<usize>>,
    /// The media of all rows after one another, none padded: (row, which of its document's media).
    pub media: Vec<(usize, usize)>,
}

impl Batch {
    /// A batch to train on: `modes[r]` says which media the tokens of row `r` see.
    ///
    /// # Panics
    /// If there is not one mode for each sequence, or a sequence's `<image>` tokens and media
    /// differ in number.
    pub fn new(
        sequences: &[Sequence],
        modes: &[Visibility],
        specials: &SpecialTokens,
        predict: Predict,
    ) -> Batch {
        let (rows, given) = (sequences.len(), modes.len());
        assert_eq!(rows, given, "one visibility mode for each sequence");
        let width = sequences.iter().map(|s| s.ids.len()).max().unwrap_or(0);
        let mut batch = Batch {
            rows,
            width,
            ..Batch::default()
        };
        for (sequence, mode) in sequences.iter().zip(modes) {
            batch.push(sequence, *mode, specials, predict);
        }
        batch
    }

    /// A batch to be answered: all rows see alike, and nothing is labelled.
    ///
    /// # Panics
    /// As [`Batch::new`].
    pub fn of_prompts(sequences: &[Sequence], mode: Visibility, specials: &SpecialTokens) -> Batch {
        let modes = vec![mode; sequences.len()];
        let mut batch = Batch::new(sequences, &modes, specials, Predict::Text);
        batch.labels.fill(IGNORE);
        batch
    }

    /// Appends a row of `self.width`.
    fn push(
        &mut self,
        sequence: &Sequence,
        mode: Visibility,
        specials: &SpecialTokens,
        predict: Predict,
    ) {
        let images = sequence.ids.iter().filter(|id| **id == specials.image);
        let (images, media) = (images.count(), sequence.media.len());
        assert_eq!(images, media, "one medium for each <image> token");

        let row = self.lengths.len();
        let end = (row + 1) * self.width;
        let first = self.media.len();
        let sees = visible(&sequence.ids, specials.image, mode);
        let labels = next_token_labels(&sequence.ids, &sees, specials, predict);

        self.ids.extend_from_slice(&sequence.ids);
        self.ids.resize(end, specials.pad);
        self.labels.extend(labels);
        self.labels.resize(end, IGNORE);
        self.sees
            .extend(sees.into_iter().map(|range| match range.is_empty() {
                true => 0..0,
                false => first + range.start..first + range.end,
            }));
        self.sees.resize(end, 0..0);
        self.media
            .extend(sequence.media.iter().map(|medium| (row, *medium)));
        self.lengths.push(sequence.ids.len());
    }
}
