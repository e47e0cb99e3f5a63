//! Prompts in, tokens and scores out.
//!
//! [`Engine`] takes [`Document`](flamingo_sequence::Document)s and a [`MediaSource`] that finds
//! their pictures; it answers ([`Engine::generate`]), scores candidates ([`Engine::score`]) and
//! shows where an answer looked ([`Engine::look`]). A picture is encoded once while it stays in
//! the cache of latents, keys and values of a prompt are computed once, and a batch of ragged
//! prompts gives what each gives alone.

pub mod decoding;
mod distributions;
mod engine;
mod error;
mod generate;
mod latents;
mod look;
mod media;
mod prompts;
mod score;

pub use decoding::{Decoding, EarlyStopping};
pub use distributions::Distributions;
pub use engine::{Engine, EngineOptions};
pub use error::{Error, Result};
pub use flamingo_weights::Source;
pub use generate::{Answer, Finish, Timings, Token};
pub use look::Look;
pub use media::MediaSource;
pub use score::{CandidateScore, RankBy, Scores};
