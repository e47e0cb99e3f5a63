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
        let sees = visible(&sequence.ids, specials, mode);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{EOC, IMAGE, SPECIALS, TEXT, all_strings, sequence};

    const MODES: [Visibility; 3] = [Visibility::Last, Visibility::Next, Visibility::AllPrevious];

    /// Every row of the batch is what it would be alone, moved to its place; the rest is padding.
    fn check_rows(batch: &Batch, rows: &[Sequence], modes: &[Visibility]) {
        let mut first = 0;
        for (row, (sequence, mode)) in rows.iter().zip(modes).enumerate() {
            let sees = visible(&sequence.ids, &SPECIALS, *mode);
            let labels = next_token_labels(&sequence.ids, &sees, &SPECIALS, Predict::Text);
            assert_eq!(batch.lengths[row], sequence.ids.len());
            for column in 0..batch.width {
                let at = row * batch.width + column;
                let Some(id) = sequence.ids.get(column) else {
                    assert_eq!((batch.ids[at], batch.labels[at]), (SPECIALS.pad, IGNORE));
                    assert_eq!(batch.sees[at], 0..0);
                    continue;
                };
                assert_eq!((batch.ids[at], batch.labels[at]), (*id, labels[column]));
                let alone: Vec<usize> = sees[column].clone().map(|k| sequence.media[k]).collect();
                let here = &batch.media[batch.sees[at].clone()];
                let expected: Vec<_> = alone.into_iter().map(|medium| (row, medium)).collect();
                assert_eq!(here, expected);
            }
            first += sequence.media.len();
        }
        assert_eq!(first, batch.media.len());
    }

    #[test]
    fn each_row_of_all_small_batches_is_as_it_would_be_alone() {
        let strings: Vec<Sequence> = all_strings(3).iter().map(|ids| sequence(ids)).collect();
        for a in &strings {
            for b in &strings {
                for (index, c) in strings.iter().enumerate() {
                    let rows = [a.clone(), b.clone(), c.clone()];
                    let modes = [
                        MODES[index % 3],
                        MODES[(index + 1) % 3],
                        MODES[(index / 5) % 3],
                    ];
                    let batch = Batch::new(&rows, &modes, &SPECIALS, Predict::Text);
                    assert_eq!(batch.rows, 3);
                    let width = rows.iter().map(|row| row.ids.len()).max();
                    assert_eq!(Some(batch.width), width);
                    assert_eq!(batch.ids.len(), batch.rows * batch.width);
                    assert_eq!(batch.labels.len(), batch.ids.len());
                    assert_eq!(batch.sees.len(), batch.ids.len());
                    check_rows(&batch, &rows, &modes);
                }
            }
        }
    }

    #[test]
    fn media_of_a_window_keep_their_number_in_the_document() {
        let whole = sequence(&[IMAGE, TEXT, EOC, IMAGE, TEXT]);
        let rows = [whole.clone(), whole.subsequence(IMAGE, 2, 3, 5)];
        let batch = Batch::of_prompts(&rows, Visibility::Last, &SPECIALS);
        assert_eq!(batch.media, [(0, 0), (0, 1), (1, 1)]);
        assert_eq!(batch.sees[5..8], [0..0, 2..3, 2..3]);
    }

    #[test]
    fn prompts_have_no_labels() {
        let batch = Batch::of_prompts(&[sequence(&[TEXT; 5])], Visibility::Last, &SPECIALS);
        assert_eq!(batch.labels, [IGNORE; 5]);
    }

    #[test]
    fn an_empty_batch_and_empty_rows_are_fine() {
        assert_eq!(
            Batch::of_prompts(&[], Visibility::Last, &SPECIALS),
            Batch::default()
        );
        let batch = Batch::of_prompts(
            &[sequence(&[]), sequence(&[TEXT])],
            Visibility::Last,
            &SPECIALS,
        );
        assert_eq!((batch.width, batch.lengths), (1, vec![0, 1]));
    }
}
