//! The labels of OpenFlamingo's training loop.
//!
//! Of image-text pairs (laion) padding and `<image>` are not predicted. Of pages (mmc4) nothing
//! before the first `<image>` is, and nothing between an `<|endofchunk|>` and the next `<image>`;
//! the end of the text behind the last `<|endofchunk|>` is thus left out, too. All as the loop does
//! it, because the published weights were trained so.

use flamingo_sequence::{IGNORE, SpecialTokens};

use crate::case::Rows;

/// Which of the two mixtures a batch is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mixture {
    Pairs,
    Pages,
}

/// Labels of a padded batch, unshifted: a token's label is the token itself.
pub(crate) fn labels(ids: &Rows, specials: &SpecialTokens, mixture: Mixture) -> Vec<i64> {
    ids.rows()
        .flat_map(|row| row_labels(row, specials, mixture))
        .collect()
}

fn row_labels(row: &[i64], specials: &SpecialTokens, mixture: Mixture) -> Vec<i64> {
    let mut open = mixture == Mixture::Pairs;
    let label = |&id: &i64| {
        let is = |special: u32| id == i64::from(special);
        if is(specials.image) {
            open = true;
            return IGNORE;
        }
        let label = if open && !is(specials.pad) {
            id
        } else {
            IGNORE
        };
        if mixture == Mixture::Pages && is(specials.end_of_chunk) {
            open = false;
        }
        label
    };
    row.iter().map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPECIALS: SpecialTokens = SpecialTokens {
        bos: None,
        eos: Some(2),
        pad: 0,
        image: 3,
        end_of_chunk: 4,
        image_border: None,
    };

    fn of(row: &[i64], mixture: Mixture) -> Vec<i64> {
        let rows = Rows {
            width: row.len(),
            values: row.to_vec(),
        };
        labels(&rows, &SPECIALS, mixture)
    }

    #[test]
    fn pairs_predict_all_but_images_and_padding() {
        assert_eq!(of(&[3, 7, 4, 2, 0], Mixture::Pairs), [-100, 7, 4, 2, -100]);
    }

    #[test]
    fn pages_predict_from_an_image_to_the_end_of_its_chunk() {
        let row = [7, 3, 8, 4, 9, 3, 5, 4, 2, 0];
        let expected = [-100, -100, 8, 4, -100, -100, 5, 4, -100, -100];
        assert_eq!(of(&row, Mixture::Pages), expected);
    }
}
