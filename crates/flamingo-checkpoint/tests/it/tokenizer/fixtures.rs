//! The ids of `transformers` for every fixture.

use flamingo_checkpoint::HfTokenizer;
use serde::Deserialize;
use tokenizers::Tokenizer;

use super::fixture;

/// What `transformers` gives; `_after` is with `<|endofchunk|>`, `<image>` and, where there is none,
/// a `<PAD>` added.
#[derive(Deserialize)]
struct Expected {
    bos: Option<String>,
    eos: Option<String>,
    unk: Option<String>,
    pad: Option<String>,
    len: usize,
    ids: Vec<Vec<u32>>,
    after: [u32; 3],
    len_after: usize,
    ids_after: Vec<Vec<u32>>,
}

fn read<T: serde::de::DeserializeOwned>(name: &str) -> T {
    let bytes = std::fs::read(fixture(name)).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn encode(tokenizer: &Tokenizer, texts: &[String], special: bool) -> Vec<Vec<u32>> {
    let ids = |text: &String| tokenizer.encode(text.as_str(), special).unwrap();
    texts.iter().map(|t| ids(t).get_ids().to_vec()).collect()
}

fn compare(what: &str, texts: &[String], found: &[Vec<u32>], expected: &[Vec<u32>]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for ((text, found), expected) in texts.iter().zip(found).zip(expected) {
        assert_eq!(found, expected, "{what}: {text:?}");
    }
}

fn check(name: &str) {
    let expected: Expected = read(&format!("{name}/expected.json"));
    let texts: Vec<String> = read("texts.json");
    let mut tokenizer = HfTokenizer::read(fixture(name)).unwrap();
    let roles = [
        (tokenizer.bos(), &expected.bos),
        (tokenizer.eos(), &expected.eos),
        (tokenizer.unk(), &expected.unk),
        (tokenizer.pad(), &expected.pad),
    ];
    for (found, expected) in roles {
        assert_eq!(found, expected.as_deref());
    }
    assert_eq!(tokenizer.len(), expected.len);
    let ids = encode(tokenizer.tokenizer(), &texts, true);
    compare("as read", &texts, &ids, &expected.ids);
    let plain = encode(tokenizer.tokenizer(), &texts, false).into_iter();
    let wrapped: Vec<_> = plain
        .map(|ids| [tokenizer.prefix(), &ids, tokenizer.suffix()].concat())
        .collect();
    compare("with prefix and suffix", &texts, &wrapped, &expected.ids);
    check_json(&tokenizer, &texts, &expected.ids);

    let end_of_chunk = tokenizer.add_special("<|endofchunk|>").unwrap();
    let image = tokenizer.add_special("<image>").unwrap();
    if tokenizer.pad().is_none() {
        tokenizer.set_pad("<PAD>").unwrap();
    }
    let pad = tokenizer.pad().unwrap();
    let pad = tokenizer.tokenizer().token_to_id(pad).unwrap();
    assert_eq!([end_of_chunk, image, pad], expected.after);
    assert_eq!(tokenizer.len(), expected.len_after);
    assert_eq!(tokenizer.tokenizer().get_vocab_size(true), tokenizer.len());
    let ids = encode(tokenizer.tokenizer(), &texts, true);
    compare("with more tokens", &texts, &ids, &expected.ids_after);
    check_json(&tokenizer, &texts, &expected.ids_after);
}

/// What is written reads back as the same tokenizer, and by this crate, too.
fn check_json(tokenizer: &HfTokenizer, texts: &[String], expected: &[Vec<u32>]) {
    let json = tokenizer.to_json().unwrap();
    let back = Tokenizer::from_bytes(json.as_bytes()).unwrap();
    compare("written", texts, &encode(&back, texts, true), expected);
    let folder = super::folder(&[("tokenizer.json", &json)]);
    let back = HfTokenizer::read(folder.path()).unwrap();
    let ids = encode(back.tokenizer(), texts, true);
    compare("written and read", texts, &ids, expected);
    assert_eq!(back.prefix(), tokenizer.prefix());
    assert_eq!(back.len(), tokenizer.len());
}

#[test]
fn opt_has_byte_level_bpe_with_its_end_token_in_front() {
    check("opt");
}

#[test]
fn gpt2_has_byte_level_bpe_with_added_tokens_in_a_file_of_their_own() {
    check("gpt2");
}

#[test]
fn roberta_has_byte_level_bpe_between_two_tokens_and_a_mask_that_takes_a_space() {
    check("roberta");
}

#[test]
fn llama_has_sentencepiece_bpe_with_bytes_for_what_no_piece_covers() {
    check("llama");
}

#[test]
fn t5_has_sentencepiece_unigram_with_a_table_of_replacements() {
    check("t5");
}

#[test]
fn a_tokenizer_json_takes_tokens_options_and_template_from_the_configuration() {
    check("fast");
}
