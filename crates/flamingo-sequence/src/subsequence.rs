//! Windows of a long page (paper 2.4: a random subsequence of 256 tokens, its first 5 images kept).

use crate::Sequence;

/// How many windows of `length` tokens a sequence of `tokens` has: starts `0..starts(..)` are valid
/// for [`Sequence::subsequence`], and each is a full window if the sequence is long enough.
pub fn starts(tokens: usize, length: usize) -> usize {
    tokens.saturating_sub(length) + 1
}

impl Sequence {
    /// The window of at most `length` tokens from `start`, with at most `max_media` images.
    ///
    /// Where an image too many would follow, the window ends before it, so that no text is kept
    /// whose image is not: the `<EOC>` that ends the last kept image's text is still there. Text at
    /// the window's start whose image lies before the window sees none. `image` is the id of the
    /// `<image>` token; `start` is drawn by the caller below [`starts`].
    ///
    /// # Panics
    /// If `start` lies beyond the sequence.
    pub fn subsequence(
        &self,
        image: u32,
        start: usize,
        length: usize,
        max_media: usize,
    ) -> Sequence {
        let tokens = self.ids.len();
        assert!(
            start <= tokens,
            "window starts at {start} of {tokens} tokens"
        );
        let end = tokens.min(start.saturating_add(length));
        let window = &self.ids[start..end];
        let images = || window.iter().enumerate().filter(|(_, id)| **id == image);
        let cut = images().nth(max_media).map_or(window.len(), |(at, _)| at);

        let before = self.ids[..start].iter().filter(|id| **id == image).count();
        let kept = images().count().min(max_media);
        Sequence {
            ids: window[..cut].to_vec(),
            media: self.media[before..before + kept].to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{EOC, IMAGE, TEXT, all_strings, sequence};

    /// Token by token: stop at the window's end or at an image too many.
    fn slow(whole: &Sequence, start: usize, length: usize, max_media: usize) -> Sequence {
        let mut window = Sequence::default();
        let mut medium = 0;
        for (position, id) in whole.ids.iter().enumerate() {
            let inside = position >= start && position < start + length;
            if inside && *id == IMAGE && window.media.len() == max_media {
                break;
            }
            if inside {
                window.ids.push(*id);
            }
            if *id == IMAGE {
                if inside {
                    window.media.push(whole.media[medium]);
                }
                medium += 1;
            }
        }
        window
    }

    #[test]
    fn all_windows_of_all_short_token_strings_are_as_the_definition_says() {
        for ids in all_strings(7) {
            let whole = sequence(&ids);
            for start in 0..=ids.len() {
                for length in 0..=ids.len() + 1 {
                    for max_media in 0..=3 {
                        let window = whole.subsequence(IMAGE, start, length, max_media);
                        let expected = slow(&whole, start, length, max_media);
                        assert_eq!(window, expected, "{ids:?} {start} {length} {max_media}");
                    }
                }
            }
        }
    }

    #[test]
    fn each_start_gives_a_full_window_and_no_other_does() {
        for tokens in 0..11 {
            for length in 1..13 {
                let full = tokens.min(length);
                let valid = (0..=tokens).filter(|s| length.min(tokens - s) == full);
                assert_eq!(starts(tokens, length), valid.count(), "{tokens} {length}");
            }
        }
    }

    #[test]
    fn an_image_too_many_ends_the_window_behind_the_last_chunk_kept() {
        let ids = [TEXT, IMAGE, TEXT, EOC, IMAGE, TEXT, EOC, IMAGE, TEXT, EOC];
        let window = sequence(&ids).subsequence(IMAGE, 2, 257, 1);
        assert_eq!(window.ids, [TEXT, EOC, IMAGE, TEXT, EOC]);
        assert_eq!(window.media, [1]);
    }

    #[test]
    fn a_window_may_be_longer_than_any_number_of_tokens() {
        let whole = sequence(&[TEXT, IMAGE]);
        assert_eq!(whole.subsequence(IMAGE, 1, usize::MAX, 5).media, [0]);
    }
}
