//! What the small files change, and what a directory without them gives.

use flamingo_checkpoint::{HfTokenizer, TokenizerError as Error};

use super::{changed, fixture, folder};

fn ids(tokenizer: &HfTokenizer, text: &str) -> Vec<u32> {
    let encoding = tokenizer.tokenizer().encode(text, true).unwrap();
    encoding.get_ids().to_vec()
}

#[test]
fn a_sentencepiece_model_alone_is_llamas_if_it_falls_back_to_bytes() {
    let bytes = std::fs::read(fixture("llama/tokenizer.model")).unwrap();
    let alone = HfTokenizer::from_sentencepiece(&bytes, "a.model").unwrap();
    let whole = HfTokenizer::read(fixture("llama")).unwrap();
    assert_eq!(ids(&alone, "a cat 日"), ids(&whole, "a cat 日"));
    assert_eq!(alone.bos(), Some("<s>"));
    assert_eq!(alone.prefix(), [1]);
}

#[test]
fn a_unigram_model_alone_has_the_special_tokens_that_it_names_itself() {
    let bytes = std::fs::read(fixture("t5/spiece.model")).unwrap();
    let alone = HfTokenizer::from_sentencepiece(&bytes, "a.model").unwrap();
    let roles = [alone.bos(), alone.eos(), alone.unk(), alone.pad()];
    assert_eq!(roles, [None, Some("</s>"), Some("<unk>"), Some("<pad>")]);
    assert!(alone.prefix().is_empty() && alone.suffix().is_empty());
}

#[test]
fn the_configuration_says_whether_llamas_texts_are_opened_and_ended() {
    let config = r#"{"add_bos_token": false, "add_eos_token": true}"#;
    let folder = changed("llama", &[("tokenizer_config.json", config)]);
    let tokenizer = HfTokenizer::read(folder.path()).unwrap();
    assert_eq!(
        (tokenizer.prefix(), tokenizer.suffix()),
        (&[][..], &[2][..])
    );
}

#[test]
fn a_token_that_opens_texts_must_be_named() {
    let config = r#"{"tokenizer_class": "LlamaTokenizer", "bos_token": null}"#;
    let folder = changed("llama", &[("tokenizer_config.json", config)]);
    let error = HfTokenizer::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("no `bos_token`"), "{error}");
}

#[test]
fn the_map_of_special_tokens_wins_unless_the_configuration_lists_added_tokens() {
    let map = ("special_tokens_map.json", r#"{"eos_token": "</s>"}"#);
    let older = r#"{"tokenizer_class": "GPT2Tokenizer", "eos_token": "<s>"}"#;
    let folder = changed("opt", &[map, ("tokenizer_config.json", older)]);
    assert_eq!(
        HfTokenizer::read(folder.path()).unwrap().eos(),
        Some("</s>")
    );
    let newer = r#"{"tokenizer_class": "GPT2Tokenizer", "eos_token": "<s>",
                    "added_tokens_decoder": {"0": {"content": "<s>", "special": true}}}"#;
    let folder = changed("opt", &[map, ("tokenizer_config.json", newer)]);
    assert_eq!(HfTokenizer::read(folder.path()).unwrap().eos(), Some("<s>"));
}

#[test]
fn a_special_token_that_the_vocabulary_lacks_is_added_at_its_end() {
    let config = r#"{"tokenizer_class": "GPT2Tokenizer", "pad_token": "<fill>"}"#;
    let folder = changed("gpt2", &[("tokenizer_config.json", config)]);
    let tokenizer = HfTokenizer::read(folder.path()).unwrap();
    assert_eq!(tokenizer.tokenizer().token_to_id("<fill>"), Some(282));
    assert_eq!(tokenizer.len(), 283);
}

#[test]
fn adding_a_token_twice_gives_one_id_and_an_empty_one_is_refused() {
    let mut tokenizer = HfTokenizer::read(fixture("gpt2")).unwrap();
    let first = tokenizer.add_special("<|endofchunk|>").unwrap();
    assert_eq!(tokenizer.add_special("<|endofchunk|>").unwrap(), first);
    assert_eq!(first as usize + 1, tokenizer.len());
    assert!(tokenizer.add_special("").is_err());
    assert!(tokenizer.set_pad("").is_err());
    assert_eq!(tokenizer.len(), first as usize + 1);
}

#[test]
fn a_token_of_the_base_vocabulary_keeps_its_id_when_it_becomes_special() {
    let mut tokenizer = HfTokenizer::read(fixture("gpt2")).unwrap();
    let (len, id) = (tokenizer.len(), tokenizer.tokenizer().token_to_id("a"));
    assert_eq!(tokenizer.add_special("a").ok(), id);
    assert_eq!(tokenizer.len(), len);
}

#[test]
fn added_tokens_that_cannot_have_their_ids_are_refused_with_both() {
    for (ids, wanted, found) in [
        (r#"{"<image>": 283}"#, 283, "280"),
        (r#"{"a": 280}"#, 280, "65"),
    ] {
        let folder = changed("gpt2", &[("added_tokens.json", ids)]);
        match HfTokenizer::read(folder.path()).unwrap_err() {
            Error::TokenId {
                wanted: w,
                found: f,
                ..
            } => assert_eq!((w, &*f), (wanted, found)),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn classes_and_models_that_are_not_read_are_named_with_the_next_step() {
    let config = r#"{"tokenizer_class": "CLIPTokenizer"}"#;
    let folder = changed("gpt2", &[("tokenizer_config.json", config)]);
    let error = HfTokenizer::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("CLIPTokenizer"), "{error}");
    assert!(error.contains("save_pretrained"), "{error}");
}

#[test]
fn a_directory_without_a_tokenizer_lists_what_it_could_have() {
    let folder = folder(&[("config.json", "{}")]);
    let error = HfTokenizer::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains(folder.path().to_str().unwrap()), "{error}");
    assert!(error.contains("no tokenizer.json"), "{error}");
    assert!(HfTokenizer::read(folder.path().join("none")).is_err());
}

#[test]
fn files_that_the_class_does_not_read_count_as_missing() {
    for (fixture, class) in [("gpt2", "LlamaTokenizer"), ("llama", "GPT2Tokenizer")] {
        let config = format!(r#"{{"tokenizer_class": "{class}"}}"#);
        let folder = changed(fixture, &[("tokenizer_config.json", &config)]);
        let error = HfTokenizer::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("that its tokenizer class reads"), "{error}");
    }
}
