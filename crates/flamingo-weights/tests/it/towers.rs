//! Parts alone: a language model and an image tower for training.

use flamingo_kernels::{Device, Init, Module};
use flamingo_model::LanguageModel;
use flamingo_model::vision::{VisionConfig, VisionEncoder};
use flamingo_weights::{apply_tensors, named_tensors, open_language, open_vision};

use crate::support::{config, exported, languages, tower};

#[test]
fn a_tower_is_read_as_a_part_whatever_its_sizes() {
    let folder = tempfile::tempdir().unwrap();
    let (_, language) = languages().remove(0);
    let model = exported(&config(language, 1), folder.path());
    let part = open_vision(&folder.path().join("theirs/clip")).unwrap();
    assert_eq!(part.config, VisionConfig::Vit(tower()));
    let encoder = VisionEncoder::new(&part.config, &mut Init::new(0, &Device::flex()));
    let encoder = apply_tensors(encoder, &part.tensors, "").unwrap().no_grad();
    for (a, b) in named_tensors(&encoder)
        .iter()
        .zip(named_tensors(&model.vision))
    {
        assert_eq!(a.values, b.values, "{}", a.name);
    }
}

#[test]
fn a_language_model_is_read_as_a_part_with_the_tokens_that_a_flamingo_needs() {
    let folder = tempfile::tempdir().unwrap();
    let (_, language) = languages().remove(4);
    let model = exported(&config(language, 1), folder.path());
    let part = open_language(&folder.path().join("theirs/lm")).unwrap();
    assert_eq!(part.tokens.end_of_chunk, "<|endofchunk|>");
    assert!(part.new_tokens.is_empty(), "its tokenizer has them already");
    let language = LanguageModel::new(&part.config, &mut Init::new(0, &Device::flex()));
    let language = apply_tensors(language, &part.tensors, "")
        .unwrap()
        .no_grad();
    for (a, b) in named_tensors(&language)
        .iter()
        .zip(named_tensors(&model.language))
    {
        assert_eq!(a.values, b.values, "{}", a.name);
    }
}
