//! Flamingo's training (paper, 2.4): resampler and gated blocks between a frozen vision encoder and
//! a frozen language model, on a weighted mixture of pages, pairs and films.
//!
//! The loss of a source is the mean over the labelled tokens of its batch (the paper sums over the
//! tokens of a sequence and leaves the normalisation open); the sources' losses are summed with
//! their weights.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use flamingo_data::{Framing, Order, stream};
use flamingo_image::Preprocess;
use flamingo_kernels::{Device, Tensor, cross_entropy, floats, indices};
use flamingo_model::{Flamingo, FlamingoConfig, Looking, Media, PerceiverResampler};
use flamingo_sequence::{SpecialTokenNames, Tokenizer, Visibility};
use flamingo_weights::{ModelConfig, ModelFile, PartFiles, named_tensors, save};

use crate::batches::Feed;
use crate::components::Components;
use crate::episodes::{Episodes, Shown, thing};
use crate::features::{Encode, FeatureCache, Features, Preparing};
use crate::finished::Parts;
use crate::initial::ResamplerStart;
use crate::language::labelled;
use crate::new_tokens::NewTokens;
use crate::optimiser::OptimiserSpec;
use crate::options::Options;
use crate::regularise::normal;
use crate::rows::{Medium, Row, Rows};
use crate::streamed::{Drawing, Streamed};
use crate::task::{Part, Task};
use crate::together::{own_rows, sum_of};
use crate::tree::Flat;
use crate::{DataSpec, Error, FlamingoSpec, Observer, Recipe, Result, Together};

/// A Flamingo training.
pub(crate) struct FlamingoTask {
    recipe: Recipe,
    config: FlamingoConfig,
    preprocess: Preprocess,
    tokens: SpecialTokenNames,
    tokenizer: Tokenizer,
    new_tokens: NewTokens,
    part_files: PartFiles,
    feeds: Vec<Feed>,
    /// Where the rows of each source come from.
    supplies: Vec<Supply>,
    /// Of each distinct picture or film of the sources in memory.
    features: Vec<Arc<Features>>,
    /// For what is read as the training goes, if anything is.
    encode: Option<Encode>,
    device: Device,
}

/// Where the rows of a source come from.
enum Supply {
    /// Samples in memory, and for each the features of its media.
    Held {
        order: Order,
        media: Vec<Vec<usize>>,
    },
    /// Episodes of things in memory.
    Episodes(Episodes),
    Streamed(Streamed),
}

impl FlamingoTask {
    /// Reads the parts and the data, encodes every picture once, and builds the model.
    pub(crate) fn prepare(
        recipe: &Recipe,
        spec: &FlamingoSpec,
        options: &Options,
        observer: &mut dyn Observer,
    ) -> Result<(Self, Flamingo)> {
        let init = recipe
            .init
            .as_ref()
            .ok_or_else(|| Error::contradiction("`init` is missing"))?;
        let device = &options.device.clone().autodiff();
        let mut parts = Parts::load(init, &options.parts)?;
        let config = FlamingoConfig {
            vision: parts.vision.config.clone(),
            resampler: Some(spec.resampler.clone()),
            project_media: spec.project_media,
            media_projection_bias: false,
            gated: spec.gated.clone(),
            language: parts.language.config.clone(),
        };
        let mut model = parts.model(&config, &recipe.initial, recipe.seed, device)?;
        let feeds = recipe.data.iter().map(|spec| open(spec, recipe.seed));
        let mut feeds = feeds.collect::<Result<Vec<_>>>()?;
        let encode = encode(recipe, &parts, config.frames(), options)?;
        let (features, media) = encode.all(&mut feeds, observer)?;
        if let Some(ResamplerStart::Components) = recipe.initial.resampler {
            model.resampler = begun(model.resampler, &config, &features, recipe.seed, device)?;
        }
        let model = recipe.initial.changed(model)?;
        let tokenizer = &parts.language.tokenizer;
        let positions = config.vision.positions();
        let supplies = feeds.iter().zip(media).map(|(feed, media)| {
            if let Some(stream) = &feed.stream {
                return Ok(Supply::Streamed(Streamed::new(Drawing {
                    spec: feed.spec.clone(),
                    seed: recipe.seed,
                    stream: stream.clone(),
                    framing: framing(&feed.spec),
                    tokenizer: tokenizer.clone(),
                    reader: feed.spec.reader(options.ffmpeg.as_ref()),
                    wanted: encode.wanted(feed),
                    preparing: encode.preparing.clone(),
                    threads: recipe.threads,
                    rows: own_rows(&*options.together, feed.spec.batch),
                })));
            }
            let Some(spec) = &feed.spec.episode else {
                let order = feed.order(recipe.seed);
                return Ok(Supply::Held { order, media });
            };
            let samples = feed.source.samples.iter().zip(&media);
            let pairs =
                samples.filter_map(|(sample, items)| Some((thing(&sample.document)?, items[0])));
            Episodes::new(spec, &feed.spec.name, pairs, positions, tokenizer).map(Supply::Episodes)
        });
        let supplies = supplies.collect::<Result<Vec<_>>>()?;
        let is_stream = |supply: &Supply| matches!(supply, Supply::Streamed(_));
        let task = Self {
            recipe: recipe.clone(),
            encode: supplies.iter().any(is_stream).then_some(encode),
            config,
            preprocess: parts.vision.preprocess,
            tokens: parts.language.tokens,
            tokenizer: parts.language.tokenizer,
            new_tokens: parts.new_tokens,
            part_files: parts.files,
            feeds,
            supplies,
            features: features.into_iter().map(Arc::new).collect(),
            device: device.clone(),
        };
        Ok((task, model))
    }

