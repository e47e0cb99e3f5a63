//! Which documents and paragraphs are kept: pure decisions over measures and thresholds, every
//! failing reason named and counted.
//!
//! [`decide`] first asks each paragraph by itself, then the document that is left. A decision is
//! made anew from stored pages and measures whenever thresholds change.

mod characters;
mod config;
mod counts;
mod document;
mod error;
mod length;
mod lines;
mod quality;
mod reason;
mod repetition;
mod rule;
mod rules;
mod words;

use std::collections::BTreeSet;
use std::path::Path;

use flamingo_page::{Page, Part, Text};
use serde::{Deserialize, Serialize};

use crate::measures::{self, Lexicon, Measures, OwnWords, TextMeasures};

pub(crate) use config::threshold;
pub use config::{FilterConfig, ImageCounts, LanguageConfig, Preset, QualityConfig, Thresholds};
pub use counts::{Counts, Tally};
pub use error::FilterError;
pub use quality::{Feature, QualityModel, Weight, train_quality};
pub use reason::Reason;

/// Thresholds with the word lists and the model that they name.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    config: FilterConfig,
    lexicon: Lexicon,
    quality: Option<QualityModel>,
}

impl Filters {
    /// Reads what a configuration names; relative paths are from `folder`.
    ///
    /// # Errors
    ///
    /// [`FilterError`] if a file is not there or no model.
    pub fn new(config: FilterConfig, folder: &Path) -> Result<Self, FilterError> {
        let flagged = read(
            config.flagged_words.as_deref(),
            folder,
            "list of flagged words",
        )?;
        let common = read(
            config.common_words.as_deref(),
            folder,
            "list of common words",
        )?;
        let own = OwnWords {
            flagged: flagged.as_deref(),
            common: common.as_deref(),
        };
        let model = config.quality.model.as_deref();
        let quality = match (model, read(model, folder, "quality model")?) {
            (Some(path), Some(text)) => Some(parse_model(path, &text)?),
            _ => None,
        };
        let mut config = config;
        if common.is_none() {
            config.paragraph.min_common_words = None;
            config.document.min_common_words = None;
        }
        Ok(Self {
            lexicon: Lexicon::new(&own),
            quality,
            config,
        })
    }

    /// The word lists to measure with.
    pub fn lexicon(&self) -> &Lexicon {
        &self.lexicon
    }

    /// The thresholds.
    pub fn config(&self) -> &FilterConfig {
        &self.config
    }
}

fn read(
    path: Option<&str>,
    folder: &Path,
    what: &'static str,
) -> Result<Option<String>, FilterError> {
    let Some(path) = path else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(folder.join(path));
    text.map(Some).map_err(|source| FilterError::Read {
        what,
        path: path.to_owned(),
        source,
    })
}

fn parse_model(path: &str, text: &str) -> Result<QualityModel, FilterError> {
    serde_json::from_str(text).map_err(|source| FilterError::Model {
        path: path.to_owned(),
        source,
    })
}

/// What is decided about a document; stored beside it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Whether the document stays.
    pub kept: bool,
    /// All reasons for which it does not, in the order of the funnel, which counts the first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// The texts that are dropped from it, in order; what earlier steps dropped is not among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<DroppedPart>,
    /// The score of the quality model, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<f32>,
}

/// A part that is dropped from its document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DroppedPart {
    /// Its index in [`Page::parts`].
    pub part: usize,
    /// Why, in the order of the funnel.
    pub reasons: Vec<Reason>,
}

