//! Parts as others publish them, as small as can be: a LLaMA in a GGUF file, as llama.cpp writes one, and an image tower
//! in a file of open_clip's.
#![allow(dead_code)] // not every crate's tests use all of it

use std::path::Path;

use flamingo_kernels::{Precision, QuantKind, quantise_rows};
use flamingo_weights::{NamedTensor, write_tensors};

pub(crate) const WIDTH: usize = 64;
pub(crate) const HEADS: usize = 4;
pub(crate) const KEY_VALUE_HEADS: usize = 2;
pub(crate) const HEAD_DIM: usize = WIDTH / HEADS;
pub(crate) const FFW: usize = 96;
pub(crate) const TOKENS: usize = 30;

/// Keys with the number of their type and their bytes, and tensors with axes as in the file.
pub(crate) struct File {
    pub(crate) keys: Vec<(String, u32, Vec<u8>)>,
    pub(crate) tensors: Vec<(String, Vec<u64>, u32, Vec<u8>)>,
}

pub(crate) fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

impl File {
    pub(crate) fn key(&mut self, key: &str, kind: u32, bytes: impl AsRef<[u8]>) {
        let key = (key.to_owned(), kind, bytes.as_ref().to_vec());
        self.keys.push(key);
    }

    pub(crate) fn count(&mut self, key: &str, value: usize) {
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

    pub(crate) fn write(&self, path: &Path) {
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

pub(crate) fn numbers(count: usize, seed: usize) -> Vec<f32> {
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

pub(crate) fn queries() -> Vec<f32> {
    numbers(WIDTH * WIDTH, 1)
}

pub(crate) fn file() -> File {
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
    let marks = (0..TOKENS - 26).map(|i| format!("<{i}>"));
    let letters = ('a'..='z').map(String::from);
    let tokens: Vec<String> = marks.chain(letters).collect();
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

/// Writes an image tower of 8 pixels a side in patches of 4, of one layer of one head.
pub(crate) fn write_tower(path: &Path) {
    let block = "transformer.resblocks.0";
    let wide = 64;
    let named = |(name, shape): (String, Vec<usize>)| NamedTensor {
        values: numbers(shape.iter().product(), name.len())
            .iter()
            .map(|value| value / 8.0)
            .collect(),
        name: format!("visual.{name}"),
        shape,
    };
    let mut shapes = vec![
        ("class_embedding".to_owned(), vec![wide]),
        ("positional_embedding".to_owned(), vec![5, wide]),
        ("proj".to_owned(), vec![wide, 7]),
        ("conv1.weight".to_owned(), vec![wide, 3, 4, 4]),
        (format!("{block}.attn.in_proj_weight"), vec![3 * wide, wide]),
        (format!("{block}.attn.in_proj_bias"), vec![3 * wide]),
        (format!("{block}.attn.out_proj.weight"), vec![wide, wide]),
        (format!("{block}.attn.out_proj.bias"), vec![wide]),
        (format!("{block}.mlp.c_fc.weight"), vec![11, wide]),
        (format!("{block}.mlp.c_fc.bias"), vec![11]),
        (format!("{block}.mlp.c_proj.weight"), vec![wide, 11]),
        (format!("{block}.mlp.c_proj.bias"), vec![wide]),
    ];
    let norms = ["ln_pre", "ln_post"].map(str::to_owned);
    let inner = ["ln_1", "ln_2"].map(|norm| format!("{block}.{norm}"));
    for norm in norms.into_iter().chain(inner) {
        for end in ["weight", "bias"] {
            shapes.push((format!("{norm}.{end}"), vec![wide]));
        }
    }
    let tensors: Vec<NamedTensor> = shapes.into_iter().map(named).collect();
    write_tensors(path, &tensors, Precision::F32).unwrap();
}
