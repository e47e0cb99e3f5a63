//! A small random Llama-3.2-Vision: pictures of several tiles, blocks in place of layers, a picture
//! token without a logit.

use std::collections::HashMap;

use flamingo_engine::{Answer, Decoding, Engine, EngineOptions, RankBy, Source};
use flamingo_image::{Filter, Fit, Image, Media, Preprocess, Transparency};
use flamingo_kernels::{Activation, Device, Init, Matrices, NormKind, Precision, QuantKind};
use flamingo_model::language::{Positions, RotaryScaling};
use flamingo_model::vision::{TilesConfig, VisionConfig, VitConfig};
use flamingo_model::{Flamingo, FlamingoConfig, GatedConfig, LanguageConfig, Placement};
use flamingo_sequence::{Candidates, Document, Part, Tokenizer, Visibility};
use flamingo_weights::{FORMAT_VERSION, PARTS_FORMAT_VERSION};
use flamingo_weights::{ModelConfig, ModelFile, convert, named_tensors, open, save};

const MOST: usize = 4;

fn config(vocabulary: usize) -> FlamingoConfig {
    let language = LanguageConfig {
        vocabulary,
        key_value_heads: 2,
        positions: Positions::Rotary {
            fraction: 1.0,
            base: 500_000.0,
            scaling: Some(RotaryScaling {
                factor: 8.0,
                low: 1.0,
                high: 4.0,
                original_length: 64,
            }),
        },
        // The picture's token is the last one.
        head_rows: Some(vocabulary - 1),
        ..LanguageConfig::llama(32, 3, 4, 40)
    };
    FlamingoConfig {
        vision: VisionConfig::Vit(VitConfig {
            image_size: 12,
            patch: 4,
            width: 16,
            layers: 3,
            heads: 2,
            activation: Activation::Gelu,
            projection: None,
            class_token_in_features: true,
            attention_bias: false,
            tiles: Some(TilesConfig {
                most: MOST,
                global_layers: 2,
                intermediate: vec![0, 2],
                multiple: 8,
            }),
            ..VitConfig::vit_l_14()
        }),
        resampler: None,
        gated: GatedConfig {
            layers: vec![1, 3, 4],
            placement: Placement::Instead,
            key_value_heads: Some(2),
            head_dim: 8,
            activation: Activation::Silu,
            norm: NormKind::RmsNorm,
            query_key_norm: true,
            ffw_width: Some(40),
            gated_ffw: true,
            seeing_only: true,
            ..GatedConfig::paper(1, 4)
        },
        language,
        project_media: true,
        media_projection_bias: true,
    }
}

/// A directory with the model.
fn directory() -> tempfile::TempDir {
    let mut tokens = flamingo_world::special_token_names();
    let json = String::from_utf8(flamingo_world::tokenizer_json()).unwrap();
    let plain = Tokenizer::from_bytes(json.as_bytes(), &tokens).unwrap();
    // A picture token behind all others.
    let mut file: serde_json::Value = serde_json::from_str(&json).unwrap();
    tokens.image = "<|image|>".to_owned();
    let mut added = file["added_tokens"][0].clone();
    added["id"] = plain.vocab_size().into();
    added["content"] = tokens.image.clone().into();
    file["added_tokens"].as_array_mut().unwrap().push(added);
    let tokenizer = Tokenizer::from_bytes(file.to_string().as_bytes(), &tokens).unwrap();
    let config = config(tokenizer.vocab_size());
    let mut init = Init::new(5, &Device::flex());
    let mut model = Flamingo::new(&config, &mut init).unwrap();
    for block in &mut model.gated {
        block.alpha_xattn = Some(init.full([1], 1.5));
        block.alpha_dense = Some(init.full([1], -0.8));
    }
    if let Some(tiles) = model.vision.vit.as_mut().and_then(|vit| vit.tiles.as_mut()) {
        for table in [&mut tiles.before, &mut tiles.places, &mut tiles.between] {
            table.alpha = init.full([1], 0.6);
        }
    }
    let file = ModelFile {
        template: None,
        version: FORMAT_VERSION,
        preprocess: Some(Preprocess {
            transparency: Transparency::White,
            filter: Filter::Bilinear,
            ..Preprocess::clip(12, Fit::Tiles { most: MOST })
        }),
        tokens,
        sees: Visibility::LastRow,
        parts: Default::default(),
        model: ModelConfig::Flamingo(config),
    };
    let folder = tempfile::tempdir().unwrap();
    let tensors = named_tensors(&model);
    save(folder.path(), &file, &tokenizer, &tensors, Precision::F32).unwrap();
    folder
}

fn engine(folder: &std::path::Path, options: EngineOptions) -> Engine {
    let source = Source::Directory(folder.to_path_buf());
    Engine::open(&source, &Device::flex(), options).unwrap()
}

fn pictures() -> HashMap<String, Media> {
    let picture = |width: u32, height: u32, seed: u32| {
        Media::Image(Image::from_fn(width, height, move |x, y| {
            [(x * 20) as u8, (y * seed * 9) as u8, (seed * 50) as u8]
        }))
    };
    HashMap::from([
        ("small".into(), picture(9, 11, 1)),
        ("wide".into(), picture(30, 10, 2)),
        ("large".into(), picture(50, 40, 3)),
    ])
}

fn image(name: &str) -> Part {
    Part::Image(name.into())
}

fn text(text: &str) -> Part {
    Part::Text(text.into())
}

