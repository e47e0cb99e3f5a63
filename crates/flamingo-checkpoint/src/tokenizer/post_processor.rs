//! What an encoded text gets in front and behind.

use serde_json::{Map, Value, json};
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{Encoding, Token, Tokenizer};

use crate::tokenizer::{Error, Result};

/// Stands for a text that is encoded; no vocabulary is that large.
const TEXT: u32 = u32::MAX;

/// The tokens around a text, and around the second text of a pair.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Template {
    /// In front of the text.
    pub(crate) front: Vec<String>,
    /// Behind the text.
    pub(crate) back: Vec<String>,
    /// Whether `front` opens the second text, too.
    pub(crate) front_of_second: bool,
    /// The segment number of the second text.
    pub(crate) second_segment: u32,
}

impl Template {
    /// Makes it the tokenizer's post-processor.
    pub(crate) fn install(&self, tokenizer: &mut Tokenizer, name: &str) -> Result<()> {
        let mut tokens = Map::new();
        for text in self.front.iter().chain(&self.back) {
            let Some(id) = tokenizer.token_to_id(text) else {
                let message = format!("the vocabulary has no token {text:?} to put around a text");
                return Err(Error::tokenizer(name, message));
            };
            let token = json!({"id": text, "ids": [id], "tokens": [text]});
            tokens.insert(text.clone(), token);
        }
        let single = self.around("A", true, 0);
        let second = self.around("B", self.front_of_second, self.second_segment);
        let pair = [single.clone(), second].concat();
        let template = json!({
            "type": "TemplateProcessing",
            "single": single,
            "pair": pair,
            "special_tokens": tokens,
        });
        let processor: TemplateProcessing =
            serde_json::from_value(template).map_err(|error| Error::tokenizer(name, error))?;
        tokenizer.with_post_processor(Some(processor));
        Ok(())
    }

    fn around(&self, text: &str, with_front: bool, segment: u32) -> Vec<Value> {
        let special = |id: &String| json!({"SpecialToken": {"id": id, "type_id": segment}});
        let front = self.front.iter().filter(|_| with_front).map(special);
        let text = json!({"Sequence": {"id": text, "type_id": segment}});
        let back = self.back.iter().map(special);
        front.chain([text]).chain(back).collect()
    }
}

/// The ids that encoding with special tokens puts in front of a text and behind it.
pub(crate) fn affixes(tokenizer: &Tokenizer, name: &str) -> Result<(Vec<u32>, Vec<u32>)> {
    let text = Encoding::from_tokens(vec![Token::new(TEXT, "a".to_string(), (0, 1))], 0);
    let encoding = tokenizer.post_process(text, None, true);
    let encoding = encoding.map_err(|error| Error::tokenizer(name, error))?;
    let mut parts = encoding.get_ids().split(|id| *id == TEXT);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(front), Some(back), None) => Ok((front.to_vec(), back.to_vec())),
        _ => Err(Error::tokenizer(
            name,
            "the post-processor does not give a text back once: remove `post_processor`",
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokenizers::models::bpe::{BPE, Vocab};

    use super::*;

    fn tokenizer() -> Tokenizer {
        let tokens = ["a", "<s>", "$A: x"].map(str::to_string);
        let vocab: Vocab = tokens.into_iter().zip(0..).collect();
        let model = BPE::builder().vocab_and_merges(vocab, Vec::new()).build();
        Tokenizer::new(model.unwrap())
    }

    fn ids(tokenizer: &Tokenizer, second: &str) -> Vec<u32> {
        let encoding = tokenizer.encode(("a", second), true).unwrap();
        encoding.get_ids().to_vec()
    }

    #[test]
    fn without_a_post_processor_nothing_is_around_a_text() {
        let (front, back) = affixes(&tokenizer(), "a").unwrap();
        assert!(front.is_empty() && back.is_empty());
    }

    #[test]
    fn a_template_puts_its_tokens_around_one_text_and_two_whatever_they_spell() {
        let mut tokenizer = tokenizer();
        let mut template = Template {
            front: vec!["<s>".to_string()],
            back: vec!["$A: x".to_string()],
            ..Template::default()
        };
        template.install(&mut tokenizer, "a").unwrap();
        assert_eq!(affixes(&tokenizer, "a").unwrap(), (vec![1], vec![2]));
        assert_eq!(ids(&tokenizer, "a"), [1, 0, 2, 0, 2]);
        (template.front_of_second, template.second_segment) = (true, 1);
        template.install(&mut tokenizer, "a").unwrap();
        assert_eq!(ids(&tokenizer, "a"), [1, 0, 2, 1, 0, 2]);
        let encoding = tokenizer.encode(("a", "a"), true).unwrap();
        assert_eq!(encoding.get_type_ids(), [0, 0, 0, 1, 1, 1]);
    }

    #[test]
    fn a_token_that_the_vocabulary_lacks_is_named() {
        let template = Template {
            back: vec!["</s>".to_string()],
            ..Template::default()
        };
        let error = template.install(&mut tokenizer(), "a").unwrap_err();
        assert!(error.to_string().contains(r#"no token "</s>""#), "{error}");
    }

    #[test]
    fn a_template_without_the_text_is_refused() {
        let mut tokenizer = tokenizer();
        let template = json!({
            "type": "TemplateProcessing", "single": [], "pair": [], "special_tokens": {},
        });
        let processor: TemplateProcessing = serde_json::from_value(template).unwrap();
        tokenizer.with_post_processor(Some(processor));
        let error = affixes(&tokenizer, "a").unwrap_err().to_string();
        assert!(error.contains("does not give a text back once"), "{error}");
    }
}
