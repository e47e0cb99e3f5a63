//! The pairs of a page: its pictures that pass the rules and its films, each with the text that goes with it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use flamingo_crawl::read_at;
use flamingo_film::Reader;
use flamingo_image::decode_still;
use flamingo_page::{Kind, Page, Part, Text};
use sha2::{Digest, Sha256};

use super::case::Case;
use super::criteria::{Judge, Pairs};
use super::placed::{Placed, place, placed};
use super::verdict::Verdict;
use crate::error::Result;
use crate::films::{FilmConfig, against_length, film_pairs, seconds_in};
use crate::funnel::Step;
use crate::images::Reason;
use crate::pairs::{Candidate, ImageSize, Knowledge, pairs};
use crate::tables::{ImageDecision, PlacedImageRow};
use crate::write::{Medium, Outcome, Record};

/// Why a page is dropped of which there are no pairs.
const NO_PAIRS: &str = "no_pairs";

/// What is known of a page's images that are there, and of how often their texts are.
struct Known<'a> {
    sizes: BTreeMap<usize, ImageSize>,
    texts: &'a HashMap<i64, u64>,
}

impl Knowledge for Known<'_> {
    fn image(&self, part: usize) -> Option<ImageSize> {
        self.sizes.get(&part).copied()
    }

    fn images_with_text(&self, key: i64) -> u64 {
        self.texts.get(&key).copied().unwrap_or(0)
    }
}

impl Judge {
    /// Makes the pairs of a page and reads their files.
    pub(super) fn pair(
        &self,
        case: &Case,
        page: &Page,
        config: &Pairs,
        verdict: &mut Verdict,
    ) -> Result<()> {
        let mut placed = placed(page, &case.images);
        self.rule(&mut placed);
        verdict.note_images(&placed);
        let found = |part: usize| {
            let mut rows = case.images.iter();
            rows.find(|row| row.position == part as i32)
        };
        let mut paired = BTreeSet::new();
        let mut failed = Vec::new();
        for candidate in self.candidates(case, page, config, &placed) {
            let file = match candidate.reasons.first() {
                Some(reason) => Err(reason.name().to_owned()),
                None => self.file(page, &candidate, found(candidate.part), config)?,
            };
            match file {
                Ok(medium) => {
                    paired.insert(candidate.part);
                    let number = verdict.pairs.len();
                    let record = record(case.row.document, number, page, candidate, medium);
                    verdict.pairs.push(record);
                }
                Err(reason) => failed.push((candidate.part, reason)),
            }
        }
        verdict
            .funnel
            .keep_many(Step::Pairs, verdict.pairs.len() as u64);
        for (part, reason) in failed {
            verdict.funnel.drop(Step::Pairs, &reason);
            if !paired.contains(&part) {
                verdict.note_unpaired(part, &page.parts[part], found(part), reason);
            }
        }
        verdict.note_paired(&placed, &paired);
        if verdict.pairs.is_empty() {
            verdict.drop(Step::Filtered, NO_PAIRS.to_owned());
        } else {
            verdict.funnel.keep(Step::Filtered);
        }
        Ok(())
    }

