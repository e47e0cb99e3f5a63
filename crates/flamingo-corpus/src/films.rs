//! Video-text pairs (the paper's VTP: short films of about 22 seconds, each with a sentence), out
//! of pages and out of folders of films with their texts.

mod duration;
mod folder;
mod kind;

use flamingo_page::{Page, Part, Video};
use serde::{Deserialize, Serialize};

use crate::filters::threshold;
use crate::measures::Lexicon;
use crate::pairs::{Candidate, Caption, CaptionConfig, PairReason, PairSource, squeeze};

pub use duration::{seconds_in, seconds_of};
pub use folder::{FolderFilm, folder_films};
pub use kind::film_format;

/// The section `[films]`: what makes a film and a text a pair. The paper gives a mean length and
/// no bounds; those here are ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FilmConfig {
    /// Where the text is from, the preferred first.
    pub text: Vec<PairSource>,
    /// The least seconds, of films whose length can be told: 1.
    #[serde(with = "threshold")]
    pub min_seconds: Option<f64>,
    /// The most seconds, of films whose length can be told: 120.
    #[serde(with = "threshold")]
    pub max_seconds: Option<f64>,
    /// What a text must be.
    pub caption: CaptionConfig,
}

impl Default for FilmConfig {
    fn default() -> Self {
        Self {
            text: vec![
                PairSource::Caption,
                PairSource::Paragraph,
                PairSource::Title,
            ],
            min_seconds: Some(1.0),
            max_seconds: Some(120.0),
            caption: CaptionConfig::default(),
        }
    }
}

/// The films of a page, one candidate each, in its order. `seconds` tells how long the film that is
/// part `part` is, where that is known.
pub fn film_pairs(
    page: &Page,
    language: Option<&str>,
    config: &FilmConfig,
    lexicon: &Lexicon,
    seconds: impl Fn(usize) -> Option<f64>,
) -> Vec<Candidate> {
    let films = page
        .parts
        .iter()
        .enumerate()
        .filter_map(|(at, part)| match part {
            Part::Video(video) => Some((at, video)),
            _ => None,
        });
    let candidate = |(part, video): (usize, &Video)| {
        let texts = config.text.iter().filter_map(|&source| {
            let text = text_of(page, part, video, source)?;
            Some(Candidate::new(part, source, text))
        });
        let asked = texts.map(|candidate| {
            let urls = [video.url.as_str()];
            judged(candidate, language, &urls, config, lexicon)
        });
        let mut candidate =
            best(asked).unwrap_or_else(|| Candidate::without_text(part, PairReason::NoText));
        candidate
            .reasons
            .extend(against_length(seconds(part), config));
        candidate
    };
    films.map(candidate).collect()
}

/// What a source says of a film; none if it says nothing.
fn text_of(page: &Page, part: usize, video: &Video, source: PairSource) -> Option<String> {
    let text = match source {
        PairSource::Caption => squeeze(&video.caption),
        PairSource::Title => squeeze(page.title.as_deref().unwrap_or_default()),
        PairSource::Paragraph => squeeze(beside(page, part)?),
        PairSource::Alt | PairSource::File => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// The text that stands right before a film, else that right behind it.
fn beside(page: &Page, part: usize) -> Option<&str> {
    let at = |at: Option<usize>| match page.parts.get(at?) {
        Some(Part::Text(text)) => Some(text.text.as_str()),
        _ => None,
    };
    at(part.checked_sub(1)).or_else(|| at(part.checked_add(1)))
}

/// A candidate with what is against its text.
fn judged(
    mut candidate: Candidate,
    language: Option<&str>,
    urls: &[&str],
    config: &FilmConfig,
    lexicon: &Lexicon,
) -> Candidate {
    let caption = Caption::new(&candidate.text, language, lexicon);
    candidate.reasons = caption.reasons(&config.caption, urls);
    candidate
}

/// The first without reasons, else the first.
fn best(candidates: impl Iterator<Item = Candidate>) -> Option<Candidate> {
    let mut first = None;
    for candidate in candidates {
        if candidate.reasons.is_empty() {
            return Some(candidate);
        }
        first.get_or_insert(candidate);
    }
    first
}

pub(crate) fn against_length(seconds: Option<f64>, config: &FilmConfig) -> Option<PairReason> {
    let seconds = seconds?;
    if config.min_seconds.is_some_and(|least| seconds < least) {
        return Some(PairReason::ShortFilm);
    }
    let long = config.max_seconds.is_some_and(|most| seconds > most);
    long.then_some(PairReason::LongFilm)
}

#[cfg(test)]
mod tests;
