//! A directory's tokenizer: its files put together, with the ids that `transformers` gives.

use std::path::Path;

use tokenizers::{AddedToken, Tokenizer};

use crate::gguf::GgufMetadata;
use crate::tokenizer::added_tokens::{AddedTokens, check_pattern};
use crate::tokenizer::gguf::GgufVocabulary;
use crate::tokenizer::post_processor::{Template, affixes};
use crate::tokenizer::sentencepiece::{ModelType, SentencePieceModel};
use crate::tokenizer::sentencepiece_convert::{Layout, convert};
use crate::tokenizer::special_tokens::{Given, SpecialTokens, TokenSpec};
use crate::tokenizer::tokenizer_class::{Role, TokenizerClass};
use crate::tokenizer::tokenizer_config::TokenizerConfig;
use crate::tokenizer::{Error, Result, byte_level, tokenizer_json};

/// The names that a sentencepiece model goes by.
const SENTENCEPIECE: [&str; 2] = ["tokenizer.model", "spiece.model"];

/// A tokenizer as `AutoTokenizer` loads it.
///
/// Texts are encoded by [`HfTokenizer::tokenizer`]; what spells a special token becomes one.
#[derive(Clone, Debug)]
pub struct HfTokenizer {
    tokenizer: Tokenizer,
    name: String,
    special: SpecialTokens,
    prefix: Vec<u32>,
    suffix: Vec<u32>,
    len: usize,
}

/// A tokenizer before the small files have their say.
struct Base {
    tokenizer: Tokenizer,
    kind: Kind,
    /// The class if no file names one.
    class: TokenizerClass,
    /// The ids that the tokenizer's own file names.
    added: Vec<(String, u32)>,
    /// Special tokens if neither the files nor the class name them.
    special: Vec<(Role, String)>,
}

/// The file that a tokenizer comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    ByteLevel,
    SentencePiece,
}

impl HfTokenizer {
    /// Reads the tokenizer of a directory: `tokenizer.json` if there is one, else `vocab.json` with
    /// `merges.txt`, else `tokenizer.model` or `spiece.model`.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if a file is missing or malformed, [`Error::TokenId`] if an added token
    /// cannot have its id, [`Error::Unsupported`] if the kind of tokenizer is not read here.
    pub fn read(dir: impl AsRef<Path>) -> Result<Self> {
        let dir = dir.as_ref();
        let config = TokenizerConfig::read(dir)?;
        let base = read_base(dir, &config)?;
        Self::assemble(base, config, &dir.display().to_string())
    }

    /// Reads the bytes of a sentencepiece model that stands alone; `name` is for the errors.
    ///
    /// BPE with bytes as its fallback is taken for LLaMA's, with `<s>` in front of a text.
    ///
    /// # Errors
    /// As [`HfTokenizer::read`].
    pub fn from_sentencepiece(bytes: &[u8], name: &str) -> Result<Self> {
        let config = TokenizerConfig::default();
        let base = sentencepiece_base(bytes, name, &config)?;
        Self::assemble(base, config, name)
    }

    /// Takes the tokenizer of a GGUF file from its metadata.
    ///
    /// # Errors
    /// As [`HfTokenizer::read`].
    pub fn from_gguf(metadata: &GgufMetadata) -> Result<Self> {
        let vocabulary = GgufVocabulary::read(metadata)?;
        let (add_bos, add_eos) = vocabulary.affixes()?;
        let mut config = TokenizerConfig {
            added: vocabulary.added().collect(),
            add_bos,
            add_eos,
            ..TokenizerConfig::default()
        };
        for (role, text) in vocabulary.roles()? {
            config.special.set_role(role, text);
        }
        let name = vocabulary.name();
        let base = match vocabulary.is_sentencepiece()? {
            true => Base {
                tokenizer: vocabulary.sentencepiece()?,
                kind: Kind::SentencePiece,
                class: TokenizerClass::Llama,
                added: Vec::new(),
                special: Vec::new(),
            },
            false => Base {
                tokenizer: vocabulary.byte_level()?,
                kind: Kind::ByteLevel,
                class: TokenizerClass::Fast,
                added: Vec::new(),
                special: Vec::new(),
            },
        };
        Self::assemble(base, config, name)
    }

    fn assemble(base: Base, mut config: TokenizerConfig, name: &str) -> Result<Self> {
        let class = config.class.clone().unwrap_or(base.class.clone());
        for (role, text) in class.special_tokens() {
            config.special.default_role(*role, text);
        }
        for (role, text) in &base.special {
            config.special.default_role(*role, text);
        }
        if class == TokenizerClass::Roberta {
            byte_level::mask_options(&mut config);
        }
        let mut tokenizer = added_tokens(&base, &config).build(&base.tokenizer, name)?;
        finish(&mut tokenizer, base.kind, &class, &config, name)?;
        let (prefix, suffix) = affixes(&tokenizer, name)?;
        Ok(Self {
            len: tokenizer.get_vocab_size(true),
            special: config.special,
            name: name.to_string(),
            tokenizer,
            prefix,
            suffix,
        })
    }

