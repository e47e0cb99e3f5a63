//! Contrastive training of the vision encoder (paper, appendix B.1.3): pictures against texts, both
//! directions, learnt temperature.
//!
//! Where we differ: the paper's batches are 16,384 pairs. With `texts = "all"` a small batch of
//! pictures is told apart from a caption of everything that the source is about, for the text tower
//! is cheap where captions are short; each text finds its picture within the batch.

use std::path::Path;

use flamingo_data::{Library, Opened};
use flamingo_image::{Image, Media, Preprocess, Wanted};
use flamingo_kernels::{Device, Init};
use flamingo_model::contrastive::{Contrastive, ContrastiveConfig, accuracy};
use flamingo_sequence::Tokenizer;
use flamingo_weights::{FORMAT_VERSION, ModelConfig, ModelFile, named_tensors, save};
use rayon::prelude::*;

use crate::batches::{Feed, compile, said};
use crate::language::{check_vocabulary, recipe_tokenizer};
use crate::pairs::{Held, StreamedPairs, of_stream, pair, square};
use crate::pairs_in_parts::Show;
use crate::streamed::{Drawing, Streamed};
use crate::task::{Part, Task};
use crate::together::own_rows;
use crate::tree::draw;
use crate::{DataSpec, Error, Observer, Recipe, Result, Together, pairs_in_parts};

/// Pictures that are read at once.
const READ_BATCH: usize = 1024;

/// A contrastive training.
pub(crate) struct ContrastiveTask {
    recipe: Recipe,
    config: ContrastiveConfig,
    preprocess: Preprocess,
    tokenizer: Tokenizer,
    feeds: Vec<Feed>,
    supplies: Vec<Supply>,
    /// The squares that the encoder sees, of the sources in memory.
    pictures: Vec<Image>,
    device: Device,
}

/// Where the pairs of a source come from.
enum Supply {
    Held(Held),
    Streamed(Streamed<StreamedPairs>),
}

impl ContrastiveTask {
    /// Reads the data, keeps every picture of what is no stream in memory, and builds the towers on `device` (with
    /// autodiff).
    pub(crate) fn prepare(
        recipe: &Recipe,
        config: &ContrastiveConfig,
        device: &Device,
        together: &dyn Together,
        observer: &mut dyn Observer,
    ) -> Result<(Self, Contrastive)> {
        let preprocess = recipe
            .preprocess
            .clone()
            .ok_or_else(|| Error::contradiction("the recipe needs `preprocess`"))?;
        let tokenizer = recipe_tokenizer(recipe)?;
        check_vocabulary(&tokenizer, config.text.vocabulary)?;
        check_sizes(recipe, config, &preprocess)?;
        check_processes(recipe, together)?;
        let model = Contrastive::new(config, &mut Init::new(recipe.seed, device))?;
        let model = recipe.initial.changed(model)?;
        draw(&model);
        let (mut feeds, mut supplies) = (Vec::new(), Vec::new());
        let mut library = Library::default();
        for spec in &recipe.data {
            let mut feed = Feed::open(spec, recipe.seed)?;
            let supply = match feed.stream.clone() {
                Some(stream) => Supply::Streamed(Streamed::new(Drawing {
                    spec: spec.clone(),
                    seed: recipe.seed,
                    stream,
                    reader: spec.reader(None),
                    threads: recipe.threads,
                    rows: own_rows(together, spec.batch),
                    make: StreamedPairs {
                        tokenizer: tokenizer.clone(),
                        preprocess: preprocess.clone(),
                    },
                })),
                None => {
                    let shown = read(&mut feed, &mut library, &preprocess, observer)?;
                    Supply::Held(Held::new(&feed, shown, &tokenizer, recipe.seed)?)
                }
            };
            supplies.push(supply);
            feeds.push(feed);
        }
        let task = Self {
            recipe: recipe.clone(),
            config: config.clone(),
            preprocess,
            tokenizer,
            feeds,
            supplies,
            pictures: library.items,
            device: device.clone(),
        };
        Ok((task, model))
    }
}

/// Pictures must be as large as the encoder wants them, and captions no longer than the text tower
/// has positions.
fn check_sizes(recipe: &Recipe, config: &ContrastiveConfig, preprocess: &Preprocess) -> Result<()> {
    let wanted = config.vision.image_size();
    if preprocess.size != wanted {
        return Err(Error::contradiction(format!(
            "preprocess.size is {}, the encoder's image_size is {wanted}: make them equal",
            preprocess.size
        )));
    }
    if preprocess.is_tiled() {
        return Err(Error::contradiction(
            "preprocess.fit is tiles, the encoder sees one square: give pad, center_crop or squash",
        ));
    }
    let longest = config.text.longest();
    let too_long = |data: &&DataSpec| longest.is_some_and(|longest| data.length > longest);
    match recipe.data.iter().find(too_long) {
        Some(data) => Err(Error::contradiction(format!(
            "source {:?}: length is {}, the text tower has positions for {} tokens: lower it",
            data.name,
            data.length,
            longest.unwrap_or_default()
        ))),
        None => Ok(()),
    }
}

