//! The model that is part of the program: a small Flamingo of the demo world (docs/demo-model.md).

use flamingo_weights::Source;
use sha2::{Digest, Sha256};

const MODEL_FILE: &[u8] = include_bytes!("../../../models/demo/flamingo.json");
const TOKENIZER: &[u8] = include_bytes!("../../../models/demo/tokenizer.json");
const WEIGHTS: &[u8] = include_bytes!("../../../models/demo/model.safetensors");

/// The embedded model.
pub fn demo_model() -> Source {
    Source::Embedded {
        model_file: MODEL_FILE,
        tokenizer: TOKENIZER,
        weights: WEIGHTS,
    }
}

/// SHA-256 of the embedded `model.safetensors`, in hexadecimal.
pub fn demo_model_hash() -> String {
    Sha256::digest(WEIGHTS)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
