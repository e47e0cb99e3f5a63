//! Names for things in folders of photos, learnt from the shots: arbitrary words that the model was never
//! trained to give to pictures, for things that its training may not have had.
//!
//! Beside each figure stands the nearest class mean on the frozen encoder's features (Snell et al., 2017), of
//! the same shots and queries: what a user would have without a language model.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::Instant;

use flamingo_data::stream;
use flamingo_engine::{Embedding, Engine, RankBy};
use flamingo_image::Media;
use flamingo_sequence::{Candidates, Document, Part, Words};
use flamingo_world::{Episode, Pictures};
use rand::Rng;
use rand::seq::SliceRandom;
use serde::Serialize;

use crate::class_mean::{ClassMeans, largest, unit};
use crate::examples::{Example, Section};
use crate::label::{LabelOptions, Labeller};
use crate::photos::{BLANK, Photos};
use crate::table::{CELL, binding_cell, binding_columns, binding_rows, row_label, shots_label};
use crate::{BindingFigure, Error, Progress, Result, Share};

/// Queries that share their shots.
const OF_CONTEXT: usize = 5;

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct NamingOptions {
    /// Queries of each figure; five share their shots.
    pub queries: usize,
    /// All episodes follow from it.
    pub seed: u64,
}

/// The figures of a set of photos; its JSON is the machine-readable report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NamingReport {
    /// Things that were asked about.
    pub things: usize,
    /// Their photos.
    pub photos: usize,
    /// The table.
    pub figures: Vec<BindingFigure>,
    /// Wall-clock time of all figures.
    pub seconds: f64,
}

/// A cell: how many names, shots of each, and what they show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    names: usize,
    shots_each: usize,
    pictures: Pictures,
}

/// 2 and 5 names after 1, 2 and 4 shots of each, and the controls after 1 and 4.
fn cells() -> Vec<Cell> {
    let of = |pictures, shots: &'static [usize]| {
        [2, 5].into_iter().flat_map(move |names| {
            shots.iter().map(move |&shots_each| Cell {
                names,
                shots_each,
                pictures,
            })
        })
    };
    of(Pictures::Real, &[1, 2, 4])
        .chain(of(Pictures::Blank, &[1, 4]))
        .chain(of(Pictures::ShuffledLabels, &[1, 4]))
        .collect()
}

/// Queries of all figures together: the length of a progress bar.
pub fn naming_queries(options: &NamingOptions) -> usize {
    options.queries * cells().len()
}

/// Things with their shots, and pictures to ask about.
#[derive(Debug, PartialEq)]
struct Context {
    names: Vec<String>,
    /// Which thing each shot shows, its picture, and the name that it has.
    shots: Vec<(usize, String, usize)>,
    /// Which thing, and its picture.
    queries: Vec<(usize, String)>,
}

/// The most shots of a cell, and a query.
const LEAST_PHOTOS: usize = 5;

/// Context `number` of a cell: things, names and queries are the same in all cells of as many names.
fn context(
    photos: &[(String, Vec<String>)],
    words: &[String],
    cell: Cell,
    seed: u64,
    number: u64,
) -> Context {
    let mut rng = stream(seed, "naming", &[cell.names as u64, number]);
    let drawn = rand::seq::index::sample(&mut rng, photos.len(), cell.names).into_vec();
    let names = rand::seq::index::sample(&mut rng, words.len(), cell.names).into_iter();
    let names = names.map(|word| words[word].clone()).collect();
    let shuffled: Vec<Vec<&String>> = drawn
        .iter()
        .map(|thing| {
            let mut pictures: Vec<&String> = photos[*thing].1.iter().collect();
            pictures.shuffle(&mut rng);
            pictures
        })
        .collect();
    // Behind those that are shots in any cell.
    let mut query = || {
        let thing = rng.random_range(0..cell.names);
        let pictures = &shuffled[thing][LEAST_PHOTOS - 1..];
        (thing, pictures[rng.random_range(0..pictures.len())].clone())
    };
    let queries = (0..OF_CONTEXT).map(|_| query()).collect();
    let mut order: Vec<usize> = (0..cell.names * cell.shots_each).collect();
    order.shuffle(&mut rng);
    let mut labels: Vec<usize> = order.iter().map(|shot| shot % cell.names).collect();
    if cell.pictures == Pictures::ShuffledLabels {
        labels.shuffle(&mut rng);
    }
    let shot = |(shot, label): (&usize, &usize)| {
        let thing = shot % cell.names;
        let picture = match cell.pictures {
            Pictures::Blank => BLANK.to_owned(),
            _ => shuffled[thing][shot / cell.names].clone(),
        };
        (thing, picture, *label)
    };
    Context {
        shots: order.iter().zip(&labels).map(shot).collect(),
        names,
        queries,
    }
}

