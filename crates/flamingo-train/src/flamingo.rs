//! Flamingo's training (paper, 2.4): resampler and gated blocks between a frozen vision encoder and
//! a frozen language model, on a weighted mixture of pages, pairs and films.
//!
//! The loss of a source is the mean over the labelled tokens of its batch (the paper sums over the
//! tokens of a sequence and leaves the normalisation open); the sources' losses are summed with
//! their weights.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use flamingo_data::{Framing, Order, stream};
use flamingo_image::Preprocess;
use flamingo_kernels::{Device, Tensor, cross_entropy, floats, indices};
use flamingo_model::vision::VisionEncoder;
use flamingo_model::{Flamingo, FlamingoConfig, Looking, Media, PerceiverResampler, TextInput};
use flamingo_sequence::{Batch, IGNORE, SpecialTokenNames, Tokenizer, Visibility};
use flamingo_weights::{Adapter, ModelConfig, ModelFile, named_tensors, save};
use half::f16;
use rand_chacha::ChaCha8Rng;

use crate::batches::{Feed, said};
use crate::components::Components;
use crate::episodes::{Episodes, Shown, thing};
use crate::features::{Encode, FeatureCache, Features};
use crate::finished::Parts;
use crate::held_out::{self, HeldOutReport, Look, Split};
use crate::initial::ResamplerStart;
use crate::language::labelled;
use crate::new_tokens::NewTokens;
use crate::optimiser::OptimiserSpec;
use crate::options::Options;
use crate::prompt::{asked, asking};
use crate::regularise::normal;
use crate::rows::{Row, Rows, framing, side_by_side};
use crate::start::{Product, Start};
use crate::task::{ADAPTER, MODEL, Part, Task};
use crate::tree::{Flat, trained_tensors};
use crate::{
    DataSpec, Error, FineTuneSpec, FlamingoSpec, Observer, Recipe, Result, class_means, fine_tune,
};

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
    /// The samples of each source that are trained on and those that are not.
    splits: Vec<Split>,
    orders: Vec<Order>,
    /// For each source and sample the features of its media.
    media: Vec<Vec<Vec<usize>>>,
    features: Vec<Features>,
    /// Whether those are pixels, which the encoder sees in each step.
    encodes: bool,
    /// For each source that is of episodes, where they are drawn from.
    episodes: Vec<Option<Episodes>>,
    device: Device,
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
        let start = Start {
            model: parts.model(
                &config,
                &recipe.initial,
                (spec.language, recipe.seed),
                device,
            )?,
            encoder: Some(parts.encoder(&options.device)?),
            config,
            preprocess: parts.vision.preprocess,
            tokens: parts.language.tokens,
            tokenizer: parts.language.tokenizer,
            sees: spec.sees,
            new_tokens: parts.new_tokens,
            product: Product::Model(parts.files),
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
        let start = fine_tune::start(spec, recipe.seed, options)?;
        Self::begin(recipe, start, options, observer)
    }

    fn begin(
        recipe: &Recipe,
        start: Start,
        options: &Options,
        observer: &mut dyn Observer,
    ) -> Result<(Self, Flamingo)> {
        let device = &options.device.clone().autodiff();
        let Start {
            config, mut model, ..
        } = start;
        let mut feeds = recipe.data.iter().map(open).collect::<Result<Vec<_>>>()?;
        let encodes = start.encoder.is_none();
        let encode = encode(recipe, start.encoder, &start.preprocess, &config, options)?;
        let (features, media) = encode.all(&mut feeds, observer)?;
        if let Some(ResamplerStart::Components) = recipe.initial.resampler {
            model.resampler = begun(model.resampler, &config, &features, recipe.seed, device)?;
        }
        let model = recipe.initial.changed(model)?;
        let positions = config.vision.positions();
        let tokenizer = &start.tokenizer;
        let episodes = feeds.iter().zip(&media).map(|(feed, media)| {
            let Some(spec) = &feed.spec.episode else {
                return Ok(None);
            };
            let samples = feed.source.samples.iter().zip(media);
            let pairs =
                samples.filter_map(|(sample, items)| Some((thing(&sample.document)?, items[0])));
            Episodes::new(spec, &feed.spec.name, pairs, positions, tokenizer).map(Some)
        });
        let episodes = episodes.collect::<Result<Vec<_>>>()?;
        let splits = feeds.iter().zip(&media);
        let splits = splits
            .map(|(feed, media)| split(recipe, feed, media))
            .collect::<Result<Vec<_>>>()?;
        let orders = feeds.iter().zip(&splits).map(|(feed, split)| {
            if recipe.held_out.is_some() {
                let (trained, held_out) = (split.trained.len(), split.held_out.len());
                observer.split(&feed.spec.name, trained, held_out);
            }
            Order::new(recipe.seed, &feed.spec.name, split.trained.len())
        });
        let orders = orders.collect();
        let task = Self {
            recipe: recipe.clone(),
            config,
            preprocess: start.preprocess,
            tokens: start.tokens,
            tokenizer: start.tokenizer,
            sees: start.sees,
            new_tokens: start.new_tokens,
            product: start.product,
            feeds,
            splits,
            orders,
            media,
            features,
            encodes,
            episodes,
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
        let report = |(feed, split): (usize, &Split)| {
            let samples = &self.feeds[feed].source.samples;
            let id = |&sample: &usize| samples[sample].document.id.clone().unwrap_or_default();
            // A class is told by one picture.
            let alone = self.media[feed].iter().all(|items| items.len() == 1);
            let nearest_class_mean = (alone && !self.encodes).then(|| {
                let says: Vec<String> = samples.iter().map(|s| said(&s.document)).collect();
                let items = self.media[feed]
                    .iter()
                    .map(|items| &self.features[items[0]]);
                let features: Vec<Vec<f32>> = items.map(|item| item.pooled(width)).collect();
                class_means::right(&says, &features, split)
            });
            let report = HeldOutReport {
                trained: split.trained.len(),
                held_out: split.held_out.iter().map(id).collect(),
                nearest_class_mean: nearest_class_mean.flatten(),
            };
            (self.feeds[feed].spec.name.clone(), report)
        };
        let reports = self.splits.iter().enumerate().map(report).collect();
        HeldOutReport::write(&self.recipe.run, &reports)
    }

    /// Row `row` of batch `number`: its sample and what is trained of it.
    fn row(&self, feed: usize, number: u64, row: u64) -> Result<Row> {
        let spec = &self.feeds[feed].spec;
        let item = self.orders[feed].item(number * spec.batch as u64 + row);
        let mut rng = stream(self.recipe.seed, &spec.name, &[number, row]);
        self.row_of(
            feed,
            self.splits[feed].trained[item],
            &framing(spec),
            &mut rng,
        )
    }

    fn row_of(
        &self,
        feed: usize,
        sample: usize,
        framing: &Framing,
        rng: &mut ChaCha8Rng,
    ) -> Result<Row> {
        let document = &self.feeds[feed].source.samples[sample].document;
        let prompt = self.feeds[feed].spec.prompt.as_deref();
        let asked = prompt.and_then(|prompt| asked(document, prompt));
        let example = framing.example(asked.as_ref().unwrap_or(document), &self.tokenizer, rng)?;
        let asking = match (prompt, asked) {
            (Some(prompt), Some(_)) => {
                let tokens = self.tokenizer.encode(prompt)?.len();
                asking(&example.sequence.ids, self.tokenizer.specials(), tokens)
            }
            _ => 0..0,
        };
        Ok(Row {
            sample,
            example,
            asking,
        })
    }

    /// Batch `number` of a source.
    fn rows(&self, feed: usize, number: u64) -> Result<Rows> {
        let spec = &self.feeds[feed].spec;
        if let Some(episodes) = &self.episodes[feed] {
            let draw = |row| {
                let mut rng = stream(self.recipe.seed, &spec.name, &[number, row]);
                episodes.draw(&self.tokenizer, &mut rng)
            };
            let episodes = (0..spec.batch as u64).map(draw).collect();
            return Ok(side_by_side(episodes, self.tokenizer.specials().pad));
        }
        let rows = (0..spec.batch as u64).map(|row| self.row(feed, number, row));
        Ok(self.batch(feed, rows.collect::<Result<Vec<_>>>()?))
    }

    /// Rows side by side.
    fn batch(&self, feed: usize, rows: Vec<Row>) -> Rows {
        let mode = |row: &Row| match row.example.visibility {
            Visibility::Next => Visibility::Next,
            _ => self.sees,
        };
        let modes: Vec<_> = rows.iter().map(mode).collect();
        let (samples, (sequences, asking)): (Vec<_>, (Vec<_>, Vec<_>)) = rows
            .into_iter()
            .map(|row| (row.sample, (row.example.sequence, row.asking)))
            .unzip();
        let predict = self.feeds[feed].spec.predict;
        let batch = Batch::new(&sequences, &modes, self.tokenizer.specials(), predict);
        let item = |(row, medium): &(usize, usize)| self.media[feed][samples[*row]][*medium];
        let mut labels = batch.labels;
        for (row, asking) in asking.into_iter().enumerate() {
            let first = row * batch.width;
            labels[first + asking.start..first + asking.end].fill(IGNORE);
        }
        Rows {
            input: TextInput::ragged(&batch.ids, batch.width, &batch.lengths),
            media: batch
                .media
                .iter()
                .map(|medium| Shown::one(item(medium)))
                .collect(),
            labels,
            sees: batch.sees,
        }
    }

    /// Logits of a batch at some of its places, `[n, V]`.
    fn logits(
        &self,
        model: &Flamingo,
        rows: &Rows,
        places: Vec<usize>,
        noise: Option<[u64; 2]>,
    ) -> Tensor<2> {
        let media = match rows.media.is_empty() {
            true => Media::none(),
            false => model.media(self.latents(model, &rows.media, noise)),
        };
        let looking = Looking::new(&rows.sees, rows.media.len(), &self.device);
        let hidden = model.hidden(&rows.input, &media, &looking);
        let [b, l, d] = hidden.dims();
        let read = hidden
            .reshape([b * l, d])
            .select(0, indices(places, &self.device)); // [n, D]
        model.logits(read)
    }

    /// Loss and exactness of held-out samples, framed as those of the training but without chance.
    fn look_at(&self, model: &Flamingo, feed: usize, samples: &[usize]) -> Result<Look> {
        let spec = &self.feeds[feed].spec;
        let framing = Framing {
            p_next: 0.0,
            p_space: 0.0,
            ..framing(spec)
        };
        let (mut sum, mut count, mut exact) = (0.0, 0, 0);
        for chunk in samples.chunks(spec.batch) {
            let rows = chunk.iter().map(|&sample| {
                let numbers = [sample as u64];
                let mut rng = stream(self.recipe.seed, "held-out windows", &numbers);
                self.row_of(feed, sample, &framing, &mut rng)
            });
            let rows = self.batch(feed, rows.collect::<Result<Vec<_>>>()?);
            let (places, targets) = labelled(&rows.labels);
            if targets.is_empty() {
                continue;
            }
            let width = rows.input.width();
            let logits = self.logits(model, &rows, places.clone(), None);
            let right = right(logits.clone(), &targets);
            sum += f64::from(
                cross_entropy(logits, &targets, 0.0)
                    .mean
                    .inner()
                    .into_scalar::<f32>(),
            ) * targets.len() as f64;
            count += targets.len();
            let wrong: HashSet<usize> = places
                .iter()
                .zip(right)
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

    /// The features of a medium.
    fn values(&self, shown: &Shown) -> impl Iterator<Item = f32> {
        let width = self.config.vision.width();
        let own = &self.features[shown.item].values;
        let over = shown
            .over
            .as_ref()
            .map(|(item, places)| (&self.features[*item].values, places));
        let position = move |place: usize| {
            let values = match &over {
                Some((values, places)) if places[place] => *values,
                _ => own,
            };
            values[place * width..][..width].iter().map(|v| v.to_f32())
        };
        (0..own.len() / width).flat_map(position)
    }

    /// The features of media of equally many frames, `[M, T, S, Dv]`.
    fn kept<'a>(&self, shown: impl Iterator<Item = &'a Shown>, frames: usize) -> Tensor<4> {
        let values: Vec<Vec<f32>> = shown.map(|shown| self.values(shown).collect()).collect();
        let (width, count) = (self.config.vision.width(), values.len());
        let values = values.concat();
        let positions = values.len() / (count * frames * width);
        floats(values, [count, frames, positions, width], &self.device)
    }

    /// The same of an encoder that learns along.
    fn encoded<'a>(
        &self,
        model: &Flamingo,
        shown: impl Iterator<Item = &'a Shown>,
        frames: usize,
    ) -> Tensor<4> {
        let pixels: Vec<&[f16]> = shown
            .map(|shown| &self.features[shown.item].values[..])
            .collect();
        let (count, side) = (pixels.len(), self.preprocess.size);
        let pixels = pixels.concat().into_iter().map(f16::to_f32).collect();
        let pixels = floats(pixels, [count * frames, 3, side, side], &self.device);
        let features = model.encode(pixels); // [M * T, S, Dv]
        let [_, positions, width] = features.dims();
        features.reshape([count, frames, positions, width])
    }

    /// Latents of the media of a batch, `[M, R, D]`: those with equally many frames at once.
    fn latents(&self, model: &Flamingo, media: &[Shown], noise: Option<[u64; 2]>) -> Tensor<3> {
        let mut by_frames: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (place, shown) in media.iter().enumerate() {
            by_frames
                .entry(self.features[shown.item].frames)
                .or_default()
                .push(place);
        }
        let mut order = vec![0; media.len()];
        let mut latents = Vec::new();
        let mut next = 0;
        for (frames, places) in by_frames {
            let shown = places.iter().map(|place| &media[*place]);
            let mut features = match self.encodes {
                true => self.encoded(model, shown, frames),
                false => self.kept(shown, frames),
            };
            let shape = features.dims();
            let strength = self.recipe.regularise.feature_noise;
            if let Some(noise) = noise.filter(|_| strength > 0.0) {
                let numbers = [noise[0], noise[1], frames as u64];
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

/// Reads a source; one of episodes holds only pairs.
fn open(spec: &DataSpec) -> Result<Feed> {
    let mut feed = Feed::open(spec)?;
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
    preprocess: &Preprocess,
    config: &FlamingoConfig,
    options: &Options,
) -> Result<Encode> {
    let device = options.device.clone();
    let cache = match (&recipe.cache.features, &encoder) {
        (Some(folder), Some(encoder)) => {
            Some(FeatureCache::open(folder, encoder, preprocess, &device)?)
        }
        _ => None,
    };
    Ok(Encode {
        cache,
        encoder,
        preprocess: preprocess.clone(),
        frames: config.frames(),
        ffmpeg: options.ffmpeg.clone(),
        device,
    })
}

/// Which samples of a source are held out.
fn split(recipe: &Recipe, feed: &Feed, media: &[Vec<usize>]) -> Result<Split> {
    let samples = &feed.source.samples;
    let (Some(spec), None) = (recipe.held_out, &feed.spec.episode) else {
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
    let right = right(logits, targets).filter(|right| *right);
    right.count() as f64 / targets.len() as f64
}

/// Whether the likeliest token of each place is the right one.
fn right(logits: Tensor<2>, targets: &[usize]) -> impl Iterator<Item = bool> {
    let likeliest = logits.inner().argmax(1).into_data().convert::<i64>();
    let likeliest: Vec<i64> = likeliest.try_to_vec().expect("converted to i64");
    let pairs = likeliest.into_iter().zip(targets);
    pairs.map(|(found, target)| found == *target as i64)
}

impl Task for FlamingoTask {
    type Model = Flamingo;

    fn feeds(&self) -> &[Feed] {
        &self.feeds
    }

    fn loss(&self, model: &Flamingo, feed: usize, number: u64) -> Result<Part> {
        let spec = &self.feeds[feed].spec;
        let rows = self.rows(feed, number)?;
        let (places, targets) = labelled(&rows.labels);
        if targets.is_empty() {
            return Err(Error::contradiction(format!(
                "source {:?}: a batch has nothing to predict: raise `length` ({}) or `max_media`",
                spec.name, spec.length
            )));
        }
        let logits = self.logits(model, &rows, places, Some([feed as u64, number]));
        let accuracy = self.episodes[feed]
            .is_some()
            .then(|| accuracy(logits.clone(), &targets));
        let loss = cross_entropy(logits, &targets, 0.0);
        Ok(Part {
            loss: loss.mean,
            targets: loss.targets,
            accuracy,
        })
    }

    fn look(&self, model: &Flamingo) -> Result<BTreeMap<String, Look>> {
        let mut looks = BTreeMap::new();
        for (feed, split) in self.splits.iter().enumerate() {
            let spec = &self.feeds[feed].spec;
            if !split.held_out.is_empty() {
                let look = self.look_at(model, feed, &split.held_out)?;
                looks.insert(spec.name.clone(), look);
            }
        }
        Ok(looks)
    }

    fn product(&self) -> &'static str {
        match self.product {
            Product::Model(_) => MODEL,
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
        let parts = match &self.product {
            Product::Model(parts) => parts,
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
        let tensors = named_tensors(model);
        let tensors = parts.left_out_of(tensors, self.new_tokens.rows());
        Ok(save(
            path,
            &file,
            &self.tokenizer,
            &tensors,
            self.recipe.weights,
        )?)
    }
}