/// Every process must have a picture of each batch.
fn check_processes(recipe: &Recipe, together: &dyn Together) -> Result<()> {
    let world = together.world();
    match recipe.data.iter().find(|data| data.batch < world) {
        Some(data) => Err(Error::contradiction(format!(
            "source {:?}: batch is {}, fewer pairs than the {world} processes: raise it, or start fewer",
            data.name, data.batch
        ))),
        None => Ok(()),
    }
}

/// Reads the pictures of a source in memory, and keeps the samples that are pairs. Returns for each of them the pictures
/// that it shows.
fn read(
    feed: &mut Feed,
    library: &mut Library<Image>,
    preprocess: &Preprocess,
    observer: &mut dyn Observer,
) -> Result<Vec<Vec<usize>>> {
    feed.retain(|document| {
        let why = pair(document).err()?;
        Some((why.reason, why.detail))
    })?;
    let spec = feed.spec.clone();
    let read = |media: Vec<Media>, done, all| {
        observer.stage(&format!("reading the pictures of {}", spec.name), done, all);
        let squares = media.par_iter().map(|media| square(media, preprocess));
        Ok::<_, Error>(squares.collect())
    };
    // It has no films.
    let opened = Opened {
        reader: &spec.reader(None),
        wanted: &Wanted::default(),
    };
    library.load(&mut feed.source, &spec.path, opened, READ_BATCH, read)?;
    keep_about(feed)?;
    // Asked again, now that the samples are final: nothing new is loaded.
    let none = |_: Vec<Media>, _, _| Ok::<_, Error>(Vec::new());
    library.load(&mut feed.source, &spec.path, opened, READ_BATCH, none)
}

/// Keeps the captions in which `about` finds something.
fn keep_about(feed: &mut Feed) -> Result<()> {
    let Some(pattern) = feed.spec.about.clone() else {
        return Ok(());
    };
    let regex = compile(&pattern, &feed.spec.name, "about")?;
    if regex.captures_len() < 2 {
        return Err(Error::contradiction(format!(
            "source {:?}: `about` {pattern:?} has no group: put what counts in parentheses",
            feed.spec.name
        )));
    }
    let found = |text: &str| {
        regex
            .captures(text)
            .is_some_and(|found| found.get(1).is_some())
    };
    feed.select("about", &pattern, |document| found(&said(document)))
}

impl Task for ContrastiveTask {
    type Model = Contrastive;

    fn feeds(&self) -> &[Feed] {
        &self.feeds
    }

    fn losses(
        &self,
        model: &Contrastive,
        feed: usize,
        number: u64,
        together: &dyn Together,
        take: &mut dyn FnMut(Part) -> Result<()>,
    ) -> Result<()> {
        let spec = &self.feeds[feed].spec;
        let batch = match &self.supplies[feed] {
            Supply::Held(pairs) => {
                pairs.batch(spec, self.recipe.seed, number, &self.pictures, together)
            }
            Supply::Streamed(streamed) => of_stream(streamed, spec.batch, number, together)?,
        };
        let show = Show {
            preprocess: &self.preprocess,
            pad: self.tokenizer.specials().pad,
            device: &self.device,
        };
        let at_once = spec.micro_batch.unwrap_or(batch.about.len());
        if together.world() > 1 || at_once < batch.about.len() {
            return pairs_in_parts::losses(&show, model, &batch, at_once, together, take);
        }
        let images = show.images(model, &batch.pictures);
        let scores = model.scores(images, show.texts(model, &batch.texts));
        let [right, _] = accuracy(scores.clone().inner(), &batch.about);
        let loss = model.loss(scores, &batch.about);
        take(Part {
            loss: loss.mean,
            share: 1.0,
            targets: loss.targets,
            accuracy: Some(right),
        })
    }

    fn save(&self, model: &Contrastive, folder: &Path) -> Result<()> {
        let file = ModelFile {
            version: FORMAT_VERSION,
            preprocess: Some(self.preprocess.clone()),
            tokens: self
                .recipe
                .tokens
                .clone()
                .expect("the tokenizer was read with them"),
            sees: Default::default(),
            parts: Default::default(),
            template: None,
            model: ModelConfig::Contrastive(self.config.clone()),
        };
        let tensors = named_tensors(model);
        Ok(save(
            folder,
            &file,
            &self.tokenizer,
            &tensors,
            self.recipe.weights,
        )?)
    }
}