/// Without a picture, with one, with two apart and with three, two of them beside each other.
fn prompts() -> Vec<Document> {
    vec![
        Document::new([text("no picture at all. Output:")]),
        Document::new([text("before"), image("wide"), text("Output:")]),
        Document::new([
            image("small"),
            text("Output: one"),
            Part::End,
            image("large"),
            text("Output:"),
        ]),
        Document::new([
            text("the"),
            image("large"),
            image("wide"),
            text("and"),
            image("small"),
            text("is"),
        ]),
    ]
}

/// Tokens with the bits of their log-probabilities.
fn bits(answers: &[Answer]) -> Vec<Vec<(u32, u32)>> {
    let of_token = |token: &flamingo_engine::Token| (token.id, token.logprob.to_bits());
    let of_answer = |answer: &Answer| answer.tokens.iter().map(of_token).collect();
    answers.iter().map(of_answer).collect()
}

fn answers(engine: &mut Engine, prompts: &[Document]) -> Vec<Answer> {
    let decoding = Decoding {
        max_new_tokens: 6,
        repetition_penalty: 1.1,
        ..Decoding::default()
    };
    engine
        .generate(prompts, &pictures(), &decoding, &mut |_, _| {})
        .unwrap()
}

#[test]
fn a_prompt_gives_the_same_bits_alone_and_beside_others_that_have_pictures_or_none() {
    let folder = directory();
    let mut together = engine(folder.path(), EngineOptions::default());
    let together = bits(&answers(&mut together, &prompts()));
    for (prompt, together) in prompts().into_iter().zip(together) {
        let mut alone = engine(folder.path(), EngineOptions::default());
        assert_eq!(bits(&answers(&mut alone, &[prompt])), [together]);
    }
}

#[test]
fn words_before_the_first_picture_know_nothing_of_it() {
    let folder = directory();
    let mut engine = engine(folder.path(), EngineOptions::default());
    let mut first = |parts: Vec<Part>| {
        let read = engine
            .distributions(&Document::new(parts), &pictures())
            .unwrap();
        read.after(1).to_vec()
    };
    let alone = first(vec![text("before")]);
    for name in ["small", "large"] {
        assert_eq!(
            alone,
            first(vec![text("before"), image(name), text("Output:")])
        );
    }
}

#[test]
fn every_picture_of_a_row_is_seen_and_one_before_it_is_not() {
    let folder = directory();
    let mut engine = engine(folder.path(), EngineOptions::default());
    let mut last = |parts: Vec<Part>| {
        let read = engine
            .distributions(&Document::new(parts), &pictures())
            .unwrap();
        read.after(read.tokens.len() - 1).to_vec()
    };
    let row = |a: &str, b: &str| vec![image(a), image(b), text("Output:")];
    let both = last(row("wide", "small"));
    assert_ne!(both, last(row("large", "small")));
    assert_ne!(both, last(row("wide", "large")));
}

#[test]
fn the_pictures_token_is_never_written_and_scores_are_those_of_the_words() {
    let folder = directory();
    let mut engine = engine(folder.path(), EngineOptions::default());
    let specials = *engine.tokenizer().specials();
    for answer in answers(&mut engine, &prompts()) {
        assert!(answer.tokens.iter().all(|token| token.id != specials.image));
    }
    let scored = |document: Document| Candidates {
        document,
        candidates: vec![" one".into(), " it is red".into()],
    };
    let requests: Vec<Candidates> = prompts().into_iter().map(scored).collect();
    let together = engine.score(&requests, &pictures(), RankBy::Sum).unwrap();
    for (request, together) in requests.into_iter().zip(together) {
        let alone = engine.score(&[request], &pictures(), RankBy::Sum).unwrap();
        let sums = |scores: &flamingo_engine::Scores| -> Vec<f64> {
            scores.candidates.iter().map(|c| f64::from(c.sum)).collect()
        };
        assert_eq!(sums(&alone[0]), sums(&together));
        assert!(sums(&together).iter().all(|sum| sum.is_finite()));
    }
}

#[test]
fn latents_of_pictures_of_any_tiling_come_from_their_folder_as_they_went_in() {
    let (folder, latents) = (directory(), tempfile::tempdir().unwrap());
    let options = || EngineOptions {
        latents: Some(latents.path().to_path_buf()),
        ..EngineOptions::default()
    };
    let first = bits(&answers(&mut engine(folder.path(), options()), &prompts()));
    let kept = std::fs::read_dir(latents.path()).unwrap().count();
    assert_eq!(kept, 3);
    let second = bits(&answers(&mut engine(folder.path(), options()), &prompts()));
    assert_eq!(first, second);
}

#[test]
fn it_is_converted_and_quantised_like_any_model() {
    let folder = directory();
    let opened = open(&Source::Directory(folder.path().to_path_buf())).unwrap();
    let out = folder.path().join("converted");
    convert(&opened, &out, Precision::F32).unwrap();
    let written = ModelFile::read(&out).unwrap().unwrap();
    assert_eq!(written.version, PARTS_FORMAT_VERSION);
    let options = || EngineOptions::default();
    let expected = bits(&answers(&mut engine(folder.path(), options()), &prompts()));
    assert_eq!(
        expected,
        bits(&answers(&mut engine(&out, options()), &prompts()))
    );
    let quantised = EngineOptions {
        matrices: Matrices::Quantised(QuantKind::Q8_0),
        ..options()
    };
    let mut quantised = engine(folder.path(), quantised);
    assert!(quantised.weighed().quantised[&QuantKind::Q8_0].tensors > 30);
    assert_eq!(answers(&mut quantised, &prompts()).len(), 4);
}