/// Decides about a page. `measures` are those of the whole page; `gone` are the indices of parts
/// that earlier steps dropped: images that cannot be had, paragraphs that are repeated elsewhere.
///
/// Numbers of the text are measured again only where parts are dropped or the measures are of
/// another version or other word lists; the language stays that of the whole page.
pub fn decide(
    page: &Page,
    measures: &Measures,
    gone: &BTreeSet<usize>,
    filters: &Filters,
) -> Decision {
    let current = current(page, measures, filters);
    let parts = drop_paragraphs(page, &current, gone, filters);
    let left = left(page, gone, &parts, &current, filters);
    let quality = filters.quality.as_ref().map(|model| model.score(&left));
    let reasons = document_reasons(&left, quality, &filters.config);
    Decision {
        kept: reasons.is_empty(),
        reasons,
        parts,
        quality,
    }
}

/// The measures as this version makes them.
fn current(page: &Page, measures: &Measures, filters: &Filters) -> Measures {
    let fingerprint = filters.lexicon.fingerprint();
    if (measures.version, measures.lists) == (measures::VERSION, fingerprint) {
        return measures.clone();
    }
    Measures::of(page, &filters.lexicon)
}

/// The paragraphs that fail by themselves.
fn drop_paragraphs(
    page: &Page,
    whole: &Measures,
    gone: &BTreeSet<usize>,
    filters: &Filters,
) -> Vec<DroppedPart> {
    let config = &filters.config;
    let Some(groups) = rules::groups(&config.paragraph) else {
        return Vec::new();
    };
    // Where the whole has no flagged word, no paragraph has.
    if config.paragraph.ask_flagged_words_only() && whole.text.flagged_words == 0.0 {
        return Vec::new();
    }
    let language = whole.language_code();
    let asked = texts(page, gone).filter(|(_, text)| !config.exempt.contains(&text.kind));
    let dropped = asked.filter_map(|(part, text)| {
        let measures = TextMeasures::only(groups, &[text], &filters.lexicon, language);
        let reasons = rules::reasons(&measures, &config.paragraph);
        (!reasons.is_empty()).then_some(DroppedPart { part, reasons })
    });
    dropped.collect()
}

/// The measures of what is left of a page.
fn left(
    page: &Page,
    gone: &BTreeSet<usize>,
    dropped: &[DroppedPart],
    whole: &Measures,
    filters: &Filters,
) -> Measures {
    let mut all_gone = gone.clone();
    all_gone.extend(dropped.iter().map(|dropped| dropped.part));
    let there = |part: &usize| !all_gone.contains(part);
    let count = |is: fn(&Part) -> bool| {
        let parts = page.parts.iter().enumerate();
        parts.filter(|(at, part)| there(at) && is(part)).count() as u32
    };
    let images = count(|part| matches!(part, Part::Image(_)));
    let videos = count(|part| matches!(part, Part::Video(_)));
    let is_text = |&part: &usize| matches!(page.parts.get(part), Some(Part::Text(_)));
    let text = if all_gone.iter().any(is_text) {
        let texts: Vec<&Text> = texts(page, &all_gone).map(|(_, text)| text).collect();
        TextMeasures::of(&texts, &filters.lexicon, whole.language_code())
    } else {
        whole.text.clone()
    };
    Measures {
        images,
        videos,
        text,
        ..whole.clone()
    }
}

fn texts<'a>(page: &'a Page, gone: &'a BTreeSet<usize>) -> impl Iterator<Item = (usize, &'a Text)> {
    let parts = page.parts.iter().enumerate();
    parts.filter_map(|(at, part)| match part {
        Part::Text(text) if !gone.contains(&at) => Some((at, text)),
        _ => None,
    })
}

fn document_reasons(
    measures: &Measures,
    quality: Option<f32>,
    config: &FilterConfig,
) -> Vec<Reason> {
    let mut reasons = rules::reasons(&measures.text, &config.document);
    reasons.extend(document::language(
        measures.language.as_ref(),
        &config.language,
    ));
    reasons.extend(document::images(measures.images as usize, &config.images));
    let least = config.quality.min_score.unwrap_or(0.5) as f32;
    if quality.is_some_and(|score| score < least) {
        reasons.push(Reason::LowQuality);
    }
    reasons.sort_unstable();
    reasons
}

#[cfg(test)]
mod tests;
