//! What was decided about a page, noted for its row of the table of decisions and for the funnel.

use std::collections::BTreeSet;

use flamingo_page::Page;

use super::case::Case;
use super::paragraphs::texts;
use super::placed::Placed;
use crate::build::times::Times;
use crate::filters::Decision;
use crate::funnel::{Funnel, Step};
use crate::tables::{DecisionRow, DroppedParagraph, ImageDecision};
use crate::write::Record;

/// Why a text is dropped that many documents of its domain have.
const REPEATED: &str = "repeated_in_domain";
/// Why texts and images go whose document is dropped.
const DOCUMENT: &str = "document_dropped";

/// What was decided about a page.
#[derive(Default)]
pub(in super::super) struct Verdict {
    pub(in super::super) decision: DecisionRow,
    /// What is to be written; nothing if the page is dropped.
    pub(in super::super) record: Option<Record>,
    /// The pairs that are to be written instead.
    pub(in super::super) pairs: Vec<Record>,
    pub(in super::super) funnel: Funnel,
    pub(in super::super) times: Times,
}

impl Verdict {
    pub(super) fn of(case: &Case) -> Self {
        let row = &case.row;
        Self {
            decision: DecisionRow {
                document: row.document,
                url: row.url.clone(),
                domain: row.domain.clone(),
                language: row.language.clone(),
                ..DecisionRow::default()
            },
            ..Self::default()
        }
    }

    /// The page does not pass a step.
    pub(in super::super) fn drop(&mut self, step: Step, reason: String) {
        self.funnel.drop(step, &reason);
        self.decision.kept = false;
        self.decision.reasons.push(reason);
    }

    /// The record is written, with so many texts and images.
    pub(in super::super) fn written(&mut self) {
        self.decision.kept = true;
        self.funnel.keep(Step::Written);
        let texts = self.funnel.tally(Step::ParagraphsFiltered).kept;
        self.funnel.keep_many(Step::ParagraphsWritten, texts);
        let images = self.funnel.tally(Step::ImagesFiltered).kept;
        self.funnel.keep_many(Step::ImagesWritten, images);
    }

    /// The document is dropped, and with it the texts and images that are left of it.
    pub(in super::super) fn drop_document(&mut self, step: Step, reason: Option<&str>) {
        if let Some(reason) = reason {
            self.funnel.drop(step, reason);
        }
        let texts = self.funnel.tally(Step::ParagraphsFiltered).kept;
        self.funnel
            .drop_many(Step::ParagraphsWritten, DOCUMENT, texts);
        let images = self.funnel.tally(Step::ImagesFiltered).kept;
        self.funnel.drop_many(Step::ImagesWritten, DOCUMENT, images);
    }

    /// Notes what was decided about a page that is no repetition.
    pub(super) fn note(
        &mut self,
        repeated: &BTreeSet<usize>,
        page: &Page,
        placed: &[Placed<'_>],
        decision: &Decision,
    ) {
        self.decision.quality = decision.quality;
        self.note_texts(repeated, page, decision);
        self.note_images(placed);
        if decision.kept {
            self.funnel.keep(Step::Filtered);
        } else {
            let first = self.decision.reasons.first().cloned();
            self.drop_document(Step::Filtered, first.as_deref());
        }
    }

    pub(super) fn note_texts(
        &mut self,
        positions: &BTreeSet<usize>,
        page: &Page,
        decision: &Decision,
    ) {
        let texts = texts(page).count() as u64;
        let repeated = positions.len() as u64;
        self.funnel
            .keep_many(Step::ParagraphsDistinct, texts - repeated);
        self.funnel
            .drop_many(Step::ParagraphsDistinct, REPEATED, repeated);
        let dropped = decision.parts.len() as u64;
        self.funnel
            .keep_many(Step::ParagraphsFiltered, texts - repeated - dropped);
        let paragraphs = &mut self.decision.paragraphs;
        paragraphs.extend(positions.iter().map(|position| DroppedParagraph {
            position: *position as i32,
            reasons: vec![REPEATED.to_owned()],
        }));
        for part in &decision.parts {
            let reasons: Vec<String> = part.reasons.iter().map(ToString::to_string).collect();
            if let Some(first) = reasons.first() {
                self.funnel.drop(Step::ParagraphsFiltered, first);
            }
            paragraphs.push(DroppedParagraph {
                position: part.part as i32,
                reasons,
            });
        }
        paragraphs.sort_by_key(|paragraph| paragraph.position);
    }

    pub(super) fn note_images(&mut self, placed: &[Placed<'_>]) {
        for placed in placed {
            match &placed.reason {
                Some(dropped) if dropped.step == Step::ImagesFound => {
                    self.funnel.drop(Step::ImagesFound, &dropped.reason);
                }
                Some(dropped) => {
                    self.funnel.keep(Step::ImagesFound);
                    self.funnel.drop(dropped.step, &dropped.reason);
                }
                None => {
                    self.funnel.keep(Step::ImagesFound);
                    self.funnel.keep(Step::ImagesFiltered);
                }
            }
            let url = placed.found.map_or(&placed.image.url, |found| &found.url);
            self.decision.images.push(ImageDecision {
                position: placed.position as i32,
                url: url.clone(),
                reason: placed.reason.as_ref().map(|dropped| dropped.reason.clone()),
                sha256: placed.found.and_then(|found| found.sha256.clone()),
            });
        }
    }
}
