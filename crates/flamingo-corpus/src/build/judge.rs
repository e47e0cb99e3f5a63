//! What is decided about one page, and the document that is left of it.

mod pairs;

use std::collections::{BTreeSet, HashMap};
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use flamingo_crawl::{Place, ReadOptions, read_at};
use flamingo_image::{Format, decode_still};
use flamingo_page::{Image, Page, Part};
use sha2::{Digest, Sha256};

use super::BoxedTower;
use super::times::{Times, timed};
use crate::error::{Error, Result};
use crate::filters::{Decision, Filters, decide};
use crate::funnel::{Funnel, Step};
use crate::images::{Candidate, Count, EvaluationIndex, ImagesConfig, Reason, Rules, reencode};
use crate::measures::Measures;
use crate::tables::{
    DecisionRow, DroppedParagraph, DuplicateRow, ImageDecision, PageRow, PlacedImageRow,
};
use crate::towers::{TowerDecision, TowerFilters};
use crate::write::{Medium, Record};

pub(super) use pairs::Pairs;

/// Why a text is dropped that many documents of its domain have.
const REPEATED: &str = "repeated_in_domain";
/// Why texts and images go whose document is dropped.
const DOCUMENT: &str = "document_dropped";

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

/// What was decided about a page.
#[derive(Default)]
pub(super) struct Verdict {
    pub(super) decision: DecisionRow,
    /// What is to be written; nothing if the page is dropped.
    pub(super) record: Option<Record>,
    /// The pairs that are to be written instead.
    pub(super) pairs: Vec<Record>,
    pub(super) funnel: Funnel,
    pub(super) times: Times,
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

/// An image of a page with the picture that was found for it, and why it is dropped.
struct Placed<'a> {
    position: usize,
    image: &'a Image,
    found: Option<&'a PlacedImageRow>,
    reason: Option<Dropped>,
}

/// At which step an image is dropped, and why.
struct Dropped {
    step: Step,
    reason: String,
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

impl Verdict {
    fn of(case: &Case) -> Self {
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
    pub(super) fn drop(&mut self, step: Step, reason: String) {
        self.funnel.drop(step, &reason);
        self.decision.kept = false;
        self.decision.reasons.push(reason);
    }

    /// The record is written, with so many texts and images.
    pub(super) fn written(&mut self) {
        self.decision.kept = true;
        self.funnel.keep(Step::Written);
        let texts = self.funnel.tally(Step::ParagraphsFiltered).kept;
        self.funnel.keep_many(Step::ParagraphsWritten, texts);
        let images = self.funnel.tally(Step::ImagesFiltered).kept;
        self.funnel.keep_many(Step::ImagesWritten, images);
    }

    /// The document is dropped, and with it the texts and images that are left of it.
    pub(super) fn drop_document(&mut self, step: Step, reason: Option<&str>) {
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
    fn note(
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

    fn note_texts(&mut self, positions: &BTreeSet<usize>, page: &Page, decision: &Decision) {
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

    fn note_images(&mut self, placed: &[Placed<'_>]) {
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

/// The images of a page with what was found for them; those without a picture are dropped already.
fn placed<'a>(page: &'a Page, rows: &'a [PlacedImageRow]) -> Vec<Placed<'a>> {
    let images = page.parts.iter().enumerate();
    let images = images.filter_map(|(position, part)| match part {
        Part::Image(image) => Some((position, image)),
        _ => None,
    });
    images
        .map(|(position, image)| {
            let found = rows.iter().find(|row| row.position == position as i32);
            let reason = missing(found).map(|reason| Dropped {
                step: Step::ImagesFound,
                reason: reason.to_owned(),
            });
            Placed {
                position,
                image,
                found,
                reason,
            }
        })
        .collect()
}

/// Why there is no picture; what is wrong with one is for the rules to say.
fn missing(found: Option<&PlacedImageRow>) -> Option<&str> {
    let Some(found) = found else {
        return Some("missing");
    };
    let status = found.status.as_str();
    (status != "ok" && Reason::from_str(status).is_err()).then_some(status)
}

fn candidate<'a>(image: &Image, found: &'a PlacedImageRow) -> Candidate<'a> {
    let format = found.format.as_deref();
    Candidate {
        url: &found.url,
        declared_width: image.width,
        declared_height: image.height,
        refused: Reason::from_str(&found.status).ok(),
        format: format.and_then(|name| {
            let formats = [Format::Jpeg, Format::Png, Format::WebP, Format::Gif];
            formats.into_iter().find(|format| format.name() == name)
        }),
        width: found.width.map(i32::cast_unsigned),
        height: found.height.map(i32::cast_unsigned),
        bytes: found.bytes.cast_unsigned(),
        sha256: found.sha256.as_deref(),
        perceptual: found.perceptual.map(i64::cast_unsigned),
        single_colour: found.single_colour,
        url_documents: found.url_documents.cast_unsigned(),
        content_documents: found.content_documents.cast_unsigned(),
        perceptual_documents: found.perceptual_documents.cast_unsigned(),
    }
}

pub(crate) fn place(found: &PlacedImageRow) -> Place {
    Place {
        file: Arc::from(found.file.as_str()),
        offset: found.offset.cast_unsigned(),
        length: found.length.cast_unsigned(),
    }
}

/// The positions of a page's texts.
fn texts(page: &Page) -> impl Iterator<Item = usize> {
    let parts = page.parts.iter().enumerate();
    parts
        .filter(|(_, part)| matches!(part, Part::Text(_)))
        .map(|(position, _)| position)
}

/// The positions of the texts with these numbers, which are sorted.
fn positions(page: &Page, numbers: &[usize]) -> BTreeSet<usize> {
    let texts = texts(page).enumerate();
    texts
        .filter(|(number, _)| numbers.binary_search(number).is_ok())
        .map(|(_, position)| position)
        .collect()
}

fn gone(placed: &[Placed<'_>], repeated: &BTreeSet<usize>) -> BTreeSet<usize> {
    let dropped = placed.iter().filter(|placed| placed.reason.is_some());
    let dropped = dropped.map(|placed| placed.position);
    dropped.chain(repeated.iter().copied()).collect()
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
