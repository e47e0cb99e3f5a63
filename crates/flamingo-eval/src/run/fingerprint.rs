//! What tells one model, and one set of examples, from another.

use std::collections::HashMap;

use flamingo_engine::Engine;
use flamingo_image::{Image, Media};
use flamingo_sequence::{Document, Part};
use sha2::{Digest, Sha256};

use super::example::Example;
use crate::Result;

/// A hash of what the model expects after each token of one fixed document with a picture.
///
/// # Errors
/// If the model cannot read it.
pub fn model_fingerprint(engine: &mut Engine) -> Result<String> {
    const PICTURE: &str = "fingerprint";
    let picture = Image::from_fn(61, 43, |x, y| [(x * 4) as u8, (y * 5) as u8, (x * y) as u8]);
    let source = HashMap::from([(PICTURE.to_owned(), Media::Image(picture))]);
    let document = Document::new([
        Part::Image(PICTURE.to_owned()),
        Part::Text("Output: a picture".to_owned()),
    ]);
    let read = engine.distributions(&document, &source)?;
    let mut hash = Sha256::new();
    for token in read.tokens {
        hash.update(token.to_le_bytes());
    }
    for value in read.log_probabilities {
        hash.update(value.to_le_bytes());
    }
    Ok(short(hash))
}

/// A hash of examples: what they show, ask and answer.
pub fn data_fingerprint<'a>(examples: impl IntoIterator<Item = &'a Example>) -> String {
    let mut hash = Sha256::new();
    let mut field = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    for example in examples {
        field(&example.id);
        field(&example.answer);
        for part in &example.question {
            field(&format!("{part:?}"));
        }
        for text in example.candidates.iter().chain(&example.references) {
            field(text);
        }
    }
    short(hash)
}

/// The first 16 bytes in hexadecimal.
fn short(hash: Sha256) -> String {
    hash.finalize()[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
