//! Episodes to right and wrong: the answer is the candidate with the highest likelihood.

use std::collections::HashMap;

use flamingo_engine::{Engine, MediaSource, RankBy, Scores};
use flamingo_image::{Media, Wanted};
use flamingo_sequence::Candidates;
use flamingo_world::Episode;
use rayon::prelude::*;

use crate::{Result, Share};

/// Told how many more queries have been answered.
pub type Progress<'a> = &'a mut dyn FnMut(usize);

/// Episodes drawn and asked together.
pub(crate) const TOGETHER: usize = 32;

/// The pictures and films of some episodes, which have names of their own.
pub(crate) struct Gallery<'a>(HashMap<&'a str, &'a Media>);

impl<'a> Gallery<'a> {
    pub(crate) fn new(episodes: &'a [Episode]) -> Self {
        let media = episodes.iter().flat_map(|episode| &episode.media);
        Self(
            media
                .map(|(name, medium)| (name.as_str(), medium))
                .collect(),
        )
    }
}

impl MediaSource for Gallery<'_> {
    fn media(&self, reference: &str, _: &Wanted) -> flamingo_engine::Result<Media> {
        let missing = || flamingo_engine::Error::Media(format!("no picture `{reference}`"));
        self.0
            .get(reference)
            .map(|&medium| medium.clone())
            .ok_or_else(missing)
    }
}

/// The scores of the episodes' candidates. The episodes must have different numbers.
pub(crate) fn judge(engine: &mut Engine, episodes: &[Episode]) -> Result<Vec<Scores>> {
    let requests: Vec<Candidates> = episodes
        .iter()
        .map(|episode| Candidates {
            document: episode.document.clone(),
            candidates: episode.candidates.clone(),
        })
        .collect();
    Ok(engine.score(&requests, &Gallery::new(episodes), RankBy::Sum)?)
}

/// Where the token before the answer looks.
pub(crate) fn look(
    engine: &mut Engine,
    episode: &Episode,
) -> Result<Option<flamingo_engine::Look>> {
    let source = Gallery::new(std::slice::from_ref(episode));
    Ok(engine.look(&episode.document, &source)?)
}

/// Draws episodes `from..to` and adds them to `share`.
pub(crate) fn add(
    share: &mut Share,
    engine: &mut Engine,
    numbers: std::ops::Range<usize>,
    draw: impl Fn(u64) -> Episode + Sync,
    progress: Progress<'_>,
) -> Result<()> {
    let episodes: Vec<Episode> = numbers
        .into_par_iter()
        .map(|number| draw(number as u64))
        .collect();
    let scores = judge(engine, &episodes)?;
    for (episode, scores) in episodes.iter().zip(&scores) {
        share.count(scores.best == episode.answer);
    }
    progress(episodes.len());
    Ok(())
}

/// Numbers `0..queries` in pieces of [`TOGETHER`].
pub(crate) fn pieces(queries: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..queries)
        .step_by(TOGETHER)
        .map(move |from| from..queries.min(from + TOGETHER))
}

/// The share of episodes `0..queries` that are answered rightly.
pub(crate) fn share(
    engine: &mut Engine,
    queries: usize,
    draw: impl Fn(u64) -> Episode + Sync,
    progress: Progress<'_>,
) -> Result<Share> {
    let mut share = Share::default();
    for numbers in pieces(queries) {
        add(&mut share, engine, numbers, &draw, &mut *progress)?;
    }
    Ok(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_every_query_once() {
        for queries in [0, 1, 31, 32, 33, 97] {
            let all: Vec<usize> = pieces(queries).flatten().collect();
            assert_eq!(all, (0..queries).collect::<Vec<_>>());
        }
    }
}