    /// What could be pairs, in the page's order: pictures that pass the rules, and all films.
    fn candidates(
        &self,
        case: &Case,
        page: &Page,
        config: &Pairs,
        placed: &[Placed<'_>],
    ) -> Vec<Candidate> {
        let kept = placed.iter().filter(|placed| placed.reason.is_none());
        let known = Known {
            sizes: kept
                .filter_map(|placed| Some((placed.position, size(placed.found?)?)))
                .collect(),
            texts: &case.texts,
        };
        let language = page.language.as_deref();
        let lexicon = self.filters.lexicon();
        let mut candidates = pairs(page, language, &config.images, lexicon, &known);
        // How long a film is will be seen when it is read.
        candidates.extend(film_pairs(page, language, &config.films, lexicon, |_| None));
        candidates.sort_by_key(|candidate| candidate.part);
        candidates
    }

    /// The picture or film of a candidate, or why it makes no pair.
    fn file(
        &self,
        page: &Page,
        candidate: &Candidate,
        found: Option<&PlacedImageRow>,
        config: &Pairs,
    ) -> Result<Result<Medium, String>> {
        let Some(found) = found else {
            return Ok(Err("missing".to_owned()));
        };
        if matches!(page.parts.get(candidate.part), Some(Part::Video(_))) {
            return self.film(found, &config.films);
        }
        let medium = match self.medium(found)? {
            Ok(medium) => medium,
            Err(reason) => return Ok(Err(reason.to_owned())),
        };
        let against = self.look_at_pair(&medium, &candidate.text)?;
        Ok(against.map_or(Ok(medium), Err))
    }

    /// The file of a film as it lies, or why it makes no pair.
    fn film(&self, found: &PlacedImageRow, config: &FilmConfig) -> Result<Result<Medium, String>> {
        let is_moving = found.status == Reason::Animated.name();
        if found.status != "ok" && !is_moving {
            return Ok(Err(found.status.clone()));
        }
        let Some(answer) = read_at(&place(found), &self.options)? else {
            return Ok(Err("unreadable".to_owned()));
        };
        let sha256 = format!("{:x}", Sha256::digest(&answer.body));
        if found.sha256.as_ref() != Some(&sha256) {
            return Ok(Err("changed".to_owned()));
        }
        let against = match seconds_in(&answer.body, &Reader::from(self.images.limits())) {
            Ok(seconds) => against_length(seconds, config),
            Err(reason) => Some(reason),
        };
        if let Some(reason) = against {
            return Ok(Err(reason.name().to_owned()));
        }
        let side = |side: Option<i32>| side.map_or(0, i32::cast_unsigned);
        Ok(Ok(Medium {
            extension: found.format.clone().unwrap_or_default(),
            width: side(found.width),
            height: side(found.height),
            sha256,
            bytes: answer.body,
        }))
    }

    /// What the tower has against a picture with this text.
    fn look_at_pair(&self, medium: &Medium, text: &str) -> Result<Option<String>> {
        let Some(towers) = &self.towers else {
            return Ok(None);
        };
        let Ok(image) = decode_still(&medium.bytes, "picture", &self.images.limits()) else {
            return Ok(None);
        };
        let mut towers = towers
            .lock()
            .expect("no thread fails while it holds the tower");
        let decisions = towers.decide(&[image], &[text.to_owned()])?;
        let reasons = decisions.first().map(|decision| &decision.reasons);
        Ok(reasons
            .and_then(|reasons| reasons.first())
            .map(|reason| reason.name().to_owned()))
    }
}

impl Verdict {
    /// A picture or film has no pair.
    fn note_unpaired(
        &mut self,
        part: usize,
        shown: &Part,
        found: Option<&PlacedImageRow>,
        reason: String,
    ) {
        let position = part as i32;
        let images = &mut self.decision.images;
        match images.iter_mut().find(|image| image.position == position) {
            Some(image) => image.reason = image.reason.take().or(Some(reason)),
            None => images.push(ImageDecision {
                position,
                url: found.map_or_else(|| url(shown), |found| found.url.clone()),
                reason: Some(reason),
                sha256: found.and_then(|found| found.sha256.clone()),
            }),
        }
    }

    /// Counts the pictures that pass the rules by whether they have a pair.
    fn note_paired(&mut self, placed: &[Placed<'_>], paired: &BTreeSet<usize>) {
        for placed in placed.iter().filter(|placed| placed.reason.is_none()) {
            if paired.contains(&placed.position) {
                self.funnel.keep(Step::ImagesWritten);
            } else {
                self.funnel.drop(Step::ImagesWritten, "no_pair");
            }
        }
    }

    /// Notes what became of a pair that was to be written.
    pub(in crate::build) fn pair(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Written => {
                self.decision.kept = true;
                self.funnel.keep(Step::PairsWritten);
            }
            Outcome::NoText => self.funnel.drop(Step::PairsWritten, "no_text"),
            Outcome::NoMedium => self.funnel.drop(Step::PairsWritten, "no_medium"),
            Outcome::Empty => self.funnel.drop(Step::PairsWritten, "empty"),
        }
    }

    /// Whether any pair of the page was written; notes it.
    pub(in crate::build) fn pairs_written(&mut self) -> bool {
        if self.decision.kept {
            self.funnel.keep(Step::Written);
        } else {
            self.drop(Step::Written, NO_PAIRS.to_owned());
        }
        self.decision.kept
    }
}

fn size(found: &PlacedImageRow) -> Option<ImageSize> {
    Some(ImageSize {
        width: found.width?.cast_unsigned(),
        height: found.height?.cast_unsigned(),
    })
}

fn url(part: &Part) -> String {
    match part {
        Part::Image(image) => image.url.clone(),
        Part::Video(video) => video.url.clone(),
        Part::Text(_) => String::new(),
    }
}

/// A picture or film and its text, as a page of its own.
fn record(
    document: i64,
    number: usize,
    page: &Page,
    candidate: Candidate,
    medium: Medium,
) -> Record {
    let text = Part::Text(Text {
        text: candidate.text,
        kind: Kind::Caption,
    });
    Record {
        id: format!(
            "{:05}-{:06}-{number:03}",
            document >> 32,
            document & 0xFFFF_FFFF
        ),
        page: Page {
            parts: vec![page.parts[candidate.part].clone(), text],
            url: page.url.clone(),
            title: page.title.clone(),
            language: page.language.clone(),
        },
        media: vec![Some(medium), None],
    }
}
