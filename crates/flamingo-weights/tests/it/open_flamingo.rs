//! OpenFlamingo's files, there and back, for every family of language models.

use flamingo_kernels::{Device, Precision};
use flamingo_weights::{OpenFlamingoFiles, Source, convert, load, open};

use crate::support::{config, exported, languages, logits};

#[test]
fn every_family_written_as_openflamingos_files_gives_the_same_logits() {
    for (name, language) in languages() {
        let folder = tempfile::tempdir().unwrap();
        let model = exported(&config(language, 2), folder.path());
        let source = Source::Directory(folder.path().join("theirs"));
        let loaded = load(&source, &Device::flex(), Precision::F32).unwrap();
        assert_eq!(logits(&model), logits(&loaded.model), "{name}");
        assert_eq!(model.config(), loaded.model.config(), "{name}");
    }
}

#[test]
fn where_blocks_stand_is_read_off_the_checkpoint() {
    for every in [1, 2, 4] {
        let folder = tempfile::tempdir().unwrap();
        let (_, language) = languages().remove(0);
        exported(&config(language, every), folder.path());
        let opened = open(&Source::Directory(folder.path().join("theirs"))).unwrap();
        let flamingo_weights::ModelConfig::Flamingo(found) = &opened.file.model else {
            unreachable!()
        };
        assert_eq!((found.gated.every, found.gated.first), (every, every - 1));
    }
}

#[test]
fn a_published_model_converts_to_ours_and_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (_, language) = languages().remove(3);
    let model = exported(&config(language, 1), folder.path());
    let theirs = folder.path().join("theirs");
    let files = OpenFlamingoFiles {
        checkpoint: theirs.join("checkpoint.pt"),
        language: theirs.join("lm"),
        vision: theirs.join("clip/open_clip_pytorch_model.bin"),
    };
    let opened = open(&Source::OpenFlamingo(files)).unwrap();
    let out = folder.path().join("converted");
    for (precision, farthest) in [
        (Precision::F32, 0.0),
        (Precision::F16, 2e-2),
        (Precision::Bf16, 2e-1),
    ] {
        convert(&opened, &out, precision).unwrap();
        let loaded = load(
            &Source::Directory(out.clone()),
            &Device::flex(),
            Precision::F32,
        )
        .unwrap();
        for (a, b) in logits(&model).iter().zip(logits(&loaded.model)) {
            assert!((a - b).abs() <= farthest, "{precision:?} {a} {b}");
        }
    }
}

#[test]
fn half_precision_in_memory_computes_nearly_the_same() {
    for (name, language) in languages() {
        let folder = tempfile::tempdir().unwrap();
        let model = exported(&config(language, 1), folder.path());
        let source = Source::Directory(folder.path().join("theirs"));
        let wide = logits(&model);
        let largest = wide.iter().fold(0f32, |most, value| most.max(value.abs()));
        for (precision, share) in [(Precision::F16, 0.02), (Precision::Bf16, 0.1)] {
            let loaded = load(&source, &Device::flex(), precision).unwrap();
            let narrow = narrow_logits(&loaded.model, precision);
            for (a, b) in wide.iter().zip(narrow) {
                assert!(
                    (a - b).abs() <= share * largest,
                    "{name} {precision:?} {a} {b} of {largest}"
                );
            }
        }
    }
}

/// As [`logits`], with pictures in the model's precision.
fn narrow_logits(model: &flamingo_model::Flamingo, precision: Precision) -> Vec<f32> {
    use flamingo_kernels::Init;
    use flamingo_model::{Looking, TextInput};
    let pixels = Init::new(1, &Device::flex())
        .normal([2, 3, 8, 8], 1.0)
        .val();
    let features = model.encode(pixels.cast(precision.dtype()));
    let [m, s, d] = features.dims();
    let media = model.media(model.resample(features.reshape([m, 1, s, d]), &[0, 1]));
    let input = TextInput::ragged(&[3, 300, 3, 301, 302], 5, &[5]);
    let looking = Looking::new(&[0..1, 0..1, 1..2, 1..2, 1..2], 2, &Device::flex());
    let stream = model.hidden(&input, &media, &looking);
    let logits = model.logits(stream.squeeze_dim::<2>(0));
    logits.into_data().convert::<f32>().try_into_vec().unwrap()
}

#[test]
fn what_openflamingo_cannot_have_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let (_, language) = languages().remove(0);
    let mut config = config(language, 1);
    config.gated.head_dim = 32;
    let model = crate::support::model(&config);
    let (tokenizer, tokens) = crate::support::tokenizer();
    let file = flamingo_weights::ModelFile {
        version: flamingo_weights::FORMAT_VERSION,
        preprocess: Some(flamingo_image::Preprocess::clip(
            8,
            flamingo_image::Fit::CenterCrop,
        )),
        tokens,
        sees: Default::default(),
        parts: Default::default(),
        template: None,
        model: flamingo_weights::ModelConfig::Flamingo(config),
    };
    let tensors = flamingo_weights::named_tensors(&model);
    flamingo_weights::save(folder.path(), &file, &tokenizer, &tensors, Precision::F32).unwrap();
    let opened = open(&Source::Directory(folder.path().to_path_buf())).unwrap();
    let out = folder.path().join("theirs");
    let error = flamingo_weights::export_open_flamingo(&opened, &out, Precision::F32).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("OpenFlamingo has no such model: its gated blocks"),
        "{error}"
    );
    assert!(!out.exists());
}
