//! The small files beside a tokenizer: `tokenizer_config.json`, `special_tokens_map.json`,
//! `added_tokens.json` and `config.json`, each of them optional.
//!
//! As `transformers` has it, `added_tokens_decoder` in `tokenizer_config.json` marks the newer
//! layout, in which the two files in the middle are leftovers and are not read.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use crate::tokenizer::special_tokens::{Given, SpecialTokens, TokenSpec};
use crate::tokenizer::tokenizer_class::TokenizerClass;
use crate::tokenizer::{Error, Result};

const CONFIG: &str = "tokenizer_config.json";

/// More markers than this are a mistake; T5 has 100.
const MAX_EXTRA_IDS: u64 = 10_000;

/// What the small files say.
#[derive(Debug, Default)]
pub(crate) struct TokenizerConfig {
    /// None if no file names a class.
    pub(crate) class: Option<TokenizerClass>,
    pub(crate) special: SpecialTokens,
    /// The added tokens by their ids.
    pub(crate) added: BTreeMap<u32, TokenSpec>,
    /// `add_bos_token`.
    pub(crate) add_bos: Option<bool>,
    /// `add_eos_token`.
    pub(crate) add_eos: Option<bool>,
    /// `add_prefix_space`.
    pub(crate) add_prefix_space: bool,
    /// How many `<extra_id_0>` T5 has.
    pub(crate) extra_ids: usize,
}

impl TokenizerConfig {
    /// Reads the files of a directory.
    pub(crate) fn read(dir: &Path) -> Result<Self> {
        let file = read_object(dir, CONFIG)?.unwrap_or_default();
        let in_config = |message| Error::tokenizer(dir.join(CONFIG).display(), message);
        let mut config = Self {
            class: read_class(dir, &file)?,
            add_bos: flag(&file, "add_bos_token").map_err(in_config)?,
            add_eos: flag(&file, "add_eos_token").map_err(in_config)?,
            add_prefix_space: flag(&file, "add_prefix_space").map_err(in_config)? == Some(true),
            extra_ids: extra_ids(&file).map_err(in_config)?,
            ..Self::default()
        };
        config.special.merge(&file).map_err(in_config)?;
        match file.get("added_tokens_decoder") {
            Some(tokens) => config.added = decoder(tokens).map_err(in_config)?,
            None => config.read_older_files(dir)?,
        }
        if config.class == Some(TokenizerClass::T5) {
            let extra_ids = config.special.default_extra_ids(config.extra_ids);
            extra_ids.map_err(in_config)?;
        }
        Ok(config)
    }

    fn read_older_files(&mut self, dir: &Path) -> Result<()> {
        let name = "special_tokens_map.json";
        if let Some(map) = read_object(dir, name)? {
            let merged = self.special.merge(&map);
            merged.map_err(|message| Error::tokenizer(dir.join(name).display(), message))?;
        }
        let name = "added_tokens.json";
        let Some(ids) = read_object(dir, name)? else {
            return Ok(());
        };
        for (content, id) in ids {
            let special = self.special.all().any(|given| given.text() == content);
            let spec = TokenSpec {
                special,
                ..TokenSpec::new(&content)
            };
            let id = id.as_u64().and_then(|id| u32::try_from(id).ok());
            let message = match id.map(|id| self.added.insert(id, spec)) {
                Some(None) => continue,
                Some(Some(other)) => format!(
                    "the tokens {:?} and {content:?} have the same id: give each its own",
                    other.content
                ),
                None => format!("the token {content:?} has no id: write a whole number"),
            };
            return Err(Error::tokenizer(dir.join(name).display(), message));
        }
        Ok(())
    }

    /// Whether a text is one of the special tokens.
    pub(crate) fn is_special(&self, text: &str) -> bool {
        self.special.all().map(Given::text).any(|t| t == text)
    }
}

/// A JSON object, or none if there is no such file.
fn read_object(dir: &Path, name: &str) -> Result<Option<Map<String, Value>>> {
    let path = dir.join(name);
    let bytes = match std::fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(|error| Error::tokenizer(path.display(), error))?,
    };
    let object = serde_json::from_slice(&bytes);
    object.map(Some).map_err(|error| {
        let message = format!("no JSON object: {error}; fetch the file again");
        Error::tokenizer(path.display(), message)
    })
}

/// The class by `tokenizer_config.json`, else by `config.json`.
fn read_class(dir: &Path, file: &Map<String, Value>) -> Result<Option<TokenizerClass>> {
    if let Some(Value::String(name)) = file.get("tokenizer_class") {
        return Ok(Some(TokenizerClass::from_name(name)));
    }
    let model = read_object(dir, "config.json")?.unwrap_or_default();
    if let Some(Value::String(name)) = model.get("tokenizer_class") {
        return Ok(Some(TokenizerClass::from_name(name)));
    }
    let model_type = model.get("model_type").and_then(Value::as_str);
    Ok(model_type.and_then(TokenizerClass::from_model_type))
}

fn flag(file: &Map<String, Value>, key: &str) -> Result<Option<bool>, String> {
    match file.get(key) {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(false)),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(other) => Err(format!("`{key}` is {other}: set it to true or false")),
    }
}

fn extra_ids(file: &Map<String, Value>) -> Result<usize, String> {
    match file.get("extra_ids") {
        None => Ok(100),
        Some(value) => match value.as_u64() {
            Some(count @ ..=MAX_EXTRA_IDS) => Ok(count as usize),
            _ => Err(format!(
                "`extra_ids` is {value}: write a whole number up to {MAX_EXTRA_IDS}"
            )),
        },
    }
}

fn decoder(tokens: &Value) -> Result<BTreeMap<u32, TokenSpec>, String> {
    let Value::Object(tokens) = tokens else {
        return Err("`added_tokens_decoder` is no object: write ids with tokens".to_string());
    };
    let mut added = BTreeMap::new();
    for (key, token) in tokens {
        let id = key.parse().map_err(|_| {
            format!("`added_tokens_decoder` has the id {key:?}: write a whole number")
        })?;
        let spec = token.as_object().map(TokenSpec::parse).unwrap_or_else(|| {
            Err(format!(
                "the token is {token}: write an object with `content`"
            ))
        });
        let spec = spec.map_err(|message| format!("`added_tokens_decoder`, id {id}: {message}"))?;
        added.insert(id, spec);
    }
    Ok(added)
}