    /// The library's tokenizer; it neither cuts nor pads.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The library's tokenizer, to keep.
    pub fn into_tokenizer(self) -> Tokenizer {
        self.tokenizer
    }

    /// The token that opens a sequence.
    pub fn bos(&self) -> Option<&str> {
        self.special.role(Role::Bos)
    }

    /// The token that ends a sequence.
    pub fn eos(&self) -> Option<&str> {
        self.special.role(Role::Eos)
    }

    /// The token for what the vocabulary does not cover.
    pub fn unk(&self) -> Option<&str> {
        self.special.role(Role::Unk)
    }

    /// The token that fills rows of a batch.
    pub fn pad(&self) -> Option<&str> {
        self.special.role(Role::Pad)
    }

    /// The ids that encoding with special tokens puts in front of a text.
    pub fn prefix(&self) -> &[u32] {
        &self.prefix
    }

    /// The ids that encoding with special tokens puts behind a text.
    pub fn suffix(&self) -> &[u32] {
        &self.suffix
    }

    /// How many tokens there are, the added ones with them: `len(tokenizer)` in Python.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Never: a vocabulary has at least one token.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Makes a text a special token, as `add_special_tokens` does with one of the
    /// `additional_special_tokens`: its id if there is such a token, else the next id.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if the text is empty.
    pub fn add_special(&mut self, token: &str) -> Result<u32> {
        if !self.special.is_additional(token) {
            self.add(token)?;
            self.special.push_additional(token);
        }
        self.id(token)
    }

    /// Makes a text the token that pads, as `add_special_tokens` does with a `pad_token`.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if the text is empty.
    pub fn set_pad(&mut self, token: &str) -> Result<u32> {
        self.add(token)?;
        self.special.set_role(Role::Pad, token);
        self.id(token)
    }

    /// The whole `tokenizer.json`; read back, it gives the same ids.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] if the library cannot write it.
    pub fn to_json(&self) -> Result<String> {
        let json = self.tokenizer.to_string(false);
        json.map_err(|error| Error::tokenizer(&self.name, error))
    }

    fn add(&mut self, text: &str) -> Result<()> {
        let token = AddedToken::from(text, true);
        check_pattern(&self.tokenizer, &token, &self.name)?;
        let mut added = AddedTokens::of(&self.tokenizer);
        if added.contains(text) {
            added.push(token);
            self.tokenizer = added.build(&self.tokenizer, &self.name)?;
        } else {
            self.len += usize::from(self.tokenizer.token_to_id(text).is_none());
            self.tokenizer.add_special_tokens(&[token]);
        }
        Ok(())
    }

    fn id(&self, token: &str) -> Result<u32> {
        let missing = || Error::tokenizer(&self.name, format!("{token:?} could not be added"));
        self.tokenizer.token_to_id(token).ok_or_else(missing)
    }
}

fn read_base(dir: &Path, config: &TokenizerConfig) -> Result<Base> {
    use TokenizerClass::{Bloom, Gpt2, Llama, Other, Reformer, Roberta, T5};
    let has = |name: &str| dir.join(name).is_file();
    let model = SENTENCEPIECE.into_iter().find(|name| has(name));
    let model = model.map(|name| dir.join(name));
    if has(tokenizer_json::TOKENIZER) {
        return read_json(dir);
    }
    let class = config.class.as_ref();
    if let Some(Other(class)) = class {
        return Err(Error::Unsupported {
            name: dir.display().to_string(),
            found: format!("{class} without a tokenizer.json"),
            next: "load it in Python by AutoTokenizer and write it by save_pretrained, which makes a tokenizer.json",
        });
    }
    let pieces_only = matches!(class, Some(Llama | T5 | Reformer));
    let merges_only = matches!(class, Some(Gpt2 | Roberta | Bloom));
    let has_vocab = has(byte_level::VOCAB) && !pieces_only;
    match model.filter(|_| !merges_only) {
        Some(path) if !has_vocab => read_sentencepiece(&path, config),
        _ if has_vocab => Ok(Base {
            tokenizer: byte_level::read(dir, config)?,
            kind: Kind::ByteLevel,
            class: Gpt2,
            added: Vec::new(),
            special: Vec::new(),
        }),
        _ => Err(Error::tokenizer(
            dir.display(),
            "it has no tokenizer.json, and no vocab.json with merges.txt, tokenizer.model or spiece.model that its tokenizer class reads: add one",
        )),
    }
}

