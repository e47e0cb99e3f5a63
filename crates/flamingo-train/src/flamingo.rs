//! Flamingo's training (paper, 2.4): resampler and gated blocks between a frozen vision encoder and
//! a frozen language model, on a weighted mixture of pages, pairs and films.
//!
//! The loss of a source is the mean over the labelled tokens of its batch (the paper sums over the
//! tokens of a sequence and leaves the normalisation open); the sources' losses are summed with
//! their weights.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use flamingo_data::{Framing, Order, stream};
use flamingo_image::Preprocess;
use flamingo_kernels::{Device, Predicted, Tensor, floats, indices, recorded_on};
use flamingo_model::vision::VisionEncoder;
use flamingo_model::{Flamingo, FlamingoConfig, Looking, Media};
use flamingo_sequence::{SpecialTokenNames, Tokenizer, Visibility};
use flamingo_weights::{Adapter, ModelConfig, ModelFile, save};
use rand_chacha::ChaCha8Rng;

use crate::batches::{Feed, said};
use crate::components::Components;
use crate::episodes::{Episodes, Shown, thing};
use crate::features::{Encode, FeatureCache, Features, Preparing};
use crate::finished::Parts;
use crate::held_out::{self, HeldOutReport, Look, Split};
use crate::initial::ResamplerStart;
use crate::language::{check_lengths, labelled};
use crate::new_tokens::NewTokens;
use crate::optimiser::OptimiserSpec;
use crate::options::Options;
use crate::regularise::normal;
use crate::rows::{Medium, Reading, Row, Rows};
use crate::start::{Product, Start};
use crate::streamed::{Drawing, Streamed};
use crate::streamed_rows::StreamedRows;
use crate::task::{ADAPTER, MODEL, Part, Task};
use crate::together::{own_rows, sum_of};
use crate::tree::{Flat, frozen_in, trained_tensors};
use crate::written::{Written, greedily, last_text};
use crate::{
    DataSpec, Error, FineTuneSpec, FlamingoSpec, Observer, Recipe, Result, Together, class_means,
    fine_tune, prompt,
};

/// Samples of each source that the model writes on at intervals.
const WRITTEN: usize = 3;

/// A Flamingo training.
pub(crate) struct FlamingoTask {
    recipe: Recipe,
    config: FlamingoConfig,
    preprocess: Preprocess,
    tokens: SpecialTokenNames,
    tokenizer: Tokenizer,
    sees: Visibility,
    new_tokens: NewTokens,
    product: Product,
    feeds: Vec<Feed>,
    /// Where the rows of each source come from.
    supplies: Vec<Supply>,
    /// Of each distinct picture or film of the sources in memory.
    features: Vec<Arc<Features>>,
    /// The directions in which those vary, if some episodes are mirrored.
    components: Option<Components>,
    /// Whether those are pixels, which the encoder sees in each step.
    encodes: bool,
    /// For what is read as the training goes, if anything is.
    encode: Option<Encode>,
    device: Device,
}

