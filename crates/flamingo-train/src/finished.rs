//! The finished parts that a Flamingo is built of.

use std::path::{Path, PathBuf};

use flamingo_image::Preprocess;
use flamingo_kernels::{Device, Init, Module};
use flamingo_model::vision::{VisionConfig, VisionEncoder};
use flamingo_model::{Flamingo, FlamingoConfig, LanguageConfig};
use flamingo_sequence::{SpecialTokenNames, Tokenizer};
use flamingo_weights::{
    LanguagePart, ModelConfig, PartFiles, Source, Store, Tensors, VisionPart, apply_tensors,
    load_part, open_language, open_vision,
};

use crate::language::check_vocabulary;
use crate::new_tokens::NewTokens;
use crate::start::{Frozen, Product};
use crate::{Error, InitPart, InitSpec, InitialSpec, LanguageStart, Result};

/// The parts, not yet in a model.
pub(crate) struct Parts {
    pub(crate) vision: Vision,
    pub(crate) language: Language,
    pub(crate) new_tokens: NewTokens,
    /// The Flamingo whose trained parts are the first values, and where it is.
    trained: Option<(Tensors, FlamingoConfig, PathBuf)>,
    /// Those that the finished model names and does not hold.
    pub(crate) files: PartFiles,
}

/// A vision encoder, and how pictures get to it.
pub(crate) struct Vision {
    pub(crate) config: VisionConfig,
    pub(crate) preprocess: Preprocess,
    tensors: Tensors,
    prefix: &'static str,
}

/// A language model and its words.
pub(crate) struct Language {
    pub(crate) config: LanguageConfig,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) tokens: SpecialTokenNames,
    tensors: Tensors,
    prefix: &'static str,
}

impl From<VisionPart> for Vision {
    fn from(part: VisionPart) -> Self {
        Self {
            config: part.config,
            preprocess: part.preprocess,
            tensors: part.tensors,
            prefix: "",
        }
    }
}

impl From<LanguagePart> for Language {
    fn from(part: LanguagePart) -> Self {
        Self {
            config: part.config,
            tokenizer: part.tokenizer,
            tokens: part.tokens,
            tensors: part.tensors,
            prefix: "",
        }
    }
}

impl Vision {
    /// The same encoder for pictures of another size.
    fn of_size(self, size: usize) -> Result<Self> {
        let wrong = |what| Error::contradiction(format!("init.image_size: {what}"));
        let config = self.config.with_image_size(size).map_err(wrong)?;
        let preprocess = Preprocess {
            size,
            ..self.preprocess
        };
        Ok(Self {
            config,
            preprocess,
            ..self
        })
    }
}

impl Language {
    /// The same language model; every sequence begins with the token `bos` of its vocabulary.
    fn opened_by(self, bos: &str) -> Result<Self> {
        if let Some(own) = &self.tokens.bos {
            return Err(Error::contradiction(format!(
                "init.tokens.bos is {bos:?}, but the language model's own sequences begin with {own:?}: leave it out"
            )));
        }
        let tokens = SpecialTokenNames {
            bos: Some(bos.to_owned()),
            ..self.tokens
        };
        let tokenizer = Tokenizer::from_bytes(self.tokenizer.to_json()?.as_bytes(), &tokens)?;
        Ok(Self {
            tokens,
            tokenizer,
            ..self
        })
    }
}

/// Whether a directory is a model of ours.
fn is_ours(path: &Path) -> bool {
    path.join("flamingo.json").is_file() || !path.exists()
}

fn wrong(path: &Path, found: &str, wanted: &str) -> Error {
    Error::contradiction(format!(
        "{} is a {found} model, the recipe's `init` wants a {wanted} model there",
        path.display()
    ))
}

impl Parts {
    /// Opens what a recipe names; files elsewhere are in this cache.
    pub(crate) fn load(init: &InitSpec, store: &Store) -> Result<Self> {
        let mut files = PartFiles::default();
        let vision = match &init.vision {
            InitPart::Path(path) if is_ours(path) => our_vision(path, store)?,
            InitPart::Path(path) => open_vision(path)?.into(),
            InitPart::File(part) => {
                files.vision = Some(part.clone());
                open_vision(&found(store, part)?)?.into()
            }
        };
        let (language, new): (Language, Vec<u32>) = match &init.language {
            InitPart::Path(path) if is_ours(path) => (our_language(path, store)?, Vec::new()),
            InitPart::Path(path) => {
                let part = open_language(path)?;
                let new = part.new_tokens.clone();
                (part.into(), new)
            }
            InitPart::File(part) => {
                files.language = Some(part.clone());
                let part = open_language(&found(store, part)?)?;
                let new = part.new_tokens.clone();
                (part.into(), new)
            }
        };
        check_vocabulary(&language.tokenizer, language.config.vocabulary)?;
        let language = match &init.tokens.bos {
            Some(bos) => language.opened_by(bos)?,
            None => language,
        };
        let vision = match init.image_size {
            Some(size) => vision.of_size(size)?,
            None => vision,
        };
        Ok(Self {
            vision,
            new_tokens: NewTokens::new(&new, &init.tokens, &language.tokenizer)?,
            language,
            trained: init
                .trained
                .as_deref()
                .map(|path| our_flamingo(path, store))
                .transpose()?,
            files,
        })
    }

    /// What their training gives.
    pub(crate) fn product(self) -> Product {
        let frozen = Frozen {
            vision: (self.vision.tensors, self.vision.prefix),
            language: (self.language.tensors, self.language.prefix),
        };
        Product::Model(self.files, Box::new(frozen))
    }

