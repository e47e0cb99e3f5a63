//! A small LLaMA in a GGUF file, written here as llama.cpp writes one.

use std::path::{Path, PathBuf};

use flamingo_kernels::{QuantKind, dequantise_rows, quantise_rows};
use flamingo_model::language::Positions;
use flamingo_weights::{LanguagePart, open_language};

const WIDTH: usize = 64;
const HEADS: usize = 4;
const KEY_VALUE_HEADS: usize = 2;
const HEAD_DIM: usize = WIDTH / HEADS;
const FFW: usize = 96;
const TOKENS: usize = 30;

/// Keys with the number of their type and their bytes, and tensors with axes as in the file.
struct File {
    keys: Vec<(String, u32, Vec<u8>)>,
    tensors: Vec<(String, Vec<u64>, u32, Vec<u8>)>,
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

impl File {
    fn key(&mut self, key: &str, kind: u32, bytes: impl AsRef<[u8]>) {
        let key = (key.to_owned(), kind, bytes.as_ref().to_vec());
        self.keys.push(key);
    }

    fn count(&mut self, key: &str, value: usize) {
        self.key(key, 4, (value as u32).to_le_bytes());
    }

    fn texts(&mut self, key: &str, texts: &[String]) {
        let texts: Vec<u8> = texts.iter().flat_map(|t| text(t)).collect();
        let head = [&8_u32.to_le_bytes()[..], &(TOKENS as u64).to_le_bytes()].concat();
        let bytes = [head, texts].concat();
        self.key(key, 9, bytes);
    }

    fn floats(&mut self, name: &str, values: &[f32]) {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.tensors
            .push((name.into(), vec![values.len() as u64], 0, bytes));
    }

    fn matrix(&mut self, name: &str, number: u32, kind: QuantKind, d_input: usize, values: &[f32]) {
        let bytes = quantise_rows(kind, values, d_input).unwrap();
        let axes = vec![d_input as u64, (values.len() / d_input) as u64];
        self.tensors.push((name.into(), axes, number, bytes));
    }

    fn write(&self, path: &Path) {
        let mut out = b"GGUF".to_vec();
        out.extend(3_u32.to_le_bytes());
        out.extend((self.tensors.len() as u64).to_le_bytes());
        out.extend((self.keys.len() as u64).to_le_bytes());
        for (key, kind, bytes) in &self.keys {
            out.extend(text(key));
            out.extend(kind.to_le_bytes());
            out.extend(bytes);
        }
        let mut offset = 0_usize;
        for (name, axes, kind, bytes) in &self.tensors {
            out.extend(text(name));
            out.extend((axes.len() as u32).to_le_bytes());
            axes.iter().for_each(|axis| out.extend(axis.to_le_bytes()));
            out.extend(kind.to_le_bytes());
            out.extend((offset as u64).to_le_bytes());
            offset = (offset + bytes.len()).next_multiple_of(32);
        }
        for (_, _, _, bytes) in &self.tensors {
            out.resize(out.len().next_multiple_of(32), 0);
            out.extend(bytes);
        }
        std::fs::write(path, out).unwrap();
    }
}

fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count)
        .map(|i| ((i + 1) * (seed + 7919) % 2003) as f32 / 1001.5 - 1.0)
        .collect()
}

/// Rows of heads with their halves side by side, as the file has them.
fn paired(values: &[f32], heads: usize) -> Vec<f32> {
    let mut out = Vec::new();
    for head in values.chunks(values.len() / heads) {
        let rows: Vec<&[f32]> = head.chunks(WIDTH).collect();
        for pair in 0..rows.len() / 2 {
            out.extend_from_slice(rows[pair]);
            out.extend_from_slice(rows[pair + rows.len() / 2]);
        }
    }
    out
}

fn queries() -> Vec<f32> {
    numbers(WIDTH * WIDTH, 1)
}

