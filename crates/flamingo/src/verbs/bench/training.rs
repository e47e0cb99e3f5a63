//! A step of a training: resampler, gated blocks and the rows of two new tokens learn, on 4 texts of 256 tokens with
//! 5 pictures each.

use std::fmt;

use flamingo::kernels::{
    DType, Device, Init, Module, Param, Precision, Tensor, autocast, indices, recorded_on,
};
use flamingo::model::vision::VisionEncoder;
use flamingo::model::{
    Flamingo, Learning, Looking, MicroBatch, StepOperations, TextInput, TrainingMemory,
};
use flamingo::sequence::{Segments, visible};
use flamingo::train::{AdamW, Flat, OptimiserSpec, add_gradients, frozen_in, keep_rows};
use flamingo::weights::{ModelConfig, Opened, apply_tensors};
use serde_json::{Map, Value, json};

use super::clock;
use super::cost::{self, Cost};
use super::world::{SHOT, World};
use crate::failure::{Failure, Result};

/// Texts of a step.
const ROWS: usize = 4;

/// Tokens of a text.
const TOKENS: usize = 256;

/// Pictures of a text.
const PICTURES: usize = 5;

/// The table whose new rows learn.
const TABLE: &str = "language.embed.weight";

/// One kind of step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Training {
    /// Of what is frozen, and of products.
    pub(crate) precision: Precision,
    /// Whether the encoder sees the pictures in the step, or their features are known.
    encodes: bool,
    /// Whether what is cheap to make is made again for the backward pass.
    recompute: bool,
}

impl fmt::Display for Training {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("train")?;
        if !self.encodes {
            f.write_str("_features")?;
        }
        match self.precision {
            Precision::F32 => {}
            Precision::Bf16 => f.write_str("_bf16")?,
            Precision::F16 => f.write_str("_f16")?,
        }
        match self.recompute {
            true => f.write_str("_recompute"),
            false => Ok(()),
        }
    }
}

impl Training {
    /// The one of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let rest = name.strip_prefix("train")?;
        let (recompute, rest) = match rest.strip_suffix("_recompute") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let (encodes, rest) = match rest.strip_prefix("_features") {
            Some(rest) => (false, rest),
            None => (true, rest),
        };
        let precision = match rest {
            "" => Precision::F32,
            "_bf16" => Precision::Bf16,
            _ => return None,
        };
        Some(Self {
            precision,
            encodes,
            recompute,
        })
    }

    pub(crate) fn run(self, opened: Opened, reps: usize) -> Result<Map<String, Value>> {
        let device = Device::flex().autodiff();
        let device = match self.recompute {
            true => device.gradient_checkpointing(),
            false => device,
        };
        let mut step = Step::new(self, &opened, &device)?;
        let times = clock::time(reps, || (), |()| step.run());
        let config = step.model.as_ref().map(Flamingo::config);
        let config = config.expect("it is put back");
        let (learning, batch) = (self.learning(), step.batch());
        let parts = cost::step(&StepOperations::of(config, &learning, &batch));
        let memory = TrainingMemory::of_flamingo(config, &learning, &batch);
        let all = parts
            .iter()
            .fold(Cost::default(), |sum, (_, cost)| sum + *cost);
        let mut fields = Map::new();
        let tokens = (ROWS * TOKENS) as f64 / times.best_s;
        fields.insert("tokens_per_s".to_owned(), tokens.into());
        let within = all.within(self.precision.into(), times.best_s);
        fields.insert("limit".to_owned(), within);
        let gflop = parts.map(|(name, cost)| (name.to_owned(), (cost.flop / 1e9).into()));
        let gflop = Map::from_iter(gflop);
        fields.insert("gflop_of".to_owned(), Value::Object(gflop));
        let mib = (memory.peak / f64::from(1 << 20)).round();
        fields.insert("predicted_mib".to_owned(), mib.into());
        fields.insert("step".to_owned(), json!(times));
        Ok(fields)
    }

    fn learning(self) -> Learning {
        Learning {
            precision: self.precision,
            tables: true,
            language: false,
            encodes: self.encodes,
            recompute: self.recompute,
            parts: 1,
        }
    }
}

/// A model that learns, and what it learns from.
struct Step {
    model: Option<Flamingo>,
    encoder: Option<(VisionEncoder, Tensor<4>)>,
    features: Tensor<4>,
    input: TextInput,
    sees: Vec<std::ops::Range<usize>>,
    places: Vec<usize>,
    targets: Vec<usize>,
    new_rows: [usize; 2],
    adam: AdamW,
    count: u64,
    precision: Precision,
    device: Device,
}

