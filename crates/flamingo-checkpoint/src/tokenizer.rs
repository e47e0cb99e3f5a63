//! The tokenizer of any Hugging Face model directory, as `transformers` 4.35 would load it.
//!
//! [`HfTokenizer::read`] takes what the directory has: a `tokenizer.json`, the `vocab.json` and
//! `merges.txt` of a byte-level BPE, or a sentencepiece model. [`HfTokenizer::from_gguf`] takes what a
//! GGUF file says.
//!
//! ```no_run
//! let mut tokenizer = flamingo_checkpoint::HfTokenizer::read("facebook/opt-125m")?;
//! let image = tokenizer.add_special("<image>")?;
//! assert_eq!(tokenizer.len(), image as usize + 1);
//! std::fs::write("tokenizer.json", tokenizer.to_json()?).expect("the folder can be written");
//! # Ok::<(), flamingo_checkpoint::TokenizerError>(())
//! ```

mod added_tokens;
mod byte_level;
mod charsmap;
mod error;
mod gguf;
mod hf_tokenizer;
mod post_processor;
mod sentencepiece;
mod sentencepiece_convert;
mod special_tokens;
#[cfg(test)]
mod testing;
mod tokenizer_class;
mod tokenizer_config;
mod tokenizer_json;
mod vocabulary;
mod wire;

pub use error::Error;
pub(crate) use error::Result;
pub use hf_tokenizer::HfTokenizer;
