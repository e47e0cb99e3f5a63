//! OpenAI's protocol, as its clients use it.

pub(crate) mod chat;
pub(crate) mod completions;
mod logprobs;
pub(crate) mod models;
mod refused;
mod usage;
