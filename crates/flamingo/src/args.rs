//! Flags that several verbs have.

use std::path::PathBuf;

use clap::Args;
use flamingo::corpus::worker::Worker;
use flamingo::engine::{Decoding, EarlyStopping, Engine, EngineOptions};
use flamingo::film::Reader;
use flamingo::image::{Limits, Rate, Sampling};
use flamingo::kernels::{Backend, Device, WeightType, open_device};
use flamingo::weights::{ModelFile, Source, Weighed, Words, open_with};

use crate::failure::{Hint, Result};
use crate::{ffmpeg, sources, together};

/// Which model, and where it runs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model")]
pub(crate) struct ModelArgs {
    #[command(flatten)]
    pub(crate) files: SourceArgs,
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
    /// Type of the weights: f32, bf16, f16, or quantised (the matrices of linear layers; all else f32):
    /// q8_0, q6_k, q5_k, q4_k, q4_0, or q5_1, q5_0, q4_1, q3_k, q2_k [default: f32, and quantised what is so in
    /// the files]
    #[arg(long, value_name = "TYPE")]
    pub(crate) dtype: Option<WeightType>,
    /// Quantise the resampler, too
    #[arg(long, requires = "dtype")]
    pub(crate) quantise_resampler: bool,
    /// Most images and films in one prompt
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub(crate) max_media: usize,
    /// Memory for what was computed of earlier pictures and prompts, in MiB
    #[arg(long, value_name = "N", default_value_t = 1024)]
    pub(crate) cache: usize,
    /// Folder in which encoded pictures are kept for other runs
    #[arg(long, value_name = "DIR")]
    pub(crate) latents: Option<PathBuf>,
}

/// Where a model's files are.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model")]
pub(crate) struct SourceArgs {
    /// A model: demo, photos, a directory, an OpenFlamingo's checkpoint.pt, the name of a published OpenFlamingo,
    /// or an id of the Hugging Face hub [default: the demo model in this program]
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// The language model of an OpenFlamingo checkpoint: a directory or a hub id
    #[arg(long, value_name = "DIR", requires = "model")]
    pub(crate) lm: Option<String>,
    /// Its image tower: a file, a directory or a hub id
    #[arg(long, value_name = "PATH", requires = "model")]
    pub(crate) vision: Option<String>,
    /// What a fine-tuning has learnt (adapter.safetensors of its folder), over the model that it was trained over
    #[arg(long, value_name = "FILE")]
    pub(crate) adapter: Option<PathBuf>,
}

impl SourceArgs {
    /// Finds the files, fetching from the hub what is not there.
    pub(crate) fn source(&self) -> Result<Source> {
        let base = sources::source(
            self.model.as_deref(),
            self.lm.as_deref(),
            self.vision.as_deref(),
        )?;
        Ok(sources::adapted(base, self.adapter.as_deref()))
    }
}

impl SourceArgs {
    /// The configuration alone: parts that are files elsewhere are left where they are.
    pub(crate) fn model_file(&self) -> Result<ModelFile> {
        let source = sources::without_parts(
            self.model.as_deref(),
            self.lm.as_deref(),
            self.vision.as_deref(),
        )?;
        let file = match &source {
            Source::Directory(path) => ModelFile::read(path)?,
            _ => None,
        };
        match file {
            Some(file) => Ok(file),
            None => Ok(open_with(&source, Words::Numbers)?.file),
        }
    }
}

/// Which part of the work this process does.
#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    /// Which worker this is, from 0
    #[arg(long, value_name = "I", requires = "workers")]
    worker: Option<u32>,
    /// How many workers there are
    #[arg(long, value_name = "N", requires = "worker")]
    workers: Option<u32>,
}

impl WorkerArgs {
    /// The worker that the flags or a launcher's variables tell of.
    pub(crate) fn worker(&self) -> Result<Worker> {
        if let (Some(index), Some(count)) = (self.worker, self.workers) {
            return Ok(Worker::new(index, count)?);
        }
        Worker::from_environment(&together::variables())
            .hint("--worker and --workers go before such variables")
    }
}

/// How pictures and films are read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Pictures and films")]
pub(crate) struct MediaArgs {
    /// Most pixels of one picture; each takes 5 to 12 bytes of memory while it is read. A JPEG that has more
    /// is read smaller
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_pixels)]
    max_pixels: u64,
    /// Frames for a second of film, such as 1, 0.5 or 30000/1001
    #[arg(long, value_name = "RATE", default_value_t = Sampling::ASKING.rate)]
    fps: Rate,
    /// Frames of a film at most: the middles of as many equal stretches of a longer one
    #[arg(long, value_name = "N", default_value_t = Sampling::ASKING.most, value_parser = at_least_one)]
    frames: usize,
    /// How many frames a second there are in folders of frames [default: as --fps]
    #[arg(long, value_name = "RATE")]
    frame_rate: Option<Rate>,
}

impl MediaArgs {
    /// What a picture may ask for.
    pub(crate) fn limits(&self) -> Limits {
        Limits::of_pixels(self.max_pixels)
    }

    /// What they are opened with.
    pub(crate) fn reader(&self) -> Reader {
        Reader {
            limits: self.limits(),
            frame_rate: self.frame_rate,
            ffmpeg: ffmpeg::find(),
        }
    }