    /// Some rows of batch `number` of a source, in parts of at most `micro_batch`.
    fn batch(&self, feed: usize, number: u64, rows: Range<u64>) -> Result<Vec<Rows>> {
        let spec = &self.feeds[feed].spec;
        let specials = self.tokenizer.specials();
        let of_sequences = |rows| Rows::of_sequences(rows, specials, spec.predict);
        let at_once = spec.micro_batch.unwrap_or(spec.batch);
        Ok(match &self.supplies[feed] {
            Supply::Held { order, media } => {
                let rows = rows.map(|row| self.row(feed, order, media, number, row));
                let rows = rows.collect::<Result<Vec<_>>>()?;
                in_parts(rows, at_once).map(of_sequences).collect()
            }
            Supply::Streamed(streamed) => in_parts(streamed.batch(number)?, at_once)
                .map(of_sequences)
                .collect(),
            Supply::Episodes(episodes) => {
                let draw = |row| {
                    let mut rng = stream(self.recipe.seed, &spec.name, &[number, row]);
                    episodes.draw(&self.tokenizer, &mut rng)
                };
                let episodes = rows.map(draw).collect();
                let medium = |shown| self.shown(shown);
                in_parts(episodes, at_once)
                    .map(|episodes| Rows::of_episodes(episodes, specials.pad, medium))
                    .collect()
            }
        })
    }

    /// Row `row` of batch `number` of samples in memory.
    fn row(
        &self,
        feed: usize,
        order: &Order,
        media: &[Vec<usize>],
        number: u64,
        row: u64,
    ) -> Result<Row> {
        let Feed { spec, source, .. } = &self.feeds[feed];
        let sample = order.item(number * spec.batch as u64 + row);
        let mut rng = stream(self.recipe.seed, &spec.name, &[number, row]);
        let document = &source.samples[sample].document;
        let example = framing(spec).example(document, &self.tokenizer, &mut rng)?;
        let known = |medium: &usize| {
            let features = &self.features[media[sample][*medium]];
            (*medium, Medium::Known(features.clone()))
        };
        let media = example.sequence.media.iter().map(known).collect();
        Ok(Row { example, media })
    }

    fn shown(&self, shown: Shown) -> Medium {
        let own = self.features[shown.item].clone();
        match shown.over {
            None => Medium::Known(own),
            Some((item, places)) => Medium::Composite(own, self.features[item].clone(), places),
        }
    }

