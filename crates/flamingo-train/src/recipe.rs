//! A training run as a TOML file.
//!
//! Unknown keys are refused with the file, the line and the keys that are allowed. Relative paths
//! start at the folder that the program runs in.

use std::path::{Path, PathBuf};

use flamingo_data::{Augment, is_pattern, is_remote};
use flamingo_image::Preprocess;
use flamingo_kernels::{Device, Precision};
use flamingo_sequence::{Predict, SpecialTokenNames};
use serde::{Deserialize, Serialize};

use crate::ranges::Numbers;
use crate::{
    DataSpec, Error, HeldOutSpec, InitPart, InitialSpec, ModelSpec, NewTokensSpec, OptimiserSpec,
    RegulariseSpec, Result, Schedule, StreamSpec, Texts,
};

/// A training run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The run folder: everything the run writes.
    pub run: PathBuf,
    /// The command that makes the data and parts that this recipe names, told if one is not there. It
    /// changes nothing about the run.
    #[serde(default, skip_serializing)]
    pub made_by: Option<String>,
    /// All randomness comes from it.
    #[serde(default)]
    pub seed: u64,
    /// Processor threads; 0 for all. Runs agree bit for bit only on equal numbers.
    #[serde(default)]
    pub threads: usize,
    /// In which precision the finished model is stored.
    #[serde(default)]
    pub weights: Precision,
    /// f32, or bf16 for mixed precision: what is frozen is kept in bf16, and the factors of products are rounded to it.
    /// Sums, the stream, trained parameters and the optimiser's state stay in f32.
    #[serde(default, skip_serializing_if = "is_default")]
    pub precision: Precision,
    /// Whether what is cheap to make (norms, activations, gated sums) is not kept for the backward pass but made again:
    /// less memory, a little more time.
    #[serde(default, skip_serializing_if = "is_default")]
    pub recompute: bool,
    /// Whether each update sums the gradients of all sources (paper, 2.4) or takes them in turn.
    #[serde(default)]
    pub updates: Updates,
    /// `tokenizer.json`; a Flamingo takes its language model's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<PathBuf>,
    /// The tokenizer's special tokens; a Flamingo takes its language model's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<SpecialTokenNames>,
    /// How pictures become pixels; a Flamingo takes its encoder's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preprocess: Option<Preprocess>,
    /// What is trained, and so which kind of training this is.
    pub model: ModelSpec,
    /// The finished parts that a Flamingo is built of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<InitSpec>,
    /// Changes to the first values of parameters.
    #[serde(default)]
    pub initial: InitialSpec,
    /// The sources of data.
    pub data: Vec<DataSpec>,
    /// Samples that are not trained on. Flamingo only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<HeldOutSpec>,
    /// What is done to the inputs against learning by heart.
    #[serde(default)]
    pub regularise: RegulariseSpec,
    /// AdamW and its groups.
    #[serde(default)]
    pub optimiser: OptimiserSpec,
    /// Steps and learning rate.
    pub schedule: Schedule,
    /// What is kept for other runs.
    #[serde(default, skip_serializing_if = "CacheSpec::is_none")]
    pub cache: CacheSpec,
    /// When the state is saved.
    #[serde(default)]
    pub checkpoint: CheckpointSpec,
    /// When the figures are written.
    #[serde(default)]
    pub log: LogSpec,
}

