//! The pieces of work that are measured.

use std::fmt;
use std::str::FromStr;
use std::time::Instant;

use cpu_time::ProcessTime;
use flamingo::engine::{Decoding, EarlyStopping, Engine, RankBy};
use flamingo::kernels::{Device, Init, Tensor, WeightType};
use flamingo::model::{Flamingo, FlamingoConfig, Looking, Media, TextCache, TextRow};
use flamingo::sequence::{Candidates, visible};
use serde_json::{Map, Value, json};

use super::clock::time;
use super::cost::{self, Cost};
use super::training::Training;
use super::world::{SHOT, World};
use crate::failure::{Failure, Result};

/// All of them.
pub(crate) const TASKS: [&str; 24] = [
    "encode5",
    "encode33",
    "prefill4",
    "prefill32",
    "decode0",
    "decode4",
    "decode32",
    "eval_vqa4",
    "eval_vqa32",
    "eval_vqa32_warm",
    "eval_vqa32_same_shots",
    "classify4_10",
    "classify4_10_warm",
    "encode33_bf16",
    "encode33_q8_0",
    "prefill32_bf16",
    "prefill32_q8_0",
    "decode4_bf16",
    "decode4_q8_0",
    "decode4_q4_k",
    "train",
    "train_bf16",
    "train_features",
    "train_features_bf16",
];

/// What is measured of a language model alone, if nothing is asked for.
pub(crate) const LANGUAGE: &str = "lm683";

/// One.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// So many pictures through encoder and resampler, both with weights of this type.
    Encode(usize, WeightType),
    /// A prompt of so many shots read, its pictures encoded, with weights of this type.
    Prefill(usize, WeightType),
    /// A token behind it, with weights of this type.
    Decode(usize, WeightType),
    /// A question of an evaluation: 3 beams of 5 tokens.
    Query(usize, Known),
    /// So many candidates of two tokens scored.
    Classify(usize, usize, Known),
    /// A step of the training.
    Train(Training),
    /// A prompt of so many tokens read by a language model alone, and tokens behind it, with weights of this type.
    Language(usize, WeightType),
}

/// What was seen before a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    Nothing,
    /// The shots, in another order.
    Pictures,
    /// The shots, in this order.
    Shots,
}

impl Known {
    fn suffix(self) -> &'static str {
        match self {
            Known::Nothing => "",
            Known::Pictures => "_warm",
            Known::Shots => "_same_shots",
        }
    }
}

/// The type of weights in a task's name.
fn suffix(weights: WeightType) -> String {
    match weights == WeightType::default() {
        true => String::new(),
        false => format!("_{weights}"),
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Task::Encode(images, weights) => write!(f, "encode{images}{}", suffix(*weights)),
            Task::Prefill(shots, weights) => write!(f, "prefill{shots}{}", suffix(*weights)),
            Task::Decode(shots, weights) => write!(f, "decode{shots}{}", suffix(*weights)),
            Task::Query(shots, known) => write!(f, "eval_vqa{shots}{}", known.suffix()),
            Task::Classify(shots, classes, known) => {
                write!(f, "classify{shots}_{classes}{}", known.suffix())
            }
            Task::Train(training) => write!(f, "{training}"),
            Task::Language(tokens, weights) => write!(f, "lm{tokens}{}", suffix(*weights)),
        }
    }
}