impl Step {
    fn new(training: Training, opened: &Opened, device: &Device) -> Result<Self> {
        let ModelConfig::Flamingo(config) = &opened.file.model else {
            return Err(Failure::new("the model is no Flamingo: give a flamingo"));
        };
        let specials = opened.tokenizer.specials();
        let mut world = World::new(config.language.vocabulary, 1);
        let mut ids = Vec::new();
        let mut sees = Vec::new();
        for row in 0..ROWS {
            let mut text = Vec::new();
            for _ in 0..PICTURES - 1 {
                text.push(specials.image);
                text.extend(opened.tokenizer.encode(&world.words(SHOT - 2))?);
                text.push(specials.end_of_chunk);
            }
            text.push(specials.image);
            text.extend(opened.tokenizer.encode(&world.words(TOKENS - text.len()))?);
            let first = row * PICTURES;
            let seen = visible(&text, specials, opened.file.sees);
            sees.extend(seen.into_iter().map(|sees| match sees.is_empty() {
                true => 0..0,
                false => first + sees.start..first + sees.end,
            }));
            ids.extend(text);
        }
        let next =
            |place: usize| !(place + 1).is_multiple_of(TOKENS) && ids[place + 1] != specials.image;
        let places: Vec<usize> = (0..ids.len()).filter(|&place| next(place)).collect();
        let targets = places
            .iter()
            .map(|&place| ids[place + 1] as usize)
            .collect();

        let model = Flamingo::new(config, &mut Init::new(0, device));
        let mut model = model.map_err(flamingo::weights::Error::from)?;
        let plain = Device::flex();
        // Its own encoder stays unread, on a device that records nothing.
        model.vision = VisionEncoder::new(&config.vision, &mut Init::new(0, &plain));
        let tensors = &opened.tensors;
        model.resampler = apply_tensors(model.resampler, tensors, "resampler.")?;
        model.media_projection =
            apply_tensors(model.media_projection, tensors, "media_projection.")?;
        model.gated = apply_tensors(model.gated, tensors, "gated.")?;
        model.language = apply_tensors(model.language, tensors, "language.")?.freeze();
        let layers = std::mem::take(&mut model.language.layers);
        model.language.layers = frozen_in(layers, training.precision);
        let new_rows = [specials.image as usize, specials.end_of_chunk as usize];
        let [one, two] = new_rows;
        model.language.learnt_rows = Some(one.min(two)..one.max(two) + 1);
        let table = &model.language.embed.weight;
        let values: Tensor<2> = recorded_on(table.val().inner(), device);
        model.language.embed.weight = Param::initialized(table.id, values).set_require_grad(true);

        let images = ROWS * PICTURES;
        let (positions, width) = (config.vision.positions(), config.vision.width());
        let mut random = Init::new(1, &plain);
        let features = random.normal([images, 1, positions, width], 1.0).val();
        let encoder = if training.encodes {
            let side = config.vision.image_size();
            let pixels = random.normal([images, 3, side, side], 1.0).val();
            let encoder = VisionEncoder::new(&config.vision, &mut Init::new(0, &plain));
            let encoder = apply_tensors(encoder, tensors, "vision.")?.no_grad();
            let precision = training.precision;
            Some((precision.cast(encoder), pixels.cast(precision.dtype())))
        } else {
            None
        };
        let adam = AdamW::new(&OptimiserSpec::default(), &model)?;
        Ok(Self {
            model: Some(model),
            encoder,
            features,
            input: TextInput::ragged(&ids, TOKENS, &[TOKENS; ROWS]),
            sees,
            places,
            targets,
            new_rows,
            adam,
            count: 0,
            precision: training.precision,
            device: device.clone(),
        })
    }

    /// What is worked on at once.
    fn batch(&self) -> MicroBatch {
        let stretches = Segments::new(&self.sees).expect("each token sees one picture");
        MicroBatch {
            rows: ROWS,
            length: TOKENS,
            media: ROWS * PICTURES,
            frames: 1,
            stretch: stretches.width,
            targets: self.targets.len(),
        }
    }

    fn run(&mut self) {
        let model = self.model.take().expect("it is put back");
        let features = match &self.encoder {
            Some((encoder, pixels)) => encoder.forward(pixels.clone()).unsqueeze_dim::<4>(1),
            None => self.features.clone(),
        };
        let features = recorded_on(features.cast(DType::F32), &self.device);
        let loss = autocast(self.precision, || self.loss(&model, features));
        let mut gradients = Flat::new();
        add_gradients(&model, loss.backward(), &mut gradients);
        let width = model.config().language.width;
        keep_rows(&mut gradients, TABLE, width, &self.new_rows);
        let norm = self.adam.norm(&gradients);
        let stepped = self.adam.step(model, gradients, norm, 1e-4, self.count);
        self.model = Some(stepped);
        self.count += 1;
    }

    fn loss(&self, model: &Flamingo, features: Tensor<4>) -> Tensor<1> {
        let media = model.media(model.resample(features, &[]));
        let looking = Looking::new(&self.sees, ROWS * PICTURES, &self.device);
        let hidden = model.hidden(&self.input, &media, &looking);
        let [b, l, d] = hidden.dims();
        let places = indices(self.places.iter().copied(), &self.device);
        let read = hidden.reshape([b * l, d]).select(0, places);
        model.loss(read, &self.targets).loss.mean
    }
}
