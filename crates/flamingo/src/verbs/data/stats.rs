//! `flamingo data stats`: how long texts are, how many pictures there are and how large, and which are broken.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use clap::Args;
use flamingo::data::{Sample, Source};
use flamingo::film::Reader;
use flamingo::image::{Media, Wanted};
use flamingo::sequence::{MediaKind, Sequence, Tokenizer};
use flamingo::weights::open;
use rayon::prelude::*;
use serde::Serialize;

use super::path::DataPath;
use crate::args::{MediaArgs, SourceArgs};
use crate::failure::{Failure, Result};
use crate::output;

/// Count a data set: lengths in tokens, pictures for each document, their sizes, and what is broken.
///
/// Every picture and film is opened once. Lengths are in tokens of the model's tokenizer, `<image>` and `<EOC>`
/// included.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  flamingo data stats photos/\n  flamingo data stats corpus/shards --model photos --json"
)]
pub(crate) struct StatsArgs {
    #[command(flatten)]
    data: DataPath,
    #[command(flatten)]
    files: SourceArgs,
    #[command(flatten)]
    media: MediaArgs,
    /// Leave pictures and films closed
    #[arg(long)]
    texts_only: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Documents that are looked at at once.
const AT_ONCE: usize = 256;

/// What is printed.
#[derive(Default, Serialize)]
struct Stats {
    format: &'static str,
    found: usize,
    kept: usize,
    left_out: BTreeMap<String, usize>,
    /// Tokens of a document.
    tokens: Spread,
    all_tokens: u64,
    /// Pictures and films of a document.
    media: Spread,
    images: usize,
    films: usize,
    /// Different names of pictures and films.
    different: usize,
    /// Pictures and films that cannot be opened, by reason.
    broken: BTreeMap<String, usize>,
    /// Pixels of the shorter side of a picture, or of a film's first frame.
    shorter_side: Spread,
    /// Of a film that is seen.
    frames: Spread,
}

/// Some numbers, by what share of them is at most so much.
#[derive(Default, Serialize)]
struct Spread {
    least: usize,
    quarter: usize,
    half: usize,
    three_quarters: usize,
    nine_tenths: usize,
    most: usize,
    mean: f64,
}

impl Spread {
    fn of(mut values: Vec<u32>) -> Self {
        if values.is_empty() {
            return Self::default();
        }
        values.sort_unstable();
        let at = |share: f64| values[(share * (values.len() - 1) as f64).round() as usize] as usize;
        let sum: u64 = values.iter().map(|value| u64::from(*value)).sum();
        Self {
            least: at(0.0),
            quarter: at(0.25),
            half: at(0.5),
            three_quarters: at(0.75),
            nine_tenths: at(0.9),
            most: at(1.0),
            mean: sum as f64 / values.len() as f64,
        }
    }

    fn told(&self) -> String {
        format!(
            "{} to {}, a quarter at most {}, half {}, three quarters {}, nine tenths {}; mean {:.1}",
            self.least,
            self.most,
            self.quarter,
            self.half,
            self.three_quarters,
            self.nine_tenths,
            self.mean
        )
    }
}

/// What was looked at so far.
#[derive(Default)]
struct Counts {
    tokens: Vec<u32>,
    media: Vec<u32>,
    images: usize,
    films: usize,
    places: HashSet<u64>,
    broken: BTreeMap<String, usize>,
    sides: Vec<u32>,
    frames: Vec<u32>,
}

/// How documents are looked at.
struct Look<'a> {
    tokenizer: &'a Tokenizer,
    form: flamingo::sequence::Form,
    reader: Option<Reader>,
    wanted: Wanted,
}

