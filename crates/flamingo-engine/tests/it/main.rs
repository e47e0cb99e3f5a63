//! The engine over a small random model: the same answers in a batch as alone, scores that are the
//! log-likelihoods of a full pass, clear errors.

#![allow(clippy::unwrap_used)]

mod decoding;
mod placements;
mod queue;
mod tiles;

use std::collections::HashMap;

use flamingo_engine::{Decoding, Engine, EngineOptions, Event, Finish, RankBy, Request, Source};
use flamingo_image::{Film, Fit, Image, Media, Preprocess};
use flamingo_kernels::{Activation, Device, Init, Precision};
use flamingo_model::language::QueryKeyNorm;
use flamingo_model::vision::{VisionConfig, VitConfig};
use flamingo_model::{
    Flamingo, FlamingoConfig, GatedConfig, LanguageConfig, PerceiverResamplerConfig,
};
use flamingo_sequence::{Candidates, Document, Part, Tokenizer};
use flamingo_weights::{FORMAT_VERSION, ModelConfig, ModelFile, named_tensors, save};

fn engine(options: EngineOptions) -> Engine {
    engine_with(|_| (), options)
}

/// An engine whose gated blocks were changed.
fn engine_with(change: fn(&mut GatedConfig), options: EngineOptions) -> Engine {
    let tokens = flamingo_world::special_token_names();
    let tokenizer = Tokenizer::from_bytes(&flamingo_world::tokenizer_json(), &tokens).unwrap();
    let mut config = FlamingoConfig {
        vision: VisionConfig::Vit(VitConfig::small(8, 4, 6, 1, 2)),
        resampler: Some(PerceiverResamplerConfig {
            width: 12,
            latents: 3,
            layers: 2,
            heads: 2,
            head_dim: 5,
            ffw_multiple: 2,
            activation: Activation::SquaredRelu,
            time_embeddings: 4,
            ..PerceiverResamplerConfig::paper()
        }),
        project_media: true,
        media_projection_bias: false,
        gated: GatedConfig {
            head_dim: 5,
            ..GatedConfig::paper(1, 2)
        },
        language: LanguageConfig {
            vocabulary: tokenizer.vocab_size(),
            ..LanguageConfig::mpt(12, 2, 3, QueryKeyNorm::Whole)
        },
    };
    change(&mut config.gated);
    let mut init = Init::new(5, &Device::flex());
    let mut model = Flamingo::new(&config, &mut init).unwrap();
    for alpha in model
        .gated
        .iter_mut()
        .flat_map(|block| &mut block.alpha_xattn)
    {
        *alpha = init.full([1], 2.0);
    }
    let file = ModelFile {
        version: FORMAT_VERSION,
        preprocess: Some(Preprocess::clip(8, Fit::Pad)),
        tokens,
        sees: Default::default(),
        parts: Default::default(),
        template: None,
        model: ModelConfig::Flamingo(config),
    };
    let folder = tempfile::tempdir().unwrap();
    save(
        folder.path(),
        &file,
        &tokenizer,
        &named_tensors(&model),
        Precision::F32,
    )
    .unwrap();
    let source = Source::Directory(folder.path().to_path_buf());
    Engine::open(&source, &Device::flex(), options).unwrap()
}

fn pictures() -> HashMap<String, Media> {
    let picture = |seed: u32| {
        Image::from_fn(11, 7, move |x, y| {
            [(x * 20) as u8, (y * seed * 9) as u8, (seed * 50) as u8]
        })
    };
    let film = Film::new((1..4).map(picture).collect(), None, "film").unwrap();
    HashMap::from([
        ("a".into(), Media::Image(picture(1))),
        ("b".into(), Media::Image(picture(2))),
        ("c".into(), Media::Image(picture(3))),
        ("film".into(), Media::Film(film)),
    ])
}

fn image(name: &str) -> Part {
    Part::Image(name.into())
}

fn text(text: &str) -> Part {
    Part::Text(text.into())
}

fn prompts() -> Vec<Document> {
    vec![
        Document::new([text("Output:")]),
        Document::new([
            image("a"),
            text("Output: one"),
            Part::End,
            image("b"),
            text("Output:"),
        ]),
        Document::new([Part::Video("film".into()), text("what is this? Output:")]),
        Document::new([text("the"), image("c"), image("a"), image("b"), text(".")]),
    ]
}

