//! The tokenizer that stands in a GGUF file's metadata.

use std::collections::HashMap;

use tokenizers::models::bpe::{BPE, Merges, Vocab};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{SplitDelimiterBehavior, Tokenizer};

use crate::gguf::GgufMetadata;
use crate::tokenizer::sentencepiece::{
    ModelType, NormalizerSpec, Piece, PieceType, SentencePieceModel, TrainerSpec,
};
use crate::tokenizer::sentencepiece_convert::{Layout, convert, without_prefix_space};
use crate::tokenizer::special_tokens::TokenSpec;
use crate::tokenizer::tokenizer_class::Role;
use crate::tokenizer::vocabulary::check_ids;
use crate::tokenizer::{Error, Result};

/// How LLaMA 3 cuts a text before it is encoded.
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// How Qwen 2 does: as LLaMA 3, digits one by one.
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// What stands under `tokenizer.ggml`.
pub(crate) struct GgufVocabulary<'a> {
    metadata: &'a GgufMetadata,
    name: String,
    tokens: Vec<&'a str>,
    kinds: Vec<PieceType>,
}

/// A key under `tokenizer.ggml`.
fn key(name: &str) -> String {
    format!("tokenizer.ggml.{name}")
}

impl<'a> GgufVocabulary<'a> {
    /// # Errors
    /// If the file has no tokens, or more or fewer types of tokens.
    pub(crate) fn read(metadata: &'a GgufMetadata) -> Result<Self> {
        let name = metadata.path().display().to_string();
        let tokens = metadata
            .texts(&key("tokens"))
            .map_err(|e| wrong(&name, e))?;
        let tokens = tokens.ok_or_else(|| {
            Error::tokenizer(
                &name,
                "it has no `tokenizer.ggml.tokens`: take a file with its tokenizer",
            )
        })?;
        let kinds = metadata
            .numbers(&key("token_type"))
            .map_err(|e| wrong(&name, e))?;
        let kinds: Vec<PieceType> = match kinds {
            None => vec![PieceType::Normal; tokens.len()],
            Some(kinds) => kinds.into_iter().map(kind_of).collect(),
        };
        if kinds.len() != tokens.len() {
            let message = format!(
                "it has {} tokens and {} types of tokens: make the file again",
                tokens.len(),
                kinds.len()
            );
            return Err(Error::tokenizer(&name, message));
        }
        Ok(Self {
            metadata,
            name,
            tokens,
            kinds,
        })
    }

    /// The file.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether its pieces are sentencepiece's; else they are of a byte-level BPE.
    ///
    /// # Errors
    /// If they are of another kind.
    pub(crate) fn is_sentencepiece(&self) -> Result<bool> {
        match self.text("model")? {
            Some("llama") => Ok(true),
            Some("gpt2") => Ok(false),
            other => Err(Error::Unsupported {
                name: self.name.clone(),
                found: format!("a tokenizer of the kind `{}`", other.unwrap_or("none")),
                next: "take a model with one of the kind `gpt2` or `llama`",
            }),
        }
    }

    /// The tokens that are no text: control tokens are special, the user's are not.
    pub(crate) fn added(&self) -> impl Iterator<Item = (u32, TokenSpec)> {
        let tokens = self.tokens.iter().zip(&self.kinds).zip(0..);
        tokens.filter_map(|((text, kind), id)| {
            let special = *kind == PieceType::Control;
            let added = special || *kind == PieceType::UserDefined;
            added.then(|| {
                let spec = TokenSpec {
                    special,
                    normalized: Some(false),
                    ..TokenSpec::new(text)
                };
                (id, spec)
            })
        })
    }

    /// The token of each role that the file names.
    ///
    /// # Errors
    /// If an id is none of a token.
    pub(crate) fn roles(&self) -> Result<Vec<(Role, &'a str)>> {
        let keys = [
            (Role::Bos, "bos_token_id"),
            (Role::Eos, "eos_token_id"),
            (Role::Unk, "unknown_token_id"),
            (Role::Pad, "padding_token_id"),
        ];
        let mut roles = Vec::new();
        for (role, name) in keys {
            let id = self.metadata.count(&key(name));
            let Some(id) = id.map_err(|error| wrong(&self.name, error))? else {
                continue;
            };
            let text = self.tokens.get(id).ok_or_else(|| {
                let message = format!(
                    "`{}` is {id}, there are {} tokens: make the file again",
                    key(name),
                    self.tokens.len()
                );
                Error::tokenizer(&self.name, message)
            })?;
            roles.push((role, *text));
        }
        Ok(roles)
    }

    /// Whether a text gets a token in front, and one behind; none if the file does not say, which
    /// for LLaMA 3 means one in front.
    ///
    /// # Errors
    /// If the file says something else.
    pub(crate) fn affixes(&self) -> Result<(Option<bool>, Option<bool>)> {
        let llama3 = matches!(self.text("pre")?, Some("llama3" | "llama-v3" | "llama-bpe"));
        let front = self.flag("add_bos_token")?;
        Ok((
            front.or(llama3.then_some(true)),
            self.flag("add_eos_token")?,
        ))
    }

    /// Made of its pieces as LLaMA's tokenizer is.
    ///
    /// # Errors
    /// If scores are missing or not as many as tokens.
    pub(crate) fn sentencepiece(&self) -> Result<Tokenizer> {
        let mut tokenizer = convert(&self.pieces()?, Layout::Llama, &self.name)?;
        if self.flag("add_space_prefix")? == Some(false) {
            without_prefix_space(&mut tokenizer, &self.name)?;
        }
        Ok(tokenizer)
    }