fn read_json(dir: &Path) -> Result<Base> {
    let json = tokenizer_json::read(dir)?;
    let pad = json.pad.map(|token| (Role::Pad, token));
    Ok(Base {
        tokenizer: json.tokenizer,
        kind: Kind::Json,
        class: TokenizerClass::Fast,
        added: json.added,
        special: pad.into_iter().collect(),
    })
}

fn read_sentencepiece(path: &Path, config: &TokenizerConfig) -> Result<Base> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| Error::tokenizer(&name, error))?;
    sentencepiece_base(&bytes, &name, config)
}

fn sentencepiece_base(bytes: &[u8], name: &str, config: &TokenizerConfig) -> Result<Base> {
    let model = SentencePieceModel::from_bytes(bytes, name)?;
    let to_bytes = model.trainer.model_type == ModelType::Bpe && model.trainer.byte_fallback;
    let (class, special) = match &config.class {
        Some(class) => (class.clone(), Vec::new()),
        None if to_bytes => (TokenizerClass::Llama, Vec::new()),
        None => (TokenizerClass::Fast, own_special_tokens(&model)),
    };
    let layout = match class {
        TokenizerClass::Llama => Layout::Llama,
        TokenizerClass::T5 => Layout::Plain {
            extra_ids: config.extra_ids,
        },
        _ => Layout::Plain { extra_ids: 0 },
    };
    Ok(Base {
        tokenizer: convert(&model, layout, name)?,
        kind: Kind::SentencePiece,
        class,
        added: Vec::new(),
        special,
    })
}

/// The special tokens that a sentencepiece model names itself and has.
fn own_special_tokens(model: &SentencePieceModel) -> Vec<(Role, String)> {
    let trainer = &model.trainer;
    [
        (Role::Bos, &trainer.bos_piece, trainer.bos_id),
        (Role::Eos, &trainer.eos_piece, trainer.eos_id),
        (Role::Unk, &trainer.unk_piece, trainer.unk_id),
        (Role::Pad, &trainer.pad_piece, trainer.pad_id),
    ]
    .into_iter()
    .filter(|(_, text, id)| {
        let piece = usize::try_from(*id)
            .ok()
            .and_then(|id| model.pieces.get(id));
        piece.is_some_and(|piece| piece.text == **text)
    })
    .map(|(role, text, _)| (role, text.clone()))
    .collect()
}

/// The tokens that the tokenizer and the small files add, in the order of `transformers`.
fn added_tokens(base: &Base, config: &TokenizerConfig) -> AddedTokens {
    let mut added = AddedTokens::of(&base.tokenizer);
    for (content, id) in &base.added {
        added.want(content, *id);
    }
    for (id, spec) in &config.added {
        let special = spec.special || config.is_special(&spec.content);
        let spec = TokenSpec {
            special,
            ..spec.clone()
        };
        added.want(&spec.content, *id);
        added.push(spec.into_added_token());
    }
    for given in config.special.all() {
        match given {
            Given::Text(text) if text.is_empty() || added.contains(text) => {}
            Given::Text(text) => added.push(AddedToken::from(text, true)),
            Given::Token(spec) => added.push(spec.clone().into_added_token()),
        }
    }
    added
}

/// What a class changes after the tokens are known.
fn finish(
    tokenizer: &mut Tokenizer,
    kind: Kind,
    class: &TokenizerClass,
    config: &TokenizerConfig,
    name: &str,
) -> Result<()> {
    use TokenizerClass::{Gpt2, Llama, Roberta, T5};
    match (kind, class) {
        (_, Llama) => llama_template(config, name)?.install(tokenizer, name),
        (Kind::Json, Gpt2 | Roberta) => {
            tokenizer_json::set_prefix_space(tokenizer, config.add_prefix_space);
            Ok(())
        }
        (Kind::ByteLevel, _) => byte_level::install_post_processor(tokenizer, class, config, name),
        (Kind::SentencePiece, T5) => {
            let template = Template {
                back: vec!["</s>".to_string()],
                ..Template::default()
            };
            template.install(tokenizer, name)
        }
        _ => Ok(()),
    }
}

/// LLaMA's class puts its own tokens around a text, whatever `tokenizer.json` says.
fn llama_template(config: &TokenizerConfig, name: &str) -> Result<Template> {
    let token = |wanted: bool, role: Role| match config.special.role(role) {
        _ if !wanted => Ok(Vec::new()),
        Some(text) => Ok(vec![text.to_string()]),
        None => {
            let message = format!(
                "there is no `{}` to put around a text: name one",
                role.key()
            );
            Err(Error::tokenizer(name, message))
        }
    };
    Ok(Template {
        front: token(config.add_bos.unwrap_or(true), Role::Bos)?,
        back: token(config.add_eos.unwrap_or(false), Role::Eos)?,
        front_of_second: true,
        second_segment: 1,
    })
}