fn answers(engine: &mut Engine, prompts: &[Document], sampling: &Decoding) -> Vec<String> {
    let answers = engine
        .generate(prompts, &pictures(), sampling, &mut |_, _| {})
        .unwrap();
    answers.into_iter().map(|answer| answer.text).collect()
}

#[test]
fn a_batch_of_ragged_prompts_answers_as_each_alone() {
    let mut engine = engine(EngineOptions::default());
    let sampling = Decoding {
        max_new_tokens: 9,
        ..Decoding::default()
    };
    let together = answers(&mut engine, &prompts(), &sampling);
    for (prompt, together) in prompts().into_iter().zip(together) {
        assert_eq!(answers(&mut engine, &[prompt], &sampling), [together]);
    }
}

#[test]
fn a_picture_changes_the_scores_of_what_follows_it() {
    let mut engine = engine(EngineOptions::default());
    let mut score = |name: &str| {
        let document = Document::new([image(name), text("Output:")]);
        let request = Candidates {
            document,
            candidates: vec![" one".into()],
        };
        engine.score(&[request], &pictures(), RankBy::Sum).unwrap()[0].candidates[0].sum
    };
    assert!((score("a") - score("b")).abs() > 1e-4);
    assert_eq!(score("a"), score("a"));
}

#[test]
fn a_candidates_score_is_the_sum_of_what_generation_says_of_its_tokens() {
    let mut engine = engine(EngineOptions::default());
    let sampling = Decoding {
        max_new_tokens: 4,
        ..Decoding::default()
    };
    for document in prompts() {
        let answer = engine.generate(
            std::slice::from_ref(&document),
            &pictures(),
            &sampling,
            &mut |_, _| {},
        );
        let answer = answer.unwrap().remove(0);
        if answer.finish != Finish::Length
            || engine.tokenizer().encode(&answer.text).unwrap().len() != 4
        {
            continue; // the text does not spell the same tokens
        }
        let sum: f32 = answer.tokens.iter().map(|token| token.logprob).sum();
        let candidates = vec![" one".into(), answer.text.clone(), " daxo pig-face".into()];
        let scores = engine
            .score(
                &[Candidates {
                    document,
                    candidates,
                }],
                &pictures(),
                RankBy::Sum,
            )
            .unwrap();
        let scored = &scores[0].candidates[1];
        assert!((scored.sum - sum).abs() < 1e-3, "{} {sum}", scored.sum);
        assert!((scored.mean - sum / 4.0).abs() < 1e-3);
    }
}

#[test]
fn scores_do_not_depend_on_the_batch_or_on_the_cache() {
    let requests = || -> Vec<Candidates> {
        let candidates = || vec![" daxo".to_owned(), " one".into(), " it is red".into()];
        prompts()
            .into_iter()
            .map(|document| Candidates {
                document,
                candidates: candidates(),
            })
            .collect()
    };
    let wide = engine(EngineOptions::default())
        .score(&requests(), &pictures(), RankBy::Sum)
        .unwrap();
    let narrow = EngineOptions {
        batch: 1,
        media_bytes: 0,
        prefix_bytes: 0,
        ..EngineOptions::default()
    };
    let narrow = engine(narrow)
        .score(&requests(), &pictures(), RankBy::Sum)
        .unwrap();
    for (a, b) in wide.iter().zip(&narrow) {
        for (a, b) in a.candidates.iter().zip(&b.candidates) {
            assert!((a.sum - b.sum).abs() < 1e-4, "{a:?} {b:?}");
        }
    }
}

#[test]
fn what_is_streamed_is_the_answer_and_stop_texts_are_cut_off() {
    let mut engine = engine(EngineOptions::default());
    let whole = Decoding {
        max_new_tokens: 12,
        temperature: 1.5,
        seed: 3,
        ..Decoding::default()
    };
    let answer = answers(&mut engine, &prompts()[..1], &whole).remove(0);
    let middle = answer
        .char_indices()
        .nth(answer.chars().count() / 2)
        .unwrap()
        .0;
    let stop = answer[middle..].chars().take(2).collect::<String>();
    let stopped = Decoding {
        stop: vec![stop.clone()],
        ..whole
    };
    let mut streamed = String::new();
    let answers = engine
        .generate(&prompts()[..1], &pictures(), &stopped, &mut |_, text| {
            streamed.push_str(text)
        })
        .unwrap();
    assert_eq!(answers[0].finish, Finish::Stop);
    assert_eq!(answers[0].text, answer[..answer.find(&stop).unwrap()]);
    assert_eq!(streamed, answers[0].text);
}

