//! Names for things in folders of photos, learnt from the shots: arbitrary words that the model was never
//! trained to give to pictures, for things that its training may not have had.
//!
//! Beside each figure stands the nearest class mean on the frozen encoder's features (Snell et al., 2017), of
//! the same shots and queries: what a user would have without a language model.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;

use flamingo_data::{Format, MediaBase, Source, stream};
use flamingo_engine::{Engine, MediaSource, RankBy};
use flamingo_film::Reader;
use flamingo_image::{Image, Media, Wanted};
use flamingo_sequence::{Candidates, Document, MediaKind, Part, Words};
use flamingo_world::Pictures;
use rand::Rng;
use rand::seq::SliceRandom;
use serde::Serialize;

use crate::table::{row_label, shots_label};
use crate::{Error, Progress, Result, Share};

/// Queries that share their shots.
const OF_CONTEXT: usize = 5;
/// The reference of a picture that shows nothing.
const BLANK: &str = "\0blank";
/// Pictures whose features are made at once.
const ENCODED_AT_ONCE: usize = 16;

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct NamingOptions {
    /// Queries of each figure; five share their shots.
    pub queries: usize,
    /// All episodes follow from it.
    pub seed: u64,
}

/// Things and their photos.
#[derive(Debug)]
pub struct Photos {
    /// For each thing its name and the references of its photos.
    things: Vec<(String, Vec<String>)>,
    base: MediaBase,
}

/// One cell of the table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct NamingFigure {
    /// Things and names in the prompt.
    pub names: usize,
    /// Shots of each.
    pub shots_each: usize,
    /// `real`, or the controls `blank` and `shuffled-labels`.
    #[serde(serialize_with = "crate::binding::word")]
    pub pictures: Pictures,
    /// How often the likeliest name is the right one.
    pub accuracy: Share,
    /// The same of the class whose mean is nearest to the query by the encoder's features; of real
    /// shots.
    pub class_mean: Option<Share>,
    /// Over how many queries.
    pub queries: usize,
}

/// The figures of a set of photos; its JSON is the machine-readable report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NamingReport {
    /// Things that were asked about.
    pub things: usize,
    /// Their photos.
    pub photos: usize,
    /// The table.
    pub figures: Vec<NamingFigure>,
}

impl Photos {
    /// The photos of a folder that has a folder for each thing.
    ///
    /// # Errors
    /// If it cannot be read or holds none.
    pub fn read(folder: &Path) -> Result<Self> {
        let source = Source::read(Format::Folders, folder)?;
        let mut things: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for sample in &source.samples {
            let name = sample.document.parts.iter().find_map(|part| match part {
                Part::Text(text) => Some(text.trim().to_owned()),
                _ => None,
            });
            let photos = sample
                .document
                .media()
                .map(|(_, _, place)| place.to_owned());
            things
                .entry(name.unwrap_or_default())
                .or_default()
                .extend(photos);
        }
        Ok(Self {
            things: things.into_iter().collect(),
            base: MediaBase::Folder(folder.to_path_buf()),
        })
    }

    fn image(&self, reference: &str) -> flamingo_engine::Result<Image> {
        if reference == BLANK {
            return Ok(Image::solid(64, 64, [127; 3]));
        }
        let loaded = self.base.load(
            reference,
            MediaKind::Image,
            &Reader::default(),
            &Wanted::default(),
        );
        match loaded.map_err(|error| flamingo_engine::Error::Media(error.to_string()))? {
            Media::Image(image) => Ok(image),
            Media::Film(_) => unreachable!("a picture was asked for"),
        }
    }
}

impl MediaSource for Photos {
    fn media(&self, reference: &str, _: &Wanted) -> flamingo_engine::Result<Media> {
        self.image(reference).map(Media::Image)
    }

    /// Photos do not change while they are asked about.
    fn version(&self, reference: &str) -> Option<String> {
        Some(reference.to_owned())
    }
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
    let words = Words::of(engine.tokenizer()).testing;
    let enough = |(_, pictures): &&(String, Vec<String>)| pictures.len() >= LEAST_PHOTOS;
    let things: Vec<(String, Vec<String>)> = photos.things.iter().filter(enough).cloned().collect();
    let cells = cells();
    let most = cells.iter().map(|cell| cell.names).max().unwrap_or(0);
    for (what, found) in [
        ("things with 5 photos or more", things.len()),
        ("words that it may name things by", words.len()),
    ] {
        if found < most {
            return Err(Error::TooFew { what, found, most });
        }
    }
    let contexts = options.queries.div_ceil(OF_CONTEXT) as u64;
    let mut means = ClassMeans::default();
    let mut shares = vec![(Share::default(), Share::default()); cells.len()];
    for number in 0..contexts {
        for (share, cell) in shares.iter_mut().zip(&cells) {
            let context = context(&things, &words, *cell, options.seed, number);
            let asked = OF_CONTEXT.min(options.queries - number as usize * OF_CONTEXT);
            let prompts = context.prompts();
            let scores = engine.score(&prompts[..asked], photos, RankBy::Sum)?;
            for ((thing, _), scores) in context.queries.iter().zip(&scores) {
                share.0.count(scores.best == *thing);
            }
            if cell.pictures == Pictures::Real {
                for (thing, nearest) in means
                    .nearest(engine, photos, &context)?
                    .into_iter()
                    .take(asked)
                {
                    share.1.count(thing == nearest);
                }
            }
            progress(asked);
        }
    }
    let figure = |(cell, (accuracy, mean)): (&Cell, (Share, Share))| NamingFigure {
        names: cell.names,
        shots_each: cell.shots_each,
        pictures: cell.pictures,
        accuracy,
        class_mean: (mean.queries > 0).then_some(mean),
        queries: accuracy.queries,
    };
    Ok(NamingReport {
        photos: things.iter().map(|(_, pictures)| pictures.len()).sum(),
        things: things.len(),
        figures: cells.iter().zip(shares).map(figure).collect(),
    })
}

