//! Contamination: pictures that a task asks about and a corpus has.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use flamingo_corpus::images::{
    Animated, EvaluationIndex, ImagesConfig, Inspected, each_picture_batch, inspect,
};
use flamingo_corpus::towers::Tower;
use flamingo_engine::MediaSource;
use flamingo_image::{Image, Limits, Media, Wanted, decode_still};
use flamingo_sequence::Part;
use flamingo_tasks::counted;
use rayon::prelude::*;
use serde::Serialize;

use crate::rices::Vectors;
use crate::run::Suite;
use crate::{Error, Result};

/// The cosine from which two embeddings are of one picture.
pub const SAME: f32 = 0.95;
/// Finds that are told by name on a terminal.
const TOLD: usize = 10;
/// Pictures that go through a tower at once.
const AT_ONCE: usize = 16;

/// What of a task's pictures a corpus has.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Contamination {
    /// The task.
    pub task: String,
    /// Its pictures that were looked for.
    pub pictures: usize,
    /// Its pictures that could not be read, and films, which are not looked for.
    pub unread: usize,
    /// Queries that were looked for.
    pub queries: usize,
    /// Pictures of the corpus.
    pub corpus_pictures: usize,
    /// Pictures of the corpus that cannot be read.
    pub corpus_unread: usize,
    /// Pictures that documents of the corpus name and that are not there.
    pub corpus_missing: usize,
    /// Lines of the corpus that are no documents.
    pub corpus_lines: usize,
    /// Queries with a picture that was found.
    pub queries_found: Vec<String>,
    /// What was found.
    pub found: Vec<Find>,
}

/// A task's picture in the corpus.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Find {
    /// The task's picture.
    pub picture: String,
    /// The queries that show it.
    pub queries: Vec<String>,
    /// Where it is in the corpus.
    pub corpus: String,
    /// How it was known.
    #[serde(flatten)]
    pub by: By,
}

/// How two pictures are known as one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum By {
    /// By their bytes.
    Bytes,
    /// By the perceptual hash.
    Look {
        /// Bits that differ.
        bits: u32,
    },
    /// By the embedding alone.
    Embedding {
        /// Its cosine.
        cosine: f32,
    },
}

impl Contamination {
    /// That something was compared.
    fn compared(&self, corpus: &Path) -> Result<()> {
        let nothing = if self.pictures == 0 {
            format!(
                "{} has no picture that can be looked for: {} are films or cannot be read",
                self.task, self.unread
            )
        } else if self.corpus_pictures == 0 {
            format!(
                "{} has no picture that can be compared: {} cannot be read, {} are named and not there, {} lines of JSON \
                 are no documents; give shards, lines of documents or a folder of pictures",
                corpus.display(),
                self.corpus_unread,
                self.corpus_missing,
                self.corpus_lines
            )
        } else {
            return Ok(());
        };
        Err(Error::Options(nothing))
    }

    fn count(&self, is: impl Fn(&By) -> bool) -> usize {
        let found = self.found.iter().filter(|find| is(&find.by));
        found
            .map(|find| find.picture.as_str())
            .collect::<BTreeSet<_>>()
            .len()
    }
}

