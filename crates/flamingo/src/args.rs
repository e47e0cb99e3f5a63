//! The command line.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use flamingo::engine::{Engine, EngineOptions, Sampling};
use flamingo::kernels::{Backend, Device, Precision, open_device};
use flamingo::weights::Source;

use crate::failure::{Hint, Result};
use crate::verbs;

/// Few-shot image, video and text understanding.
///
/// Shows a model a few examples, pictures and text in turn, and asks it about one more. Without
/// --model it uses the small demo model that is part of the program.
#[derive(Debug, Parser)]
#[command(name = "flamingo", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// Log what is done to stderr; twice for more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Threads to compute with [default: all of the processor]
    #[arg(long, global = true, value_name = "N")]
    pub(crate) threads: Option<usize>,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Demo(verbs::demo::DemoArgs),
    Ask(verbs::ask::AskArgs),
    Score(verbs::score::ScoreArgs),
    Train(verbs::train::TrainArgs),
    Describe(verbs::describe::DescribeArgs),
    Doctor(verbs::doctor::DoctorArgs),
    Completions(verbs::completions::CompletionsArgs),
}

/// Which model, and where it runs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Model")]
pub(crate) struct ModelArgs {
    /// Directory of a model [default: the demo model in this program]
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
    /// Precision of weights and products: f32, bf16 or f16
    #[arg(long, value_name = "TYPE", default_value = "f32")]
    pub(crate) dtype: Precision,
    /// Most images and films in one prompt
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub(crate) max_media: usize,
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
    /// Where the model's files are.
    pub(crate) fn source(&self) -> Source {
        Self::source_of(self.model.as_deref())
    }

    /// The directory's model, or the demo model.
    pub(crate) fn source_of(directory: Option<&Path>) -> Source {
        match directory {
            Some(directory) => Source::Directory(directory.to_path_buf()),
            None => flamingo::demo_model(),
        }
    }

    /// Loads the model.
    pub(crate) fn open(&self) -> Result<Engine> {
        let device = self.device.open()?;
        let options = EngineOptions {
            precision: self.dtype,
            max_media: self.max_media,
            ..EngineOptions::default()
        };
        let engine = Engine::open(&self.source(), &device, options);
        match self.model {
            Some(_) => engine.hint("leave --model out to use the demo model in this program"),
            None => Ok(engine?),
        }
    }
}

/// How an answer is drawn, and where it ends.
#[derive(Debug, Args)]
#[command(next_help_heading = "Answer")]
pub(crate) struct SamplingArgs {
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
    top_p: f32,
    /// Text that ends an answer; can be given several times
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    /// Seed of the random numbers
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

impl SamplingArgs {
    pub(crate) fn sampling(&self) -> Sampling {
        Sampling {
            max_new_tokens: self.max_tokens,
            temperature: self.temperature,
            top_k: self.top_k,
            top_p: self.top_p,
            stop: self.stop.clone(),
            seed: self.seed,
        }
    }
}
