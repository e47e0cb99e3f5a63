//! What is decided about one page, and the document that is left of it.

mod case;
mod criteria;
mod pairs;
mod paragraphs;
mod placed;
mod verdict;

use std::collections::BTreeSet;

use flamingo_image::decode_still;
use flamingo_page::{Page, Part};

use super::times::{Times, timed};
use crate::error::{Error, Result};
use crate::filters::{Decision, decide};
use crate::funnel::Step;
use crate::images::Count;
use crate::measures::Measures;
use crate::tables::PageRow;
use crate::towers::TowerDecision;
use crate::write::{Medium, Record};

pub(super) use case::Case;
pub(super) use criteria::{Judge, Pairs};
use paragraphs::{positions, texts};
pub(crate) use placed::place;
use placed::{Dropped, Placed, gone, placed};
pub(super) use verdict::Verdict;

impl Judge {
    /// Decides about a page; reads its pictures if it is kept.
    pub(super) fn judge(&self, case: Case) -> Result<Verdict> {
        let mut verdict = Verdict::of(&case);
        let row = &case.row;
        if let Some(reason) = &row.refused {
            verdict.drop(Step::Permitted, reason.clone());
            return Ok(verdict);
        }
        verdict.funnel.keep(Step::Permitted);
        let page: Page = parse(&row.page, row)?;
        let measures: Measures = parse(&row.measures, row)?;
        verdict.decision.words = measures.text.words.cast_signed();
        if page.parts.is_empty() {
            verdict.drop(Step::Content, "no_content".to_owned());
            return Ok(verdict);
        }
        verdict.funnel.keep(Step::Content);
        if let Some(duplicate) = &case.duplicate {
            verdict.decision.of = Some(duplicate.of);
            verdict.drop(Step::Distinct, duplicate.reason.clone());
            return Ok(verdict);
        }
        verdict.funnel.keep(Step::Distinct);
        if let Some(pairs) = &self.pairs {
            self.pair(&case, &page, pairs, &mut verdict)?;
            return Ok(verdict);
        }
        self.filter(&case, page, &measures, &mut verdict)?;
        Ok(verdict)
    }

    fn filter(
        &self,
        case: &Case,
        page: Page,
        measures: &Measures,
        verdict: &mut Verdict,
    ) -> Result<()> {
        let mut times = Times::default();
        let repeated = positions(&page, &case.repeated);
        let mut placed = placed(&page, &case.images);
        timed(&mut times.filters, || self.rule(&mut placed));
        let (decision, media) = loop {
            let gone = gone(&placed, &repeated);
            let mut decision = timed(&mut times.filters, || {
                decide(&page, measures, &gone, &self.filters)
            });
            let images = placed
                .iter()
                .filter(|placed| placed.reason.is_none())
                .count();
            let count = self.rules.count(images);
            decision.kept &= count.is_none();
            let reasons = reasons(&decision, count);
            if !decision.kept {
                verdict.decision.reasons = reasons;
                break (decision, None);
            }
            // A picture that is no longer where it was is as one that was never there.
            let Some(media) = timed(&mut times.pictures, || self.read(&page, &mut placed))? else {
                continue;
            };
            let mut left = gone;
            left.extend(decision.parts.iter().map(|dropped| dropped.part));
            if self.look(&page, &media, &left, &mut placed)? {
                break (decision, Some((media, left)));
            }
        };
        verdict.times += times;
        verdict.note(&repeated, &page, &placed, &decision);
        verdict.record = media
            .map(|(media, gone)| record(case.row.document, page.clone(), media, &gone, &placed));
        Ok(())
    }

    /// The files of the images that are left, by part; `None` after dropping those that cannot be read any more.
    fn read(&self, page: &Page, placed: &mut [Placed<'_>]) -> Result<Option<Vec<Option<Medium>>>> {
        let mut media = vec![None; page.parts.len()];
        let mut all = true;
        for placed in placed.iter_mut().filter(|placed| placed.reason.is_none()) {
            let Some(found) = placed.found else {
                continue;
            };
            match self.medium(found)? {
                Ok(medium) => media[placed.position] = Some(medium),
                Err(reason) => {
                    all = false;
                    placed.reason = Some(Dropped {
                        step: Step::ImagesFiltered,
                        reason: reason.to_owned(),
                    });
                }
            }
        }
        Ok(all.then_some(media))
    }

    /// Asks the tower about the pictures of a document. Whether all stay; those that do not are dropped.
    fn look(
        &self,
        page: &Page,
        media: &[Option<Medium>],
        gone: &BTreeSet<usize>,
        placed: &mut [Placed<'_>],
    ) -> Result<bool> {
        let Some(towers) = &self.towers else {
            return Ok(true);
        };
        let limits = self.images.limits();
        let pictures = placed
            .iter()
            .filter_map(|placed| media[placed.position].as_ref());
        let pictures: Vec<_> = pictures
            .filter_map(|medium| decode_still(&medium.bytes, "picture", &limits).ok())
            .collect();
        let texts: Vec<String> = texts(page)
            .filter(|position| !gone.contains(position))
            .filter_map(|position| match &page.parts[position] {
                Part::Text(text) => Some(text.text.clone()),
                _ => None,
            })
            .collect();
        let mut towers = towers
            .lock()
            .expect("no thread fails while it holds the tower");
        let decisions = towers.decide(&pictures, &texts)?;
        Ok(drop_looked_at(placed, media, &decisions))
    }
}

/// Drops the images that a tower has reasons against; whether none is.
fn drop_looked_at(
    placed: &mut [Placed<'_>],
    media: &[Option<Medium>],
    decisions: &[TowerDecision],
) -> bool {
    let with_picture = placed
        .iter_mut()
        .filter(|placed| media[placed.position].is_some());
    let mut all = true;
    for (placed, decision) in with_picture.zip(decisions) {
        if let Some(reason) = decision.reasons.first() {
            all = false;
            placed.reason = Some(Dropped {
                step: Step::ImagesFiltered,
                reason: reason.name().to_owned(),
            });
        }
    }
    all
}

fn parse<T: serde::de::DeserializeOwned>(json: &str, row: &PageRow) -> Result<T> {
    serde_json::from_str(json).map_err(|reason| Error::content(&row.url, reason))
}

fn reasons(decision: &Decision, count: Option<Count>) -> Vec<String> {
    let count = count.map(|count| match count {
        Count::TooFewImages => "too_few_images".to_owned(),
        Count::TooManyImages => "too_many_images".to_owned(),
    });
    let filters = decision.reasons.iter().map(ToString::to_string);
    filters.chain(count).collect()
}

/// The document: what is left of the page, its images by the URLs at which their pictures are.
fn record(
    document: i64,
    mut page: Page,
    media: Vec<Option<Medium>>,
    gone: &BTreeSet<usize>,
    placed: &[Placed<'_>],
) -> Record {
    for placed in placed {
        if let (Some(found), Part::Image(image)) = (placed.found, &mut page.parts[placed.position])
        {
            image.url.clone_from(&found.url);
        }
    }
    let parts = std::mem::take(&mut page.parts).into_iter().zip(media);
    let left = parts.enumerate().filter(|(at, _)| !gone.contains(at));
    let (parts, media) = left.map(|(_, part)| part).unzip();
    Record {
        id: format!("{:05}-{:06}", document >> 32, document & 0xFFFF_FFFF),
        page: Page { parts, ..page },
        media,
    }
}