impl FromStr for Task {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shots = |text: &str| text.parse::<usize>().ok().filter(|n| *n <= 256);
        let number = |text: &str| shots(text).filter(|n| *n > 0);
        let parse = || {
            if let Some(training) = Training::named(text) {
                return Some(Task::Train(training));
            }
            let known = [Known::Pictures, Known::Shots]
                .into_iter()
                .find(|known| text.ends_with(known.suffix()))
                .unwrap_or(Known::Nothing);
            let name = text.strip_suffix(known.suffix()).unwrap_or(text);
            if let Some(rest) = name.strip_prefix("eval_vqa") {
                return Some(Task::Query(shots(rest)?, known));
            }
            if let Some(rest) = name.strip_prefix("classify") {
                let (before, classes) = rest.split_once('_')?;
                return Some(Task::Classify(shots(before)?, number(classes)?, known));
            }
            let (name, weights) = match name.split_once('_') {
                Some((name, weights)) => (name, weights.parse().ok()?),
                None => (name, WeightType::default()),
            };
            if let Some(tokens) = name.strip_prefix("lm") {
                let tokens = tokens.parse::<usize>().ok().filter(|n| *n > 0)?;
                return Some(Task::Language(tokens, weights));
            }
            if let Some(rest) = name.strip_prefix("decode") {
                return Some(Task::Decode(shots(rest)?, weights));
            }
            if let Some(images) = name.strip_prefix("encode") {
                let weights = WeightType {
                    resampler: weights.quantised().is_some(),
                    ..weights
                };
                return Some(Task::Encode(number(images)?, weights));
            }
            Some(Task::Prefill(
                shots(name.strip_prefix("prefill")?)?,
                weights,
            ))
        };
        let same = |task: &Task| task.to_string() == text;
        parse()
            .filter(same)
            .ok_or_else(|| format!("there is no task `{text}`"))
    }
}

pub(crate) type Fields = Map<String, Value>;

impl Task {
    /// In what type it wants the weights.
    pub(crate) fn weights(self) -> WeightType {
        match self {
            Task::Encode(_, weights)
            | Task::Prefill(_, weights)
            | Task::Decode(_, weights)
            | Task::Language(_, weights) => weights,
            Task::Query(..) | Task::Classify(..) => WeightType::default(),
            Task::Train(training) => training.precision.into(),
        }
    }

    /// Runs it with the engine's model, whose weights are `weights`.
    pub(crate) fn run(
        self,
        engine: &mut Engine,
        weights: WeightType,
        reps: usize,
    ) -> Result<Fields> {
        let config = engine.model().config().clone();
        let tokens = match self {
            Task::Encode(..) | Task::Language(..) | Task::Train(_) => 0,
            Task::Prefill(n, _)
            | Task::Decode(n, _)
            | Task::Query(n, _)
            | Task::Classify(n, ..) => n * SHOT + 1 + SHOT / 2 + DECODED,
        };
        let most = engine.model().language.max_length();
        if tokens > most {
            let why = format!("{tokens} tokens, and the model has places for {most}");
            return Ok(fields([("skipped", why.into())]));
        }
        match self {
            Task::Encode(images, _) => Ok(encode(engine.model(), images, weights, reps)),
            Task::Prefill(shots, _) => {
                let prompt = Prompt::new(engine, shots, weights)?;
                Ok(prefill(&prompt, &config, weights, reps))
            }
            Task::Decode(shots, _) => {
                let prompt = Prompt::new(engine, shots, weights)?;
                Ok(decode(&prompt, &config, weights))
            }
            Task::Query(shots, known) => query(engine, weights, [shots, reps], known),
            Task::Classify(shots, classes, known) => {
                classify(engine, weights, [shots, classes, reps], known)
            }
            Task::Train(_) => Err(Failure::new(format!("{self} has no engine"))),
            Task::Language(..) => Err(Failure::new(format!("{self} is of a language model alone"))),
        }
    }
}

/// Tokens that are written at most.
pub(crate) const DECODED: usize = 24;

pub(crate) fn fields<const N: usize>(all: [(&str, Value); N]) -> Fields {
    let owned = |(name, value): (&str, Value)| (name.to_owned(), value);
    all.into_iter().map(owned).collect()
}

/// As many pictures at once as the engine takes.
const AT_ONCE: usize = 16;

