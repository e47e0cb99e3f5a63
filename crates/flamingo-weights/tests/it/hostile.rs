//! Damaged files and parts that do not belong together: a clear error each, and no panic.

use std::path::Path;

use flamingo_kernels::{Device, Precision};
use flamingo_model::LanguageConfig;
use flamingo_weights::{Source, load};

use crate::support::{config, exported, languages};

fn error(folder: &Path) -> String {
    let source = Source::Directory(folder.to_path_buf());
    let result = load(&source, &Device::flex(), Precision::F32);
    result.err().expect("refused").to_string()
}

/// A model's files with a change made to them.
fn changed(change: impl FnOnce(&Path)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (_, language) = languages().remove(0);
    exported(&config(language, 1), folder.path());
    let theirs = folder.path().join("theirs");
    change(&theirs);
    error(&theirs)
}

fn replace(from: &Path, to: &Path) {
    std::fs::remove_dir_all(to).unwrap();
    std::fs::rename(from, to).unwrap();
}

#[test]
fn a_language_model_of_another_width_is_told_from_the_checkpoints() {
    let told = changed(|theirs| {
        let other = tempfile::tempdir().unwrap();
        let vocabulary = crate::support::tokenizer().0.vocab_size();
        let wide = LanguageConfig {
            vocabulary,
            ..LanguageConfig::opt(24, 4, 3)
        };
        exported(&config(wide, 1), other.path());
        replace(&other.path().join("theirs/lm"), &theirs.join("lm"));
    });
    assert!(
        told.contains("the checkpoint and the language model seem to be of different models"),
        "{told}"
    );
    assert!(told.contains("the model wants"), "{told}");
}

#[test]
fn a_language_model_with_fewer_layers_than_the_checkpoint_has_blocks_is_refused() {
    let told = changed(|theirs| {
        let config = theirs.join("lm/config.json");
        let json = std::fs::read_to_string(&config).unwrap();
        let json = json.replace("\"num_hidden_layers\": 4", "\"num_hidden_layers\": 3");
        std::fs::write(&config, json).unwrap();
    });
    assert!(
        told.contains("gated blocks at the layers [0, 1, 2, 3]"),
        "{told}"
    );
    assert!(told.contains("a language model of 3 layers"), "{told}");
}

#[test]
fn an_image_tower_of_another_width_is_told_from_the_checkpoints() {
    let told = changed(|theirs| {
        let other = tempfile::tempdir().unwrap();
        let (_, language) = languages().remove(0);
        let mut config = config(language, 1);
        if let flamingo_model::vision::VisionConfig::Vit(vit) = &mut config.vision {
            vit.width = 9;
        }
        config.resampler.as_mut().unwrap().width = 9;
        exported(&config, other.path());
        replace(&other.path().join("theirs/clip"), &theirs.join("clip"));
    });
    assert!(
        told.contains("the checkpoint and the image tower seem to be of different models"),
        "{told}"
    );
}

#[test]
fn a_checkpoint_of_another_family_is_refused() {
    let told = changed(|theirs| {
        let other = tempfile::tempdir().unwrap();
        let (_, language) = languages().remove(3);
        exported(&config(language, 1), other.path());
        replace(&other.path().join("theirs/lm"), &theirs.join("lm"));
    });
    assert!(
        told.contains("no gated blocks for a language model of the family gpt_neox"),
        "{told}"
    );
}

#[test]
fn files_that_are_cut_off_are_named() {
    for name in [
        "checkpoint.pt",
        "lm/pytorch_model.bin",
        "clip/open_clip_pytorch_model.bin",
    ] {
        for share in [0, 1, 30, 99] {
            let told = changed(|theirs| {
                let path = theirs.join(name);
                let bytes = std::fs::read(&path).unwrap();
                std::fs::write(&path, &bytes[..bytes.len() * share / 100]).unwrap();
            });
            let file = name.rsplit('/').next().unwrap();
            assert!(
                told.contains(file) && told.contains("cannot be read"),
                "{name} {share}: {told}"
            );
        }
    }
}

