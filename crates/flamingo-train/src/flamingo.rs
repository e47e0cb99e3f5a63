//! Flamingo's training (paper, 2.4): resampler and gated blocks between a frozen vision encoder and
//! a frozen language model, on a weighted mixture of pages, pairs and films.
//!
//! The loss of a source is the mean over the labelled tokens of its batch (the paper sums over the
//! tokens of a sequence and leaves the normalisation open); the sources' losses are summed with
//! their weights.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use flamingo_data::{Example, Format, Framing, Order, stream};
use flamingo_image::Preprocess;
use flamingo_kernels::{Device, Tensor, cross_entropy, floats, indices};
use flamingo_model::language::PADDED;
use flamingo_model::{Flamingo, FlamingoConfig, Looking, Media, PerceiverResampler, TextInput};
use flamingo_sequence::{Batch, Form, IGNORE, SpecialTokenNames, Tokenizer, Visibility};
use flamingo_weights::{ModelConfig, ModelFile, PartFiles, named_tensors, save};

use crate::batches::Feed;
use crate::components::Components;
use crate::episodes::{Episode, Episodes, Shown, thing};
use crate::features::{Encode, FeatureCache, Features};
use crate::finished::Parts;
use crate::initial::ResamplerStart;
use crate::language::labelled;
use crate::new_tokens::NewTokens;
use crate::optimiser::OptimiserSpec;
use crate::options::Options;
use crate::regularise::normal;
use crate::task::{Part, Task};
use crate::tree::Flat;
use crate::{DataSpec, Error, FlamingoSpec, Observer, Recipe, Result};

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
    orders: Vec<Order>,
    /// For each source and sample the features of its media.
    media: Vec<Vec<Vec<usize>>>,
    features: Vec<Features>,
    /// For each source that is of episodes, where they are drawn from.
    episodes: Vec<Option<Episodes>>,
    device: Device,
}

