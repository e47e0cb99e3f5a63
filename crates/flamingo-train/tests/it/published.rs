//! A Flamingo trained between a published language model and a published image tower.

use flamingo_image::{Fit, Preprocess};
use flamingo_kernels::{Device, Init, Precision};
use flamingo_model::vision::{VisionConfig, VitConfig};
use flamingo_model::{
    Flamingo, FlamingoConfig, GatedConfig, LanguageConfig, PerceiverResamplerConfig,
};
use flamingo_sequence::{SpecialTokenNames, Tokenizer};
use flamingo_train::Resume;
use flamingo_weights::{
    FORMAT_VERSION, ModelConfig, ModelFile, Source, export_open_flamingo, load_part, named_tensors,
    open, open_language, save,
};

use crate::world::{VOCABULARY, World, resumed_equals_uninterrupted, run};

const RECIPE: &str = r#"
run = "DIR/flamingo"
seed = 7
threads = 2

[init]
lm = "DIR/theirs/lm"
vision = "DIR/theirs/clip"

[model.flamingo]
project_media = false

SMALL_FLAMINGO

[[data]]
name = "pairs"
format = "jsonl"
form = "pair"
path = "DIR/pairs.jsonl"
batch = 3

[schedule]
steps = 4
rate = 1e-2
"#;

/// A world with `theirs/lm` (GPT-NeoX) and `theirs/clip`.
fn with_published_parts() -> World {
    let world = World::new();
    let tokens = SpecialTokenNames {
        bos: Some("<BOS>".into()),
        eos: Some("<EOS>".into()),
        pad: "<PAD>".into(),
        image: "<image>".into(),
        end_of_chunk: "<EOC>".into(),
        image_border: None,
    };
    let tokenizer = Tokenizer::from_file(world.path("tokenizer.json"), &tokens).unwrap();
    let config = FlamingoConfig {
        vision: VisionConfig::Vit(VitConfig {
            image_size: 8,
            patch: 4,
            width: 6,
            layers: 1,
            heads: 2,
            projection: Some(5),
            ..VitConfig::vit_l_14()
        }),
        resampler: Some(PerceiverResamplerConfig::open_flamingo(6)),
        gated: GatedConfig::open_flamingo(1),
        language: LanguageConfig {
            vocabulary: VOCABULARY,
            ..LanguageConfig::gpt_neox(8, 2, 2, 1.0, true)
        },
        project_media: false,
        media_projection_bias: false,
    };
    let model = Flamingo::new(&config, &mut Init::new(3, &Device::flex())).unwrap();
    let file = ModelFile {
        version: FORMAT_VERSION,
        preprocess: Some(Preprocess::clip(8, Fit::CenterCrop)),
        tokens,
        sees: Default::default(),
        parts: Default::default(),
        template: None,
        model: ModelConfig::Flamingo(config),
    };
    let ours = world.path("ours");
    save(
        &ours,
        &file,
        &tokenizer,
        &named_tensors(&model),
        Precision::F32,
    )
    .unwrap();
    let opened = open(&Source::Directory(ours)).unwrap();
    export_open_flamingo(&opened, &world.path("theirs"), Precision::F32).unwrap();
    world
}

#[test]
fn only_new_tokens_of_a_published_language_model_learn() {
    let world = with_published_parts();
    let part = open_language(&world.path("theirs/lm")).unwrap();
    let [new] = part.new_tokens[..] else {
        panic!(
            "its tokenizer lacks <|endofchunk|> alone: {:?}",
            part.new_tokens
        )
    };
    run(&world.recipe(RECIPE), Resume::Fresh, None).unwrap();
    let whole = load_part(&Source::Directory(world.path("flamingo/model"))).unwrap();
    for name in part.tensors.names() {
        let before = part.tensors.values(name).unwrap();
        let after = whole.2.values(&format!("language.{name}")).unwrap();
        let is_table = name == "embed.weight" || name == "head.weight";
        for (row, (before, after)) in before.chunks(8).zip(after.chunks(8)).enumerate() {
            let learns = is_table && row == new as usize;
            assert_eq!(before != after, learns, "{name} row {row}");
        }
    }
    assert_eq!(whole.0.tokens.end_of_chunk, "<|endofchunk|>");
}

#[test]
fn a_resumed_run_over_published_parts_equals_an_uninterrupted_one() {
    resumed_equals_uninterrupted(&with_published_parts().recipe(RECIPE), 2);
}
