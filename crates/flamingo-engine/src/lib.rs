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

pub mod decoding;
mod engine;
mod error;
mod generate;
mod latents_folder;
mod look;
mod media;
mod media_cache;
mod prefix_cache;
mod queue;
mod reading;
mod score;
mod writing;

pub use decoding::{Decoding, EarlyStopping};
pub use engine::{Engine, EngineOptions};
pub use error::{Error, Result};
pub use flamingo_weights::Source;
pub use generate::{Answer, Finish, Timings, Token};
pub use look::Look;
pub use media::MediaSource;
pub use queue::{Event, Request, RequestId};
pub use score::{CandidateScore, RankBy, Scores};
