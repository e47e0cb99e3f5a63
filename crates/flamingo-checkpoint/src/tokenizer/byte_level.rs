//! Byte-level BPE from `vocab.json` and `merges.txt`: GPT-2, OPT, RoBERTa, BART.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use tokenizers::Tokenizer;
use tokenizers::models::bpe::{BPE, Merges, Vocab};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::processors::roberta::RobertaProcessing;

use crate::tokenizer::post_processor::Template;
use crate::tokenizer::special_tokens::{SpecialTokens, TokenSpec};
use crate::tokenizer::tokenizer_class::{Role, TokenizerClass};
use crate::tokenizer::tokenizer_config::TokenizerConfig;
use crate::tokenizer::vocabulary::check_ids;
use crate::tokenizer::{Error, Result};

/// The vocabulary's file.
pub(crate) const VOCAB: &str = "vocab.json";
/// The file of the merges, most wanted first.
pub(crate) const MERGES: &str = "merges.txt";

/// Builds the tokenizer without its added tokens and special tokens around a text.
pub(crate) fn read(dir: &Path, config: &TokenizerConfig) -> Result<Tokenizer> {
    let (vocab_path, merges_path) = (dir.join(VOCAB), dir.join(MERGES));
    let vocab_name = vocab_path.display().to_string();
    let merges_name = merges_path.display().to_string();
    let bytes = std::fs::read(&vocab_path).map_err(|e| Error::tokenizer(&vocab_name, e))?;
    let vocab: HashMap<String, u32> = serde_json::from_slice(&bytes).map_err(|error| {
        let message = format!("no JSON object of tokens with ids: {error}; fetch it again");
        Error::tokenizer(&vocab_name, message)
    })?;
    let tokens = vocab.iter().map(|(token, id)| (token.as_str(), *id));
    check_ids(&vocab_name, tokens)?;
    let text = std::fs::read_to_string(&merges_path);
    let text = text.map_err(|error| Error::tokenizer(&merges_name, error))?;
    let merges = parse_merges(&text, &vocab);
    let merges = merges.map_err(|message| Error::tokenizer(&merges_name, message))?;
    let model = BPE::builder()
        .vocab_and_merges(vocab.into_iter().collect::<Vocab>(), merges)
        .build()
        .map_err(|error| Error::tokenizer(&merges_name, error))?;
    let mut tokenizer = Tokenizer::new(model);
    let bytes = ByteLevel::default().add_prefix_space(config.add_prefix_space);
    tokenizer
        .with_pre_tokenizer(Some(bytes))
        .with_decoder(Some(ByteLevel::default()))
        .with_post_processor(Some(ByteLevel::default().trim_offsets(false)));
    Ok(tokenizer)
}

/// The lines between the first, which holds a version, and the last, which is empty.
///
/// So `transformers` reads them: without a version or an end of line, it loses a merge.
fn parse_merges(text: &str, vocab: &HashMap<String, u32>) -> Result<Merges, String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let (lines, _last) = text.rsplit_once('\n').unwrap_or_default();
    let mut merges = Merges::new();
    let mut seen = HashSet::new();
    for (at, line) in lines.split('\n').enumerate().skip(1) {
        let number = at + 1;
        let parts: Vec<&str> = line.split_whitespace().collect();
        let [left, right] = parts[..] else {
            return Err(format!(
                "line {number} is {line:?}: write two tokens with a space between"
            ));
        };
        let joined = format!("{left}{right}");
        let unknown = [left, right, &joined]
            .into_iter()
            .find(|token| !vocab.contains_key(*token));
        if let Some(unknown) = unknown {
            return Err(format!(
                "line {number} merges {left:?} and {right:?}, but {VOCAB} has no {unknown:?}: fetch both files again"
            ));
        }
        if seen.insert((left, right)) {
            merges.push((left.to_string(), right.to_string()));
        }
    }
    Ok(merges)
}

/// RoBERTa's mask takes the space in front of it.
pub(crate) fn mask_options(config: &mut TokenizerConfig) {
    let added: HashSet<String> = config.added.values().map(|t| t.content.clone()).collect();
    let mask = config.special.role(Role::Mask);
    if mask.is_some_and(|mask| !added.contains(mask)) {
        config.special.with_options(Role::Mask, |text| TokenSpec {
            lstrip: true,
            normalized: Some(false),
            special: true,
            ..TokenSpec::new(text)
        });
    }
}