fn encode(model: &Flamingo, images: usize, weights: WeightType, reps: usize) -> Fields {
    let config = model.config();
    let side = config.vision.image_size();
    let pixels: Tensor<4> = Init::new(1, &Device::flex())
        .normal([images, 3, side, side], 1.0)
        .val()
        .cast(weights.precision.dtype());
    let parts = |n: usize| {
        (0..n)
            .step_by(AT_ONCE)
            .map(move |i| (i, AT_ONCE.min(n - i)))
    };
    let encoded = |pixels: &Tensor<4>| -> Vec<Tensor<3>> {
        parts(images)
            .map(|(i, n)| model.encode(pixels.clone().narrow(0, i, n)))
            .collect()
    };
    let vit = time(reps, || (), |()| drop(encoded(&pixels)));
    let features = encoded(&pixels);
    let resample = |features: &[Tensor<3>]| {
        for part in features {
            let places = vec![0; part.dims()[0]];
            drop(model.resample(part.clone().unsqueeze_dim::<4>(1), &places));
        }
    };
    let perceiver = time(reps, || (), |()| resample(&features));
    let latents: Vec<Tensor<3>> = features
        .iter()
        .map(|part| {
            let places = vec![0; part.dims()[0]];
            model.resample(part.clone().unsqueeze_dim::<4>(1), &places)
        })
        .collect();
    let keys = time(
        reps,
        || (),
        |()| {
            latents
                .iter()
                .for_each(|part| drop(model.media(part.clone())))
        },
    );
    let both = vit.best_s + perceiver.best_s;
    let cost = cost::encoder(config, images) + cost::resampler(config, images);
    fields([
        ("images_per_s", (images as f64 / both).into()),
        ("encoder_images_per_s", (images as f64 / vit.best_s).into()),
        (
            "resampler_images_per_s",
            (images as f64 / perceiver.best_s).into(),
        ),
        ("limit", cost.within(weights, both)),
        (
            "keys_values_limit",
            cost::keys_values(config, images).within(weights, keys.best_s),
        ),
        ("vit", json!(vit)),
        ("perceiver", json!(perceiver)),
        ("keys_values", json!(keys)),
    ])
}

/// A prompt as integers, with random latents for its pictures.
struct Prompt<'a> {
    model: &'a Flamingo,
    ids: Vec<u32>,
    sees: Vec<std::ops::Range<usize>>,
    latents: Tensor<3>,
}

impl<'a> Prompt<'a> {
    fn new(engine: &'a Engine, shots: usize, weights: WeightType) -> Result<Self> {
        let (model, tokenizer) = (engine.model(), engine.tokenizer());
        let specials = tokenizer.specials();
        let mut world = World::new(model.config().language.vocabulary, 1);
        let mut ids = Vec::new();
        for _ in 0..shots {
            ids.push(specials.image);
            ids.extend(tokenizer.encode(&world.words(SHOT - 2))?);
            ids.push(specials.end_of_chunk);
        }
        ids.push(specials.image);
        ids.extend(tokenizer.encode(&world.words(SHOT / 2))?);
        let config = model.config();
        let shape = [shots + 1, config.latents(), config.media_width()];
        let sees = visible(&ids, specials, engine.model_file().sees);
        Ok(Self {
            model,
            ids,
            sees,
            latents: Init::new(2, &Device::flex())
                .normal(shape, 1.0)
                .val()
                .cast(weights.precision.dtype()),
        })
    }

    fn media(&self) -> Media {
        self.model.media(self.latents.clone())
    }

    /// Reads the prompt, and returns the logits of what follows.
    fn read(&self, media: &Media, cache: &mut TextCache) -> Tensor<2> {
        let looking = Looking::new(&self.sees, media.len(), &Device::flex());
        self.read_tokens(&self.ids, media, &looking, cache)
    }

    fn read_tokens(
        &self,
        ids: &[u32],
        media: &Media,
        looking: &Looking,
        cache: &mut TextCache,
    ) -> Tensor<2> {
        let mut row = TextRow::new(ids, cache);
        let rows = std::slice::from_mut(&mut row);
        let stream = self.model.read(rows, media, looking);
        self.model.logits(stream.narrow(0, ids.len() - 1, 1))
    }
}