/// The finished parts that a Flamingo is built of: model directories of earlier runs, or published
/// models; a path or a hub id, or a file elsewhere that the finished model names and does not hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InitSpec {
    /// Of a contrastive training, or a whole Flamingo: its vision encoder; or an image tower of CLIP
    /// or an NFNet of timm, a file or a directory.
    pub vision: InitPart,
    /// Of a language training, or a whole Flamingo: its language model and tokenizer; or the directory
    /// of a published language model, whose new tokens then learn along. `lm` means the same.
    #[serde(alias = "lm")]
    pub language: InitPart,
    /// A Flamingo of ours whose resampler and gated blocks are the first values of those of the recipe, which must be
    /// alike: it is fine-tuned. `vision` and `language` may name the same directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained: Option<PathBuf>,
    /// Side of the square that pictures are resized to, if it is not the encoder's own; for encoders
    /// without learnt positions. Smaller is cheaper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_size: Option<usize>,
    /// How tokens begin that the language model does not know yet.
    #[serde(default, skip_serializing_if = "is_default")]
    pub tokens: NewTokensSpec,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// How the gradients of several sources become updates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Updates {
    /// Each update sums the weighted gradients of all.
    #[default]
    Accumulate,
    /// Each update is of one source, in turn (the paper's ablation).
    RoundRobin,
}

/// What a run keeps for other runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CacheSpec {
    /// A folder for the features that the frozen encoder makes of pictures. Flamingo only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<PathBuf>,
    /// A folder for the files of sources whose `path` is an address on the web.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downloads: Option<PathBuf>,
}

impl CacheSpec {
    fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// When the state of a run is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckpointSpec {
    /// After so many steps each; 0 for never (but when stopped).
    pub every: u64,
    /// The newest so many are kept; at least 1.
    pub keep: usize,
}

impl Default for CheckpointSpec {
    fn default() -> Self {
        Self {
            every: 500,
            keep: 2,
        }
    }
}

/// When the figures of a run are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogSpec {
    /// A line for so many steps, with their means.
    pub every: u64,
    /// Every so many steps, what the model writes where the first samples of each source in memory have their text (those
    /// held out, if some are), in `samples.jsonl`; 0 for never. Flamingo only.
    #[serde(skip_serializing_if = "is_zero")]
    pub samples: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Default for LogSpec {
    fn default() -> Self {
        Self {
            every: 10,
            samples: 0,
        }
    }
}

/// Steps of a smoke run.
const SMOKE_STEPS: u64 = 4;

