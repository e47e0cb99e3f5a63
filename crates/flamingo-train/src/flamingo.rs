//! Flamingo's training (paper, 2.4): resampler and gated blocks between a frozen vision encoder and
//! a frozen language model, on a weighted mixture of pages, pairs and films.
//!
//! The loss of a source is the mean over the labelled tokens of its batch (the paper sums over the
//! tokens of a sequence and leaves the normalisation open); the sources' losses are summed with
//! their weights.

use std::collections::BTreeMap;
use std::path::Path;

use flamingo_data::{Example, Format, Framing, Library, Order, stream};
use flamingo_image::{Media as Loaded, Preprocess, sample_frames};
use flamingo_kernels::{Device, Tensor, TensorData, cross_entropy, floats, indices};
use flamingo_model::vision::VisionEncoder;
use flamingo_model::{Flamingo, FlamingoConfig, Looking, Media, TextInput};
use flamingo_sequence::{Batch, Form, SpecialTokenNames, Tokenizer, Visibility};
use flamingo_weights::{
    FORMAT_VERSION, ModelConfig, ModelFile, PARTS_FORMAT_VERSION, PartFiles, Store, named_tensors,
    save,
};
use half::f16;

use crate::batches::Feed;
use crate::finished::Parts;
use crate::language::labelled;
use crate::new_tokens::NewTokens;
use crate::optimiser::OptimiserSpec;
use crate::regularise::normal;
use crate::task::{Part, Task};
use crate::tree::Flat;
use crate::{DataSpec, Error, FlamingoSpec, Observer, Recipe, Result};

/// Frames of a film are taken at this rate (paper, 2.1: 1 frame a second in training).
const FRAMES_PER_SECOND: f32 = 1.0;
/// Pictures that are encoded at once.
const ENCODE_BATCH: usize = 128;

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
    device: Device,
}

/// What the frozen encoder says of one picture or film.
#[derive(Clone, Debug)]
struct Features {
    frames: usize,
    /// `[frames, S, Dv]`, in half the memory.
    values: Vec<f16>,
}