impl Context {
    /// A prompt for each query.
    fn prompts(&self) -> Vec<Candidates> {
        let mut shots = Vec::new();
        for (_, picture, label) in &self.shots {
            shots.push(Part::Image(picture.clone()));
            shots.push(Part::Text(format!(" {}", self.names[*label])));
            shots.push(Part::End);
        }
        let prompt = |(_, picture): &(usize, String)| Candidates {
            document: Document::new(shots.iter().cloned().chain([Part::Image(picture.clone())])),
            candidates: self.names.iter().map(|name| format!(" {name}")).collect(),
        };
        self.queries.iter().map(prompt).collect()
    }
}

/// A figure for each cell.
///
/// # Errors
/// If there are no queries, or too few things with five photos or words to name them by, or the model cannot
/// read a prompt.
pub fn naming(
    engine: &mut Engine,
    photos: &Photos,
    options: &NamingOptions,
    progress: Progress<'_>,
) -> Result<NamingReport> {
    if options.queries == 0 {
        return Err(Error::NoQueries);
    }
    let (things, words) = usable(engine, photos)?;
    let cells = cells();
    let start = Instant::now();
    let contexts = options.queries.div_ceil(OF_CONTEXT) as u64;
    let mut seen = Seen::default();
    let mut counts = vec![Counts::default(); cells.len()];
    for number in 0..contexts {
        let asked = OF_CONTEXT.min(options.queries - number as usize * OF_CONTEXT);
        for (counts, cell) in counts.iter_mut().zip(&cells) {
            let mut context = context(&things, &words, *cell, options.seed, number);
            context.queries.truncate(asked);
            counts.add(engine, photos, &context, *cell, &mut seen)?;
            progress(asked);
        }
    }
    let figures = cells.iter().zip(&counts);
    Ok(NamingReport {
        photos: things.iter().map(|(_, pictures)| pictures.len()).sum(),
        things: things.len(),
        figures: figures.map(|(cell, counts)| counts.figure(*cell)).collect(),
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// Things with enough photos, and words that they may be named by.
#[allow(clippy::type_complexity)]
fn usable(engine: &Engine, photos: &Photos) -> Result<(Vec<(String, Vec<String>)>, Vec<String>)> {
    let words = Words::of(engine.tokenizer()).testing;
    let enough = |(_, pictures): &&(String, Vec<String>)| pictures.len() >= LEAST_PHOTOS;
    let things: Vec<(String, Vec<String>)> = photos.things.iter().filter(enough).cloned().collect();
    let most = cells().iter().map(|cell| cell.names).max().unwrap_or(0);
    for (what, found) in [
        ("things with 5 photos or more", things.len()),
        ("words that it may name things by", words.len()),
    ] {
        if found < most {
            return Err(Error::TooFew { what, found, most });
        }
    }
    Ok((things, words))
}

/// The first prompts of some cells, as they come, with what is made of them: none is picked for its answer.
///
/// # Errors
/// As [`naming`].
pub fn naming_examples(
    engine: &mut Engine,
    photos: &Photos,
    options: &NamingOptions,
) -> Result<Vec<Example>> {
    let (things, words) = usable(engine, photos)?;
    let mut seen = Seen::default();
    let mut examples = Vec::new();
    for (names, shots_each, count) in [(2, 1, 2), (5, 1, 2), (2, 4, 1), (5, 4, 1)] {
        let pictures = Pictures::Real;
        let cell = Cell {
            names,
            shots_each,
            pictures,
        };
        for number in 0..count {
            let mut context = context(&things, &words, cell, options.seed, number);
            context.queries.truncate(1);
            seen.add(engine, photos, &context)?;
            examples.push(example(engine, photos, &context, &seen)?);
        }
    }
    Ok(examples)
}

/// The first query of a context.
fn example(
    engine: &mut Engine,
    photos: &Photos,
    context: &Context,
    seen: &Seen,
) -> Result<Example> {
    let Candidates {
        document,
        candidates,
    } = context.prompts().remove(0);
    let scored = Candidates {
        document: document.clone(),
        candidates: candidates.clone(),
    };
    let scores = engine.score(&[scored], photos, RankBy::Sum)?.remove(0);
    let look = engine.look(&document, photos)?;
    let mut media = BTreeMap::new();
    for (_, _, picture) in document.media() {
        let image = engine.preprocess().picture(&photos.image(picture)?);
        media.insert(picture.to_owned(), Media::Image(image));
    }
    let (answer, nearest) = seen.nearest(context)[0];
    let episode = Episode {
        document,
        media,
        candidates,
        answer,
    };
    Ok(Example {
        section: Section::Photos,
        class_mean: Some(nearest),
        episode,
        scores,
        look,
    })
}

/// What is counted of a cell.
#[derive(Clone, Default)]
struct Counts {
    model: Share,
    class_mean: Share,
    label: Share,
}

impl Counts {
    fn add(
        &mut self,
        engine: &mut Engine,
        photos: &Photos,
        context: &Context,
        cell: Cell,
        seen: &mut Seen,
    ) -> Result<()> {
        let real = cell.pictures == Pictures::Real;
        if real {
            seen.add(engine, photos, context)?;
        }
        let scores = engine.score(&context.prompts(), photos, RankBy::Sum)?;
        for ((thing, _), scores) in context.queries.iter().zip(&scores) {
            self.model.count(scores.best == *thing);
        }
        if real {
            for (thing, nearest) in seen.nearest(context) {
                self.class_mean.count(thing == nearest);
            }
            for (thing, label) in seen.labels(engine, photos, context)? {
                self.label.count(thing == label);
            }
        }
        Ok(())
    }

    fn figure(&self, cell: Cell) -> BindingFigure {
        let asked = |share: Share| (share.queries > 0).then_some(share);
        BindingFigure {
            names: cell.names,
            shots_each: cell.shots_each,
            pictures: cell.pictures,
            accuracy: self.model,
            class_mean: asked(self.class_mean),
            label: asked(self.label),
            queries: self.model.queries,
        }
    }
}

/// What the model makes of pictures, each encoded once.
#[derive(Default)]
struct Seen(HashMap<String, Embedding>);

impl Seen {
    /// Encodes what a context shows, so that its prompts find it in the cache.
    fn add(&mut self, engine: &mut Engine, photos: &Photos, context: &Context) -> Result<()> {
        let shown = context.shots.iter().map(|(_, picture, _)| picture);
        let shown = shown.chain(context.queries.iter().map(|(_, picture)| picture));
        let missing = shown.filter(|picture| !self.0.contains_key(*picture));
        let mut missing: Vec<&str> = missing.map(String::as_str).collect();
        missing.sort_unstable();
        missing.dedup();
        for embedding in engine.embed(&missing, photos) {
            let embedding = embedding?;
            self.0.insert(embedding.reference.clone(), embedding);
        }
        Ok(())
    }

    /// For each query its thing, and that whose mean is nearest.
    fn nearest(&self, context: &Context) -> Vec<(usize, usize)> {
        let vector = |picture: &String| unit(self.0[picture].pooled.clone());
        let shots = context.shots.iter();
        let shots = shots.map(|(thing, picture, _)| (*thing, vector(picture)));
        let shots: Vec<(usize, Vec<f32>)> = shots.collect();
        let shots = shots
            .iter()
            .map(|(thing, vector)| (*thing, vector.as_slice()));
        let means = ClassMeans::of(context.names.len(), shots);
        let nearest = |(thing, picture): &(usize, String)| {
            let near = means.cosines(&vector(picture)).into_iter();
            (*thing, largest(near.map(|near| near.unwrap_or(f32::MIN))))
        };
        context.queries.iter().map(nearest).collect()
    }

    /// For each query its thing, and its label.
    fn labels(
        &self,
        engine: &mut Engine,
        photos: &Photos,
        context: &Context,
    ) -> Result<Vec<(usize, usize)>> {
        let embedding = |picture: &String| self.0[picture].clone();
        let shots = context.shots.iter();
        let shots = shots.map(|(thing, picture, _)| (*thing, embedding(picture)));
        let (names, options) = (context.names.clone(), LabelOptions::default());
        let labeller = Labeller::new(engine, photos, names, shots.collect(), options)?;
        let queries = context
            .queries
            .iter()
            .map(|(_, picture)| embedding(picture));
        let labels = labeller.label(engine, photos, &queries.collect::<Vec<_>>(), false)?;
        let things = context.queries.iter().map(|(thing, _)| *thing);
        Ok(things.zip(labels.iter().map(|label| label.class)).collect())
    }
}

impl fmt::Display for NamingReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = binding_columns(&self.figures);
        write!(f, "{:<32}", "new names for things in photos")?;
        for &shots in &columns {
            write!(f, "{:>CELL$}", shots_label(shots))?;
        }
        writeln!(f, "{:>CELL$}", "chance")?;
        for row in binding_rows(&self.figures) {
            for (label, share) in lines(row) {
                write!(f, "{:<32}", format!("  {label}"))?;
                for &shots in &columns {
                    match binding_cell(&self.figures, row, shots).and_then(share) {
                        Some(share) => write!(f, "{share:>CELL$}")?,
                        None => write!(f, "{:>CELL$}", "")?,
                    }
                }
                writeln!(f, "{:>CELL$}", format!("{:.0}%", 100.0 / row.0 as f64))?;
            }
        }
        let queries = self.figures.first().map_or(0, |figure| figure.queries);
        write!(
            f,
            "\n{} things, {} photos; {queries} queries a figure, ± standard error",
            self.things, self.photos
        )
    }
}

/// What of a figure a line of the table shows.
pub(crate) type Shown = fn(&BindingFigure) -> Option<Share>;

/// The lines of a row of the table.
pub(crate) fn lines(row: (usize, Pictures)) -> Vec<(String, Shown)> {
    let mut lines: Vec<(String, Shown)> = vec![(row_label(row), |figure| Some(figure.accuracy))];
    if row.1 == Pictures::Real {
        lines.push(("  nearest class mean".to_owned(), |figure| {
            figure.class_mean
        }));
        lines.push(("  both, as flamingo label".to_owned(), |figure| {
            figure.label
        }));
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn photos() -> Vec<(String, Vec<String>)> {
        let thing = |thing: usize| {
            let pictures = (0..5 + thing % 3).map(|n| format!("{thing}/{n}")).collect();
            (format!("thing {thing}"), pictures)
        };
        (0..7).map(thing).collect()
    }

    fn words() -> Vec<String> {
        (0..11).map(|n| format!("word{n}")).collect()
    }

    fn of(names: usize, shots_each: usize, pictures: Pictures, number: u64) -> Context {
        let cell = Cell {
            names,
            shots_each,
            pictures,
        };
        context(&photos(), &words(), cell, 3, number)
    }

    #[test]
    fn queries_show_other_photos_than_any_shot_and_are_the_same_after_any_number_of_shots() {
        for number in 0..20 {
            let few = of(5, 1, Pictures::Real, number);
            let many = of(5, 4, Pictures::Real, number);
            assert_eq!((&few.queries, &few.names), (&many.queries, &many.names));
            assert_eq!((few.shots.len(), many.shots.len()), (5, 20));
            let shown: BTreeSet<&String> =
                many.shots.iter().map(|(_, picture, _)| picture).collect();
            assert_eq!(shown.len(), 20);
            assert!(
                few.shots
                    .iter()
                    .all(|(_, picture, _)| shown.contains(picture))
            );
            for (thing, picture) in &many.queries {
                assert!(!shown.contains(picture));
                let own = many
                    .shots
                    .iter()
                    .find(|(of, ..)| of == thing)
                    .map(|(_, picture, _)| picture);
                let folder = |picture: &str| picture.split('/').next().map(str::to_owned);
                assert_eq!(own.and_then(|own| folder(own)), folder(picture));
            }
        }
    }

    #[test]
    fn real_shots_have_their_own_names_shuffled_ones_the_same_names_in_another_order() {
        let (real, shuffled) = (
            of(5, 4, Pictures::Real, 1),
            of(5, 4, Pictures::ShuffledLabels, 1),
        );
        assert!(real.shots.iter().all(|(thing, _, label)| thing == label));
        assert!(
            shuffled
                .shots
                .iter()
                .any(|(thing, _, label)| thing != label)
        );
        for label in 0..5 {
            assert_eq!(
                shuffled
                    .shots
                    .iter()
                    .filter(|(.., own)| *own == label)
                    .count(),
                4
            );
        }
        assert!(
            of(2, 1, Pictures::Blank, 1)
                .shots
                .iter()
                .all(|(_, picture, _)| picture == BLANK)
        );
        let prompts = real.prompts();
        assert_eq!(
            (prompts.len(), prompts[0].candidates.len()),
            (OF_CONTEXT, 5)
        );
        let parts = &prompts[0].document.parts;
        assert_eq!((parts.len(), &parts[2]), (3 * 20 + 1, &Part::End));
    }

    #[test]
    fn the_table_for_the_terminal_has_the_class_mean_under_real_shots_only() {
        let share = |right| Share { right, queries: 40 };
        let figure = |(right, cell): (usize, Cell)| BindingFigure {
            names: cell.names,
            shots_each: cell.shots_each,
            pictures: cell.pictures,
            accuracy: share(right),
            class_mean: (cell.pictures == Pictures::Real).then(|| share(40 - right)),
            label: (cell.pictures == Pictures::Real).then(|| share(39)),
            queries: 40,
        };
        let report = NamingReport {
            things: 7,
            photos: 41,
            figures: (20..).zip(cells()).map(figure).collect(),
            seconds: 7.3,
        };
        insta::assert_snapshot!(report, @"
        new names for things in photos      1 of each    2 of each    4 of each       chance
          2 names                          50.0% ±7.9   52.5% ±7.9   55.0% ±7.9          50%
            nearest class mean             50.0% ±7.9   47.5% ±7.9   45.0% ±7.9          50%
            both, as flamingo label        97.5% ±2.5   97.5% ±2.5   97.5% ±2.5          50%
          5 names                          57.5% ±7.8   60.0% ±7.7   62.5% ±7.7          20%
            nearest class mean             42.5% ±7.8   40.0% ±7.7   37.5% ±7.7          20%
            both, as flamingo label        97.5% ±2.5   97.5% ±2.5   97.5% ±2.5          20%
          2 names, blank pictures          65.0% ±7.5                67.5% ±7.4          50%
          5 names, blank pictures          70.0% ±7.2                72.5% ±7.1          20%
          2 names, shuffled labels         75.0% ±6.8                77.5% ±6.6          50%
          5 names, shuffled labels         80.0% ±6.3                82.5% ±6.0          20%

        7 things, 41 photos; 40 queries a figure, ± standard error
        ");
    }
}