    /// The media of some rows, those encoded that still are pixels.
    fn encoded(&self, mut media: Vec<Medium>) -> Result<Vec<Medium>> {
        let Some(encode) = &self.encode else {
            return Ok(media);
        };
        let mut prepared = Vec::new();
        let mut places = Vec::new();
        for (place, medium) in media.iter_mut().enumerate() {
            if let Medium::Prepared(pixels) = medium {
                prepared.push(std::mem::take(pixels));
                places.push(place);
            }
        }
        for (place, features) in places.into_iter().zip(encode.features(prepared)?) {
            media[place] = Medium::Known(Arc::new(features));
        }
        Ok(media)
    }

    /// Latents of the media of some rows, `[M, R, D]`: those with equally many frames at once. `noise` says which
    /// rows these are.
    fn latents(&self, model: &Flamingo, media: &[Medium], noise: &[u64]) -> Tensor<3> {
        let mut by_frames: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (place, medium) in media.iter().enumerate() {
            by_frames
                .entry(medium.own().frames)
                .or_default()
                .push(place);
        }
        let mut order = vec![0; media.len()];
        let mut latents = Vec::new();
        let mut next = 0;
        let width = self.config.vision.width();
        for (frames, places) in by_frames {
            let values: Vec<f32> = places
                .iter()
                .flat_map(|place| media[*place].values(width))
                .collect();
            let count = places.len();
            let positions = values.len() / (count * frames * width);
            let shape = [count, frames, positions, width];
            let mut features: Tensor<4> = floats(values, shape, &self.device);
            let strength = self.recipe.regularise.feature_noise;
            if strength > 0.0 {
                let numbers = [noise, &[frames as u64]].concat();
                let mut rng = stream(self.recipe.seed, "feature noise", &numbers);
                features = features + normal(shape, &mut rng, &self.device) * strength;
            }
            latents.push(model.resample(features, &[]));
            for place in places {
                order[place] = next;
                next += 1;
            }
        }
        let together = Tensor::cat(latents, 0);
        match order.is_sorted() {
            true => together,
            false => together.select(0, indices(order, &self.device)),
        }
    }
}

/// At most `at_once` each.
fn in_parts<T>(rows: Vec<T>, at_once: usize) -> impl Iterator<Item = Vec<T>> {
    let mut rows = rows.into_iter();
    std::iter::from_fn(move || {
        let part: Vec<T> = rows.by_ref().take(at_once).collect();
        (!part.is_empty()).then_some(part)
    })
}

/// Reads a source; one of episodes holds only pairs.
fn open(spec: &DataSpec, seed: u64) -> Result<Feed> {
    let mut feed = Feed::open(spec, seed)?;
    if spec.episode.is_some() {
        let detail = || "an episode needs one picture and one text, its name".to_owned();
        feed.retain(|document| {
            thing(document)
                .is_none()
                .then(|| ("no pair".to_owned(), detail()))
        })?;
    }
    Ok(feed)
}

fn encode(recipe: &Recipe, parts: &Parts, frames: usize, options: &Options) -> Result<Encode> {
    let device = options.device.clone();
    let (encoder, preprocess) = (parts.encoder(&device)?, parts.vision.preprocess.clone());
    let folder = recipe.cache.features.as_deref();
    let cache = folder.map(|folder| FeatureCache::open(folder, &encoder, &preprocess, &device));
    let cache = cache.transpose()?;
    Ok(Encode {
        preparing: Arc::new(Preparing { preprocess, cache }),
        encoder,
        frames,
        ffmpeg: options.ffmpeg.clone(),
        device,
    })
}

/// The resampler that begins as the mean of the principal components of these features.
fn begun(
    resampler: Option<PerceiverResampler>,
    config: &FlamingoConfig,
    features: &[Features],
    seed: u64,
    device: &Device,
) -> Result<Option<PerceiverResampler>> {
    let of_all = features.iter().map(|features| &features.values[..]);
    let (width, count) = (config.vision.width(), config.latent_width());
    let mut rng = stream(seed, "components", &[]);
    let components = Components::of(of_all, width, count, &mut rng, &device.clone().inner())?;
    resampler
        .map(|resampler| components.begin(resampler))
        .transpose()
}

/// How often the likeliest token is the right one.
fn accuracy(logits: Tensor<2>, targets: &[usize]) -> f64 {
    let likeliest = logits.inner().argmax(1).into_data().convert::<i64>();
    let likeliest: Vec<i64> = likeliest.try_to_vec().expect("converted to i64");
    let right = likeliest
        .iter()
        .zip(targets)
        .filter(|(found, target)| **found == **target as i64);
    right.count() as f64 / targets.len() as f64
}

