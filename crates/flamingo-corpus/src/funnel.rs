//! How many documents, paragraphs and images each step of a build keeps, and why it drops the others.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use crate::counts::Counts;
pub(crate) use crate::counts::{add, count};

/// Adds other counts, name by name.
pub(crate) fn merge(counts: &mut Counts, others: &Counts) {
    for (name, number) in others {
        add(counts, name, *number);
    }
}

/// A step that something passes or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Answers of servers that are pages.
    Pages,
    /// Pages whose content may be used.
    Permitted,
    /// Pages with content.
    Content,
    /// Pages that repeat no earlier one.
    Distinct,
    /// Pages that pass all filters.
    Filtered,
    /// Documents that are written.
    Written,
    /// Texts of distinct pages that do not repeat in their domain.
    ParagraphsDistinct,
    /// Texts that pass the filters of paragraphs.
    ParagraphsFiltered,
    /// Texts in documents that are written.
    ParagraphsWritten,
    /// Images of distinct pages of which there is a picture.
    ImagesFound,
    /// Images that pass all rules.
    ImagesFiltered,
    /// Images in documents that are written.
    ImagesWritten,
    /// Images and films that have a text which is their pair, where pairs are written.
    Pairs,
    /// Pairs that are written.
    PairsWritten,
}

impl Step {
    /// Steps of pages and documents.
    pub const DOCUMENTS: [Self; 6] = [
        Self::Pages,
        Self::Permitted,
        Self::Content,
        Self::Distinct,
        Self::Filtered,
        Self::Written,
    ];
    /// Steps of texts.
    pub const PARAGRAPHS: [Self; 3] = [
        Self::ParagraphsDistinct,
        Self::ParagraphsFiltered,
        Self::ParagraphsWritten,
    ];
    /// Steps of images.
    pub const IMAGES: [Self; 3] = [Self::ImagesFound, Self::ImagesFiltered, Self::ImagesWritten];

    /// Steps of pairs.
    pub const PAIRS: [Self; 2] = [Self::Pairs, Self::PairsWritten];

    /// What has passed it, in words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Pages => "are pages",
            Self::Permitted => "may be used",
            Self::Content => "have content",
            Self::Distinct | Self::ParagraphsDistinct => "are not repeated",
            Self::Filtered | Self::ParagraphsFiltered | Self::ImagesFiltered => "pass the filters",
            Self::Written | Self::ParagraphsWritten | Self::ImagesWritten | Self::PairsWritten => {
                "are written"
            }
            Self::Pairs => "have a text of their own",
            Self::ImagesFound => "have a picture",
        }
    }
}

/// What passed a step and what did not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many passed.
    pub kept: u64,
    /// How many did not, by the first reason of each.
    #[serde(default, skip_serializing_if = "Counts::is_empty")]
    pub dropped: Counts,
}

impl Tally {
    /// How many came to the step.
    pub fn before(&self) -> u64 {
        self.kept + self.dropped.values().sum::<u64>()
    }
}

/// All steps; those of units add up to those of the corpus.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Funnel(BTreeMap<Step, Tally>);

impl Funnel {
    /// Something passed a step.
    pub(crate) fn keep(&mut self, step: Step) {
        self.keep_many(step, 1);
    }

    /// So many passed a step.
    pub(crate) fn keep_many(&mut self, step: Step, number: u64) {
        self.0.entry(step).or_default().kept += number;
    }

    /// Something did not pass a step.
    pub(crate) fn drop(&mut self, step: Step, reason: &str) {
        self.drop_many(step, reason, 1);
    }

    /// So many did not pass a step.
    pub(crate) fn drop_many(&mut self, step: Step, reason: &str, number: u64) {
        add(&mut self.0.entry(step).or_default().dropped, reason, number);
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        for (step, tally) in &other.0 {
            let own = self.0.entry(*step).or_default();
            own.kept += tally.kept;
            merge(&mut own.dropped, &tally.dropped);
        }
    }

    /// What passed a step and what did not.
    pub fn tally(&self, step: Step) -> Tally {
        self.0.get(&step).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn units_add_up_and_every_step_starts_with_what_the_one_before_kept() {
        let mut unit = Funnel::default();
        unit.keep_many(Step::Pages, 5);
        unit.drop(Step::Permitted, "robots_txt");
        unit.keep_many(Step::Permitted, 4);
        let mut all = unit.clone();
        all.merge(&unit);
        assert_eq!(
            all.tally(Step::Permitted).before(),
            all.tally(Step::Pages).kept
        );
        assert_eq!(all.tally(Step::Permitted).dropped["robots_txt"], 2);
        let json = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<Funnel>(&json).unwrap(), all);
    }
}
