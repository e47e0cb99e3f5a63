//! Prompts in, tokens and scores out.
//!
//! [`Engine`] takes [`Document`](flamingo_sequence::Document)s and a [`MediaSource`] that finds
//! their pictures; it answers ([`Engine::generate`]), scores candidates ([`Engine::score`]) and
//! shows where an answer looked ([`Engine::look`]). These run over one queue of requests, which a
//! server drives itself: [`Engine::submit`], [`Engine::step`], [`Engine::cancel`].
//!
//! Nothing is computed twice while it stays in a cache: a picture is encoded once and its keys and
//! values in the gated blocks made once, by its content (`media_cache`, and `latents_folder` for other
//! runs); what prompts begin with alike is read once, to the token (`prefix_cache`). Answers of a
//! prompt and beams share its tokens. Whatever runs together gives what each gives alone.

mod answer;
mod answering;
mod attention;
mod counts;
pub mod decoding;
mod distributions;
mod embedding;
mod engine;
mod error;
mod generate;
mod latents_folder;
mod look;
mod look_along;
mod looked;
mod media;
mod media_cache;
mod media_reading;
mod prefix_cache;
mod prompt;
mod queue;
mod reading;
mod request;
mod rows;
mod score;
mod scores;
mod scoring;
mod serve;
mod writing;

pub use answer::{Answer, Finish, Timings, Token, TopToken};
pub use counts::Counts;
pub use decoding::{Decoding, EarlyStopping};
pub use distributions::Distributions;
pub use embedding::Embedding;
pub use engine::{Engine, EngineOptions};
pub use error::{Error, Result};
pub use flamingo_weights::Source;
pub use look::Look;
pub use media::MediaSource;
pub use request::{Event, Request, RequestId};
pub use scores::{CandidateScore, RankBy, Scores};