impl Recipe {
    /// Reads a recipe.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Recipe`] naming the line, [`Error::Contradiction`].
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
        Self::from_toml(&text, &path.display().to_string())
    }

    /// Reads a recipe from TOML; `name` is for messages.
    ///
    /// # Errors
    /// [`Error::Recipe`] naming the line, [`Error::Contradiction`].
    pub fn from_toml(text: &str, name: &str) -> Result<Self> {
        let recipe: Recipe = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = 1 + text.as_bytes()[..start]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count();
            Error::Recipe {
                place: format!("{name}:{line}"),
                message: error.message().trim_end().to_owned(),
            }
        })?;
        recipe.check().map_err(|message| Error::Recipe {
            place: name.to_owned(),
            message,
        })?;
        Ok(recipe)
    }

    /// The recipe with all defaults filled in.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("a recipe is plain data")
    }

    /// The kind of training, as in messages.
    pub fn kind(&self) -> &'static str {
        match self.model {
            ModelSpec::Contrastive(_) => "contrastive",
            ModelSpec::Language(_) => "language",
            ModelSpec::Flamingo(_) => "flamingo",
            ModelSpec::FineTune(_) => "fine_tune",
        }
    }

    /// The preset that the recipe's model names, if it names one.
    pub fn preset(&self) -> Option<&str> {
        match &self.model {
            ModelSpec::Contrastive(spec) => spec.preset.as_deref(),
            ModelSpec::Flamingo(spec) => spec.preset.as_deref(),
            ModelSpec::Language(_) | ModelSpec::FineTune(_) => None,
        }
    }

    /// Whether a whole Flamingo is trained.
    fn is_of_flamingo(&self) -> bool {
        matches!(self.model, ModelSpec::Flamingo(_) | ModelSpec::FineTune(_))
    }

    /// The same run cut down to a few steps of a few samples, in a folder of its own beside the
    /// real one: to see in seconds that everything is in place.
    pub fn smoke(mut self) -> Self {
        let (steps, short) = (self.schedule.steps, SMOKE_STEPS.min(self.schedule.steps));
        // A source keeps at least one step: its first is rounded down, its last up.
        let scaled = |step: u64| step as f64 * short as f64 / steps.max(1) as f64;
        for data in &mut self.data {
            if data.stream.is_none() {
                data.samples = Some(data.samples.unwrap_or(64).min(64));
            }
            data.batch = data.batch.min(4);
            if let Some(episode) = &mut data.episode {
                // A few samples are of few things.
                (episode.names, episode.shots, episode.composites) = ([2, 2], [1, 1], 0.0);
            }
            data.from = scaled(data.from).floor() as u64;
            data.until = data.until.map(|until| scaled(until).ceil() as u64);
        }
        self.schedule.decay_from = scaled(self.schedule.decay_from).floor() as u64;
        self.schedule.warmup = self.schedule.warmup.min(2);
        self.schedule.steps = short;
        self.log.every = 1;
        if let Some(held_out) = &mut self.held_out {
            held_out.every = short.div_ceil(2);
        }
        self.run = beside(&self.run, "smoke");
        self
    }

    /// Sees that all that the recipe starts from is there.
    pub(crate) fn check_there(&self) -> Result<()> {
        let tokenizer = self.tokenizer.iter().map(|path| ("tokenizer", path));
        let data = self.data.iter().map(|data| ("data.path", &data.path));
        let data = data.filter(|(_, path)| !is_pattern(path) && !is_remote(path));
        self.all_there(tokenizer)?;
        self.check_parts_there()?;
        self.all_there(data)
    }

    /// Sees that the parts are there that a Flamingo is built of.
    pub(crate) fn check_parts_there(&self) -> Result<()> {
        let parts = self.init.iter().flat_map(|init| {
            [
                ("init.vision", &init.vision),
                ("init.language", &init.language),
            ]
        });
        let parts = parts.filter_map(|(key, part)| match part {
            InitPart::Path(path) => Some((key, path)),
            InitPart::File(_) => None,
        });
        let trained = self.init.iter().filter_map(|init| init.trained.as_ref());
        self.all_there(parts.chain(trained.map(|path| ("init.trained", path))))
    }

    fn all_there<'a>(
        &self,
        mut all: impl Iterator<Item = (&'static str, &'a PathBuf)>,
    ) -> Result<()> {
        match all.find(|(_, path)| !path.exists()) {
            None => Ok(()),
            Some((key, path)) => Err(Error::Absent {
                key,
                path: path.clone(),
                next: match &self.made_by {
                    Some(command) => format!("make it with `{command}`"),
                    None => "make it first, or correct the recipe".to_owned(),
                },
            }),
        }
    }

    fn check(&self) -> Result<(), String> {
        if self.schedule.steps == 0 {
            return Err("schedule.steps is 0: give at least 1".into());
        }
        if self.data.is_empty() {
            return Err("there is no [[data]]: give at least one source".into());
        }
        if self.precision == Precision::F16 {
            return Err(
                "precision is f16, in which small gradients become 0: give bf16 or f32".into(),
            );
        }
        self.check_parts()?;
        Numbers {
            schedule: &self.schedule,
            optimiser: &self.optimiser,
            regularise: &self.regularise,
            initial: &self.initial,
            data: &self.data,
        }
        .check()?;
        let mut names: Vec<&str> = self.data.iter().map(|data| data.name.as_str()).collect();
        if names.contains(&"") {
            return Err("a source has the name \"\": give it one".into());
        }
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!(
                "two sources are named {:?}: give them different names",
                pair[0]
            ));
        }
        self.data.iter().try_for_each(|data| self.check_data(data))
    }

    /// The device that a training records on.
    pub(crate) fn recording(&self, device: &Device) -> Device {
        let device = device.clone().autodiff();
        match self.recompute {
            true => device.gradient_checkpointing(),
            false => device,
        }
    }

    /// Which sections a kind of training needs, and which it cannot use.
    fn check_parts(&self) -> Result<(), String> {
        let kind = self.kind();
        let (flamingo, contrastive) = (self.is_of_flamingo(), kind == "contrastive");
        let sections = [
            ("init", self.init.is_some(), kind == "flamingo"),
            ("tokenizer", self.tokenizer.is_some(), !flamingo),
            ("tokens", self.tokens.is_some(), !flamingo),
            ("preprocess", self.preprocess.is_some(), contrastive),
        ];
        for (name, given, wanted) in sections {
            match (given, wanted) {
                (false, true) => return Err(format!("a {kind} training needs `{name}`")),
                (true, false) => {
                    return Err(format!(
                        "`{name}` has no use in a {kind} training: leave it out"
                    ));
                }
                _ => {}
            }
        }
        if self.cache.features.is_some() && !flamingo {
            return Err(format!(
                "`cache.features` has no use in a {kind} training: leave it out"
            ));
        }
        if let ModelSpec::FineTune(spec) = &self.model {
            spec.lora.iter().try_for_each(|lora| lora.check())?;
            if spec.unfreeze_vision && self.cache.features.is_some() {
                return Err(
                    "`cache.features` has no use where the encoder learns along: leave it out"
                        .into(),
                );
            }
        }
        match &self.held_out {
            Some(_) if !flamingo => {
                return Err(format!(
                    "`held_out` has no use in a {kind} training: leave it out"
                ));
            }
            Some(held_out) => held_out.check()?,
            None => {}
        }
        let held = |data: &DataSpec| data.stream.is_none() && data.episode.is_none();
        if self.log.samples > 0 && !(flamingo && self.data.iter().any(held)) {
            return Err(format!(
                "`log.samples` has no use in a {kind} training without a source in memory that is no episodes: leave it out"
            ));
        }
        if self.initial.resampler.is_some() && kind != "flamingo" {
            return Err(format!(
                "`initial.resampler` has no use in a {kind} training: leave it out"
            ));
        }
        self.regularise
            .check(if flamingo { "flamingo" } else { kind })
    }

    fn check_data(&self, data: &DataSpec) -> Result<(), String> {
        let (kind, name) = (self.kind(), &data.name);
        let (flamingo, contrastive) = (self.is_of_flamingo(), kind == "contrastive");
        let options = [
            ("prompt", data.prompt.is_some(), flamingo),
            ("form", data.form.is_some(), flamingo),
            ("max_media", data.max_media.is_some(), flamingo),
            ("p_next", data.p_next.is_some(), flamingo),
            ("p_space", data.p_space.is_some(), flamingo),
            ("predict", data.predict != Predict::default(), flamingo),
            ("episode", data.episode.is_some(), flamingo),
            ("fps", data.fps.is_some(), flamingo),
            ("frames", data.frames.is_some(), flamingo),
            ("frame_rate", data.frame_rate.is_some(), flamingo),
            ("about", data.about.is_some(), contrastive),
            ("texts", data.texts != Texts::default(), contrastive),
            ("stream", data.stream.is_some(), flamingo || contrastive),
            (
                "micro_batch",
                data.micro_batch.is_some(),
                flamingo || contrastive,
            ),
            (
                "augment",
                data.augment != Augment::default(),
                contrastive || data.stream.is_some(),
            ),
        ];
        if let Some((option, ..)) = options
            .iter()
            .find(|(_, given, allowed)| *given && !allowed)
        {
            return Err(format!(
                "source {name:?}: `{option}` has no use in a {kind} training"
            ));
        }
        if is_remote(&data.path) {
            if !data.format.is_in_pieces() {
                return Err(format!(
                    "source {name:?}: `path` is an address, which shards, JSONL and Parquet may have, and `format` is {}: download \
                     it, and give its folder",
                    data.format.name()
                ));
            }
            if self.cache.downloads.is_none() {
                return Err(format!(
                    "source {name:?}: `path` is an address: say where its files are to lie, as `downloads = \"FOLDER\"` of `[cache]`"
                ));
            }
        }
        if let Some(episode) = &data.episode {
            episode
                .check()
                .map_err(|what| format!("source {name:?}: {what}"))?;
            let framing = options.iter().take(6).find(|(_, given, _)| *given);
            if let Some((option, ..)) = framing {
                return Err(format!(
                    "source {name:?}: `{option}` has no use where pairs become episodes: leave it out"
                ));
            }
            let learns = matches!(&self.model, ModelSpec::FineTune(spec) if spec.unfreeze_vision);
            if let Some(option) = episode.of_features().filter(|_| learns) {
                return Err(format!(
                    "source {name:?}: `episode.{option}` needs the features of a frozen encoder, and `unfreeze_vision` lets it learn \
                     along: leave one of them out"
                ));
            }
        }
        if data.prompt.is_some() && data.p_space.is_some() {
            return Err(format!(
                "source {name:?}: `p_space` has no use behind a `prompt`: leave it out"
            ));
        }
        if let Some(stream) = data.stream {
            self.check_stream(data, stream)?;
        }
        if data.micro_batch == Some(0) {
            return Err(format!("source {name:?}: micro_batch is 0, at least 1"));
        }
        let least = if contrastive { 2 } else { 1 };
        if data.batch < least {
            return Err(format!(
                "source {name:?}: batch is {}, at least {least}",
                data.batch
            ));
        }
        if data.frames == Some(0) {
            return Err(format!("source {name:?}: frames is 0, at least 1"));
        }
        if data.length < 2 {
            return Err(format!(
                "source {name:?}: length is {}, at least 2",
                data.length
            ));
        }
        let until = data
            .until
            .unwrap_or(self.schedule.steps)
            .min(self.schedule.steps);
        if data.from >= until {
            return Err(format!(
                "source {name:?}: from {} until {until} of {} steps is never used",
                data.from, self.schedule.steps
            ));
        }
        Ok(())
    }

    /// What a stream cannot do, for it is never looked at as a whole.
    fn check_stream(&self, data: &DataSpec, stream: StreamSpec) -> Result<(), String> {
        let name = &data.name;
        if stream.window == 0 {
            return Err(format!("source {name:?}: stream.window is 0, at least 1"));
        }
        if !data.format.is_in_pieces() {
            return Err(format!(
                "source {name:?}: only shards, jsonl and parquet can be a `stream`: leave it out, or make shards of it"
            ));
        }
        let whole = [
            ("only", data.only.is_some()),
            ("samples", data.samples.is_some()),
            ("about", data.about.is_some()),
            ("texts = \"all\"", data.texts == Texts::All),
            ("episode", data.episode.is_some()),
            ("held_out", self.held_out.is_some()),
        ];
        if let Some((key, _)) = whole.iter().find(|(_, given)| *given) {
            return Err(format!(
                "source {name:?}: `{key}` needs the whole source in memory: leave it or `stream` out"
            ));
        }
        if self.cache.features.is_some() && data.augment != Augment::default() {
            return Err(format!(
                "source {name:?}: `augment` makes other pictures each time, so that `cache.features` would only grow: \
                 leave one of them out"
            ));
        }
        Ok(())
    }
}