fn prefill(
    prompt: &Prompt<'_>,
    config: &FlamingoConfig,
    weights: WeightType,
    reps: usize,
) -> Fields {
    let media = prompt.media();
    let known = time(reps, TextCache::default, |mut cache| {
        drop(prompt.read(&media, &mut cache));
    });
    let with_keys = time(reps, TextCache::default, |mut cache| {
        drop(prompt.read(&prompt.media(), &mut cache));
    });
    let tokens = prompt.ids.len();
    fields([
        ("tokens", tokens.into()),
        ("tokens_per_s", (tokens as f64 / known.best_s).into()),
        (
            "limit",
            cost::tokens(config, 1, tokens, 0)
                .stored_in(weights)
                .within(weights, known.best_s),
        ),
        ("prefill", json!(known)),
        ("prefill_and_keys_values", json!(with_keys)),
    ])
}

fn decode(prompt: &Prompt<'_>, config: &FlamingoConfig, weights: WeightType) -> Fields {
    let media = prompt.media();
    let mut cache = TextCache::default();
    let mut logits = prompt.read(&media, &mut cache);
    let seen = prompt.sees[prompt.sees.len() - 1..].to_vec();
    let mut all = Vec::with_capacity(DECODED);
    let start = ProcessTime::now();
    for _ in 0..DECODED {
        let start = Instant::now();
        let next = logits.argmax(1).into_data().convert::<i32>();
        let next = next.try_to_vec::<i32>().expect("converted")[0] as u32;
        let looking = Looking::new(&seen, media.len(), &Device::flex());
        logits = prompt.read_tokens(&[next], &media, &looking, &mut cache);
        all.push(start.elapsed().as_secs_f64());
    }
    let cpu = start.elapsed().as_secs_f64() / DECODED as f64;
    all.sort_by(f64::total_cmp);
    let (best, median) = (all[0], all[all.len() / 2]);
    let cost = cost::tokens(config, 1, 1, prompt.ids.len()).stored_in(weights);
    fields([
        ("tokens", DECODED.into()),
        ("best_s_per_token", best.into()),
        ("median_s_per_token", median.into()),
        ("tokens_per_s", (1.0 / median).into()),
        ("cpu_s_per_token", cpu.into()),
        ("limit", cost.within(weights, median)),
    ])
}

/// As open_flamingo's evaluation asks: 3 beams of 5 tokens.
fn decoding() -> Decoding {
    Decoding {
        max_new_tokens: 5,
        min_new_tokens: 5,
        num_beams: 3,
        length_penalty: 0.0,
        early_stopping: EarlyStopping::Heuristic,
        ..Decoding::default()
    }
}

fn query(
    engine: &mut Engine,
    weights: WeightType,
    [shots, reps]: [usize; 2],
    known: Known,
) -> Result<Fields> {
    let config = engine.model().config().clone();
    let mut world = World::new(config.language.vocabulary, config.vision.image_size());
    let mut shots_of_all = world.shots(shots);
    let tokens = shots * SHOT + 1 + SHOT / 2;
    let mut failed = Ok(());
    let engine = std::cell::RefCell::new(engine);
    let world = std::cell::RefCell::new(&mut world);
    let times = time(
        // The run that is not counted is the earlier query.
        reps,
        || {
            match known {
                Known::Nothing => engine.borrow_mut().clear_caches(),
                // No shot stays where it was, so that nothing of the beginning is known.
                Known::Pictures if !shots_of_all.is_empty() => shots_of_all.rotate_left(1),
                Known::Pictures | Known::Shots => {}
            }
            world.borrow_mut().query(&shots_of_all)
        },
        |prompt| {
            let pictures = &world.borrow().pictures;
            let decoding = decoding();
            let mut engine = engine.borrow_mut();
            let prompts = std::slice::from_ref(&prompt);
            let asked = engine.generate(prompts, pictures, &decoding, &mut |_, _| {});
            if let Err(error) = asked {
                failed = Err(error);
            }
        },
    );
    failed?;
    let (images, new) = match known {
        Known::Nothing => (shots + 1, tokens),
        Known::Pictures => (1, tokens),
        Known::Shots => (1, 1 + SHOT / 2),
    };
    let cost = of_images(&config, images)
        + cost::tokens(&config, 1, new, tokens - new)
        + written(&config, 3, 4, tokens);
    let cost = cost.stored_in(weights);
    let [media, prefixes] = engine.borrow().cached_bytes();
    Ok(fields([
        ("limit", cost.within(weights, times.median_s)),
        ("cached_media_mib", (media >> 20).into()),
        ("cached_prefixes_mib", (prefixes >> 20).into()),
        ("query", json!(times)),
    ]))
}

