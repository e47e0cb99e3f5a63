//! The paper's other ways to look: cross-attention inside of the layers, and blocks on top of the model.

use flamingo_model::{Gate, Placement};

use super::*;

fn vanilla(gated: &mut GatedConfig) {
    (gated.placement, gated.gate, gated.dense) = (Placement::Inside, Gate::Open, false);
}

fn grafting(gated: &mut GatedConfig) {
    (gated.placement, gated.gate) = (Placement::OnTop, Gate::Open);
}

const WAYS: [fn(&mut GatedConfig); 2] = [vanilla, grafting];

#[test]
fn answers_are_the_same_in_a_batch_and_their_tokens_as_likely_as_scores_say() {
    let sampling = Decoding {
        max_new_tokens: 9,
        ..Decoding::default()
    };
    for way in WAYS {
        let mut engine = engine_with(way, EngineOptions::default());
        let together = answers(&mut engine, &prompts(), &sampling);
        for (prompt, together) in prompts().into_iter().zip(&together) {
            let alone = engine.generate(
                std::slice::from_ref(&prompt),
                &pictures(),
                &sampling,
                &mut |_, _| {},
            );
            let alone = alone.unwrap().remove(0);
            assert_eq!(alone.text, *together);
            let encoded = engine.tokenizer().encode(&alone.text).unwrap();
            if alone.finish != Finish::Length || encoded.len() != 9 {
                continue; // the text does not spell the same tokens
            }
            let request = Candidates {
                document: prompt,
                candidates: vec![" daxo".into(), alone.text.clone()],
            };
            let scores = engine.score(&[request], &pictures(), RankBy::Sum).unwrap();
            let sum: f32 = alone.tokens.iter().map(|token| token.logprob).sum();
            let scored = scores[0].candidates[1].sum;
            assert!((scored - sum).abs() < 1e-3, "{scored} {sum}");
        }
    }
}

#[test]
fn scores_do_not_depend_on_caches_of_pictures_and_beginnings() {
    let requests = || -> Vec<Candidates> {
        let candidates = || vec![" daxo".to_owned(), " one".into(), " one red".into()];
        let request = |document| Candidates {
            document,
            candidates: candidates(),
        };
        prompts().into_iter().map(request).collect()
    };
    for way in WAYS {
        let mut wide = engine_with(way, EngineOptions::default());
        let first = wide.score(&requests(), &pictures(), RankBy::Sum).unwrap();
        // What was read before is found again.
        let again = wide.score(&requests(), &pictures(), RankBy::Sum).unwrap();
        let narrow = EngineOptions {
            batch: 1,
            media_bytes: 0,
            prefix_bytes: 0,
            ..EngineOptions::default()
        };
        let mut narrow = engine_with(way, narrow);
        let alone = narrow.score(&requests(), &pictures(), RankBy::Sum).unwrap();
        for (number, scores) in first.iter().enumerate() {
            for (at, candidate) in scores.candidates.iter().enumerate() {
                for other in [&again, &alone] {
                    let other = &other[number].candidates[at];
                    assert!(
                        (candidate.sum - other.sum).abs() < 1e-4,
                        "{candidate:?} {other:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn what_is_looked_at_behind_a_prompt_is_what_its_first_token_looks_at() {
    for way in WAYS {
        let mut engine = engine_with(way, EngineOptions::default());
        let prompt = &prompts()[1];
        let look = engine.look(prompt, &pictures()).unwrap().unwrap();
        let sum: f32 = look.weights.iter().sum();
        assert!(sum > 0.0 && sum <= 1.0 + 1e-5, "{look:?}");
        let looks = engine.look_along(prompt, &[7, 11], &pictures()).unwrap();
        assert!(distance(&looks[0].weights, &look.weights) < 1e-5);
        assert!(distance(&looks[1].weights, &look.weights) > 1e-6);
        assert_eq!(engine.gates(), vec![[1.0, 1.0]; engine.gates().len()]);
    }
}
