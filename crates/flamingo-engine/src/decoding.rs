//! Decoding search over rows of logits: greedy, sampling, beam search.
//!
//! It follows `generate()` of Hugging Face transformers 4.35.2 and 4.45.2 number for number, and
//! knows no tensors: a model is a [`NextLogits`], which keeps the state of a set of rows.

mod beams;
mod decoded;
mod error;
mod hypotheses;
mod options;
mod processors;
mod rows;
mod run;
mod sampling;
mod search;
mod searching;

pub use decoded::{Decoded, Drawn, Ending, lay_out};
pub use error::{OptionError, SearchError};
pub use options::{BeamLength, Decoding, EarlyStopping, Vocabulary};
pub use run::{NextLogits, OnToken, Step};
pub(crate) use sampling::likeliest;
pub use search::{Prompt, Search};
pub use searching::Searching;
