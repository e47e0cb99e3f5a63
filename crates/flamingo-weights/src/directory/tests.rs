//! Saving and loading, and what a damaged model directory says.

#![allow(clippy::unwrap_used)]

use flamingo_image::{Conversion, Fit, PassOrder, Transparency};
use flamingo_kernels::{Activation, Tensor};
use flamingo_model::language::QueryKeyNorm;
use flamingo_model::vision::{VisionConfig, VitConfig};
use flamingo_model::{
    FlamingoConfig, Gate, GatedConfig, LanguageConfig, Looking, Media, PerceiverResamplerConfig,
    Placement, TextInput,
};

use flamingo_world::special_token_names;

use super::*;
use crate::{FORMAT_VERSION, named_tensors};

fn tokenizer() -> Tokenizer {
    Tokenizer::from_bytes(&flamingo_world::tokenizer_json(), &special_token_names()).unwrap()
}

fn model_file() -> ModelFile {
    let language = LanguageConfig {
        vocabulary: tokenizer().vocab_size(),
        ..LanguageConfig::mpt(12, 2, 3, QueryKeyNorm::None)
    };
    let resampler = Some(PerceiverResamplerConfig {
        width: 10,
        latents: 3,
        layers: 1,
        heads: 2,
        head_dim: 5,
        ffw_multiple: 2,
        activation: Activation::SquaredRelu,
        time_embeddings: 2,
        ..PerceiverResamplerConfig::paper()
    });
    let config = FlamingoConfig {
        vision: VisionConfig::Vit(VitConfig::small(8, 4, 6, 1, 2)),
        resampler,
        gated: GatedConfig {
            head_dim: 5,
            ..GatedConfig::paper(1, 2)
        },
        language,
        project_media: true,
        media_projection_bias: false,
    };
    ModelFile {
        version: FORMAT_VERSION,
        preprocess: Some(Preprocess::clip(8, Fit::Pad)),
        tokens: special_token_names(),
        sees: Default::default(),
        parts: Default::default(),
        template: None,
        model: ModelConfig::Flamingo(config),
    }
}

#[test]
fn a_model_whose_pictures_are_prepared_as_before_is_of_the_version_before() {
    let written = |change: fn(&mut Preprocess)| {
        let mut file = model_file();
        change(file.preprocess.as_mut().unwrap());
        let read = ModelFile::from_json(file.to_json().as_bytes(), Path::new("x")).unwrap();
        assert_eq!(read.preprocess, file.preprocess);
        read.version
    };
    assert_eq!(written(|_| {}), FORMAT_VERSION);
    let version = crate::PARTS_FORMAT_VERSION;
    assert_eq!(written(|it| it.transparency = Transparency::White), version);
    assert_eq!(written(|it| it.pass_order = PassOrder::Cheaper), version);
    assert_eq!(
        written(|it| it.conversion = Conversion::AfterResize),
        version
    );
}

pub(crate) fn saved(precision: Precision) -> (tempfile::TempDir, Flamingo) {
    let folder = tempfile::tempdir().unwrap();
    let file = model_file();
    let ModelConfig::Flamingo(config) = &file.model else {
        unreachable!()
    };
    let mut init = Init::new(7, &Device::flex());
    let mut model = Flamingo::new(config, &mut init).unwrap();
    model.gated[1].alpha_xattn = Some(init.full([1], 0.5));
    save(
        folder.path(),
        &file,
        &tokenizer(),
        &named_tensors(&model),
        precision,
    )
    .unwrap();
    (folder, model)
}

fn load_from(folder: &Path) -> Result<Loaded> {
    load(
        &Source::Directory(folder.to_path_buf()),
        &Device::flex(),
        Precision::F32,
    )
}

pub(crate) fn logits(model: &Flamingo) -> Vec<f32> {
    let pixels = Init::new(1, &Device::flex())
        .normal([2, 3, 8, 8], 1.0)
        .val();
    let features = model.encode(pixels);
    let [m, s, d] = features.dims();
    let media: Media = model.media(model.resample(features.reshape([m, 1, s, d]), &[]));
    let input = TextInput::ragged(&[3, 300, 3, 301, 302], 5, &[5]);
    let sees = [0..1, 0..1, 1..2, 1..2, 1..2];
    let looking = Looking::new(&sees, 2, &Device::flex());
    let stream: Tensor<3> = model.hidden(&input, &media, &looking);
    model
        .logits(stream.squeeze_dim::<2>(0))
        .into_data()
        .try_into_vec()
        .unwrap()
}