    /// Which frames of films the model sees, in words.
    pub(crate) fn films(&self) -> String {
        let rate = self
            .frame_rate
            .map(|rate| format!(", folders have {rate} a second"));
        let (fps, most) = (self.fps, self.frames);
        format!("{fps} a second, {most} at most{}", rate.unwrap_or_default())
    }

    /// Which frames of films the model sees.
    pub(crate) fn sampling(&self) -> Sampling {
        Sampling {
            rate: self.fps,
            most: self.frames,
        }
    }
}

pub(crate) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("a whole number from 1 on is wanted".to_owned()),
        Ok(number) => Ok(number),
    }
}

/// Where tensors live.
#[derive(Debug, Args)]
pub(crate) struct DeviceArgs {
    /// Device to compute on, such as cpu or cuda:1; `flamingo doctor` lists those there are
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    pub(crate) device: Backend,
}

impl DeviceArgs {
    pub(crate) fn open(&self) -> Result<Device> {
        open_device(self.device).hint("`flamingo doctor` lists the devices of this machine")
    }
}

impl ModelArgs {
    /// Loads the model.
    pub(crate) fn open(&self) -> Result<Engine> {
        self.open_with(|_| ())
    }

    /// Loads the model, with what `change` makes of the options that the flags say.
    pub(crate) fn open_with(&self, change: impl FnOnce(&mut EngineOptions)) -> Result<Engine> {
        let device = self.device.open()?;
        let weights = self.dtype.unwrap_or_default();
        let mut options = EngineOptions {
            precision: weights.precision,
            matrices: weights.matrices,
            quantise_resampler: self.quantise_resampler,
            max_media: self.max_media,
            media_bytes: self.cache << 19,
            prefix_bytes: self.cache << 19,
            latents: self.latents.clone(),
            ..EngineOptions::default()
        };
        change(&mut options);
        let engine = Engine::open(&self.files.source()?, &device, options);
        let engine = match self.files.model {
            _ if self.files.adapter.is_some() => engine.hint(
                "`flamingo weights inspect` shows the model that an adapter was trained over",
            )?,
            Some(_) => engine.hint("leave --model out to use the demo model in this program")?,
            None => engine?,
        };
        tell_kept(engine.weighed());
        Ok(engine)
    }
}

/// Warns of matrices that were to be quantised and are not.
pub(crate) fn tell_kept(weighed: &Weighed) {
    if !weighed.kept.is_empty() {
        tracing::warn!("{weighed}");
    }
}

/// How an answer is drawn, and where it ends.
#[derive(Debug, Args)]
#[command(next_help_heading = "Answer")]
pub(crate) struct DecodingArgs {
    /// Most tokens of an answer
    #[arg(long, value_name = "N", default_value_t = 32)]
    max_tokens: usize,
    /// 0 takes the likeliest token; higher is more varied
    #[arg(long, value_name = "T", default_value_t = 0.0)]
    temperature: f32,
    /// Draw from the N likeliest tokens only; 0 for all
    #[arg(long, value_name = "N", default_value_t = 0)]
    top_k: usize,
    /// Draw from the fewest tokens whose probabilities reach P together
    #[arg(long, value_name = "P", default_value_t = 1.0)]
    top_p: f64,
    /// Beams that are followed at once; 1 for none
    #[arg(long, value_name = "N", default_value_t = 1)]
    beams: usize,
    /// A beam's score is its log-probability over its length to this power
    #[arg(
        long,
        value_name = "P",
        default_value_t = 1.0,
        allow_hyphen_values = true
    )]
    length_penalty: f64,
    /// End the beams of a prompt as soon as N are finished: false, true or never
    #[arg(long, value_name = "WHEN", default_value = "false", value_parser = early_stopping)]
    early_stopping: EarlyStopping,
    /// No run of N tokens twice, the prompt included; 0 for no such rule
    #[arg(long, value_name = "N", default_value_t = 0)]
    no_repeat_ngram: usize,
    /// Makes tokens that were there less likely; 1 for no change
    #[arg(long, value_name = "R", default_value_t = 1.0)]
    repetition_penalty: f32,
    /// Least tokens of an answer
    #[arg(long, value_name = "N", default_value_t = 0)]
    min_tokens: usize,
    /// Answers to each prompt: drawn ones, or the best N beams
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) answers: usize,
    /// Text that ends an answer; can be given several times
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    /// Seed of the random numbers
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

impl DecodingArgs {
    pub(crate) fn decoding(&self) -> Decoding {
        Decoding {
            max_new_tokens: self.max_tokens,
            min_new_tokens: self.min_tokens,
            temperature: self.temperature,
            top_k: self.top_k,
            top_p: self.top_p,
            num_beams: self.beams,
            num_return_sequences: self.answers,
            length_penalty: self.length_penalty,
            early_stopping: self.early_stopping,
            repetition_penalty: self.repetition_penalty,
            no_repeat_ngram_size: self.no_repeat_ngram,
            stop: self.stop.clone(),
            seed: self.seed,
            ..Decoding::default()
        }
    }
}

fn early_stopping(text: &str) -> Result<EarlyStopping, String> {
    match text {
        "false" => Ok(EarlyStopping::Heuristic),
        "true" => Ok(EarlyStopping::Immediate),
        "never" => Ok(EarlyStopping::Never),
        other => Err(format!("{other:?} is none of false, true and never")),
    }
}