/// Features of pictures, of length 1.
#[derive(Default)]
struct ClassMeans(HashMap<String, Vec<f32>>);

impl ClassMeans {
    /// For each query its thing, and that whose mean is nearest.
    fn nearest(
        &mut self,
        engine: &Engine,
        photos: &Photos,
        context: &Context,
    ) -> Result<Vec<(usize, usize)>> {
        let shown = context.shots.iter().map(|(_, picture, _)| picture);
        let shown = shown.chain(context.queries.iter().map(|(_, picture)| picture));
        let mut missing: Vec<&String> = shown
            .filter(|picture| !self.0.contains_key(*picture))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        for chunk in missing.chunks(ENCODED_AT_ONCE) {
            let images = chunk.iter().map(|picture| photos.image(picture));
            let images = images.collect::<flamingo_engine::Result<Vec<Image>>>()?;
            for (picture, mut features) in chunk.iter().zip(engine.pooled(&images)) {
                normalise(&mut features);
                self.0.insert((*picture).clone(), features);
            }
        }
        let mut means = vec![Vec::new(); context.names.len()];
        for (thing, picture, _) in &context.shots {
            let (mean, features) = (&mut means[*thing], &self.0[picture]);
            mean.resize(features.len(), 0.0);
            mean.iter_mut().zip(features).for_each(|(sum, v)| *sum += v);
        }
        means.iter_mut().for_each(|mean| normalise(mean));
        let nearest = |features: &Vec<f32>| {
            let near = |mean: &Vec<f32>| mean.iter().zip(features).map(|(a, b)| a * b).sum::<f32>();
            let near: Vec<f32> = means.iter().map(near).collect();
            (0..near.len())
                .max_by(|a, b| near[*a].total_cmp(&near[*b]))
                .unwrap_or(0)
        };
        Ok(context
            .queries
            .iter()
            .map(|(thing, picture)| (*thing, nearest(&self.0[picture])))
            .collect())
    }
}

fn normalise(values: &mut [f32]) {
    let length = values
        .iter()
        .map(|v| v * v)
        .sum::<f32>()
        .sqrt()
        .max(f32::MIN_POSITIVE);
    values.iter_mut().for_each(|v| *v /= length);
}

const CELL: usize = 13;

impl fmt::Display for NamingReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shots: Vec<usize> = self
            .figures
            .iter()
            .map(|figure| figure.shots_each)
            .collect();
        shots.sort_unstable();
        shots.dedup();
        write!(f, "{:<32}", "new names for things in photos")?;
        for &shots in &shots {
            write!(f, "{:>CELL$}", shots_label(shots))?;
        }
        writeln!(f, "{:>CELL$}", "chance")?;
        let mut rows: Vec<(usize, Pictures)> = Vec::new();
        for figure in &self.figures {
            if !rows.contains(&(figure.names, figure.pictures)) {
                rows.push((figure.names, figure.pictures));
            }
        }
        for row in rows {
            let of = |shots: usize| {
                let mut figures = self.figures.iter();
                figures.find(|figure| {
                    (figure.names, figure.pictures) == row && figure.shots_each == shots
                })
            };
            let line = |f: &mut fmt::Formatter<'_>,
                        label: String,
                        share: &dyn Fn(usize) -> Option<Share>| {
                write!(f, "{label:<32}")?;
                for &shots in &shots {
                    match share(shots) {
                        Some(share) => write!(f, "{share:>CELL$}")?,
                        None => write!(f, "{:>CELL$}", "")?,
                    }
                }
                writeln!(f, "{:>CELL$}", format!("{:.0}%", 100.0 / row.0 as f64))
            };
            line(f, format!("  {}", row_label(row)), &|shots| {
                of(shots).map(|figure| figure.accuracy)
            })?;
            if row.1 == Pictures::Real {
                let mean = |shots| of(shots).and_then(|figure| figure.class_mean);
                line(f, "    nearest class mean".to_owned(), &mean)?;
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
        let figure = |(right, cell): (usize, Cell)| NamingFigure {
            names: cell.names,
            shots_each: cell.shots_each,
            pictures: cell.pictures,
            accuracy: share(right),
            class_mean: (cell.pictures == Pictures::Real).then(|| share(40 - right)),
            queries: 40,
        };
        let report = NamingReport {
            things: 7,
            photos: 41,
            figures: (20..).zip(cells()).map(figure).collect(),
        };
        insta::assert_snapshot!(report, @"
        new names for things in photos      1 of each    2 of each    4 of each       chance
          2 names                          50.0% ±7.9   52.5% ±7.9   55.0% ±7.9          50%
            nearest class mean             50.0% ±7.9   47.5% ±7.9   45.0% ±7.9          50%
          5 names                          57.5% ±7.8   60.0% ±7.7   62.5% ±7.7          20%
            nearest class mean             42.5% ±7.8   40.0% ±7.7   37.5% ±7.7          20%
          2 names, blank pictures          65.0% ±7.5                67.5% ±7.4          50%
          5 names, blank pictures          70.0% ±7.2                72.5% ±7.1          20%
          2 names, shuffled labels         75.0% ±6.8                77.5% ±6.6          50%
          5 names, shuffled labels         80.0% ±6.3                82.5% ±6.0          20%

        7 things, 41 photos; 40 queries a figure, ± standard error
        ");
    }
}