/// Looks for the pictures of a task's queries in a corpus: by bytes, within `distance` bits of the perceptual hash, and
/// by a tower's embeddings with its least cosine. `progress` is told the pictures of the corpus so far.
///
/// # Errors
/// If the corpus cannot be read, the tower fails, or there is nothing to compare: no finds would then say nothing.
pub fn contamination(
    suite: &Suite<'_>,
    media: &dyn MediaSource,
    corpus: &Path,
    distance: u32,
    mut tower: Option<(&mut dyn Tower, f32)>,
    limits: &Limits,
    progress: crate::Progress<'_>,
) -> Result<Contamination> {
    let asked = match &mut tower {
        Some((tower, _)) => Asked::of(suite, media, Some(&mut **tower))?,
        None => Asked::of(suite, media, None)?,
    };
    let index = EvaluationIndex::new(distance, asked.inspected.iter().cloned());
    let mut told = Contamination {
        task: suite.task.clone(),
        pictures: asked.inspected.len(),
        unread: asked.unread,
        queries: suite.queries.len(),
        ..Contamination::default()
    };
    let mut failed = None;
    let read = each_picture_batch(corpus, limits, |batch| {
        let pictures: Vec<(String, Inspected, Option<Image>)> = batch
            .into_par_iter()
            .map(|(name, bytes)| {
                let picture = asked
                    .vectors
                    .as_ref()
                    .and_then(|_| decode_still(&bytes, &name, limits).ok());
                (name, inspect(&bytes, &any()), picture)
            })
            .collect();
        for (name, inspected, _) in &pictures {
            let Some(sha256) = &inspected.sha256 else {
                continue;
            };
            if inspected.perceptual.is_none() {
                told.corpus_unread += usize::from(is_picture(name));
                continue;
            }
            told.corpus_pictures += 1;
            if let Some(found) = index.matches(sha256, inspected.perceptual) {
                let by = found.distance.map_or(By::Bytes, |bits| By::Look { bits });
                told.found.push(asked.find(found.name, name, by));
            }
        }
        if let (Some((tower, least)), Some(vectors)) = (tower.as_mut(), &asked.vectors)
            && failed.is_none()
        {
            failed = asked
                .embedded(&pictures, &mut **tower, *least, vectors, &mut told)
                .err();
        }
        progress(told.corpus_pictures);
    });
    let passed_over = read.map_err(|error| Error::Options(error.to_string()))?;
    (told.corpus_missing, told.corpus_lines) = (passed_over.pictures, passed_over.lines);
    if let Some(error) = failed {
        return Err(error);
    }
    told.compared(corpus)?;
    let queries = told
        .found
        .iter()
        .flat_map(|find| find.queries.iter().cloned());
    let queries: BTreeSet<String> = queries.collect();
    told.queries_found = queries.into_iter().collect();
    Ok(told)
}

