//! Contrastive training of the vision encoder (paper, appendix B.1.3): pictures against texts, both
//! directions, learnt temperature.
//!
//! Where we differ: the paper's batches are 16,384 pairs. With `texts = "all"` a small batch of
//! pictures is told apart from a caption of everything that the source is about, for the text tower
//! is cheap where captions are short; each text finds its picture within the batch.

use std::collections::BTreeMap;
use std::path::Path;

use flamingo_data::{Library, Opened, Order, stream};
use flamingo_image::{Image, Media, Preprocess, Wanted};
use flamingo_kernels::{Device, Init, Tensor, floats};
use flamingo_model::contrastive::{Contrastive, ContrastiveConfig, accuracy};
use flamingo_sequence::Tokenizer;
use flamingo_weights::{FORMAT_VERSION, ModelConfig, ModelFile, named_tensors, save};
use rand::Rng;
use rand::seq::IndexedRandom;
use rayon::prelude::*;

use crate::batches::{Feed, compile, said};
use crate::language::{check_vocabulary, recipe_tokenizer};
use crate::task::{Part, Task};
use crate::{Error, Observer, Recipe, Result, Texts, Together};

/// Pictures that are read at once.
const READ_BATCH: usize = 1024;

/// A contrastive training.
pub(crate) struct ContrastiveTask {
    recipe: Recipe,
    config: ContrastiveConfig,
    preprocess: Preprocess,
    tokenizer: Tokenizer,
    feeds: Vec<Feed>,
    pairs: Vec<Pairs>,
    /// The squares that the encoder sees.
    pictures: Vec<Image>,
    device: Device,
}

/// A source as pairs, by what they are about.
struct Pairs {
    /// Tokens of each sample's caption.
    captions: Vec<Vec<u32>>,
    /// The picture of each sample.
    pictures: Vec<usize>,
    /// The samples about each thing.
    about: Vec<Vec<usize>>,
    order: Order,
}