fn file() -> File {
    let mut file = File {
        keys: Vec::new(),
        tensors: Vec::new(),
    };
    file.key("general.architecture", 8, text("llama"));
    file.count("llama.embedding_length", WIDTH);
    file.count("llama.block_count", 1);
    file.count("llama.feed_forward_length", FFW);
    file.count("llama.attention.head_count", HEADS);
    file.count("llama.attention.head_count_kv", KEY_VALUE_HEADS);
    file.key("llama.rope.freq_base", 6, 100_000_f32.to_le_bytes());
    file.key(
        "llama.attention.layer_norm_rms_epsilon",
        6,
        1e-5_f32.to_le_bytes(),
    );
    file.key("tokenizer.ggml.model", 8, text("gpt2"));
    file.key("tokenizer.ggml.pre", 8, text("smollm"));
    let tokens: Vec<String> = (0..TOKENS).map(|i| format!("<{i}>")).collect();
    file.texts("tokenizer.ggml.tokens", &tokens);
    file.key(
        "tokenizer.ggml.merges",
        9,
        [&8_u32.to_le_bytes()[..], &[0; 8]].concat(),
    );
    file.count("tokenizer.ggml.eos_token_id", 2);
    let key_width = KEY_VALUE_HEADS * HEAD_DIM;
    file.matrix(
        "token_embd.weight",
        8,
        QuantKind::Q8_0,
        WIDTH,
        &numbers(TOKENS * WIDTH, 0),
    );
    file.floats("output_norm.weight", &numbers(WIDTH, 2));
    file.floats("blk.0.attn_norm.weight", &numbers(WIDTH, 3));
    file.floats("blk.0.ffn_norm.weight", &numbers(WIDTH, 4));
    let q4_1 = QuantKind::Q4_1;
    file.matrix(
        "blk.0.attn_q.weight",
        3,
        q4_1,
        WIDTH,
        &paired(&queries(), HEADS),
    );
    let keys = paired(&numbers(key_width * WIDTH, 5), KEY_VALUE_HEADS);
    file.matrix("blk.0.attn_k.weight", 3, q4_1, WIDTH, &keys);
    file.matrix(
        "blk.0.attn_v.weight",
        3,
        q4_1,
        WIDTH,
        &numbers(key_width * WIDTH, 6),
    );
    file.matrix(
        "blk.0.attn_output.weight",
        3,
        q4_1,
        WIDTH,
        &numbers(WIDTH * WIDTH, 7),
    );
    file.matrix(
        "blk.0.ffn_gate.weight",
        3,
        q4_1,
        WIDTH,
        &numbers(FFW * WIDTH, 8),
    );
    file.matrix(
        "blk.0.ffn_up.weight",
        3,
        q4_1,
        WIDTH,
        &numbers(FFW * WIDTH, 9),
    );
    file.matrix(
        "blk.0.ffn_down.weight",
        3,
        q4_1,
        FFW,
        &numbers(WIDTH * FFW, 10),
    );
    file
}

fn opened(file: &File, folder: &Path) -> flamingo_weights::Result<LanguagePart> {
    let path = folder.join("model.gguf");
    file.write(&path);
    open_language(&path)
}

#[test]
fn the_metadata_are_the_configuration_and_the_head_is_the_embedding() {
    let folder = tempfile::tempdir().unwrap();
    let part = opened(&file(), folder.path()).unwrap();
    let config = &part.config;
    assert_eq!(
        (config.width, config.layers, config.ffw_width),
        (WIDTH, 1, FFW)
    );
    assert_eq!(
        (config.heads, config.key_value_heads),
        (HEADS, KEY_VALUE_HEADS)
    );
    assert!(config.tied_head && !config.attention_bias);
    let Positions::Rotary { fraction, base } = config.positions else {
        panic!("{:?}", config.positions);
    };
    assert_eq!((fraction, base), (1.0, 100_000.0));
    assert_eq!(part.new_tokens.first(), Some(&(TOKENS as u32)));
    assert!(config.vocabulary > TOKENS);
}

