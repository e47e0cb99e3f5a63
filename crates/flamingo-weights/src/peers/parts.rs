//! Published language models and image towers as parts of a Flamingo that is to be trained.

use std::path::Path;

use flamingo_kernels::{Device, Init};
use flamingo_model::vision::VisionConfig;
use flamingo_model::{LanguageConfig, LanguageModel};
use flamingo_sequence::{SpecialTokenNames, Tokenizer};

use super::lm::Lm;
use super::names::Names;
use super::open_clip::Tower;
use super::vision_part::{VisionPart, vision_part};
use super::{efficientnet, open_flamingo, timm_nfnet};
use crate::shapes::shapes;
use crate::{LoadReport, Result, Tensors};

/// A language model with the tokens that a Flamingo needs.
pub struct LanguagePart {
    /// With rows for the new tokens.
    pub config: LanguageConfig,
    /// Under the names of [`LanguageModel`]; rows of new tokens are 0.
    pub tensors: Tensors,
    /// With the new tokens.
    pub tokenizer: Tokenizer,
    /// The special tokens.
    pub tokens: SpecialTokenNames,
    /// Ids of the tokens that were added: the model has never been trained on them.
    pub new_tokens: Vec<u32>,
    /// What became of the files' tensors.
    pub report: LoadReport,
}

/// Opens a language model: a directory as Hugging Face has them, or a GGUF file. `<|endofchunk|>`, `<image>` and, where the tokenizer has
/// none, `<PAD>` are added as OpenFlamingo adds them, and tables get rows for them where they have
/// too few.
///
/// # Errors
/// If something is missing, or the model is of a family or variant that is not known.
pub fn open_language(path: &Path) -> Result<LanguagePart> {
    let part = Lm::at(path)?;
    let plain = part.tokenizer()?;
    let known = plain.len() as u32;
    let (tokenizer, tokens) = open_flamingo::tokenizer(plain, &[])?;
    let config = LanguageConfig {
        vocabulary: part.config.vocabulary.max(tokenizer.len()),
        ..part.config.clone()
    };
    let (tensors, report) = linked(&part, &config)?;
    Ok(LanguagePart {
        config,
        tensors,
        tokenizer: Tokenizer::from_bytes(tokenizer.to_json()?.as_bytes(), &tokens)?,
        tokens,
        new_tokens: (known..tokenizer.len() as u32).collect(),
        report,
    })
}

/// The tokenizer of a language model with the tokens that a Flamingo needs, which are `tokens`.
///
/// # Errors
/// If it cannot be read, or has no such tokens.
pub(crate) fn language_tokenizer(path: &Path, tokens: &SpecialTokenNames) -> Result<Tokenizer> {
    let (tokenizer, _) = open_flamingo::tokenizer(Lm::at(path)?.tokenizer()?, &[])?;
    Ok(Tokenizer::from_bytes(
        tokenizer.to_json()?.as_bytes(),
        tokens,
    )?)
}

/// The tensors of a language model that is known to be `config`, perhaps with fewer tokens.
///
/// # Errors
/// If a file cannot be read, or is another model.
pub(crate) fn language_tensors(path: &Path, config: &LanguageConfig) -> Result<Tensors> {
    Ok(linked(&Lm::at(path)?, config)?.0)
}

fn linked(part: &Lm, config: &LanguageConfig) -> Result<(Tensors, LoadReport)> {
    let mut names = Names::default();
    part.names("", &mut names);
    let model = LanguageModel::new(config, &mut Init::new(0, &Device::flex()));
    let links = part.links(config);
    let (tensors, report) = names.link(&links, &shapes(&model), &|_| false)?;
    report.check()?;
    Ok((tensors, report))
}

/// Opens an image tower: open_clip's or Hugging Face's CLIP, timm's `dm_nfnet_f0` to `f6`, or an EfficientNet; a
/// file or a directory.
///
/// # Errors
/// If it cannot be read or is no such tower.
pub fn open_vision(path: &Path) -> Result<VisionPart> {
    if let Some(nfnet) = timm_nfnet::open(path)? {
        return Ok(nfnet);
    }
    if let Some(efficientnet) = efficientnet::open(path)? {
        return Ok(efficientnet);
    }
    let tower = Tower::open(path)?;
    let config = VisionConfig::Vit(tower.config.clone());
    let mut names = Names::default();
    tower.names("", &mut names);
    let links: Vec<_> = tower
        .links()
        .into_iter()
        .map(|l| l.under("", "vit."))
        .collect();
    vision_part(config, &names, &links, tower.preprocess)
}
