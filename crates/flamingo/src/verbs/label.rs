//! `flamingo label`: photos labelled by a few shots of each class.

mod args;
mod outputs;
mod page;
mod photos;

use std::io::IsTerminal;

use flamingo::Files;
use flamingo::engine::{Embedding, Engine, Error as EngineError};
use flamingo::eval::{
    Calibration, Doubt, Error as EvalError, Label, LabelOptions, Labeller, Shots,
};

use indicatif::ProgressBar;

use crate::failure::{Failure, Hint, Result};
use crate::{interrupt, output};
pub(crate) use args::LabelArgs;
use outputs::Outputs;

/// Photos that are read, labelled and written together.
const TOGETHER: usize = 32;

const BAR: &str =
    "{spinner} {bar:40.cyan} {percent:>3}%  {human_pos} of {human_len} photos, {eta} left";

/// What became of the photos.
#[derive(Debug, Default)]
struct Counts {
    labelled: usize,
    unsure: usize,
    unlike: usize,
    unreadable: usize,
}

pub(crate) fn run(args: &LabelArgs) -> Result<()> {
    check(args)?;
    let (shots, _) = Shots::read(&args.shots)?;
    let photos = photos::photos(&args.photos)?;
    let outputs = Outputs::of(args)?;
    interrupt::ends_with(format!("{}the same command begins anew", outputs.stands()))?;
    let mut outputs = outputs.begin()?;
    let mut engine = args.model.open()?;
    let files = Files::of([]).read_with(args.media.reader());
    let length = (shots.shots.len() + photos.len()) as u64;
    let bar = match outputs.are_lines() && std::io::stdout().is_terminal() {
        // The lines themselves show how far it is.
        true => ProgressBar::hidden(),
        false => output::bar(length, BAR),
    };
    let (labeller, pictures) = labeller(args, &mut engine, &files, shots, &mut |n| bar.inc(n))?;
    outputs.head(&engine, &labeller, &pictures, &files)?;
    let mut counts = Counts::default();
    for some in photos.chunks(TOGETHER) {
        let read = readable(&mut engine, &files, some, "photo");
        let embeddings: Vec<Embedding> = read
            .iter()
            .filter_map(|r| r.as_ref().ok().cloned())
            .collect();
        let mut labels = labeller
            .label(&mut engine, &files, &embeddings, outputs.looks())?
            .into_iter();
        for (photo, read) in some.iter().zip(read) {
            let label = match read {
                Ok(_) => Ok(labels.next().expect("a label for each that was read")),
                Err(reason) => Err(reason),
            };
            counts.add(&label);
            outputs.add(&engine, &labeller, photo, label, &files)?;
        }
        bar.inc(some.len() as u64);
    }
    bar.finish_and_clear();
    outputs.finish(&summary(&counts, labeller.calibration(), &labeller))
}

fn check(args: &LabelArgs) -> Result<()> {
    if args.nearest == Some(0) {
        return Err(Failure::new(
            "--nearest is 0: give 1 or more, or leave it out for all shots",
        ));
    }
    if !(0.0..=1.0).contains(&args.sure) {
        return Err(Failure::new(format!(
            "--sure is {}: give a share from 0 to 1",
            args.sure
        )));
    }
    Ok(())
}

/// What the model makes of pictures; those that cannot be read are named in a warning.
fn readable(
    engine: &mut Engine,
    files: &Files,
    pictures: &[String],
    what: &str,
) -> Vec<Result<Embedding, String>> {
    let references: Vec<&str> = pictures.iter().map(String::as_str).collect();
    let embeddings = engine.embed(&references, files).into_iter();
    let named = |(picture, read): (&&str, flamingo::engine::Result<Embedding>)| {
        read.map_err(|error| {
            let error = error.to_string();
            tracing::warn!(picture, "the {what} is left out: {error}");
            error
        })
    };
    references.iter().zip(embeddings).map(named).collect()
}

/// The labeller, and for each class where its shots lie.
fn labeller(
    args: &LabelArgs,
    engine: &mut Engine,
    files: &Files,
    shots: Shots,
    progress: &mut dyn FnMut(u64),
) -> Result<(Labeller, Vec<Vec<String>>)> {
    let mut usable = Vec::with_capacity(shots.shots.len());
    let mut places = vec![Vec::new(); shots.classes.len()];
    for some in shots.shots.chunks(TOGETHER) {
        let pictures: Vec<String> = some.iter().map(|(_, place)| place.clone()).collect();
        let read = readable(engine, files, &pictures, "shot");
        for ((class, place), embedding) in some.iter().zip(read) {
            if let Ok(embedding) = embedding {
                usable.push((*class, embedding));
                places[*class].push(place.clone());
            }
        }
        progress(some.len() as u64);
    }
    let options = LabelOptions {
        nearest: args.nearest,
        right: args.sure,
        ..LabelOptions::default()
    };
    let most = options.nearest.unwrap_or(usable.len()).min(usable.len()) + 1;
    if most > args.model.max_media {
        let failure = Failure::new(format!(
            "a prompt of all {} shots and a photo has {most} pictures, at most {} are allowed",
            usable.len(),
            args.model.max_media
        ));
        return Err(failure).hint(
            "give --nearest 32 to put the likest shots alone into each prompt, or --max-media N",
        );
    }
    let labeller = Labeller::new(engine, files, shots.classes, usable, options);
    let labeller = match labeller {
        Err(error @ EvalError::Engine(EngineError::TooLong { .. })) => {
            Err(error).hint("--nearest N puts fewer shots into each prompt")?
        }
        labeller => labeller?,
    };
    Ok((labeller, places))
}

impl Counts {
    fn add(&mut self, label: &Result<Label, String>) {
        match label {
            Err(_) => self.unreadable += 1,
            Ok(label) => {
                self.labelled += 1;
                match label.doubt {
                    None => {}
                    Some(Doubt::Unsure) => self.unsure += 1,
                    Some(Doubt::Unlike) => self.unlike += 1,
                }
            }
        }
    }
}

/// What became of the photos, and how far to trust the labels.
fn summary(counts: &Counts, calibration: &Calibration, labeller: &Labeller) -> String {
    let Counts {
        labelled,
        unsure,
        unlike,
        unreadable,
    } = counts;
    let mut lines = vec![format!(
        "{labelled} photos labelled as {} classes: {unsure} of them unsure, {unlike} unlike the shots",
        labeller.classes().len()
    )];
    if *unreadable > 0 {
        lines.push(format!(
            "{unreadable} could not be read; each is named above"
        ));
    }
    lines.extend(calibration.sentences());
    lines.join("\n")
}
