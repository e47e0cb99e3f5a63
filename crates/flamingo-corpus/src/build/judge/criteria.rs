//! What pages and pictures are judged by, and what documents and pairs both ask of it.

use std::sync::Mutex;

use flamingo_crawl::{ReadOptions, read_at};
use sha2::{Digest, Sha256};

use super::placed::{Dropped, Placed, candidate, place};
use crate::config::Config;
use crate::error::Result;
use crate::films::FilmConfig;
use crate::filters::Filters;
use crate::funnel::Step;
use crate::images::{Candidate, EvaluationIndex, ImagesConfig, Rules, reencode};
use crate::pairs::PairConfig;
use crate::tables::PlacedImageRow;
use crate::towers::{BoxedTower, TowerFilters};
use crate::write::{Medium, OutputFormat};

/// All rules of a configuration.
pub(in crate::build) struct Judge {
    pub(in crate::build) rules: Rules,
    pub(in crate::build) filters: Filters,
    pub(in crate::build) evaluation: Option<EvaluationIndex>,
    /// One document at a time: a tower uses all processors by itself.
    pub(in crate::build) towers: Option<Mutex<TowerFilters<BoxedTower>>>,
    pub(in crate::build) images: ImagesConfig,
    /// What makes a pair, where pairs are written and not documents.
    pub(in crate::build) pairs: Option<Pairs>,
    pub(in crate::build) options: ReadOptions,
}

/// What makes a pair.
pub(in crate::build) struct Pairs {
    pub(super) images: PairConfig,
    pub(super) films: FilmConfig,
}

impl Pairs {
    /// The configuration's, if pairs are to be written.
    pub(in crate::build) fn new(config: &Config) -> Option<Self> {
        let asked = config.output.format == OutputFormat::Pairs;
        asked.then(|| Self {
            images: config.pairs.clone(),
            films: config.films.clone(),
        })
    }
}

impl Judge {
    /// Drops images by the rules for pictures.
    pub(super) fn rule(&self, placed: &mut [Placed<'_>]) {
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

    /// The file of a picture as it is written, or why there is none.
    pub(super) fn medium(&self, found: &PlacedImageRow) -> Result<Result<Medium, &'static str>> {
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