impl FlamingoTask {
    /// Reads the parts and the data, encodes every picture once, and builds the model.
    pub(crate) fn prepare(
        recipe: &Recipe,
        spec: &FlamingoSpec,
        store: &Store,
        device: &Device,
        observer: &mut dyn Observer,
    ) -> Result<(Self, Flamingo)> {
        let init = recipe
            .init
            .as_ref()
            .ok_or_else(|| Error::contradiction("`init` is missing"))?;
        let mut parts = Parts::load(init, store)?;
        let config = FlamingoConfig {
            vision: parts.vision.config.clone(),
            resampler: Some(spec.resampler.clone()),
            project_media: spec.project_media,
            gated: spec.gated.clone(),
            language: parts.language.config.clone(),
        };
        let model = parts.model(&config, &recipe.initial, recipe.seed, device)?;
        let mut feeds = recipe
            .data
            .iter()
            .map(Feed::open)
            .collect::<Result<Vec<_>>>()?;
        let plain = device.clone().inner();
        let encode = Encode {
            encoder: parts.encoder(&plain)?,
            preprocess: parts.vision.preprocess.clone(),
            max_frames: config.frames(),
            device: plain,
        };
        let (features, media) = encode.all(&mut feeds, observer)?;
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

    /// Latents of the media of a batch, `[M, R, D]`: those with equally many frames at once.
    fn latents(&self, model: &Flamingo, items: &[usize], noise: [u64; 2]) -> Tensor<3> {
        let mut by_frames: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (place, item) in items.iter().enumerate() {
            by_frames
                .entry(self.features[*item].frames)
                .or_default()
                .push(place);
        }
        let mut order = vec![0; items.len()];
        let mut latents = Vec::new();
        let mut next = 0;
        for (frames, places) in by_frames {
            let values: Vec<f32> = places
                .iter()
                .flat_map(|place| {
                    self.features[items[*place]]
                        .values
                        .iter()
                        .map(|v| v.to_f32())
                })
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

/// How a source's documents become sequences; the paper's values where the recipe says nothing.
fn framing(spec: &DataSpec) -> Framing {
    let form = spec.form.unwrap_or(match spec.format {
        Format::Shards => Form::Pair,
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

/// The frozen encoder at work, before the training.
struct Encode {
    encoder: VisionEncoder,
    preprocess: Preprocess,
    max_frames: usize,
    device: Device,
}

impl Encode {
    #[allow(clippy::type_complexity)]
    fn all(
        &self,
        feeds: &mut [Feed],
        observer: &mut dyn Observer,
    ) -> Result<(Vec<Features>, Vec<Vec<Vec<usize>>>)> {
        let mut library = Library::default();
        let mut media = Vec::new();
        for feed in feeds {
            let (path, name) = (feed.spec.path.clone(), feed.spec.name.clone());
            let encode = |loaded: Vec<Loaded>, done, all| {
                observer.stage(&format!("encoding the pictures of {name}"), done, all);
                self.some(loaded)
            };
            let limits = feed.spec.limits();
            media.push(library.load(&mut feed.source, &path, &limits, ENCODE_BATCH, encode)?);
        }
        Ok((library.items, media))
    }

    fn some(&self, media: Vec<Loaded>) -> Result<Vec<Features>> {
        let frames: Vec<Vec<_>> = media
            .into_iter()
            .map(|media| match media {
                Loaded::Image(image) => vec![image],
                Loaded::Film(film) => sample_frames(&film, FRAMES_PER_SECOND, self.max_frames),
            })
            .collect();
        let all: Vec<_> = frames.iter().flatten().collect();
        let mut values: Vec<f16> = Vec::new();
        for pictures in all.chunks(ENCODE_BATCH) {
            let pixels = pictures
                .iter()
                .flat_map(|image| self.preprocess.pixels(image))
                .collect();
            let shape = [
                pictures.len(),
                3,
                self.preprocess.size,
                self.preprocess.size,
            ];
            let data = TensorData::new(pixels, shape);
            let features = self.encoder.forward(Tensor::from_data(data, &self.device));
            let read: Vec<f32> = features
                .into_data()
                .convert::<f32>()
                .try_to_vec()
                .expect("converted to f32");
            values.extend(read.into_iter().map(f16::from_f32));
        }
        let of_frame = values.len() / all.len().max(1);
        let mut rest = values.as_slice();
        let cut = |frames: Vec<_>| {
            let (own, after) = rest.split_at(frames.len() * of_frame);
            rest = after;
            Features {
                frames: frames.len(),
                values: own.to_vec(),
            }
        };
        Ok(frames.into_iter().map(cut).collect())
    }
}

impl Task for FlamingoTask {
    type Model = Flamingo;

    fn feeds(&self) -> &[Feed] {
        &self.feeds
    }

    fn loss(&self, model: &Flamingo, feed: usize, number: u64) -> Result<Part> {
        let spec = &self.feeds[feed].spec;
        let rows = (0..spec.batch as u64).map(|row| self.row(feed, number, row));
        let (samples, examples): (Vec<_>, Vec<_>) =
            rows.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let modes: Vec<_> = examples.iter().map(|example| example.visibility).collect();
        let sequences: Vec<_> = examples
            .into_iter()
            .map(|example| example.sequence)
            .collect();
        let batch = Batch::new(&sequences, &modes, self.tokenizer.specials(), spec.predict);
        let items: Vec<usize> = batch
            .media
            .iter()
            .map(|(row, medium)| self.media[feed][samples[*row]][*medium])
            .collect();
        let media = match items.is_empty() {
            true => Media::none(),
            false => model.media(self.latents(model, &items, [feed as u64, number])),
        };
        let input = TextInput::ragged(&batch.ids, batch.width, &batch.lengths);
        let looking = Looking::new(&batch.sees, items.len(), &self.device);
        let hidden = model.hidden(&input, &media, &looking);
        let [b, l, d] = hidden.dims();
        let (places, targets) = labelled(&batch);
        if targets.is_empty() {
            return Err(Error::contradiction(format!(
                "source {:?}: a batch has nothing to predict: raise `length` ({}) or `max_media`",
                spec.name, spec.length
            )));
        }
        let read = hidden
            .reshape([b * l, d])
            .select(0, indices(places, &self.device)); // [n, D]
        let loss = cross_entropy(model.logits(read), &targets, 0.0);
        Ok(Part {
            loss: loss.mean,
            targets: loss.targets,
            accuracy: None,
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
            version: match self.part_files.is_empty() {
                true => FORMAT_VERSION,
                false => PARTS_FORMAT_VERSION,
            },
            preprocess: Some(self.preprocess.clone()),
            tokens: self.tokens.clone(),
            sees: Visibility::Last,
            parts: self.part_files.clone(),
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