/// `a/b` with `-suffix` behind its last name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push("-");
    name.push(suffix);
    path.with_file_name(name)
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]

    use flamingo_image::Sampling;

    use super::*;

    /// A language recipe as small as can be; paths are relative.
    pub(crate) const LANGUAGE: &str = r#"
run = "run"
tokenizer = "tokenizer.json"
tokens = { bos = "<BOS>", eos = "<EOS>", pad = "<PAD>", image = "<image>", end_of_chunk = "<EOC>" }

[model.language]
vocabulary = 37
width = 8
layers = 2
heads = 2
key_value_heads = 2
head_dim = 4
ffw_width = 16
positions = { kind = "rotary", fraction = 0.5, base = 10000.0 }
norm = "layer_norm"
norm_epsilon = 1e-5
residual = "sequential"
activation = "gelu_tanh"
gated_ffw = false
attention_bias = false
ffw_bias = true
query_key_norm = "none"
tied_head = true

[[data]]
name = "text"
format = "jsonl"
path = "text.jsonl"
batch = 3
length = 11

[schedule]
steps = 6
rate = 1e-2
warmup = 2
shape = "cosine"
"#;

    fn error(text: &str) -> String {
        Recipe::from_toml(text, "a.toml").unwrap_err().to_string()
    }

    #[test]
    fn frames_of_films_are_the_papers_unless_a_source_says_otherwise() {
        let source = |more: &str| {
            let text = LANGUAGE.replace("batch = 3", &format!("batch = 3\n{more}"));
            toml::from_str::<toml::Value>(&text).unwrap()["data"][0].clone()
        };
        let spec = |more: &str| source(more).try_into::<DataSpec>().unwrap();
        assert_eq!(spec("").sampling(8), Sampling::TRAINING);
        let set = spec("fps = 29.97\nframes = 5\nframe_rate = \"30000/1001\"");
        let rate = "29.97".parse().unwrap();
        assert_eq!(set.sampling(8), Sampling { rate, most: 5 });
        assert_eq!(set.reader(None).frame_rate, "30000/1001".parse().ok());
        let written = toml::to_string(&set).unwrap();
        assert_eq!(toml::from_str::<DataSpec>(&written).unwrap(), set);
        assert!(source("fps = 0").try_into::<DataSpec>().is_err());
        let text = LANGUAGE.replace("batch = 3", "batch = 3\nfps = 2");
        let error = Recipe::from_toml(&text, "a.toml").unwrap_err().to_string();
        assert!(
            error.contains("`fps` has no use in a language training"),
            "{error}"
        );
    }

    #[test]
    fn a_recipe_is_written_with_its_defaults_and_read_again() {
        let recipe = Recipe::from_toml(LANGUAGE, "a.toml").unwrap();
        assert_eq!(recipe.optimiser.epsilon, 1e-8);
        assert_eq!(
            Recipe::from_toml(&recipe.to_toml(), "b.toml").unwrap(),
            recipe
        );
    }

    #[test]
    fn an_unknown_key_is_named_with_its_file_its_line_and_those_allowed() {
        let message = error(&LANGUAGE.replace("warmup = 2", "warm_up = 2"));
        let line = 1 + LANGUAGE
            .lines()
            .position(|line| line == "warmup = 2")
            .unwrap();
        assert!(
            message.starts_with(&format!("a.toml:{line}: ")),
            "{message}"
        );
        assert!(
            message.contains("`warm_up`") && message.contains("`warmup`"),
            "{message}"
        );
        let message = error(&LANGUAGE.replace("head_dim", "head_size"));
        assert!(
            message.contains("`head_size`") && message.contains("`head_dim`"),
            "{message}"
        );
        assert!(error("run = 3").starts_with("a.toml:1: "));
    }

    #[test]
    fn what_a_kind_of_training_cannot_use_or_lacks_is_said() {
        let message = error(&LANGUAGE.replace("batch = 3", "batch = 3\np_next = 0.5"));
        assert!(
            message.contains("`p_next` has no use in a language training"),
            "{message}"
        );
        let message = error(&LANGUAGE.replace("tokenizer = \"tokenizer.json\"", ""));
        assert!(message.contains("needs `tokenizer`"), "{message}");
        let message = error(&LANGUAGE.replace("batch = 3", "batch = 3\nfrom = 6"));
        assert!(message.contains("never used"), "{message}");
    }

    #[test]
    fn a_smoke_run_is_short_and_elsewhere() {
        let text = LANGUAGE
            .replace("steps = 6", "steps = 600")
            .replace("batch = 3", "batch = 64\nfrom = 300");
        let smoke = Recipe::from_toml(&text, "a.toml").unwrap().smoke();
        assert_eq!((smoke.schedule.steps, smoke.data[0].from), (4, 2));
        assert_eq!(
            (smoke.data[0].batch, smoke.run),
            (4, PathBuf::from("run-smoke"))
        );
    }
}
