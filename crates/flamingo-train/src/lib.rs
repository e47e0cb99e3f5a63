//! Trainings by recipe: contrastive (an image tower against a text tower), language modelling, and
//! Flamingo (frozen encoder and language model, a weighted mixture of data), and the fine-tuning of a finished Flamingo.
//!
//! A [`Recipe`] is a TOML file; [`train`] carries it out in a run folder:
//!
//! | file | what |
//! |---|---|
//! | `recipe.toml` | the recipe with all its defaults filled in |
//! | `data.json` | what was found in each source, what was left out and why, its fingerprint |
//! | `held-out.json` | which samples are not trained on, if some are |
//! | `metrics.jsonl` | loss of each source, learning rate, gradient norm, gates; a line every few steps |
//! | `curves.svg` | the same as a picture |
//! | `checkpoints/step-N/` | trained tensors, optimiser state, step |
//! | `model/` | the finished model ([`flamingo_weights::save`]) |
//! | `adapter.safetensors` | in place of a model, what was fine-tuned of one ([`flamingo_weights::Adapter`]) |
//! | `best-N.safetensors` | the trained tensors that were best on the held-out samples, after step N |
//!
//! [`predict`] counts what a recipe takes without reading anything.
//!
//! What happens in a step is a pure function of the recipe, the data and the step's number, so a
//! run that was stopped goes on to the same bits. This crate prints nothing: an [`Observer`] hears
//! of every step.

mod batches;
mod checkpoint;
mod class_means;
mod clipping;
mod components;
mod contrastive;
mod curves;
mod data_spec;
mod defaults;
mod early_stopping;
mod episodes;
mod error;
mod features;
mod fine_tune;
mod finished;
mod flamingo;
mod held_out;
mod init_part;
mod initial;
mod language;
mod language_start;
mod line;
mod metrics;
mod model_spec;
mod new_tokens;
mod observer;
mod optimiser;
mod options;
mod pairs;
mod pairs_in_parts;
mod plot;
mod prediction;
mod prompt;
mod ranges;
mod recipe;
mod regularise;
mod rows;
mod run;
mod schedule;
mod smoke;
mod start;
mod streamed;
mod streamed_rows;
mod sums;
mod task;
mod tensorboard;
mod together;
mod tree;
mod written;

pub use data_spec::{DataSpec, StreamSpec, Texts};
pub use episodes::EpisodeSpec;
pub use error::{Error, Result};
pub use fine_tune::FineTuneSpec;
pub use held_out::{HeldOutReport, HeldOutSpec};
pub use init_part::InitPart;
pub use initial::{FillSpec, InitialSpec, ResamplerStart, ScaleSpec};
pub use language_start::LanguageStart;
pub use line::Line;
pub use model_spec::{ContrastiveSpec, FlamingoSpec, ModelSpec};
pub use new_tokens::{Likeness, NewTokensSpec};
pub use observer::{Observer, Silent, StepEvent};
pub use optimiser::{AdamW, Group, OptimiserSpec};
pub use options::{Options, Resume};
pub use plot::plot;
pub use prediction::{Prediction, SourceWork, predict};
pub use recipe::{CacheSpec, CheckpointSpec, InitSpec, LogSpec, Recipe, Updates};
pub use regularise::RegulariseSpec;
pub use run::{Summary, made_before, train};
pub use schedule::{Schedule, Shape};
pub use smoke::StandIn;
pub use together::{Alone, Together};
pub use tree::{Flat, add_gradients, frozen_in, keep_rows, trained};
pub use written::Written;