    /// A vision encoder for use alone, on a device without autodiff.
    pub(crate) fn encoder(&self, device: &Device) -> Result<VisionEncoder> {
        let encoder = VisionEncoder::new(&self.vision.config, &mut Init::new(0, device));
        let Vision {
            tensors, prefix, ..
        } = &self.vision;
        Ok(apply_tensors(encoder, tensors, prefix)?.no_grad())
    }

    /// The whole model with its finished parts frozen, the language model unless `start` says otherwise; nothing of the
    /// encoder is read. First values are not yet changed as `initial` says.
    ///
    /// # Errors
    /// Among others if `initial` or the training would change a file elsewhere.
    pub(crate) fn model(
        &mut self,
        config: &FlamingoConfig,
        initial: &InitialSpec,
        (start, seed): (LanguageStart, u64),
        device: &Device,
    ) -> Result<Flamingo> {
        let mut model = Flamingo::new(config, &mut Init::new(seed, device))?;
        if let Some((tensors, found, path)) = &self.trained {
            alike(config, found, path)?;
            model = apply_tensors(model, tensors, "")?;
        }
        // It stays unread, on a device that records nothing: pictures are shown to an encoder alone.
        let plain = device.clone().inner();
        model.vision = VisionEncoder::new(&config.vision, &mut Init::new(seed, &plain));
        let language = &self.language;
        if start != LanguageStart::Frozen && self.files.language.is_some() {
            return Err(Error::contradiction(
                "`model.flamingo.language` is to learn, but is a file elsewhere, which the finished model names: give \
                 `init.language` as a path",
            ));
        }
        if start != LanguageStart::Random {
            model.language = apply_tensors(model.language, &language.tensors, language.prefix)?;
        }
        match start {
            LanguageStart::Frozen => {
                model.language = self.new_tokens.begin(model.language.freeze(), seed, device);
            }
            // All rows learn: none is new.
            LanguageStart::Trained | LanguageStart::Random => {
                self.new_tokens = NewTokens::default();
            }
        }
        if self.files.language.is_some()
            && model.language.embed.weight.is_require_grad()
            && let Some(table) = NewTokens::TABLES.iter().find(|path| initial.changes(path))
        {
            return Err(Error::contradiction(format!(
                "`initial` changes {table}, which is a file elsewhere: leave it out of the pattern, or give \
                 `init.language` as a path"
            )));
        }
        Ok(model)
    }
}

/// A whole Flamingo of ours.
fn our_flamingo(path: &Path, store: &Store) -> Result<(Tensors, FlamingoConfig, PathBuf)> {
    let source = Source::WithParts(path.to_path_buf(), store.clone());
    let (file, _, tensors) = load_part(&source)?;
    match file.model {
        ModelConfig::Flamingo(config) => Ok((tensors, config, path.to_path_buf())),
        other => Err(wrong(path, other.kind(), "flamingo")),
    }
}

/// Refuses a Flamingo whose trained parts do not fit.
fn alike(wanted: &FlamingoConfig, found: &FlamingoConfig, path: &Path) -> Result<()> {
    let refuse = |part: &str, found: String, wanted: String| {
        Err(Error::contradiction(format!(
            "init.trained: the {part} of {} is {found}, the recipe's is {wanted}: give the recipe the same",
            path.display()
        )))
    };
    if found.resampler != wanted.resampler || found.project_media != wanted.project_media {
        let shown = |config: &FlamingoConfig| format!("{:?}", config.resampler);
        return refuse("resampler", shown(found), shown(wanted));
    }
    if found.gated != wanted.gated {
        return refuse(
            "gated blocks",
            format!("{:?}", found.gated),
            format!("{:?}", wanted.gated),
        );
    }
    if found.vision != wanted.vision || found.language != wanted.language {
        return refuse(
            "encoder or language model",
            "another one".to_owned(),
            "that of init.vision and init.language".to_owned(),
        );
    }
    Ok(())
}

fn found(store: &Store, part: &flamingo_weights::Part) -> Result<std::path::PathBuf> {
    Ok(store.find(part).map_err(flamingo_weights::Error::from)?)
}

fn our_vision(path: &Path, store: &Store) -> Result<Vision> {
    let source = Source::WithParts(path.to_path_buf(), store.clone());
    let (file, _, tensors) = load_part(&source)?;
    let config = match file.model {
        ModelConfig::Contrastive(config) => config.vision,
        ModelConfig::Flamingo(config) => config.vision,
        other => return Err(wrong(path, other.kind(), "contrastive")),
    };
    let preprocess = file
        .preprocess
        .ok_or_else(|| Error::contradiction(format!("{} has no `preprocess`", path.display())))?;
    Ok(Vision {
        config,
        preprocess,
        tensors,
        prefix: "vision.",
    })
}

fn our_language(path: &Path, store: &Store) -> Result<Language> {
    let source = Source::WithParts(path.to_path_buf(), store.clone());
    let (file, tokenizer, tensors) = load_part(&source)?;
    let (config, prefix) = match file.model {
        ModelConfig::Language(config) => (config, ""),
        ModelConfig::Flamingo(config) => (config.language, "language."),
        other => return Err(wrong(path, other.kind(), "language")),
    };
    Ok(Language {
        config,
        tokenizer,
        tokens: file.tokens,
        tensors,
        prefix,
    })
}