impl ContrastiveTask {
    /// Reads the data, keeps every picture in memory, and builds the towers on `device` (with
    /// autodiff).
    pub(crate) fn prepare(
        recipe: &Recipe,
        config: &ContrastiveConfig,
        device: &Device,
        observer: &mut dyn Observer,
    ) -> Result<(Self, Contrastive)> {
        let preprocess = recipe
            .preprocess
            .clone()
            .ok_or_else(|| Error::contradiction("the recipe needs `preprocess`"))?;
        let tokenizer = recipe_tokenizer(recipe)?;
        check_vocabulary(&tokenizer, config.text.vocabulary)?;
        check_sizes(recipe, config, &preprocess)?;
        let model = Contrastive::new(config, &mut Init::new(recipe.seed, device))?;
        let model = recipe.initial.changed(model)?;
        let (mut feeds, mut pairs) = (Vec::new(), Vec::new());
        let mut library = Library::default();
        for spec in &recipe.data {
            let mut feed = Feed::open(spec, recipe.seed)?;
            feed.retain(not_a_pair)?;
            let read = |media: Vec<Media>, done, all| {
                observer.stage(&format!("reading the pictures of {}", spec.name), done, all);
                Ok::<_, Error>(
                    media
                        .par_iter()
                        .map(|media| square(media, &preprocess))
                        .collect(),
                )
            };
            // It has no films.
            let opened = Opened {
                reader: &spec.reader(None),
                wanted: &Wanted::default(),
            };
            library.load(&mut feed.source, &spec.path, opened, READ_BATCH, read)?;
            keep_about(&mut feed)?;
            // Asked again, now that the samples are final: nothing new is loaded.
            let none = |_: Vec<Media>, _, _| Ok::<_, Error>(Vec::new());
            let shown = library.load(&mut feed.source, &spec.path, opened, READ_BATCH, none)?;
            pairs.push(Pairs::new(&feed, shown, &tokenizer, recipe.seed)?);
            feeds.push(feed);
        }
        let task = Self {
            recipe: recipe.clone(),
            config: config.clone(),
            preprocess,
            tokenizer,
            feeds,
            pairs,
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
    let positions = config.text.positions;
    match recipe
        .data
        .iter()
        .find(|data| positions > 0 && data.length > positions)
    {
        Some(data) => Err(Error::contradiction(format!(
            "source {:?}: length is {}, the text tower has {positions} positions: lower it",
            data.name, data.length
        ))),
        None => Ok(()),
    }
}

/// Contrastive training wants one picture and its caption.
fn not_a_pair(document: &flamingo_sequence::Document) -> Option<(String, String)> {
    let media: Vec<_> = document.media().collect();
    let single = matches!(media[..], [(_, flamingo_sequence::MediaKind::Image, _)]);
    let text = said(document);
    (!single || text.trim().is_empty()).then(|| {
        let detail = format!("{} pictures or films and the text {text:?}", media.len());
        ("not a picture with a caption".to_owned(), detail)
    })
}

fn square(media: &Media, preprocess: &Preprocess) -> Image {
    match media {
        Media::Image(image) => preprocess.picture(image),
        Media::Film(film) => preprocess.picture(&film.frames[0]),
    }
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

impl Pairs {
    fn new(feed: &Feed, shown: Vec<Vec<usize>>, tokenizer: &Tokenizer, seed: u64) -> Result<Self> {
        let regex = match &feed.spec.about {
            Some(pattern) => Some(compile(pattern, &feed.spec.name, "about")?),
            None => None,
        };
        let mut about: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut captions = Vec::new();
        for (index, sample) in feed.source.samples.iter().enumerate() {
            let text = said(&sample.document);
            let thing = regex
                .as_ref()
                .and_then(|regex| Some(regex.captures(&text)?.get(1)?.as_str()));
            about
                .entry(thing.unwrap_or(&text).to_owned())
                .or_default()
                .push(index);
            let mut ids = tokenizer.encode(&text)?;
            ids.truncate(feed.spec.length);
            captions.push(ids);
        }
        let about: Vec<Vec<usize>> = about.into_values().collect();
        if about.len() < feed.spec.batch {
            return Err(Error::contradiction(format!(
                "source {:?}: batch is {}, but its captions are about {} things, and no two pairs of \
                 a batch may be about the same: lower it",
                feed.spec.name,
                feed.spec.batch,
                about.len()
            )));
        }
        let order = Order::new(seed, &feed.spec.name, about.len());
        let pictures = shown.into_iter().map(|media| media[0]).collect();
        Ok(Self {
            captions,
            pictures,
            about,
            order,
        })
    }

    /// The things of batch `number`: all different, each once an epoch (but for a last few).
    fn things(&self, number: u64, batch: u64) -> Vec<usize> {
        let things = self.about.len() as u64;
        let in_epoch = things / batch;
        let first = number / in_epoch * things + number % in_epoch * batch;
        (first..first + batch)
            .map(|place| self.order.item(place))
            .collect()
    }
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
        _together: &dyn Together,
        take: &mut dyn FnMut(Part) -> Result<()>,
    ) -> Result<()> {
        let (spec, pairs) = (&self.feeds[feed].spec, &self.pairs[feed]);
        let mut rng = stream(self.recipe.seed, &spec.name, &[number]);
        let things = pairs.things(number, spec.batch as u64);
        let mut any = |thing: usize| *pairs.about[thing].choose(&mut rng).expect("never empty");
        let samples: Vec<usize> = things.iter().map(|thing| any(*thing)).collect();
        let mut about = things;
        let mut texts: Vec<&[u32]> = samples
            .iter()
            .map(|sample| pairs.captions[*sample].as_slice())
            .collect();
        if spec.texts == Texts::All {
            let mut absent = vec![true; pairs.about.len()];
            about.iter().for_each(|thing| absent[*thing] = false);
            for thing in (0..absent.len()).filter(|thing| absent[*thing]) {
                texts.push(&pairs.captions[any(thing)]);
                about.push(thing);
            }
        }
        let seeds: Vec<u64> = samples.iter().map(|_| rng.random()).collect();
        let pixels: Vec<Vec<f32>> = samples
            .par_iter()
            .zip(seeds)
            .map(|(sample, seed)| {
                let picture = &self.pictures[pairs.pictures[*sample]];
                let mut rng = stream(seed, "augment", &[]);
                self.preprocess
                    .pixels(&spec.augment.apply(picture, &mut rng))
            })
            .collect();
        let (n, size) = (samples.len(), self.preprocess.size);
        let pixels: Tensor<4> = floats(pixels.concat(), [n, 3, size, size], &self.device);
        let (ids, lengths) = padded(&texts, self.tokenizer.specials().pad);
        let scores = model.scores(model.images(pixels), model.texts(&ids, &lengths));
        let [right, _] = accuracy(scores.clone().inner(), &about);
        let loss = model.loss(scores, &about);
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

/// Texts as rows of equal width, and their lengths.
fn padded(texts: &[&[u32]], pad: u32) -> (Vec<u32>, Vec<usize>) {
    let lengths: Vec<usize> = texts.iter().map(|text| text.len()).collect();
    let width = lengths.iter().copied().max().unwrap_or(0);
    let mut ids = Vec::with_capacity(width * texts.len());
    for text in texts {
        ids.extend_from_slice(text);
        ids.resize(ids.len() + width - text.len(), pad);
    }
    (ids, lengths)
}