#[test]
fn quantised_rows_of_queries_and_keys_lie_half_a_head_apart_as_ours() {
    let folder = tempfile::tempdir().unwrap();
    let part = opened(&file(), folder.path()).unwrap();
    let check = |name: &str, kind: QuantKind, values: &[f32], d_input: usize| {
        assert_eq!(part.tensors.quantised(name), Some(kind), "{name}");
        let bytes = quantise_rows(kind, values, d_input).unwrap();
        assert_eq!(part.tensors.bytes(name).unwrap(), bytes, "{name}");
        let wide = dequantise_rows(kind, &bytes);
        assert_eq!(part.tensors.values(name).unwrap(), wide, "{name}");
    };
    let q4_1 = QuantKind::Q4_1;
    check("layers.0.attention.q.weight", q4_1, &queries(), WIDTH);
    let keys = numbers(KEY_VALUE_HEADS * HEAD_DIM * WIDTH, 5);
    check("layers.0.attention.k.weight", q4_1, &keys, WIDTH);
    check(
        "layers.0.ffw.output.weight",
        q4_1,
        &numbers(WIDTH * FFW, 10),
        FFW,
    );
}

#[test]
fn rows_of_new_tokens_are_zeros_behind_the_quantised_embedding() {
    let folder = tempfile::tempdir().unwrap();
    let part = opened(&file(), folder.path()).unwrap();
    let values = part.tensors.values("embed.weight").unwrap();
    let (known, new) = values.split_at(TOKENS * WIDTH);
    let bytes = quantise_rows(QuantKind::Q8_0, &numbers(TOKENS * WIDTH, 0), WIDTH).unwrap();
    assert_eq!(known, dequantise_rows(QuantKind::Q8_0, &bytes));
    assert!(!new.is_empty() && new.iter().all(|value| *value == 0.0));
    assert_eq!(
        part.tensors.missing_rows("embed.weight"),
        Some(TOKENS..part.config.vocabulary)
    );
}

#[test]
fn a_folder_with_one_file_is_that_file_and_with_two_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    opened(&file(), folder.path()).unwrap();
    assert!(open_language(folder.path()).is_ok());
    file().write(&folder.path().join("other.gguf"));
    let told = refused(open_language(folder.path()));
    assert!(told.contains("several models"), "{told}");
}

#[test]
fn a_model_in_several_files_is_opened_by_the_first_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = |n: usize| -> PathBuf { folder.path().join(format!("m-{n:05}-of-00002.gguf")) };
    let mut first = file();
    let mut second = File {
        keys: Vec::new(),
        tensors: first.tensors.split_off(4),
    };
    for (number, file) in [(0, &mut first), (1, &mut second)] {
        file.count("split.no", number);
        file.count("split.count", 2);
    }
    first.write(&path(1));
    second.write(&path(2));
    assert!(open_language(&path(1)).is_ok());
    assert!(open_language(folder.path()).is_ok());
    let told = refused(open_language(&path(2)));
    assert!(told.contains("part 2 of 2"), "{told}");
}

#[test]
fn what_is_not_computed_is_refused_with_its_key_and_value() {
    let folder = tempfile::tempdir().unwrap();
    let told = |change: &dyn Fn(&mut File)| {
        let mut file = file();
        change(&mut file);
        refused(opened(&file, folder.path()))
    };
    let other = told(&|file| file.keys[0].2 = text("qwen3moe"));
    assert!(
        other.contains("`general.architecture` is qwen3moe"),
        "{other}"
    );
    let scaled = told(&|file| file.key("llama.rope.scaling.type", 8, text("yarn")));
    assert!(scaled.contains("yarn"), "{scaled}");
    let experts = told(&|file| file.count("llama.expert_count", 8));
    assert!(experts.contains("`llama.expert_count` is 8"), "{experts}");
    let missing = told(&|file| {
        file.tensors
            .retain(|tensor| tensor.0 != "blk.0.ffn_up.weight");
    });
    assert!(missing.contains("is missing"), "{missing}");
}

fn refused(part: flamingo_weights::Result<LanguagePart>) -> String {
    match part {
        Ok(_) => panic!("not refused"),
        Err(error) => error.to_string(),
    }
}