/// A batch as the model reads it.
struct Rows {
    input: TextInput,
    labels: Vec<i64>,
    sees: Vec<Range<usize>>,
    media: Vec<Shown>,
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
        let mut feeds = recipe.data.iter().map(open).collect::<Result<Vec<_>>>()?;
        let encode = encode(recipe, &parts, config.frames(), options)?;
        let (features, media) = encode.all(&mut feeds, observer)?;
        if let Some(ResamplerStart::Components) = recipe.initial.resampler {
            model.resampler = begun(model.resampler, &config, &features, recipe.seed, device)?;
        }
        let model = recipe.initial.changed(model)?;
        let positions = config.vision.positions();
        let tokenizer = &parts.language.tokenizer;
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
        let orders = feeds.iter().map(|feed| feed.order(recipe.seed)).collect();
        let task = Self {
            recipe: recipe.clone(),
            config,
            preprocess: parts.vision.preprocess,
            tokens: parts.language.tokens,
            tokenizer: parts.language.tokenizer,
            new_tokens: parts.new_tokens,
            part_files: parts.files,
            feeds,
            orders,
            media,
            features,
            episodes,
            device: device.clone(),
        };
        Ok((task, model))
    }

    /// Row `row` of batch `number`: its sample and what is trained of it.
    fn row(&self, feed: usize, number: u64, row: u64) -> Result<(usize, Example)> {
        let spec = &self.feeds[feed].spec;
        let sample = self.orders[feed].item(number * spec.batch as u64 + row);
        let document = &self.feeds[feed].source.samples[sample].document;
        let mut rng = stream(self.recipe.seed, &spec.name, &[number, row]);
        Ok((
            sample,
            framing(spec).example(document, &self.tokenizer, &mut rng)?,
        ))
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
        let (samples, examples): (Vec<_>, Vec<_>) =
            rows.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let modes: Vec<_> = examples.iter().map(|example| example.visibility).collect();
        let sequences: Vec<_> = examples
            .into_iter()
            .map(|example| example.sequence)
            .collect();
        let batch = Batch::new(&sequences, &modes, self.tokenizer.specials(), spec.predict);
        let item = |(row, medium): &(usize, usize)| self.media[feed][samples[*row]][*medium];
        Ok(Rows {
            input: TextInput::ragged(&batch.ids, batch.width, &batch.lengths),
            media: batch
                .media
                .iter()
                .map(|medium| Shown::one(item(medium)))
                .collect(),
            labels: batch.labels,
            sees: batch.sees,
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

    /// Latents of the media of a batch, `[M, R, D]`: those with equally many frames at once.
    fn latents(&self, model: &Flamingo, media: &[Shown], noise: [u64; 2]) -> Tensor<3> {
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
            let values: Vec<f32> = places
                .iter()
                .flat_map(|place| self.values(&media[*place]))
                .collect();
            let (width, count) = (self.config.vision.width(), places.len());
            let positions = values.len() / (count * frames * width);
            let shape = [count, frames, positions, width];
            let mut features: Tensor<4> = floats(values, shape, &self.device);
            let strength = self.recipe.regularise.feature_noise;
            if strength > 0.0 {
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

fn encode(recipe: &Recipe, parts: &Parts, frames: usize, options: &Options) -> Result<Encode> {
    let device = options.device.clone();
    let (encoder, preprocess) = (parts.encoder(&device)?, parts.vision.preprocess.clone());
    let folder = recipe.cache.features.as_deref();
    let cache = folder.map(|folder| FeatureCache::open(folder, &encoder, &preprocess, &device));
    Ok(Encode {
        cache: cache.transpose()?,
        encoder,
        preprocess,
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

/// Episodes as the rows of a batch, padded on the right.
fn side_by_side(episodes: Vec<Episode>, pad: u32) -> Rows {
    let width = episodes
        .iter()
        .map(|episode| episode.ids.len())
        .max()
        .unwrap_or(0);
    let mut rows = Rows {
        input: TextInput {
            ids: Vec::new(),
            positions: Vec::new(),
            branches: Vec::new(),
        },
        labels: Vec::new(),
        sees: Vec::new(),
        media: Vec::new(),
    };
    for (row, mut episode) in episodes.into_iter().enumerate() {
        let (first, end) = (rows.media.len(), (row + 1) * width);
        rows.input.ids.extend(episode.ids);
        rows.input.ids.resize(end, pad);
        episode.positions.resize(width, PADDED);
        rows.input.positions.push(episode.positions);
        episode.branches.resize(width, 0);
        rows.input.branches.push(episode.branches);
        rows.labels.extend(episode.labels);
        rows.labels.resize(end, IGNORE);
        let moved = |sees: Range<usize>| match sees.is_empty() {
            true => 0..0,
            false => first + sees.start..first + sees.end,
        };
        rows.sees.extend(episode.sees.into_iter().map(moved));
        rows.sees.resize(end, 0..0);
        rows.media.extend(episode.media);
    }
    rows
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
    let form = spec.form.unwrap_or(match spec.format {
        Format::Shards | Format::Folders | Format::Captions => Form::Pair,
        Format::Pages | Format::Jsonl | Format::Parquet => Form::Page,
    });
    let paper = match form {
        Form::Page => Framing::pages(),
        Form::Pair => Framing::pairs(),
    };
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

    fn loss(&self, model: &Flamingo, feed: usize, number: u64) -> Result<Part> {
        let spec = &self.feeds[feed].spec;
        let rows = self.rows(feed, number)?;
        let media = match rows.media.is_empty() {
            true => Media::none(),
            false => model.media(self.latents(model, &rows.media, [feed as u64, number])),
        };
        let looking = Looking::new(&rows.sees, rows.media.len(), &self.device);
        let hidden = model.hidden(&rows.input, &media, &looking);
        let [b, l, d] = hidden.dims();
        let (places, targets) = labelled(&rows.labels);
        if targets.is_empty() {
            return Err(Error::contradiction(format!(
                "source {:?}: a batch has nothing to predict: raise `length` ({}) or `max_media`",
                spec.name, spec.length
            )));
        }
        let read = hidden
            .reshape([b * l, d])
            .select(0, indices(places, &self.device)); // [n, D]
        let logits = model.logits(read);
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
