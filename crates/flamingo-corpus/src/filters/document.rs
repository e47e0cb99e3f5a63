//! Filters of a whole document that are not about its text's numbers: its language and how many
//! images are left.

use crate::measures::Detected;

use super::{FilterConfig, ImageCounts, LanguageConfig, Reason};

pub(super) fn language(detected: Option<&Detected>, config: &LanguageConfig) -> Option<Reason> {
    if config.allowed.is_empty() {
        return None;
    }
    let Some(detected) = detected else {
        return Some(Reason::LanguageUnsure);
    };
    if !config.allowed.contains(&detected.code) {
        return Some(Reason::Language);
    }
    let least = config.min_confidence.unwrap_or(0.0) as f32;
    (detected.confidence < least).then_some(Reason::LanguageUnsure)
}

pub(super) fn images(count: usize, config: &ImageCounts) -> Option<Reason> {
    let count = count as f64;
    if config.min.is_some_and(|least| count < least) {
        return Some(Reason::FewImages);
    }
    let most = config.max.is_some_and(|most| count > most);
    most.then_some(Reason::ManyImages)
}

impl FilterConfig {
    /// Whether any paragraph can be dropped.
    pub(super) fn asks_paragraphs(&self) -> bool {
        self.paragraph != Default::default()
    }
}