/// Whether a name is that of a picture.
fn is_picture(name: &str) -> bool {
    // A member of a shard is named before the shard.
    let name = name.split(" in ").next().unwrap_or(name).to_lowercase();
    [".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// Pictures of any size and shape: a corpus may have a larger copy.
fn any() -> ImagesConfig {
    ImagesConfig {
        min_side: 0,
        max_aspect: 0.0,
        drop_single_colour: false,
        animated: Animated::FirstFrame,
        ..ImagesConfig::default()
    }
}

/// The pictures of a task's queries.
struct Asked {
    inspected: Vec<(String, Inspected)>,
    /// Of the inspected ones, in their order.
    vectors: Option<Vectors>,
    queries: BTreeMap<String, Vec<String>>,
    unread: usize,
}

impl Asked {
    fn of(
        suite: &Suite<'_>,
        media: &dyn MediaSource,
        tower: Option<&mut dyn Tower>,
    ) -> Result<Self> {
        let mut queries: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut unread = 0;
        for query in &suite.queries {
            for part in &query.question {
                match part {
                    Part::Image(place) => queries
                        .entry(place.clone())
                        .or_default()
                        .push(query.id.clone()),
                    Part::Video(_) => unread += 1,
                    Part::Text(_) | Part::End | Part::Token(_) => {}
                }
            }
        }
        let places: Vec<&String> = queries.keys().collect();
        let inspected = places.par_iter().map(|place| {
            let bytes = std::fs::read(place).ok()?;
            let inspected = inspect(&bytes, &any());
            inspected.perceptual?;
            Some(((*place).clone(), inspected))
        });
        let inspected: Vec<Option<(String, Inspected)>> = inspected.collect();
        unread += inspected.iter().filter(|one| one.is_none()).count();
        let inspected: Vec<(String, Inspected)> = inspected.into_iter().flatten().collect();
        let vectors = match tower {
            None => None,
            Some(tower) => Some(embedded(&inspected, media, tower)?),
        };
        Ok(Self {
            inspected,
            vectors,
            queries,
            unread,
        })
    }

    fn find(&self, picture: &str, corpus: &str, by: By) -> Find {
        Find {
            picture: picture.to_owned(),
            queries: self.queries.get(picture).cloned().unwrap_or_default(),
            corpus: corpus.to_owned(),
            by,
        }
    }

    /// What of a batch is found by its embedding alone.
    fn embedded(
        &self,
        pictures: &[(String, Inspected, Option<Image>)],
        tower: &mut dyn Tower,
        least: f32,
        vectors: &Vectors,
        told: &mut Contamination,
    ) -> Result<()> {
        let decoded: Vec<(&String, &Image)> = pictures
            .iter()
            .filter_map(|(name, _, image)| Some((name, image.as_ref()?)))
            .collect();
        let known: BTreeSet<(String, String)> = told
            .found
            .iter()
            .map(|find| (find.picture.clone(), find.corpus.clone()))
            .collect();
        for chunk in decoded.chunks(AT_ONCE) {
            let images: Vec<Image> = chunk.iter().map(|(_, image)| (*image).clone()).collect();
            let made = tower.embed_images(&images);
            let made = made.map_err(|error| Error::Options(format!("the tower: {error}")))?;
            for ((name, _), vector) in chunk.iter().zip(made) {
                let mut one = Vectors::default();
                one.push(&vector).map_err(Error::Options)?;
                let cosine = |at: usize| -> f32 {
                    one.row(0)
                        .iter()
                        .zip(vectors.row(at))
                        .map(|(a, b)| a * b)
                        .sum()
                };
                let near = (0..vectors.len()).map(|at| (cosine(at), at));
                let Some((cosine, at)) = near.max_by(|a, b| a.0.total_cmp(&b.0)) else {
                    continue;
                };
                let picture = &self.inspected[at].0;
                if cosine >= least && !known.contains(&(picture.clone(), (*name).clone())) {
                    told.found
                        .push(self.find(picture, name, By::Embedding { cosine }));
                }
            }
        }
        Ok(())
    }
}

fn embedded(
    inspected: &[(String, Inspected)],
    media: &dyn MediaSource,
    tower: &mut dyn Tower,
) -> Result<Vectors> {
    let mut vectors = Vectors::default();
    for chunk in inspected.chunks(AT_ONCE) {
        let mut images = Vec::new();
        for (place, _) in chunk {
            match media.media(place, &Wanted::default())? {
                Media::Image(image) => images.push(image),
                Media::Film(film) => images.extend(film.frames.into_iter().take(1)),
            }
        }
        let made = tower.embed_images(&images);
        let made = made.map_err(|error| Error::Options(format!("the tower: {error}")))?;
        for vector in made {
            vectors.push(&vector).map_err(Error::Options)?;
        }
    }
    Ok(vectors)
}

impl fmt::Display for Contamination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |count: usize, of: usize| 100.0 * count as f64 / of.max(1) as f64;
        writeln!(
            f,
            "{}: {} of {}, looked for among {} of the corpus",
            self.task,
            counted(self.pictures, "picture"),
            counted(self.queries, "query"),
            self.corpus_pictures
        )?;
        for (what, count) in [
            ("the same bytes", self.count(|by| *by == By::Bytes)),
            (
                "the same look",
                self.count(|by| matches!(by, By::Look { .. })),
            ),
            (
                "the same embedding only",
                self.count(|by| matches!(by, By::Embedding { .. })),
            ),
        ] {
            writeln!(
                f,
                "  {what:<24}{count:>8}  {:.2}%",
                share(count, self.pictures)
            )?;
        }
        let queries = self.queries_found.len();
        write!(
            f,
            "  {:<24}{queries:>8}  {:.2}%",
            "queries with one of them",
            share(queries, self.queries)
        )?;
        for find in self.found.iter().take(TOLD) {
            let by = match find.by {
                By::Bytes => "same bytes".to_owned(),
                By::Look { bits } => format!("{bits} bits differ"),
                By::Embedding { cosine } => format!("cosine {cosine:.3}"),
            };
            write!(f, "\n  {} is {} ({by})", find.picture, find.corpus)?;
        }
        let more = self.found.len().saturating_sub(TOLD);
        if more > 0 {
            write!(f, "\n  and {more} more: --json names all")?;
        }
        if self.unread + self.corpus_unread > 0 {
            write!(
                f,
                "\nnot compared, as they cannot be read: {} of the task's pictures and films, {} of the corpus",
                self.unread, self.corpus_unread
            )?;
        }
        if self.corpus_missing + self.corpus_lines > 0 {
            write!(
                f,
                "\nof the corpus: {} that it names but that is not there, {} that is no document",
                counted(self.corpus_missing, "picture"),
                counted(self.corpus_lines, "line")
            )?;
        }
        Ok(())
    }
}