/// Where the rows of a source come from.
enum Supply {
    /// Samples in memory, and for each the features of its media.
    Held {
        /// Of those that are trained on.
        order: Order,
        media: Vec<Vec<usize>>,
        split: Split,
    },
    /// Episodes of things in memory.
    Episodes(Episodes),
    Streamed(Streamed<StreamedRows>),
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
        let device = &recipe.recording(&options.device);
        let mut parts = Parts::load(init, &options.parts)?;
        let config = FlamingoConfig {
            vision: parts.vision.config.clone(),
            resampler: Some(spec.resampler.clone()),
            project_media: spec.project_media,
            media_projection_bias: false,
            gated: spec.gated.clone(),
            language: parts.language.config.clone(),
        };
        let start = Start {
            model: parts.model(
                &config,
                &recipe.initial,
                (spec.language, recipe.seed),
                device,
            )?,
            encoder: Some(parts.encoder(&options.device)?),
            config,
            preprocess: parts.vision.preprocess.clone(),
            tokens: parts.language.tokens.clone(),
            tokenizer: parts.language.tokenizer.clone(),
            sees: spec.sees,
            new_tokens: parts.new_tokens.clone(),
            product: parts.product(),
        };
        Self::begin(recipe, start, options, observer)
    }

    /// Opens the model that is fine-tuned, reads the data, and encodes every picture once if the encoder is frozen.
    pub(crate) fn fine_tune(
        recipe: &Recipe,
        spec: &FineTuneSpec,
        options: &Options,
        observer: &mut dyn Observer,
    ) -> Result<(Self, Flamingo)> {
        let device = recipe.recording(&options.device);
        let start = fine_tune::start(spec, recipe.seed, &device, options)?;
        Self::begin(recipe, start, options, observer)
    }

    fn begin(
        recipe: &Recipe,
        start: Start,
        options: &Options,
        observer: &mut dyn Observer,
    ) -> Result<(Self, Flamingo)> {
        let device = &recipe.recording(&options.device);
        let Start {
            config, mut model, ..
        } = start;
        check_lengths(recipe, &model.language)?;
        let feeds = recipe.data.iter().map(|spec| open(spec, recipe.seed));
        let mut feeds = feeds.collect::<Result<Vec<_>>>()?;
        let encodes = start.encoder.is_none();
        let encode = encode(
            recipe,
            start.encoder.map(|encoder| recipe.precision.cast(encoder)),
            start.preprocess.clone(),
            &config,
            options,
        )?;
        let (features, media) = encode.all(&mut feeds, observer)?;
        let begins = recipe.initial.resampler == Some(ResamplerStart::Components);
        let mirrored = recipe.data.iter().any(mirrors);
        let mut components = None;
        if begins || mirrored {
            let found = components_of(&config, &features, recipe.seed, device)?;
            if begins {
                let resampler = model.resampler.map(|resampler| found.begin(resampler));
                model.resampler = resampler.transpose()?;
            }
            components = mirrored.then_some(found);
        }
        let mut model = recipe.initial.changed(model)?;
        let (language, precision) = (&mut model.language, recipe.precision);
        language.layers = frozen_in(std::mem::take(&mut language.layers), precision);
        if start.new_tokens.rows().is_empty() {
            language.embed = frozen_in(language.embed.clone(), precision);
            language.head = frozen_in(language.head.take(), precision);
        }
        let tokenizer = &start.tokenizer;
        let sizes = [config.vision.positions(), config.latent_width()];
        let supplies = feeds.iter().zip(media).map(|(feed, media)| {
            if let Some(stream) = &feed.stream {
                return Ok(Supply::Streamed(Streamed::new(Drawing {
                    spec: feed.spec.clone(),
                    seed: recipe.seed,
                    stream: stream.clone(),
                    reader: feed.spec.reader(options.ffmpeg.as_ref()),
                    threads: recipe.threads,
                    rows: own_rows(&*options.together, feed.spec.batch),
                    make: StreamedRows {
                        framing: framing(&feed.spec),
                        tokenizer: tokenizer.clone(),
                        wanted: encode.wanted(feed),
                        preparing: encode.preparing.clone(),
                    },
                })));
            }
            let Some(spec) = &feed.spec.episode else {
                let split = split(recipe, feed, &media)?;
                if recipe.held_out.is_some() {
                    let (trained, held_out) = (split.trained.len(), split.held_out.len());
                    observer.split(&feed.spec.name, trained, held_out);
                }
                let order = Order::new(recipe.seed, &feed.spec.name, split.trained.len());
                return Ok(Supply::Held {
                    order,
                    media,
                    split,
                });
            };
            let samples = feed.source.samples.iter().zip(&media);
            let pairs =
                samples.filter_map(|(sample, items)| Some((thing(&sample.document)?, items[0])));
            Episodes::new(spec, &feed.spec.name, pairs, sizes, tokenizer).map(Supply::Episodes)
        });
        let supplies = supplies.collect::<Result<Vec<_>>>()?;
        let is_stream = |supply: &Supply| matches!(supply, Supply::Streamed(_));
        let task = Self {
            recipe: recipe.clone(),
            encode: supplies.iter().any(is_stream).then_some(encode),
            config,
            preprocess: start.preprocess,
            tokens: start.tokens,
            tokenizer: start.tokenizer,
            sees: start.sees,
            new_tokens: start.new_tokens,
            product: start.product,
            feeds,
            supplies,
            features: features.into_iter().map(Arc::new).collect(),
            components,
            encodes,
            device: device.clone(),
        };
        task.report_split()?;
        Ok((task, model))
    }

    /// Writes which samples are held out, if some are.
    fn report_split(&self) -> Result<()> {
        if self.recipe.held_out.is_none() {
            return Ok(());
        }
        let width = self.config.vision.width();
        let report = |(feed, supply): (&Feed, &Supply)| {
            let Supply::Held { split, media, .. } = supply else {
                return None;
            };
            let samples = &feed.source.samples;
            let id = |&sample: &usize| samples[sample].document.id.clone().unwrap_or_default();
            // A class is told by one picture.
            let alone = media.iter().all(|items| items.len() == 1);
            let nearest_class_mean = (alone && !self.encodes).then(|| {
                let says: Vec<String> = samples.iter().map(|s| said(&s.document)).collect();
                let items = media.iter().map(|items| &self.features[items[0]]);
                let features: Vec<Vec<f32>> = items.map(|item| item.pooled(width)).collect();
                class_means::right(&says, &features, split)
            });
            let report = HeldOutReport {
                trained: split.trained.len(),
                held_out: split.held_out.iter().map(id).collect(),
                nearest_class_mean: nearest_class_mean.flatten(),
            };
            Some((feed.spec.name.clone(), report))
        };
        let sources = self.feeds.iter().zip(&self.supplies);
        HeldOutReport::write(&self.recipe.run, &sources.filter_map(report).collect())
    }

    /// Some rows of batch `number` of a source, in parts of at most `micro_batch`.
    fn batch(&self, feed: usize, number: u64, rows: Range<u64>) -> Result<Vec<Rows>> {
        let spec = &self.feeds[feed].spec;
        let reading = self.reading(spec);
        let of_sequences = |rows| Rows::of_sequences(rows, reading);
        let at_once = spec.micro_batch.unwrap_or(spec.batch);
        Ok(match &self.supplies[feed] {
            Supply::Held {
                order,
                media,
                split,
            } => {
                let row = |row: u64| {
                    let item = order.item(number * spec.batch as u64 + row);
                    let mut rng = stream(self.recipe.seed, &spec.name, &[number, row]);
                    let framing = framing(spec);
                    self.row(feed, media, split.trained[item], &framing, &mut rng)
                };
                let rows = rows.map(row).collect::<Result<Vec<_>>>()?;
                in_parts(rows, at_once).map(of_sequences).collect()
            }
            Supply::Streamed(streamed) => in_parts(streamed.batch(number)?, at_once)
                .map(of_sequences)
                .collect(),
            Supply::Episodes(episodes) => {
                let sizes = episodes.sizes(&mut stream(self.recipe.seed, &spec.name, &[number]));
                let draw = |row| {
                    let mut rng = stream(self.recipe.seed, &spec.name, &[number, row]);
                    episodes.draw(sizes, &self.tokenizer, &mut rng)
                };
                let episodes = rows.map(draw).collect();
                let medium = |shown| self.shown(shown);
                in_parts(episodes, at_once)
                    .map(|episodes| Rows::of_episodes(episodes, reading.specials.pad, medium))
                    .collect()
            }
        })
    }

    /// How the sequences of a source are read.
    fn reading(&self, spec: &DataSpec) -> Reading<'_> {
        Reading {
            specials: self.tokenizer.specials(),
            predict: spec.predict,
            sees: self.sees,
        }
    }

    /// A row of a sample in memory.
    fn row(
        &self,
        feed: usize,
        media: &[Vec<usize>],
        sample: usize,
        framing: &Framing,
        rng: &mut ChaCha8Rng,
    ) -> Result<Row> {
        let Feed { spec, source, .. } = &self.feeds[feed];
        let document = &source.samples[sample].document;
        let prompt = spec.prompt.as_deref();
        let (example, asking) = prompt::example(document, prompt, framing, &self.tokenizer, rng)?;
        let known = |medium: &usize| {
            let features = &self.features[media[sample][*medium]];
            (*medium, Medium::Known(features.clone()))
        };
        let media = example.sequence.media.iter().map(known).collect();
        Ok(Row {
            example,
            asking,
            media,
        })
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
    /// rows these are; without it, nothing is left to chance.
    fn latents(&self, model: &Flamingo, media: &[Medium], noise: Option<&[u64]>) -> Tensor<3> {
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
        for (frames, places) in by_frames {
            let shown: Vec<&Medium> = places.iter().map(|place| &media[*place]).collect();
            let mut features = self.shown_to(model, &shown, frames);
            let shape = features.dims();
            let strength = self.recipe.regularise.feature_noise;
            if let Some(noise) = noise.filter(|_| strength > 0.0) {
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

impl FlamingoTask {
    /// The features of media of equally many frames, `[M, T, S, Dv]`: those that are kept, or what an encoder that learns
    /// along makes of the pixels.
    fn shown_to(&self, model: &Flamingo, media: &[&Medium], frames: usize) -> Tensor<4> {
        let (count, width) = (media.len(), self.config.vision.width());
        if !self.encodes {
            let values: Vec<f32> = media.iter().flat_map(|m| m.values(width)).collect();
            let positions = values.len() / (count * frames * width);
            let shape = [count, frames, positions, width];
            let mirrors: Vec<_> = media.iter().map(|medium| medium.mirror()).collect();
            return match &self.components {
                Some(components) if mirrors.iter().any(Option::is_some) => {
                    let inner = self.device.clone().inner();
                    let x = floats(values, [count, frames * positions, width], &inner);
                    recorded_on(
                        components.mirrored(x, &mirrors).reshape(shape),
                        &self.device,
                    )
                }
                _ => floats(values, shape, &self.device),
            };
        }
        let pixels = media.iter().flat_map(|medium| &medium.own().values);
        let (pixels, side) = (pixels.map(|v| v.to_f32()), self.preprocess.size);
        let shape = [count * frames, 3, side, side];
        let features = model.encode(floats(pixels.collect(), shape, &self.device)); // [M * T, S, Dv]
        let [_, positions, width] = features.dims();
        features.reshape([count, frames, positions, width])
    }

    /// The loss of some rows where they have labels; the media were encoded.
    fn loss(
        &self,
        model: &Flamingo,
        rows: &Rows,
        encoded: &[Medium],
        noise: Option<&[u64]>,
    ) -> Predicted {
        let media = match encoded.is_empty() {
            true => Media::none(),
            false => model.media(self.latents(model, encoded, noise)),
        };
        let looking = Looking::new(&rows.sees, encoded.len(), &self.device);
        let hidden = model.hidden(&rows.input, &media, &looking);
        let [b, l, d] = hidden.dims();
        let (places, targets) = labelled(&rows.labels);
        let read = hidden
            .reshape([b * l, d])
            .select(0, indices(places, &self.device)); // [n, D]
        model.loss(read, &targets)
    }

    /// What the model writes in place of a sample's last text; none if nothing of it is predicted.
    fn written_of(
        &self,
        model: &Flamingo,
        feed: usize,
        media: &[Vec<usize>],
        sample: usize,
        step: u64,
    ) -> Result<Option<Written>> {
        let spec = &self.feeds[feed].spec;
        let row = self.row_without_chance(feed, media, sample)?;
        let mut rows = Rows::of_sequences(vec![row], self.reading(spec));
        let Some((first, wanted)) = last_text(&rows) else {
            return Ok(None);
        };
        let encoded = self.encoded(std::mem::take(&mut rows.media))?;
        let shown = match encoded.is_empty() {
            true => Media::none(),
            false => model.media(self.latents(model, &encoded, None)),
        };
        let specials = self.tokenizer.specials();
        let shown = (&shown, encoded.len());
        let written = greedily(model, &rows, shown, first, specials, &self.device);
        let document = &self.feeds[feed].source.samples[sample].document;
        Ok(Some(Written {
            step,
            source: spec.name.clone(),
            sample: document.id.clone().unwrap_or_else(|| sample.to_string()),
            wanted: self.tokenizer.decode(&wanted)?,
            written: self.tokenizer.decode(&written)?,
        }))
    }

    /// A row of a sample in memory as the training frames it, but without chance.
    fn row_without_chance(&self, feed: usize, media: &[Vec<usize>], sample: usize) -> Result<Row> {
        let framing = Framing {
            p_next: 0.0,
            p_space: 0.0,
            ..framing(&self.feeds[feed].spec)
        };
        let mut rng = stream(self.recipe.seed, "held-out windows", &[sample as u64]);
        self.row(feed, media, sample, &framing, &mut rng)
    }

    /// Loss and exactness of held-out samples, framed as those of the training but without chance.
    fn look_at(
        &self,
        model: &Flamingo,
        feed: usize,
        media: &[Vec<usize>],
        samples: &[usize],
    ) -> Result<Look> {
        let spec = &self.feeds[feed].spec;
        let (mut sum, mut count, mut exact) = (0.0, 0, 0);
        for chunk in samples.chunks(spec.micro_batch.unwrap_or(spec.batch)) {
            let rows = chunk
                .iter()
                .map(|&sample| self.row_without_chance(feed, media, sample));
            let rows = rows.collect::<Result<Vec<_>>>()?;
            let mut rows = Rows::of_sequences(rows, self.reading(spec));
            let (places, targets) = labelled(&rows.labels);
            if targets.is_empty() {
                continue;
            }
            let encoded = self.encoded(std::mem::take(&mut rows.media))?;
            let predicted = self.loss(model, &rows, &encoded, None);
            let mean = predicted.loss.mean.inner().into_scalar::<f32>();
            sum += f64::from(mean) * targets.len() as f64;
            count += targets.len();
            let width = rows.input.width();
            let pairs = places.iter().zip(predicted.right);
            let wrong: HashSet<usize> = pairs
                .filter(|(_, right)| !right)
                .map(|(place, _)| place / width)
                .collect();
            exact += chunk.len() - wrong.len();
        }
        Ok(Look {
            loss: sum / count.max(1) as f64,
            exact: exact as f64 / samples.len() as f64,
        })
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

fn encode(
    recipe: &Recipe,
    encoder: Option<VisionEncoder>,
    preprocess: Preprocess,
    config: &FlamingoConfig,
    options: &Options,
) -> Result<Encode> {
    let device = options.device.clone();
    let cache = match (&recipe.cache.features, &encoder) {
        (Some(folder), Some(encoder)) => Some(FeatureCache::open(
            folder,
            encoder,
            &preprocess,
            recipe.precision,
            &device,
        )?),
        _ => None,
    };
    Ok(Encode {
        preparing: Arc::new(Preparing { preprocess, cache }),
        encoder,
        frames: config.frames(),
        ffmpeg: options.ffmpeg.clone(),
        precision: recipe.precision,
        device,
    })
}

/// Which samples of a source are held out.
fn split(recipe: &Recipe, feed: &Feed, media: &[Vec<usize>]) -> Result<Split> {
    let samples = &feed.source.samples;
    let Some(spec) = recipe.held_out else {
        return Ok(Split {
            trained: (0..samples.len()).collect(),
            held_out: Vec::new(),
        });
    };
    let says: Vec<String> = samples.iter().map(|s| said(&s.document)).collect();
    let split = held_out::split(&says, media, spec.share, recipe.seed);
    match split.held_out.is_empty() {
        false => Ok(split),
        true => Err(Error::contradiction(format!(
            "source {:?}: none of its {} samples can be held out: give more that are no copies, or leave `held_out` out",
            feed.spec.name,
            samples.len()
        ))),
    }
}

/// Whether some of a source's episodes are mirrored.
fn mirrors(spec: &DataSpec) -> bool {
    spec.episode
        .as_ref()
        .is_some_and(|episode| episode.mirrored > 0.0)
}

/// As many principal components of these features as a latent has numbers.
fn components_of(
    config: &FlamingoConfig,
    features: &[Features],
    seed: u64,
    device: &Device,
) -> Result<Components> {
    let of_all = features.iter().map(|features| &features.values[..]);
    let (width, count) = (config.vision.width(), config.latent_width());
    let mut rng = stream(seed, "components", &[]);
    Components::of(of_all, width, count, &mut rng, &device.clone().inner())
}

/// How a source's documents become sequences; the paper's values where the recipe says nothing.
fn framing(spec: &DataSpec) -> Framing {
    let form = spec.form.unwrap_or(spec.format.form());
    let mut paper = Framing::of(form);
    if spec.prompt.is_some() {
        paper.p_space = 0.0;
    }
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
        for (place, mut rows) in batch.into_iter().enumerate() {
            if rows.targets() == 0 {
                continue;
            }
            let mut noise = vec![feed as u64, number];
            let place = [place as u64, together.rank() as u64];
            noise.extend(place.iter().filter(|_| place != [0, 0]));
            let encoded = self.encoded(std::mem::take(&mut rows.media))?;
            let Predicted { loss, right } = self.loss(model, &rows, &encoded, Some(&noise));
            let is_episode = matches!(self.supplies[feed], Supply::Episodes(_));
            let right = right.iter().filter(|right| **right).count();
            let accuracy = is_episode.then(|| right as f64 / loss.targets as f64);
            take(Part {
                loss: loss.mean,
                share: loss.targets as f64 / of_all as f64,
                targets: loss.targets,
                accuracy,
            })?;
        }
        Ok(())
    }

    fn look(&self, model: &Flamingo) -> Result<BTreeMap<String, Look>> {
        let mut looks = BTreeMap::new();
        for (feed, supply) in self.supplies.iter().enumerate() {
            if let Supply::Held { media, split, .. } = supply
                && !split.held_out.is_empty()
            {
                let look = self.look_at(model, feed, media, &split.held_out)?;
                looks.insert(self.feeds[feed].spec.name.clone(), look);
            }
        }
        Ok(looks)
    }

    fn written(&self, model: &Flamingo, step: u64) -> Result<Vec<Written>> {
        let mut all = Vec::new();
        for (feed, supply) in self.supplies.iter().enumerate() {
            let Supply::Held { media, split, .. } = supply else {
                continue;
            };
            let samples = match split.held_out.is_empty() {
                true => &split.trained,
                false => &split.held_out,
            };
            // Spread over all of them: those that lie together are often about the same.
            let count = samples.len().min(WRITTEN);
            for place in 0..count {
                let sample = samples[place * samples.len() / count];
                all.extend(self.written_of(model, feed, media, sample, step)?);
            }
        }
        Ok(all)
    }

    fn product(&self) -> &'static str {
        match self.product {
            Product::Model(..) => MODEL,
            Product::Adapter(_) => ADAPTER,
        }
    }

    fn gates(&self, model: &Flamingo) -> BTreeMap<String, f64> {
        let open = |alpha: Tensor<1>| f64::from(alpha.inner().tanh().into_scalar::<f32>());
        let mut gates = BTreeMap::new();
        for (number, block) in model.gated.iter().enumerate() {
            for (what, alpha) in [
                ("attention", &block.alpha_xattn),
                ("dense", &block.alpha_dense),
            ] {
                if let Some(alpha) = alpha {
                    gates.insert(format!("{number} {what}"), open(alpha.val()));
                }
            }
        }
        gates
    }

    fn optimiser(&self, spec: &OptimiserSpec) -> OptimiserSpec {
        self.new_tokens.optimiser(spec)
    }

    fn mask(&self, gradients: &mut Flat) {
        self.new_tokens.mask(gradients);
    }

    fn save(&self, model: &Flamingo, path: &Path) -> Result<()> {
        let (parts, frozen) = match &self.product {
            Product::Model(parts, frozen) => (parts, frozen),
            Product::Adapter(header) => {
                let tensors = trained_tensors(model);
                return Ok(Adapter::write(path, header, &tensors, self.recipe.weights)?);
            }
        };
        let file = ModelFile {
            version: ModelFile::least_version(parts, &self.config),
            preprocess: Some(self.preprocess.clone()),
            tokens: self.tokens.clone(),
            sees: self.sees,
            parts: parts.clone(),
            template: None,
            model: ModelConfig::Flamingo(self.config.clone()),
        };
        let new = self.new_tokens.rows();
        let tensors = parts.left_out_of(frozen.restored(model, new.clone())?, new);
        Ok(save(
            path,
            &file,
            &self.tokenizer,
            &tensors,
            self.recipe.weights,
        )?)
    }
}
