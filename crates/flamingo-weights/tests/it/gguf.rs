//! A small LLaMA in a GGUF file, written here as llama.cpp writes one.

use std::path::PathBuf;

use flamingo_kernels::{QuantKind, dequantise_rows, quantise_rows};
use flamingo_model::language::Positions;
use flamingo_weights::{LanguagePart, open_language};

use crate::tiny_parts::{
    FFW, File, HEAD_DIM, HEADS, KEY_VALUE_HEADS, TOKENS, WIDTH, file, numbers, queries, text,
};

fn opened(file: &File, folder: &std::path::Path) -> flamingo_weights::Result<LanguagePart> {
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
    let Positions::Rotary { fraction, base, .. } = config.positions else {
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
