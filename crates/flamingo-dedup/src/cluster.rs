//! A Ballista cluster: one scheduler, executors that do the work, and the client that asks them. They understand the
//! plans of this version only, so that the nodes come with the program that asks them.
//!
//! Each node runs until its process ends. Anyone who reaches their ports can make them read and write files: keep them
//! in a trusted network.
//!
//! Ballista's own repair of a job that loses a node is not used: a job that meets any trouble ends, and the client asks
//! again, in a new folder. A job whose client is gone ends, too.

mod address;
pub(crate) mod client;
mod executor;
mod identity;
mod scheduler;
pub(crate) mod state;
mod watched;
mod words;

pub use executor::Executor;
pub use scheduler::Scheduler;