#[test]
fn the_same_seed_draws_the_same_answer_and_another_one_another() {
    let mut engine = engine(EngineOptions::default());
    let warm = |seed| Decoding {
        max_new_tokens: 8,
        temperature: 1.0,
        seed,
        ..Decoding::default()
    };
    let first = answers(&mut engine, &prompts(), &warm(1));
    assert_eq!(first, answers(&mut engine, &prompts(), &warm(1)));
    assert_ne!(first, answers(&mut engine, &prompts(), &warm(2)));
}

#[test]
fn an_answer_looks_at_the_last_picture_and_nowhere_without_one() {
    let mut engine = engine(EngineOptions::default());
    let look = engine.look(&prompts()[1], &pictures()).unwrap().unwrap();
    assert_eq!(
        (look.reference.as_str(), look.side, look.frames),
        ("b", 2, 1)
    );
    let sum: f32 = look.weights.iter().sum();
    assert!(
        look.weights.len() == 4 && sum > 0.0 && sum <= 1.0 + 1e-5,
        "{look:?}"
    );
    assert_eq!(engine.look(&prompts()[0], &pictures()).unwrap(), None);
}

/// The largest difference.
fn distance(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}

#[test]
fn media_are_embedded_as_the_encoder_sees_them_alone_and_bad_ones_are_told_apart() {
    let mut engine = engine(EngineOptions::default());
    let embeddings = engine.embed(&["a", "film", "nowhere", "b"], &pictures());
    let [a, film, nowhere, b] = <[_; 4]>::try_from(embeddings).ok().unwrap();
    let (a, film, b) = (a.unwrap(), film.unwrap(), b.unwrap());
    assert!(nowhere.unwrap_err().to_string().contains("nowhere"));
    let images = ["a", "b"].map(|name| match pictures().remove(name) {
        Some(Media::Image(image)) => image,
        _ => panic!("a picture"),
    });
    for (embedding, pooled) in [&a, &b].into_iter().zip(engine.pooled(&images)) {
        assert!(distance(&embedding.pooled, &pooled) < 1e-6);
        // Three latents of the text's width.
        assert_eq!(embedding.latents.len(), 3 * 12);
    }
    assert!(distance(&a.latents, &b.latents) > 1e-4);
    assert_eq!(
        (film.pooled.len(), film.latents.len()),
        (a.pooled.len(), 36)
    );
    let alone = engine.embed(&["b"], &pictures()).remove(0).unwrap();
    assert!(distance(&alone.latents, &b.latents) < 1e-5);
}

#[test]
fn attention_carried_back_by_an_embedding_is_the_look_whether_the_prompt_was_scored_or_not() {
    let mut engine = engine(EngineOptions::default());
    let prompts = [
        prompts().remove(1),
        prompts().remove(0),
        prompts().remove(3),
    ];
    let looks = prompts
        .clone()
        .map(|prompt| engine.look(&prompt, &pictures()).unwrap());
    let embedding = engine.embed(&["b"], &pictures()).remove(0).unwrap();
    for scored in [false, true] {
        if scored {
            let candidates = prompts.clone().map(|document| Candidates {
                document,
                candidates: vec!["one".into(), "two".into()],
            });
            engine.score(&candidates, &pictures(), RankBy::Sum).unwrap();
        }
        let attention = engine.attention(&prompts, &pictures()).unwrap();
        for (attention, look) in attention.iter().zip(&looks) {
            assert_eq!(attention.is_some(), look.is_some());
            let (Some(attention), Some(look)) = (attention, look) else {
                continue;
            };
            assert!(
                (attention.iter().sum::<f32>() - 1.0).abs() < 1e-5,
                "{attention:?}"
            );
            let again = embedding.look(attention);
            assert_eq!(
                (&again.reference, again.side, again.frames),
                (&look.reference, look.side, look.frames)
            );
            assert!(distance(&again.weights, &look.weights) < 1e-5);
        }
    }
}