#[test]
fn a_saved_and_loaded_model_gives_the_same_logits_bit_for_bit() {
    let (folder, model) = saved(Precision::F32);
    let loaded = load_from(folder.path()).unwrap();
    assert_eq!(logits(&model), logits(&loaded.model));
    assert_eq!(loaded.file, model_file());
}

#[test]
fn cross_attention_inside_of_layers_and_layers_on_top_are_saved_as_what_they_are() {
    let ways: [fn(&mut GatedConfig); 2] = [
        |gated| {
            (gated.placement, gated.gate, gated.dense) = (Placement::Inside, Gate::Open, false);
        },
        |gated| gated.placement = Placement::OnTop,
    ];
    assert!(!model_file().to_json().contains("\"dense\""));
    for way in ways {
        let mut file = model_file();
        let ModelConfig::Flamingo(config) = &mut file.model else {
            unreachable!()
        };
        way(&mut config.gated);
        let model = Flamingo::new(config, &mut Init::new(7, &Device::flex())).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let tensors = named_tensors(&model);
        save(folder.path(), &file, &tokenizer(), &tensors, Precision::F32).unwrap();
        let loaded = load_from(folder.path()).unwrap();
        assert_eq!(logits(&model), logits(&loaded.model));
        // Only programs that know them read them.
        assert_eq!(loaded.file.version, crate::PARTS_FORMAT_VERSION);
        assert_eq!(loaded.file.model, file.model);
    }
}

#[test]
fn half_precision_on_disk_moves_logits_a_little_only() {
    let (folder, model) = saved(Precision::F16);
    let loaded = load_from(folder.path()).unwrap();
    for (a, b) in logits(&model).iter().zip(logits(&loaded.model)) {
        assert!((a - b).abs() < 2e-2, "{a} {b}");
    }
}

#[test]
fn a_missing_file_is_named_with_what_a_model_directory_holds() {
    for missing in [MODEL_FILE, TOKENIZER, WEIGHTS] {
        let (folder, _) = saved(Precision::F32);
        std::fs::remove_file(folder.path().join(missing)).unwrap();
        let error = load_from(folder.path()).err().unwrap().to_string();
        assert!(error.contains(&format!("has no {missing}")), "{error}");
    }
}

fn changed(change: impl FnOnce(&mut ModelFile)) -> String {
    let (folder, _) = saved(Precision::F32);
    let mut file = model_file();
    change(&mut file);
    std::fs::write(folder.path().join(MODEL_FILE), file.to_json()).unwrap();
    load_from(folder.path()).err().unwrap().to_string()
}

#[test]
fn a_tensor_of_another_shape_is_named_with_both_shapes() {
    let error = changed(|file| {
        let ModelConfig::Flamingo(config) = &mut file.model else {
            unreachable!()
        };
        config.resampler.as_mut().unwrap().latents = 4;
    });
    assert!(
        error.contains("`resampler.latents` is [3, 10], the configuration wants [4, 10]"),
        "{error}"
    );
}

#[test]
fn missing_and_unused_tensors_are_named() {
    let error = changed(|file| {
        let ModelConfig::Flamingo(config) = &mut file.model else {
            unreachable!()
        };
        config.resampler.as_mut().unwrap().layers = 2;
    });
    assert!(
        error.contains("`resampler.layers.1.") && error.contains("is missing"),
        "{error}"
    );
    let error = changed(|file| {
        let ModelConfig::Flamingo(config) = &mut file.model else {
            unreachable!()
        };
        config.gated.every = 2;
    });
    assert!(
        error.contains("`gated.1.") && error.contains("belongs to nothing"),
        "{error}"
    );
}

#[test]
fn a_newer_format_says_to_update_the_program() {
    let error = changed(|file| file.version = crate::PARTS_FORMAT_VERSION + 1);
    assert!(
        error.contains("version 6") && error.contains("up to 5"),
        "{error}"
    );
}

#[test]
fn an_unknown_key_is_named() {
    let (folder, _) = saved(Precision::F32);
    let json = model_file()
        .to_json()
        .replacen("\"latents\"", "\"latent\"", 1);
    std::fs::write(folder.path().join(MODEL_FILE), json).unwrap();
    let error = load_from(folder.path()).err().unwrap().to_string();
    assert!(
        error.contains("flamingo.json") && error.contains("`latent`"),
        "{error}"
    );
}
