//! Small random Flamingos of every family, written as OpenFlamingo's files.

use std::path::Path;

use flamingo_image::{Fit, Preprocess};
use flamingo_kernels::{Device, Init, Precision, Tensor};
use flamingo_model::language::{QueryKeyNorm, Residual};
use flamingo_model::vision::{VisionConfig, VitConfig, VitPool};
use flamingo_model::{
    Flamingo, FlamingoConfig, GatedConfig, LanguageConfig, Looking, PerceiverResamplerConfig,
    TextInput,
};
use flamingo_sequence::{SpecialTokenNames, Tokenizer};
use flamingo_weights::{
    FORMAT_VERSION, ModelConfig, ModelFile, Source, export_open_flamingo, named_tensors, open, save,
};
use flamingo_world::special_token_names;

/// The demo world's tokenizer, its end of chunk spelt as OpenFlamingo spells it.
pub(crate) fn tokenizer() -> (Tokenizer, SpecialTokenNames) {
    let json = String::from_utf8(flamingo_world::tokenizer_json()).unwrap();
    let json = json.replace("<EOC>", "<|endofchunk|>");
    let names = SpecialTokenNames {
        end_of_chunk: "<|endofchunk|>".into(),
        ..special_token_names()
    };
    (
        Tokenizer::from_bytes(json.as_bytes(), &names).unwrap(),
        names,
    )
}

/// A language model of each family and variant that OpenFlamingo builds on.
pub(crate) fn languages() -> Vec<(&'static str, LanguageConfig)> {
    let vocabulary = tokenizer().0.vocab_size();
    let sized = |config: LanguageConfig| LanguageConfig {
        vocabulary,
        ..config
    };
    vec![
        ("opt", sized(LanguageConfig::opt(12, 4, 3))),
        (
            "opt-350m",
            sized(LanguageConfig {
                residual: Residual::SequentialPostNorm,
                embed_width: Some(10),
                ..LanguageConfig::opt(12, 4, 3)
            }),
        ),
        (
            "mpt-7b",
            sized(LanguageConfig::mpt(12, 4, 2, QueryKeyNorm::None)),
        ),
        ("neox", sized(LanguageConfig::gpt_neox(12, 4, 3, 0.5, true))),
        (
            "redpajama",
            sized(LanguageConfig::gpt_neox(12, 4, 3, 1.0, false)),
        ),
        (
            "llama",
            sized(LanguageConfig {
                key_value_heads: 1,
                tied_head: true,
                ..LanguageConfig::llama(12, 4, 3, 20)
            }),
        ),
    ]
}

pub(crate) fn tower() -> VitConfig {
    VitConfig {
        image_size: 8,
        patch: 4,
        width: 6,
        layers: 2,
        heads: 3,
        ffw_width: Some(14),
        projection: Some(5),
        layer_scale: true,
        pool: VitPool::ClassToken,
        ..VitConfig::vit_l_14()
    }
}

pub(crate) fn config(language: LanguageConfig, every: usize) -> FlamingoConfig {
    FlamingoConfig {
        vision: VisionConfig::Vit(tower()),
        resampler: Some(PerceiverResamplerConfig {
            latents: 5,
            layers: 2,
            ..PerceiverResamplerConfig::open_flamingo(6)
        }),
        gated: GatedConfig::open_flamingo(every),
        language,
        project_media: false,
        media_projection_bias: false,
    }
}

pub(crate) fn model(config: &FlamingoConfig) -> Flamingo {
    let mut init = Init::new(7, &Device::flex());
    let mut model = Flamingo::new(config, &mut init).unwrap();
    for block in &mut model.gated {
        block.alpha_xattn = Some(init.full([1], 0.7));
        block.alpha_dense = Some(init.full([1], -0.4));
    }
    model
}

/// Writes a model as ours and as OpenFlamingo's files; returns it.
pub(crate) fn exported(config: &FlamingoConfig, folder: &Path) -> Flamingo {
    let model = model(config);
    let (tokenizer, tokens) = tokenizer();
    let file = ModelFile {
        version: FORMAT_VERSION,
        preprocess: Some(Preprocess::clip(8, Fit::CenterCrop)),
        tokens,
        sees: Default::default(),
        parts: Default::default(),
        template: None,
        model: ModelConfig::Flamingo(config.clone()),
    };
    let ours = folder.join("ours");
    save(
        &ours,
        &file,
        &tokenizer,
        &named_tensors(&model),
        Precision::F32,
    )
    .unwrap();
    let opened = open(&Source::Directory(ours)).unwrap();
    export_open_flamingo(&opened, &folder.join("theirs"), Precision::F32).unwrap();
    model
}

/// Logits of a short prompt of two pictures.
pub(crate) fn logits(model: &Flamingo) -> Vec<f32> {
    let pixels = Init::new(1, &Device::flex())
        .normal([2, 3, 8, 8], 1.0)
        .val();
    let features = model.encode(pixels);
    let [m, s, d] = features.dims();
    let media = model.media(model.resample(features.reshape([m, 1, s, d]), &[0, 1]));
    let input = TextInput::ragged(&[3, 300, 3, 301, 302], 5, &[5]);
    let looking = Looking::new(&[0..1, 0..1, 1..2, 1..2, 1..2], 2, &Device::flex());
    let stream: Tensor<3> = model.hidden(&input, &media, &looking);
    let logits = model.logits(stream.squeeze_dim::<2>(0));
    logits.into_data().convert::<f32>().try_into_vec().unwrap()
}