#[test]
fn parts_that_stand_in_each_others_place_are_named() {
    let told = changed(|theirs| {
        let lm = theirs.join("lm/pytorch_model.bin");
        std::fs::copy(lm, theirs.join("clip/open_clip_pytorch_model.bin")).unwrap();
    });
    assert!(
        told.contains("it holds no image tower") && told.contains("language model"),
        "{told}"
    );
    let told = changed(|theirs| {
        let lm = theirs.join("lm/pytorch_model.bin");
        std::fs::copy(lm, theirs.join("checkpoint.pt")).unwrap();
    });
    assert!(
        told.contains("it has no") && told.contains("OpenFlamingo"),
        "{told}"
    );
}

#[test]
fn a_missing_shard_is_named() {
    let told = changed(|theirs| {
        let lm = theirs.join("lm");
        std::fs::remove_file(lm.join("pytorch_model.bin")).unwrap();
        let index = r#"{"weight_map": {"a": "pytorch_model-00001-of-00002.bin"}}"#;
        std::fs::write(lm.join("pytorch_model.bin.index.json"), index).unwrap();
    });
    assert!(
        told.contains("pytorch_model-00001-of-00002.bin is not there"),
        "{told}"
    );
    let told = changed(|theirs| {
        let lm = theirs.join("lm");
        std::fs::remove_file(lm.join("pytorch_model.bin")).unwrap();
        let index = r#"{"weight_map": {"a": "../../etc/passwd"}}"#;
        std::fs::write(lm.join("pytorch_model.bin.index.json"), index).unwrap();
    });
    assert!(told.contains("is no name of a file beside it"), "{told}");
}

#[test]
fn configurations_that_cannot_be_are_refused() {
    for (from, to, says) in [
        (
            "\"num_attention_heads\": 3",
            "\"num_attention_heads\": 5",
            "cannot be divided among 5 heads",
        ),
        (
            "\"num_hidden_layers\": 4",
            "\"num_hidden_layers\": -4",
            "`num_hidden_layers` is -4",
        ),
        (
            "\"num_hidden_layers\": 4",
            "\"num_hidden_layers\": 99999999999",
            "`num_hidden_layers`",
        ),
        (
            "\"num_hidden_layers\": 4",
            "\"num_hidden_layers\": 2000000000",
            "language.layers is 2000000000",
        ),
        (
            "\"model_type\": \"opt\"",
            "\"model_type\": \"bert\"",
            "`model_type` is bert",
        ),
        (
            "\"hidden_size\": 12",
            "\"hidden_size\": \"wide\"",
            "`hidden_size` is \"wide\"",
        ),
    ] {
        let told = changed(|theirs| {
            let config = theirs.join("lm/config.json");
            let json = std::fs::read_to_string(&config).unwrap();
            assert!(json.contains(from), "{json}");
            std::fs::write(&config, json.replace(from, to)).unwrap();
        });
        assert!(
            told.contains(says) && told.contains("config.json"),
            "{told}"
        );
    }
}

#[test]
fn a_pickle_with_code_in_it_is_refused_and_nothing_is_run() {
    let marker = std::env::temp_dir().join("flamingo-weights-was-run");
    let told = changed(|theirs| {
        // What `pickle.dumps` makes of an object whose `__reduce__` calls `os.system`.
        let mut bytes = b"\x80\x02cposix\nsystem\n".to_vec();
        let command = format!("touch {}", marker.display());
        bytes.extend([b'X', command.len() as u8, 0, 0, 0]);
        bytes.extend(command.as_bytes());
        bytes.extend(b"\x85R.");
        std::fs::write(theirs.join("checkpoint.pt"), bytes).unwrap();
    });
    assert!(told.contains("checkpoint.pt"), "{told}");
    assert!(
        told.contains("posix.system") || told.contains("cannot be read"),
        "{told}"
    );
    assert!(!marker.exists());
}

#[test]
fn a_directory_that_is_nothing_says_what_a_model_is() {
    let folder = tempfile::tempdir().unwrap();
    let told = error(folder.path());
    assert!(told.contains("has no flamingo.json"), "{told}");
    std::fs::write(
        folder.path().join("config.json"),
        "{\"model_type\": \"llama\"}",
    )
    .unwrap();
    let told = error(folder.path());
    assert!(
        told.contains("`model_type` is llama") && told.contains("idefics"),
        "{told}"
    );
    std::fs::write(folder.path().join("config.json"), "[]").unwrap();
    assert!(error(folder.path()).contains("no JSON object"));
    std::fs::write(
        folder.path().join("config.json"),
        "{\"model_type\": \"idefics\"}",
    )
    .unwrap();
    assert!(error(folder.path()).contains("it has no weights"));
}
