//! What is decided about one page, and the document that is left of it.

mod pairs;
mod placed;
mod verdict;

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use flamingo_crawl::{ReadOptions, read_at};
use flamingo_image::decode_still;
use flamingo_page::{Page, Part};
use sha2::{Digest, Sha256};

use super::BoxedTower;
use super::times::{Times, timed};
use crate::error::{Error, Result};
use crate::filters::{Decision, Filters, decide};
use crate::funnel::Step;
use crate::images::{Candidate, Count, EvaluationIndex, ImagesConfig, Rules, reencode};
use crate::measures::Measures;
use crate::tables::{DuplicateRow, PageRow, PlacedImageRow};
use crate::towers::{TowerDecision, TowerFilters};
use crate::write::{Medium, Record};

pub(super) use pairs::Pairs;
pub(crate) use placed::place;
use placed::{Dropped, Placed, candidate, gone, placed};
pub(super) use verdict::Verdict;

/// A page with what the join found for it.
pub(super) struct Case {
    pub(super) row: PageRow,
    pub(super) duplicate: Option<DuplicateRow>,
    pub(super) images: Vec<PlacedImageRow>,
    /// Which of its texts repeat in its domain, counted from 0.
    pub(super) repeated: Vec<usize>,
    /// How many images have each of the texts of its images, where pairs are made.
    pub(super) texts: HashMap<i64, u64>,
}

/// All rules of a configuration.
pub(super) struct Judge {
    pub(super) rules: Rules,
    pub(super) filters: Filters,
    pub(super) evaluation: Option<EvaluationIndex>,
    /// One document at a time: a tower uses all processors by itself.
    pub(super) towers: Option<Mutex<TowerFilters<BoxedTower>>>,
    pub(super) images: ImagesConfig,
    /// What makes a pair, where pairs are written and not documents.
    pub(super) pairs: Option<Pairs>,
    pub(super) options: ReadOptions,
}

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

    /// Drops images by the rules for pictures.
    fn rule(&self, placed: &mut [Placed<'_>]) {
        let found: Vec<usize> = (0..placed.len())
            .filter(|at| placed[*at].reason.is_none())
            .collect();
        let candidates: Vec<Candidate<'_>> = found
            .iter()
            .filter_map(|at| Some(candidate(placed[*at].image, placed[*at].found?)))
            .collect();
        let reasons = self.rules.pictures(&candidates, self.evaluation.as_ref());
        drop(candidates);
        for (at, reason) in found.into_iter().zip(reasons) {
            placed[at].reason = reason.map(|reason| Dropped {
                step: Step::ImagesFiltered,
                reason: reason.name().to_owned(),
            });
        }
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
        let pictures =
            pictures.filter_map(|medium| decode_still(&medium.bytes, "picture", &limits).ok());
        let pictures: Vec<_> = pictures.map(|still| still.image).collect();
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

    /// The file of a picture as it is written, or why there is none.
    fn medium(&self, found: &PlacedImageRow) -> Result<Result<Medium, &'static str>> {
        let Some(answer) = read_at(&place(found), &self.options)? else {
            return Ok(Err("unreadable"));
        };
        let read = format!("{:x}", Sha256::digest(&answer.body));
        if found.sha256.as_ref() != Some(&read) {
            return Ok(Err("changed"));
        }
        let written = match reencode(&answer.body, &self.images) {
            Ok(written) => written,
            Err(reason) => return Ok(Err(reason.name())),
        };
        let sha256 = match &written.bytes {
            std::borrow::Cow::Borrowed(_) => read,
            std::borrow::Cow::Owned(bytes) => format!("{:x}", Sha256::digest(bytes)),
        };
        Ok(Ok(Medium {
            extension: written.format.extension().to_owned(),
            width: written.width,
            height: written.height,
            sha256,
            bytes: written.bytes.into_owned(),
        }))
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

/// The positions of the texts with these numbers, which are sorted.
fn positions(page: &Page, numbers: &[usize]) -> BTreeSet<usize> {
    let texts = texts(page).enumerate();
    texts
        .filter(|(number, _)| numbers.binary_search(number).is_ok())
        .map(|(_, position)| position)
        .collect()
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

/// The positions of a page's texts.
fn texts(page: &Page) -> impl Iterator<Item = usize> {
    let parts = page.parts.iter().enumerate();
    parts
        .filter(|(_, part)| matches!(part, Part::Text(_)))
        .map(|(position, _)| position)
}
