//! Filters of a whole document that are not about its text's numbers: its language and how many
//! images are left.

use crate::measures::Detected;

use super::{ImageCounts, LanguageConfig, Reason};

pub(super) fn language(detected: Option<&Detected>, config: &LanguageConfig) -> Option<Reason> {
    if config.allowed.is_empty() {
        return None;
    }
    let least = config.min_confidence.unwrap_or(0.0) as f32;
    let sure = detected.filter(|detected| detected.confidence >= least);
    let Some(detected) = sure else {
        return Some(Reason::LanguageUnsure);
    };
    let allowed = config.allowed.contains(&detected.code);
    (!allowed).then_some(Reason::Language)
}

pub(super) fn images(count: usize, config: &ImageCounts) -> Option<Reason> {
    let count = count as f64;
    if config.min.is_some_and(|least| count < least) {
        return Some(Reason::FewImages);
    }
    let most = config.max.is_some_and(|most| count > most);
    most.then_some(Reason::ManyImages)
}