pub(super) fn run(args: &StatsArgs) -> Result<()> {
    let format = args.data.format()?;
    let opened = open(&args.files.source()?)?;
    let look = Look {
        tokenizer: &opened.tokenizer,
        form: format.form(),
        reader: (!args.texts_only).then(|| args.media.reader()),
        wanted: Wanted {
            sampling: Some(args.media.sampling()),
            ..Wanted::default()
        },
    };
    let bar = output::spinner();
    let (mut counts, mut waiting) = (Counts::default(), Vec::new());
    let report = Source::each(format, &args.data.path, |sample| {
        waiting.push(sample);
        if waiting.len() == AT_ONCE {
            look.all(std::mem::take(&mut waiting), &mut counts);
            bar.set_message(format!("{} documents", counts.tokens.len()));
        }
        Ok::<_, Failure>(())
    });
    bar.finish_and_clear();
    let report = report?;
    look.all(waiting, &mut counts);
    let stats = Stats {
        format: format.name(),
        found: report.found,
        kept: report.kept(),
        left_out: report.left_out.clone(),
        all_tokens: counts.tokens.iter().map(|n| u64::from(*n)).sum(),
        tokens: Spread::of(counts.tokens),
        media: Spread::of(counts.media),
        images: counts.images,
        films: counts.films,
        different: counts.places.len(),
        broken: counts.broken,
        shorter_side: Spread::of(counts.sides),
        frames: Spread::of(counts.frames),
    };
    if args.json {
        return output::json(&stats);
    }
    args.data.tell(format, &report)?;
    output::line(&format!("tokens     {} in all", stats.all_tokens))?;
    output::line(&format!("           a document: {}", stats.tokens.told()))?;
    let (images, films, different) = (stats.images, stats.films, stats.different);
    output::line(&format!(
        "media      {images} pictures and {films} films, {different} different names"
    ))?;
    output::line(&format!("           a document: {}", stats.media.told()))?;
    if args.texts_only {
        return Ok(());
    }
    for (reason, count) in &stats.broken {
        output::line(&format!("broken     {count} x {reason}"))?;
    }
    if stats.shorter_side.most > 0 {
        let told = stats.shorter_side.told();
        output::line(&format!("sizes      pixels of the shorter side: {told}"))?;
    }
    if stats.films > 0 {
        output::line(&format!(
            "films      frames that are seen: {}",
            stats.frames.told()
        ))?;
    }
    Ok(())
}

impl Look<'_> {
    fn all(&self, samples: Vec<Sample>, counts: &mut Counts) {
        let seen: Vec<Seen> = samples.par_iter().map(|sample| self.one(sample)).collect();
        for seen in seen {
            counts.tokens.push(seen.tokens);
            counts.media.push(seen.media.len() as u32);
            for medium in seen.media {
                match medium.kind {
                    MediaKind::Image => counts.images += 1,
                    MediaKind::Video => counts.films += 1,
                }
                counts.places.insert(medium.name);
                match medium.opened {
                    None => {}
                    Some(Err(reason)) => *counts.broken.entry(reason.to_owned()).or_default() += 1,
                    Some(Ok((side, frames))) => {
                        counts.sides.push(side);
                        if medium.kind == MediaKind::Video {
                            counts.frames.push(frames);
                        }
                    }
                }
            }
        }
    }

    fn one(&self, sample: &Sample) -> Seen {
        let document = &sample.document;
        let sequence = Sequence::of_training(document, self.tokenizer, self.form);
        let media = document.media().map(|(_, kind, place)| Medium {
            kind,
            name: hash(&sample.base.key(place)),
            opened: self.reader.as_ref().map(|reader| {
                let media = sample.base.load(place, kind, reader, &self.wanted);
                let media = media.map_err(|error| error.reason())?;
                let (first, frames) = match &media {
                    Media::Image(image) => (image, 1),
                    Media::Film(film) => (&film.frames[0], film.frames.len()),
                };
                Ok((first.width.min(first.height), frames as u32))
            }),
        });
        Seen {
            tokens: sequence.map_or(0, |sequence| sequence.ids.len() as u32),
            media: media.collect(),
        }
    }
}

/// For names that would take much memory as they are.
fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// What one document has.
struct Seen {
    tokens: u32,
    media: Vec<Medium>,
}

/// One of its media.
struct Medium {
    kind: MediaKind,
    name: u64,
    /// Its shorter side and frames, or why it cannot be opened.
    opened: Option<std::result::Result<(u32, u32), &'static str>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_says_what_share_is_at_most_so_much() {
        let spread = Spread::of((0..=100).rev().collect());
        assert_eq!((spread.least, spread.quarter, spread.half), (0, 25, 50));
        assert_eq!(
            (spread.nine_tenths, spread.most, spread.mean),
            (90, 100, 50.0)
        );
        assert_eq!(Spread::of(vec![7]).told().matches('7').count(), 7);
        assert_eq!(Spread::of(Vec::new()).most, 0);
    }
}