/// Puts the special tokens around a text as the class does.
pub(crate) fn install_post_processor(
    tokenizer: &mut Tokenizer,
    class: &TokenizerClass,
    config: &TokenizerConfig,
    name: &str,
) -> Result<()> {
    let special = &config.special;
    if *class == TokenizerClass::Roberta {
        let sep = id_of(tokenizer, special, Role::Sep, name)?;
        let cls = id_of(tokenizer, special, Role::Cls, name)?;
        let processor = RobertaProcessing::new(sep, cls).add_prefix_space(config.add_prefix_space);
        tokenizer.with_post_processor(Some(processor));
    } else if config.add_bos == Some(true) {
        let (bos, _) = id_of(tokenizer, special, Role::Bos, name)?;
        let template = Template {
            front: vec![bos],
            ..Template::default()
        };
        template.install(tokenizer, name)?;
    }
    Ok(())
}

fn id_of(
    tokenizer: &Tokenizer,
    special: &SpecialTokens,
    role: Role,
    name: &str,
) -> Result<(String, u32)> {
    let text = special.role(role);
    let found = text.and_then(|text| Some((text.to_string(), tokenizer.token_to_id(text)?)));
    found.ok_or_else(|| {
        let message = format!("no `{}` to put around a text: name one", role.key());
        Error::tokenizer(name, message)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::tokenizer::testing::write;

    fn vocab() -> HashMap<String, u32> {
        let tokens = ["a", "b", "c", "ab", "abc"];
        tokens
            .iter()
            .zip(0..)
            .map(|(t, i)| (t.to_string(), i))
            .collect()
    }

    fn merges(text: &str) -> Result<Vec<String>, String> {
        let merges = parse_merges(text, &vocab())?;
        Ok(merges.iter().map(|(l, r)| format!("{l}+{r}")).collect())
    }

    fn message(files: &[(&str, &[u8])]) -> String {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), files);
        let error = read(dir.path(), &TokenizerConfig::default()).unwrap_err();
        error.to_string()
    }

    #[test]
    fn the_first_line_and_what_follows_the_last_line_end_are_no_merges() {
        assert_eq!(merges("#v\na b\nab c\n").unwrap(), ["a+b", "ab+c"]);
        assert_eq!(merges("#v\r\na b\r\nab c\r\n").unwrap(), ["a+b", "ab+c"]);
        assert_eq!(merges("#v\na b\nab c").unwrap(), ["a+b"]);
        assert_eq!(merges("#v\n").unwrap(), [""; 0]);
        assert_eq!(merges("").unwrap(), [""; 0]);
    }

    #[test]
    fn a_merge_that_is_listed_twice_keeps_its_first_place() {
        assert_eq!(merges("#v\na b\nab c\na b\n").unwrap(), ["a+b", "ab+c"]);
    }

    #[test]
    fn merges_with_unknown_tokens_or_other_than_two_are_named_with_their_line() {
        let message = merges("#v\na b\nb c\n").unwrap_err();
        assert!(message.contains("line 3"), "{message}");
        assert!(message.contains(r#"no "bc""#), "{message}");
        assert!(merges("#v\na z\n").unwrap_err().contains(r#"no "z""#));
        assert!(merges("#v\na\n").unwrap_err().contains(r#"line 2 is "a""#));
        assert!(
            merges("#v\n\na b\n")
                .unwrap_err()
                .contains(r#"line 2 is """#)
        );
    }

    #[test]
    fn a_vocabulary_that_is_no_json_or_has_bad_ids_is_named() {
        let merges = (MERGES, "#v\n".as_bytes());
        for (vocab, expected) in [
            ("{", "no JSON object"),
            ("[1]", "no JSON object"),
            (r#"{"a": -1}"#, "no JSON object"),
            (r#"{"a": 0, "b": 0}"#, "both have the id 0"),
            (r#"{"a": 0, "b": 2}"#, "without holes"),
            ("{}", "empty"),
        ] {
            let message = message(&[(VOCAB, vocab.as_bytes()), merges]);
            assert!(message.contains(VOCAB), "{message}");
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn merges_that_are_missing_or_no_text_are_named() {
        let vocab = (VOCAB, r#"{"a": 0}"#.as_bytes());
        assert!(message(&[vocab]).contains(MERGES));
        assert!(message(&[vocab, (MERGES, &[0xff])]).contains(MERGES));
    }
}