/// How a source's documents become sequences; the paper's values where the recipe says nothing.
fn framing(spec: &DataSpec) -> Framing {
    let form = spec.form.unwrap_or(spec.format.form());
    let paper = Framing::of(form);
    Framing {
        form,
        length: spec.length,
        max_media: spec.max_media.unwrap_or(paper.max_media),
        p_next: spec.p_next.unwrap_or(paper.p_next),
        p_space: spec.p_space.unwrap_or(paper.p_space),
    }
}

impl Task for FlamingoTask {
    type Model = Flamingo;

    fn feeds(&self) -> &[Feed] {
        &self.feeds
    }

    fn losses(
        &self,
        model: &Flamingo,
        feed: usize,
        number: u64,
        together: &dyn Together,
        take: &mut dyn FnMut(Part) -> Result<()>,
    ) -> Result<()> {
        let spec = &self.feeds[feed].spec;
        let batch = self.batch(feed, number, own_rows(together, spec.batch))?;
        let of_all = sum_of(together, batch.iter().map(Rows::targets).sum());
        if of_all == 0 {
            return Err(Error::contradiction(format!(
                "source {:?}: a batch has nothing to predict: raise `length` ({}) or `max_media`",
                spec.name, spec.length
            )));
        }
        for (place, rows) in batch.into_iter().enumerate() {
            if rows.targets() == 0 {
                continue;
            }
            let mut noise = vec![feed as u64, number];
            let place = [place as u64, together.rank() as u64];
            noise.extend(place.iter().filter(|_| place != [0, 0]));
            let encoded = self.encoded(rows.media)?;
            let media = match encoded.is_empty() {
                true => Media::none(),
                false => model.media(self.latents(model, &encoded, &noise)),
            };
            let looking = Looking::new(&rows.sees, encoded.len(), &self.device);
            let hidden = model.hidden(&rows.input, &media, &looking);
            let [b, l, d] = hidden.dims();
            let (places, targets) = labelled(&rows.labels);
            let read = hidden
                .reshape([b * l, d])
                .select(0, indices(places, &self.device)); // [n, D]
            let logits = model.logits(read);
            let is_episode = matches!(self.supplies[feed], Supply::Episodes(_));
            let accuracy = is_episode.then(|| accuracy(logits.clone(), &targets));
            let loss = cross_entropy(logits, &targets, 0.0);
            take(Part {
                loss: loss.mean,
                share: loss.targets as f64 / of_all as f64,
                targets: loss.targets,
                accuracy,
            })?;
        }
        Ok(())
    }

    fn gates(&self, model: &Flamingo) -> BTreeMap<String, f64> {
        let open = |alpha: Tensor<1>| f64::from(alpha.inner().tanh().into_scalar::<f32>());
        let mut gates = BTreeMap::new();
        for (number, block) in model.gated.iter().enumerate() {
            gates.insert(format!("{number} attention"), open(block.alpha_xattn.val()));
            gates.insert(format!("{number} dense"), open(block.alpha_dense.val()));
        }
        gates
    }

    fn optimiser(&self, spec: &OptimiserSpec) -> OptimiserSpec {
        self.new_tokens.optimiser(spec)
    }

    fn mask(&self, gradients: &mut Flat) {
        self.new_tokens.mask(gradients);
    }

    fn save(&self, model: &Flamingo, folder: &Path) -> Result<()> {
        let file = ModelFile {
            version: ModelFile::least_version(&self.part_files, &self.config),
            preprocess: Some(self.preprocess.clone()),
            tokens: self.tokens.clone(),
            sees: Visibility::Last,
            parts: self.part_files.clone(),
            template: None,
            model: ModelConfig::Flamingo(self.config.clone()),
        };
        let tensors = named_tensors(model);
        let tensors = self.part_files.left_out_of(tensors, self.new_tokens.rows());
        Ok(save(
            folder,
            &file,
            &self.tokenizer,
            &tensors,
            self.recipe.weights,
        )?)
    }
}
