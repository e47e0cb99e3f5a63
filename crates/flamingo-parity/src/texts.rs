//! Token ids of texts, with special tokens recognised in them, as a peer's tokenizer gives them.

use flamingo_sequence::Tokenizer;
use serde_json::{Value, json};

use crate::{Case, Computed, Error, Result};

/// The tokenizer as it would be saved with the model, without our care for texts that spell special
/// tokens.
pub(crate) fn raw(tokenizer: &Tokenizer, case: &Case) -> Result<tokenizers::Tokenizer> {
    let json = tokenizer.to_json()?;
    tokenizers::Tokenizer::from_bytes(json.as_bytes())
        .map_err(|error| Error::case(&case.directory, error))
}

/// What `expected.json` says under `tokenizer`.
pub(crate) fn compute(
    case: &Case,
    tokenizer: &Tokenizer,
    vocabulary: usize,
    computed: &mut Computed,
) -> Result<()> {
    let Some(wanted) = case.said("tokenizer") else {
        return Ok(());
    };
    let raw = raw(tokenizer, case)?;
    let specials = tokenizer.specials();
    let mut said = json!({
        "len": tokenizer.vocab_size(),
        "embedding_rows": vocabulary,
        "media_token_id": specials.image,
        "image_token_id": specials.image,
        "fake_token_id": specials.image_border,
        "eoc_token_id": specials.end_of_chunk,
        "pad_token_id": specials.pad,
        "eos_token_id": specials.eos,
    });
    if let Some(texts) = wanted.get("texts").and_then(Value::as_array) {
        let ids = texts
            .iter()
            .map(|text| {
                let text = text.as_str().unwrap_or_default();
                let encoding = raw.encode(text, true);
                encoding
                    .map(|encoding| encoding.get_ids().to_vec())
                    .map_err(|error| Error::case(&case.directory, error))
            })
            .collect::<Result<Vec<_>>>()?;
        let decode = |ids: &Vec<u32>| {
            raw.decode(ids, true)
                .map_err(|e| Error::case(&case.directory, e))
        };
        said["decoded_skip_special"] = json!(ids.iter().map(decode).collect::<Result<Vec<_>>>()?);
        said["ids"] = json!(ids);
    }
    computed.say("tokenizer", said);
    Ok(())
}
