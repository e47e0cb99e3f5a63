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
