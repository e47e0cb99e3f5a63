use super::*;
use crate::HfTokenizer;
use crate::gguf::GgufValue;
use crate::gguf::testing::Written;

fn read(file: Written) -> Result<HfTokenizer> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.gguf");
    std::fs::write(&path, file.bytes()).expect("written");
    let metadata = GgufMetadata::read(&path).expect("read").expect("GGUF");
    HfTokenizer::from_gguf(&metadata)
}

fn ids(tokenizer: &HfTokenizer, text: &str) -> Vec<u32> {
    let encoded = tokenizer.tokenizer().encode(text, true).expect("encoded");
    encoded.get_ids().to_vec()
}

fn counts(values: &[u64]) -> GgufValue {
    GgufValue::Array(values.iter().map(|v| GgufValue::Unsigned(*v)).collect())
}

/// `<end>`, a few bytes, `12` and ` cat`.
fn byte_level(pre: &str) -> Written {
    let tokens = [
        "<end>", "1", "2", "c", "a", "t", "Ġ", "12", "Ġc", "at", "Ġcat", "<mine>",
    ];
    Written::new()
        .text("tokenizer.ggml.model", "gpt2")
        .text("tokenizer.ggml.pre", pre)
        .texts("tokenizer.ggml.tokens", &tokens)
        .key(
            "tokenizer.ggml.token_type",
            counts(&[3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 4]),
        )
        .texts("tokenizer.ggml.merges", &["1 2", "Ġ c", "a t", "Ġc at"])
        .key("tokenizer.ggml.eos_token_id", GgufValue::Unsigned(0))
}

#[test]
fn bytes_are_merged_and_control_tokens_are_special() {
    let tokenizer = read(byte_level("gpt-2")).expect("read");
    assert_eq!(ids(&tokenizer, "12 cat<end>"), [7, 10, 0]);
    assert_eq!(ids(&tokenizer, "c<mine>at"), [3, 11, 9]);
    assert_eq!(tokenizer.eos(), Some("<end>"));
    assert_eq!((tokenizer.bos(), tokenizer.len()), (None, 12));
    let text = tokenizer
        .tokenizer()
        .decode(&[7, 10, 0], true)
        .expect("decoded");
    assert_eq!(text, "12 cat");
}

#[test]
fn smollm_reads_digits_one_by_one() {
    let tokenizer = read(byte_level("smollm")).expect("read");
    assert_eq!(ids(&tokenizer, "12 cat"), [1, 2, 10]);
}

#[test]
fn what_it_writes_is_read_back_with_the_same_ids() {
    for pre in ["gpt-2", "smollm", "llama-bpe", "qwen2"] {
        let file = byte_level(pre).key("tokenizer.ggml.bos_token_id", GgufValue::Unsigned(0));
        let tokenizer = read(file).expect("read");
        let json = tokenizer.to_json().expect("JSON");
        let again: Tokenizer = json.parse().expect("read back");
        for text in ["12 cat", "<end>at", "t2  c"] {
            let encoded = again.encode(text, true).expect("encoded");
            assert_eq!(encoded.get_ids(), ids(&tokenizer, text), "{pre} {text}");
        }
    }
}

#[test]
fn a_token_in_front_is_as_the_file_says() {
    let bos = |add: bool| {
        byte_level("gpt-2")
            .key("tokenizer.ggml.bos_token_id", GgufValue::Unsigned(0))
            .key("tokenizer.ggml.add_bos_token", GgufValue::Bool(add))
    };
    assert_eq!(ids(&read(bos(true)).expect("read"), "12"), [0, 7]);
    assert_eq!(ids(&read(bos(false)).expect("read"), "12"), [7]);
}

fn pieces() -> Written {
    let tokens = ["<unk>", "<s>", "</s>", "<0x41>", "▁", "a", "t", "at", "▁at"];
    let scores = [0.0, 0.0, 0.0, 0.0, -5.0, -6.0, -7.0, -1.0, -2.0];
    let scores = scores.iter().map(|score| GgufValue::Float(*score));
    Written::new()
        .text("tokenizer.ggml.model", "llama")
        .texts("tokenizer.ggml.tokens", &tokens)
        .key("tokenizer.ggml.scores", GgufValue::Array(scores.collect()))
        .key(
            "tokenizer.ggml.token_type",
            counts(&[2, 3, 3, 6, 1, 1, 1, 1, 1]),
        )
        .key("tokenizer.ggml.bos_token_id", GgufValue::Unsigned(1))
        .key("tokenizer.ggml.eos_token_id", GgufValue::Unsigned(2))
}

#[test]
fn pieces_of_sentencepiece_are_merged_by_their_scores_behind_a_space() {
    let tokenizer = read(pieces()).expect("read");
    assert_eq!(ids(&tokenizer, "at"), [1, 8]);
    assert_eq!(ids(&tokenizer, "at tA"), [1, 8, 4, 6, 3]);
    let plain = pieces().key("tokenizer.ggml.add_space_prefix", GgufValue::Bool(false));
    assert_eq!(ids(&read(plain).expect("read"), "at at"), [1, 7, 8]);
}

#[test]
fn what_is_missing_or_unknown_is_named() {
    let told = |file: Written| read(file).expect_err("refused").to_string();
    let none = told(Written::new().text("tokenizer.ggml.model", "gpt2"));
    assert!(none.contains("`tokenizer.ggml.tokens`"), "{none}");
    let unknown = told(byte_level("tekken"));
    assert!(unknown.contains("cuts texts as `tekken`"), "{unknown}");
    let bert = Written::new()
        .text("tokenizer.ggml.model", "bert")
        .texts("tokenizer.ggml.tokens", &["a"]);
    assert!(told(bert).contains("of the kind `bert`"));
    let id = byte_level("gpt-2").key("tokenizer.ggml.bos_token_id", GgufValue::Unsigned(99));
    assert!(told(id).contains("is 99, there are 12 tokens"));
    let merges = Written::new()
        .text("tokenizer.ggml.model", "gpt2")
        .text("tokenizer.ggml.pre", "gpt-2")
        .texts("tokenizer.ggml.tokens", &["a", "b"])
        .texts("tokenizer.ggml.merges", &["a b"]);
    assert!(told(merges).contains(r#"merge 0 is "a b""#));
}