fn of_images(config: &FlamingoConfig, images: usize) -> Cost {
    cost::encoder(config, images)
        + cost::resampler(config, images)
        + cost::keys_values(config, images)
}

/// Steps of `rows` rows each, which read all weights each time.
fn written(config: &FlamingoConfig, rows: usize, steps: usize, before: usize) -> Cost {
    let step = cost::tokens(config, rows, 1, before);
    Cost {
        flop: steps as f64 * step.flop,
        bytes: steps as f64 * step.bytes,
    }
}

fn classify(
    engine: &mut Engine,
    weights: WeightType,
    [shots, classes, reps]: [usize; 3],
    known: Known,
) -> Result<Fields> {
    let config = engine.model().config().clone();
    let mut world = World::new(config.language.vocabulary, config.vision.image_size());
    let all = world.shots(shots);
    let candidates: Vec<String> = (0..classes).map(|_| world.words(2)).collect();
    let tokens = shots * SHOT + 1 + SHOT / 2;
    let mut failed = Ok(());
    let engine = std::cell::RefCell::new(engine);
    let world = std::cell::RefCell::new(&mut world);
    let times = time(
        reps,
        || {
            if known == Known::Nothing {
                engine.borrow_mut().clear_caches();
            }
            Candidates {
                document: world.borrow_mut().query(&all),
                candidates: candidates.clone(),
            }
        },
        |request| {
            let pictures = &world.borrow().pictures;
            let requests = std::slice::from_ref(&request);
            let scored = engine.borrow_mut().score(requests, pictures, RankBy::Mean);
            if let Err(error) = scored {
                failed = Err(error);
            }
        },
    );
    failed?;
    let (images, new) = match known {
        Known::Nothing => (shots + 1, tokens),
        Known::Pictures | Known::Shots => (1, 1 + SHOT / 2),
    };
    let cost = of_images(&config, images)
        + cost::tokens(&config, 1, new, tokens - new)
        // Read in the pass of the prompt, which reads the weights.
        + Cost {
            bytes: 0.0,
            ..cost::tokens(&config, classes, 1, tokens)
        };
    Ok(fields([
        ("class_names", classes.into()),
        ("tokens_per_name", 2.into()),
        ("limit", cost.within(weights, times.median_s)),
        ("query", json!(times)),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tasks_round_trip_and_others_are_refused() {
        for name in TASKS.into_iter().chain([LANGUAGE, "lm64_q4_k"]) {
            assert_eq!(
                name.parse::<Task>().map(|task| task.to_string()).as_deref(),
                Ok(name)
            );
        }
        for name in [
            "train4",
            "train_f32",
            "encode",
            "encode0",
            "decode4x",
            "classify4",
            "eval_vqa_warm",
            "decode4_warm",
            "encode33_int8",
            "lm",
            "lm0",
            "prefill32_f32_bf16",
        ] {
            let error = name.parse::<Task>().expect_err(name);
            assert!(error.contains(name), "{error}");
        }
    }
}
