//! The engine over HTTP.
//!
//! [`Server`] answers OpenAI's protocol (`/v1/chat/completions`, `/v1/completions`, `/v1/models`), the project's own
//! (`/ask`, `/score`: the one document, asked and scored as the program does it), and a page on which the model is tried
//! (`/`). The engine has a thread of its own ([`Worker`]); requests reach it through a bounded queue, and what they ask
//! for is bounded as well ([`Limits`]). A request whose client goes away is given up at once.
//!
//! A chat becomes a prompt by a [`Template`], which is data. Shots come from sets that the server holds ([`flamingo_shots`]):
//! all, random ones, or those whose picture is most like the prompt's, by the model's own encoder.
//!
//! Every error, the framework's own included, is an object that clients can show
//! (`{"error": {"message", "type", "param", "code"}}`). Nothing that a request says opens a file of the server's.

mod app;
mod body;
mod echo;
mod fetch;
mod fields;
mod incoming;
mod job;
mod key;
mod limits;
mod media;
mod message;
mod metrics;
mod openai;
mod own;
mod page;
mod parameters;
mod picking;
mod reading;
mod refusal;
mod running;
mod server;
mod sets;
mod shots;
mod sse;
mod state;
mod template;
mod turns;
mod wanted;
mod wire;
mod worker;

pub use key::ApiKey;
pub use limits::Limits;
pub use reading::{read_chat, read_scored};
pub use server::{Server, Setup};
pub use template::{Template, TemplateError};
pub use turns::{Piece, Turns};
pub use worker::Worker;
