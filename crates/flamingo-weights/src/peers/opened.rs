//! A published model that is understood, and the shapes that its tensors are to have.

use std::collections::BTreeMap;

use flamingo_kernels::{Device, Init, LoraConfig};
use flamingo_model::Flamingo;
use flamingo_sequence::Tokenizer;

use super::names::Names;
use crate::shapes::{Shapes, shapes_and_linear};
use crate::{Error, Link, LoadReport, ModelConfig, ModelFile, Result, Tensors};

/// A model whose files have been found and understood, but whose weights have not been read yet.
pub struct Opened {
    /// What `flamingo.json` would say.
    pub file: ModelFile,
    /// `tokenizer.json`.
    pub tokenizer: Tokenizer,
    /// All tensors under our names.
    pub tensors: Tensors,
    /// What became of theirs.
    pub report: LoadReport,
    /// The size of what LoRA has learnt beside the language model's matrices, if anything is among the tensors.
    pub lora: Option<LoraConfig>,
    /// Their names and ours; none where the names are ours already.
    pub links: Vec<Link>,
}

impl Opened {
    /// Connects the tensors that were found with those that the configuration wants. Whether all
    /// are there is [`LoadReport::check`]'s affair.
    pub(super) fn link(
        file: ModelFile,
        tokenizer: String,
        names: &Names,
        links: &[Link],
        optional: &dyn Fn(&str) -> bool,
    ) -> Result<Self> {
        let shapes = flamingo_shapes(&file)?;
        let (tensors, report) = names.link(links, &shapes, optional)?;
        Ok(Self {
            tokenizer: Tokenizer::from_bytes(tokenizer.as_bytes(), &file.tokens)?,
            file,
            tensors,
            report,
            lora: None,
            links: links.to_vec(),
        })
    }
}

/// The shapes of a Flamingo's tensors by our names; nothing is computed or allocated.
pub(crate) fn flamingo_shapes(file: &ModelFile) -> Result<BTreeMap<String, Vec<usize>>> {
    Ok(flamingo_shapes_and_linear(file)?.all)
}

/// As [`flamingo_shapes`], with those of linear layers told.
pub(crate) fn flamingo_shapes_and_linear(file: &ModelFile) -> Result<Shapes> {
    let ModelConfig::Flamingo(config) = &file.model else {
        return Err(Error::Kind {
            found: file.model.kind(),
            wanted: "flamingo",
        });
    };
    let mut init = Init::new(0, &Device::flex());
    let model = Flamingo::new(config, &mut init)?;
    Ok(shapes_and_linear(&model, init.packed_weights()))
}