#[test]
fn each_token_of_an_answer_has_its_own_look_and_the_first_is_that_behind_the_prompt() {
    let mut engine = engine(EngineOptions::default());
    let prompt = &prompts()[1];
    let first = engine.look(prompt, &pictures()).unwrap().unwrap();
    let looks = engine
        .look_along(prompt, &[7, 11, 13], &pictures())
        .unwrap();
    assert_eq!(looks.len(), 3);
    let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
    assert!(near(&looks[0].weights, &first.weights));
    let shorter = engine.look_along(prompt, &[7, 11], &pictures()).unwrap();
    assert!(near(&looks[1].weights, &shorter[1].weights));
    assert!(!near(&looks[1].weights, &looks[2].weights));
}

#[test]
fn gates_are_told_as_they_were_set() {
    let gates = engine(EngineOptions::default()).gates();
    assert!(!gates.is_empty());
    for [attention, dense] in gates {
        assert!((attention - 2.0_f32.tanh()).abs() < 1e-6);
        assert_eq!(dense, 0.0);
    }
}

#[test]
fn the_likeliest_tokens_are_told_beside_each_of_an_answer_and_with_its_pieces() {
    let mut engine = engine(EngineOptions::default());
    let decoding = Decoding {
        max_new_tokens: 5,
        top_logprobs: 3,
        ..Decoding::default()
    };
    let prompt = prompts().swap_remove(1);
    let answers = engine.generate(
        std::slice::from_ref(&prompt),
        &pictures(),
        &decoding,
        &mut |_, _| {},
    );
    let answer = answers.unwrap().swap_remove(0);
    for token in &answer.tokens {
        assert_eq!(token.top.len(), 3);
        assert_eq!(
            (token.top[0].id, token.top[0].logprob),
            (token.id, token.logprob)
        );
        assert!(token.top.is_sorted_by(|a, b| a.logprob >= b.logprob));
    }
    let request = Request::Generate {
        prompt,
        decoding,
        stream: 0,
    };
    engine.submit(request).unwrap();
    let (mut text, mut tokens, mut last) = (String::new(), Vec::new(), None);
    while engine.pending() > 0 {
        for event in engine.step(&pictures()) {
            match event {
                Event::Text {
                    text: piece,
                    tokens: with,
                    ..
                } => {
                    text += &piece;
                    tokens.extend(with);
                }
                Event::Answered { answers, .. } => last = answers.into_iter().next(),
                other => panic!("{other:?}"),
            }
        }
    }
    let last = last.unwrap();
    assert_eq!((&last.text, &last.tokens), (&answer.text, &answer.tokens));
    assert_eq!(text, answer.text);
    assert!(answer.tokens.starts_with(&tokens));
}

#[test]
fn bad_requests_are_named() {
    let mut engine = engine(EngineOptions {
        max_media: 2,
        ..EngineOptions::default()
    });
    let error = |result: flamingo_engine::Result<Vec<flamingo_engine::Answer>>| {
        result.err().unwrap().to_string()
    };
    let sampling = Decoding::default();
    let mut ask = |document: Document, sampling: &Decoding| {
        error(engine.generate(&[document], &pictures(), sampling, &mut |_, _| {}))
    };
    let many = ask(prompts()[3].clone(), &sampling);
    assert!(many.contains('3') && many.contains('2'), "{many}");
    let unknown = ask(Document::new([image("nowhere.jpg")]), &sampling);
    assert!(unknown.contains("nowhere.jpg"), "{unknown}");
    let option = ask(
        prompts()[0].clone(),
        &Decoding {
            top_p: 2.0,
            ..sampling
        },
    );
    assert!(option.contains("top_p is 2"), "{option}");
    let empty = Candidates {
        document: prompts()[0].clone(),
        candidates: vec![],
    };
    let mut score = |requests: &[Candidates]| {
        let scores = engine.score(requests, &pictures(), RankBy::Sum);
        scores.err().unwrap().to_string()
    };
    let alone = score(std::slice::from_ref(&empty));
    assert!(alone.starts_with("`candidates` is empty"), "{alone}");
    // Of several prompts, the one is told, whether it is refused at once or when its picture is read.
    let good = Candidates {
        candidates: vec![" a".into()],
        ..empty.clone()
    };
    let second = score(&[good.clone(), empty]);
    assert!(second.starts_with("prompt 2: `candidates`"), "{second}");
    let lost = Candidates {
        document: Document::new([image("nowhere.jpg")]),
        ..good.clone()
    };
    let third = score(&[good.clone(), good, lost]);
    assert!(
        third.starts_with("prompt 3: ") && third.contains("nowhere.jpg"),
        "{third}"
    );
}
