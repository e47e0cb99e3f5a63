//! A model's tensors, where those of its parts are in files elsewhere.

use flamingo_parts::Store;

use crate::part_files::{LANGUAGE, VISION};
use crate::peers::{language_tensors, open_vision};
use crate::{Error, ModelConfig, ModelFile, Result, Tensors};

/// All of a model's tensors, those of its parts from the cache.
///
/// # Errors
/// If a part is not there, or does not fit the others.
pub(crate) fn with_parts(file: &ModelFile, trained: Tensors, store: &Store) -> Result<Tensors> {
    let ModelConfig::Flamingo(config) = &file.model else {
        return Err(Error::Kind {
            found: file.model.kind(),
            wanted: "flamingo",
        });
    };
    let mut tensors = Tensors::default();
    if let Some(part) = &file.parts.vision {
        tensors.join(VISION, open_vision(&store.find(part)?)?.tensors);
    }
    if let Some(part) = &file.parts.language {
        let path = store.find(part)?;
        tensors.join(LANGUAGE, language_tensors(&path, &config.language)?);
    }
    tensors.lay_over(trained)?;
    Ok(tensors)
}