    fn pieces(&self) -> Result<SentencePieceModel> {
        let scores = self.metadata.numbers(&key("scores"));
        let scores = scores
            .map_err(|e| wrong(&self.name, e))?
            .unwrap_or_default();
        if scores.len() != self.tokens.len() {
            let message = format!(
                "it has {} tokens and {} scores of them: make the file again",
                self.tokens.len(),
                scores.len()
            );
            return Err(Error::tokenizer(&self.name, message));
        }
        let pieces = self.tokens.iter().zip(&self.kinds).zip(&scores);
        let pieces = pieces.map(|((text, kind), score)| Piece {
            text: (*text).to_string(),
            score: *score as f32,
            kind: *kind,
        });
        let unknown = self.kinds.iter().position(|k| *k == PieceType::Unknown);
        let unknown = unknown.unwrap_or(0);
        Ok(SentencePieceModel {
            pieces: pieces.collect(),
            trainer: TrainerSpec {
                model_type: ModelType::Bpe,
                byte_fallback: true,
                unk_id: unknown as i32,
                unk_piece: self.tokens.get(unknown).unwrap_or(&"<unk>").to_string(),
                ..TrainerSpec::default()
            },
            normalizer: NormalizerSpec::default(),
        })
    }

    /// As a byte-level BPE.
    ///
    /// # Errors
    /// If its merges are missing or wrong, or texts are cut in a way that is not known.
    pub(crate) fn byte_level(&self) -> Result<Tokenizer> {
        let wrong = |message: String| Error::tokenizer(&self.name, message);
        let ids = 0..self.tokens.len() as u32;
        check_ids(&self.name, self.tokens.iter().copied().zip(ids))?;
        let cut = cut(self.text("pre")?.unwrap_or("default"), &self.name)?;
        let merges = self.metadata.texts(&key("merges"));
        let merges = merges.map_err(|error| wrong(error.to_string()))?;
        let merges = merges.ok_or_else(|| {
            wrong("it has no `tokenizer.ggml.merges`: take a file with its tokenizer".to_string())
        })?;
        let known: HashMap<&str, u32> = self.tokens.iter().copied().zip(0..).collect();
        let mut pairs = Merges::new();
        for (number, merge) in merges.iter().enumerate() {
            let pair = merge.split_once(' ').filter(|(left, right)| {
                let whole = format!("{left}{right}");
                let all = [*left, *right, &whole];
                all.iter().all(|token| known.contains_key(token))
            });
            let (left, right) = pair.ok_or_else(|| {
                wrong(format!(
                    "merge {number} is {merge:?}, which are no two tokens that make a third: make the file again"
                ))
            })?;
            pairs.push((left.to_string(), right.to_string()));
        }
        let vocab = known.into_iter().map(|(token, id)| (token.to_string(), id));
        let model = BPE::builder()
            .vocab_and_merges(vocab.collect::<Vocab>(), pairs)
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        let mut tokenizer = Tokenizer::new(model);
        tokenizer
            .with_pre_tokenizer(Some(cut))
            .with_decoder(Some(ByteLevel::default()))
            .with_post_processor(Some(ByteLevel::default().trim_offsets(false)));
        Ok(tokenizer)
    }

    fn text(&self, name: &str) -> Result<Option<&'a str>> {
        let text = self.metadata.text(&key(name));
        text.map_err(|error| wrong(&self.name, error))
    }

    fn flag(&self, name: &str) -> Result<Option<bool>> {
        let flag = self.metadata.flag(&key(name));
        flag.map_err(|error| wrong(&self.name, error))
    }
}

fn wrong(name: &str, error: crate::Error) -> Error {
    Error::tokenizer(name, error)
}

fn kind_of(number: f64) -> PieceType {
    match number as i64 {
        2 => PieceType::Unknown,
        3 => PieceType::Control,
        4 => PieceType::UserDefined,
        5 => PieceType::Unused,
        6 => PieceType::Byte,
        _ => PieceType::Normal,
    }
}

/// How a text is cut before its bytes are merged, by the name that llama.cpp has for it.
fn cut(pre: &str, name: &str) -> Result<PreTokenizerWrapper> {
    let bytes = |regex: bool| ByteLevel::new(false, false, regex);
    let by = |pattern: &str| {
        let pattern = SplitPattern::Regex(pattern.to_string());
        let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false);
        let split = split.map_err(|error| Error::tokenizer(name, error))?;
        Ok(Sequence::new(vec![split.into(), bytes(false).into()]).into())
    };
    match pre {
        "gpt-2" | "gpt2" | "mpt" | "olmo" | "phi-2" | "jais" => Ok(bytes(true).into()),
        "smollm" | "starcoder" | "refact" | "command-r" | "codeshell" | "exaone" | "minerva-7b" => {
            let digits = Digits::new(true).into();
            Ok(Sequence::new(vec![digits, bytes(true).into()]).into())
        }
        "llama3" | "llama-v3" | "llama-bpe" => by(LLAMA3),
        "qwen2" | "deepseek-r1-qwen" | "megrez" => by(QWEN2),
        other => Err(Error::Unsupported {
            name: name.to_string(),
            found: format!("a tokenizer that cuts texts as `{other}`"),
            next: "take the model as safetensors with its tokenizer.json",
        }),
    }
}

#[cfg(test)]
mod tests;
