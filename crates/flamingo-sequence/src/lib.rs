//! The interleaved document and its integers: tokens, which token sees which image, labels, batches.
//!
//! Everything here is plain integers; tensors only consume them. The way of a document:
//! [`Document`] (parts) -> [`Sequence`] (token ids) -> [`visible`] (which media a token sees),
//! [`next_token_labels`] (what is predicted) -> [`Batch`] (ragged rows, padded on the right) ->
//! [`Segments`] (the plan by which a token's queries meet only its own image's latents).
//!
//! Legend: a *medium* is an image or a film; each stands in the sequence as one `<image>` token.
//! `<EOC>` is the end-of-chunk token.

mod batch;
mod document;
mod error;
mod json;
mod jsonl;
mod labels;
mod numbers;
mod segments;
mod sequence;
mod stream;
mod subsequence;
#[cfg(test)]
mod testing;
mod tokenizer;
mod visibility;
mod words;

pub use batch::Batch;
pub use document::{Candidates, Document, MediaKind, Part};
pub use error::{Error, Result};
pub use jsonl::{Line, read_candidates, read_jsonl, read_prompts};
pub use labels::{IGNORE, Predict, next_token_labels};
pub use numbers::numbers_tokenizer;
pub use segments::Segments;
pub use sequence::{Form, Sequence};
pub use stream::TextStream;
pub use subsequence::starts;
pub use tokenizer::{SpecialTokenNames, SpecialTokens, Tokenizer};
pub use visibility::{Visibility, visible};
pub use words::Words;
